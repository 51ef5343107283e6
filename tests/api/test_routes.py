"""What callers see when all goes well: each route of networks, training and examples."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from hippo.network import NetworkSpec
from hippo.training.config import TrainingConfig
from tests.api.fake_engine import FakeEngine

NewNetwork = Callable[[], str]


def test_status_counts_networks_jobs_and_workers(client: FlaskClient, new_network: NewNetwork) -> None:
    network = new_network()
    client.post(f"/api/networks/{network}/train")
    assert client.get("/api/status").get_json() == {
        "status": "online",
        "version": "0.1.0",
        "active_networks": 1,
        "training_jobs": 1,
        "active_training_jobs": 0,
        "queued_jobs": 1,
        "paused_jobs": 0,
        "workers_total": 2,
        "workers_busy": 1,
        "mnist_loaded": True,
    }


@pytest.mark.parametrize("path", ["/healthz", "/v1/healthz"])
def test_health_says_what_is_loaded(client: FlaskClient, engine: FakeEngine, path: str) -> None:
    assert client.get(path).get_json() == {"status": "healthy", "network_loaded": False, "mnist_loaded": True}
    engine.inference.ready = True
    assert client.get(path).get_json()["network_loaded"] is True
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_a_network_without_options_is_the_classic_one(client: FlaskClient) -> None:
    reply = client.post("/api/networks")
    body = reply.get_json()
    assert reply.status_code == 201
    assert body["architecture"] == body["layer_sizes"] == [784, 30, 10]
    assert body["status"] == "created"
    assert "784-30-10" in body["message"]
    assert (body["activation"], body["loss"], body["initializer"]) == ("sigmoid", "quadratic", "xavier")


@pytest.mark.parametrize("options", [{}, {"data": b""}, {"data": b"", "content_type": "text/plain"}, {"json": {}}])
def test_an_absent_body_counts_as_an_empty_object(client: FlaskClient, options: dict[str, object]) -> None:
    assert client.post("/api/networks", **options).status_code == 201


def test_a_network_is_made_as_it_was_asked_for(client: FlaskClient, engine: FakeEngine) -> None:
    wanted = {"layer_sizes": [784.0, 64, 10], "activation": "relu", "seed": 7, "name": "mine", "dropout": 0.25}
    client.post("/api/networks", json=wanted, content_type="application/json; charset=utf-8")
    spec = NetworkSpec((784, 64, 10), "relu", "cross_entropy", "he", 7, 0.25)
    assert engine.calls == [("create", spec, "mine")]
    assert all(type(size) is int for size in engine.calls[0][1].layer_sizes)


def test_networks_are_listed_shown_and_deleted(client: FlaskClient, new_network: NewNetwork) -> None:
    first, second = new_network(), new_network()
    listed = client.get("/api/networks").get_json()["networks"]
    assert [network["network_id"] for network in listed] == [first, second]
    assert client.get(f"/api/networks/{first}").get_json() == listed[0]
    assert client.get(f"/api/networks/{first}/").get_json() == listed[0]
    deleted = client.delete(f"/api/networks/{first}").get_json()
    assert deleted == {"network_id": first, "deleted_from_memory": True, "deleted_from_disk": True}
    assert client.get(f"/api/networks/{first}").status_code == 404


def test_deleting_all_names_what_is_kept(client: FlaskClient, new_network: NewNetwork) -> None:
    busy, _, _ = new_network(), new_network(), new_network()
    client.post(f"/api/networks/{busy}/train")
    deleted = client.delete("/api/networks").get_json()
    assert (deleted["deleted_count"], deleted["deleted_from_memory"], deleted["deleted_from_disk"]) == (2, 2, 2)
    assert deleted["kept"] == [busy]
    assert busy in deleted["message"]


@pytest.mark.parametrize(("body", "days"), [({}, 2), ({"days": 2}, 2), ({"days": 0.5}, 0.5), ({"days": 30.0}, 30)])
def test_cleaning_up_takes_days(client: FlaskClient, engine: FakeEngine, body: dict[str, float], days: float) -> None:
    reply = client.post("/api/networks/cleanup", json=body)
    assert reply.get_json() == {
        "deleted_count": 1,
        "kept": [],
        "days": days,
        "message": "1 network was deleted.",
    }
    assert f'"days":{days},' in reply.text
    assert engine.calls == [("cleanup", days)]


def test_training_takes_its_options_and_draws_a_seed(
    client: FlaskClient, engine: FakeEngine, new_network: NewNetwork
) -> None:
    network = new_network()
    options = {"epochs": 30.0, "mini_batch_size": 20, "learning_rate": 1, "seed": 5}
    reply = client.post(f"/api/networks/{network}/train", json=options)
    assert reply.status_code == 202
    body = reply.get_json()
    assert (body["network_id"], body["status"]) == (network, "training_started")
    assert ("submit", network, TrainingConfig(30, 20, 1.0, 5)) in engine.calls
    seeds = set()
    for _ in range(2):
        client.post(f"/api/networks/{new_network()}/train")
        seeds.update(call[2].seed for call in engine.calls if call[0] == "submit")
    assert len(seeds) == 3


EVERY_SETTING = {
    "epochs": 12,
    "mini_batch_size": 64,
    "learning_rate": 0.05,
    "seed": 5,
    "optimizer": "sgd",
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.001,
    "schedule": "step",
    "step_every": 4,
    "step_factor": 0.5,
    "warm_up": 1.5,
    "clip_norm": 2,
    "label_smoothing": 0.1,
    "augment": ["shift", "elastic"],
    "shuffle": False,
}


def test_training_takes_every_setting_there_is(
    client: FlaskClient, engine: FakeEngine, new_network: NewNetwork
) -> None:
    assert EVERY_SETTING.keys() == TrainingConfig().to_dict().keys()
    network = new_network()
    assert client.post(f"/api/networks/{network}/train", json=EVERY_SETTING).status_code == 202
    assert engine.calls[1][2] == TrainingConfig(**EVERY_SETTING)  # type: ignore[arg-type]
    assert engine.calls[1][2].to_dict() == EVERY_SETTING


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"momentum": 0.9, "optimizer": "adam"}, "momentum"),
        ({"nesterov": True}, "nesterov"),
        ({"warm_up": 5}, "warm_up"),
        ({"warm_up": 1, "schedule": "one_cycle"}, "warm_up"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_name(
    client: FlaskClient, engine: FakeEngine, new_network: NewNetwork, settings: dict[str, object], field: str
) -> None:
    reply = client.post(f"/api/networks/{new_network()}/train", json=settings)
    body = reply.get_json()
    assert (reply.status_code, body["code"]) == (422, "invalid_value")
    assert [wrong["field"] for wrong in body["detail"]] == [field]
    assert body["error"] == body["message"] == body["detail"][0]["message"]
    assert field in body["error"]
    assert "field" not in body
    assert [name for name, *_ in engine.calls] == ["create"]


def test_a_job_is_released_when_its_reply_has_been_written_and_not_before(
    app: Flask, engine: FakeEngine, new_network: NewNetwork
) -> None:
    reply = app.test_client().post(f"/api/networks/{new_network()}/train", buffered=False)
    assert reply.status_code == 202
    assert "release" not in [name for name, *_ in engine.calls]
    job = reply.get_json()["job_id"]
    reply.close()
    assert engine.calls[-1] == ("release", job)


def test_jobs_are_listed_shown_cancelled_and_remembered(
    client: FlaskClient, engine: FakeEngine, new_network: NewNetwork
) -> None:
    job = client.post(f"/api/networks/{new_network()}/train").get_json()["job_id"]
    listed = client.get("/api/training").get_json()
    assert (listed["total"], listed["jobs"][0]["job_id"]) == (1, job)
    assert client.get(f"/api/training/{job}").get_json() == listed["jobs"][0]
    engine.events[job] = [{"event": "training_update", "data": {"seq": seq}} for seq in (1, 2)]
    history = client.get(f"/api/training/{job}/events?after=1").get_json()
    assert history == {"events": [{"event": "training_update", "data": {"seq": 2}}], "last_seq": 2}
    reply = client.post(f"/api/training/{job}/cancel")
    assert (reply.status_code, reply.get_json()["state"]) == (202, "cancelled")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", (None, None, 50, 0)),
        ("?status=&network_id=&limit=5&offset=10", (None, None, 5, 10)),
        ("?status=pending&network_id=x", ("pending", "x", 50, 0)),
        ("?status=diverged", ("diverged", None, 50, 0)),
    ],
)
def test_jobs_are_filtered(client: FlaskClient, engine: FakeEngine, query: str, asked: tuple[object, ...]) -> None:
    assert client.get(f"/api/training{query}").status_code == 200
    assert engine.calls == [("list_jobs", *asked)]


def test_an_example_is_a_picture_with_the_networks_answer(client: FlaskClient, new_network: NewNetwork) -> None:
    network = new_network()
    body = client.get(f"/api/networks/{network}/successful_example").get_json()
    picture = Image.open(io.BytesIO(base64.b64decode(body["image_data"], validate=True)))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (28, 28))
    assert picture.getpixel((1, 1)) == 29
    assert len(body["output_weights"]) == len(body["network_output"]) == 10
    assert (body["network_id"], body["example_index"], body["correct"]) == (network, 5, True)
    assert (body["predicted_digit"], body["actual_digit"]) == (7, 7)
    missing = client.get(f"/api/networks/{network}/unsuccessful_example")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "no_such_example")


def test_head_and_options_behave(client: FlaskClient) -> None:
    head = client.head("/api/networks")
    assert (head.status_code, head.data) == (200, b"")
    options = client.options("/api/networks")
    assert options.status_code == 200
    assert {"GET", "POST", "DELETE", "HEAD", "OPTIONS"} <= set(options.headers["Allow"].split(", "))
