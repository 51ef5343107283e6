"""What a real server says of the next step of a paused run is what the step then does; its gradients agree."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.serving import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("insight")) as server:
        yield server


def network(server: Server, **more: Any) -> str:
    answer = server.post("/api/networks", json={"layer_sizes": [784, 12, 10], "seed": 1} | more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["network_id"])


def paused(server: Server, network_id: str, **settings: Any) -> str:
    """A run that rests somewhere in its first epoch."""
    body = {"epochs": 2, "learning_rate": 0.5, "seed": 1} | settings
    job_id = str(server.post(f"/api/networks/{network_id}/train", json=body).json()["job_id"])
    server.post(f"/api/training/{job_id}/pace", json={"batches_per_second": 5})
    wait_for(server, job_id, lambda job: job["step"] >= 1)
    server.post(f"/api/training/{job_id}/pause")
    wait_for(server, job_id, lambda job: job["state"] == "paused")
    return job_id


def wait_for(server: Server, job_id: str, holds: Any) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = server.get(f"/api/training/{job_id}").json()
        if holds(job):
            return job
        assert job["state"] in ("queued", "running", "paused"), job


def incoming(server: Server, network_id: str, layer: int, neuron: int) -> Any:
    """The exact weights into a neuron, as the network is now."""
    whole = server.get(f"/api/networks/{network_id}/frame?layer={layer}&neuron={neuron}").content
    (length,) = struct.unpack_from(">I", whole)
    header = json.loads(whole[4 : 4 + length])
    (part,) = (part for part in header["parts"] if part["name"] == "incoming")
    return np.frombuffer(whole, np.float32, part["shape"][0], 4 + length + part["offset"])


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"optimizer": "adam", "learning_rate": 0.01}], ids=str)
def test_the_step_does_what_was_said(settings: dict[str, Any], server: Server) -> None:
    network_id = network(server)
    job_id = paused(server, network_id, **settings)
    said = server.get(f"/api/training/{job_id}/explanation?layer=2&neuron=7").json()
    before = server.get(f"/api/training/{job_id}").json()
    assert (said["step"], said["batch"], said["batches"]) == (before["step"], before["batch"] + 1, 5000)
    assert (said["shown"], said["total"], len(said["examples"])) == (10, 10, 10)
    assert base64.b64decode(said["examples"][0]["image_data"]).startswith(b"\x89PNG")
    assert said["bias"]["gradient"] == pytest.approx(sum(one["delta"] for one in said["examples"]), abs=1e-6)
    weights, changes = (np.array(said[f"incoming_{name}"], np.float32) for name in ("weights", "changes"))
    np.testing.assert_array_equal(incoming(server, network_id, 2, 7), weights)
    assert server.get(f"/api/training/{job_id}/explanation?layer=2&neuron=7").json() == said  # asking changes nothing
    assert server.post(f"/api/training/{job_id}/step").status_code == 202
    wait_for(server, job_id, lambda job: job["step"] == before["step"] + 1 and not job["pause_requested"])
    assert np.abs(changes).max() > 0
    np.testing.assert_allclose(incoming(server, network_id, 2, 7), weights + changes, atol=1e-7)
    server.post(f"/api/training/{job_id}/cancel")


def test_the_terms_that_are_said_make_z_and_delta(server: Server) -> None:
    network_id = network(server, layer_sizes=[784, 12, 8, 10], activation="relu", dropout=0.5)
    job_id = paused(server, network_id, label_smoothing=0.1)
    where = f"/api/training/{job_id}/explanation"
    first, second, last = (server.get(f"{where}?layer={layer}&neuron=3").json() for layer in (1, 2, 3))
    assert all(said["dropout"] == 0.5 and said["label_smoothing"] == 0.1 for said in (first, second, last))
    for said in (first, second, last):
        for one in said["examples"]:
            top = sum(term["product"] for term in one["top"])
            assert len(one["top"]) + one["rest"]["terms"] <= {1: 784, 2: 12, 3: 8}[said["layer"]]
            assert one["z"] == pytest.approx(top + one["rest"]["sum"] + said["bias"]["value"], abs=1e-5)
            back = one["passed_back"]
            if said is last:
                assert (back, one["dropout_factor"], one["slope"]) == (None, None, None)
                assert one["target"] == pytest.approx(0.91 if one["label"] == 3 else 0.01)
                delta = (one["a"] - one["target"]) / said["total"]
            else:
                assert one["target"] is None
                assert one["dropout_factor"] in (0, 2)
                total = sum(term["product"] for term in back["top"]) + back["rest"]["sum"]
                assert total == pytest.approx(back["sum"], abs=1e-12)
                assert all(term["product"] == term["weight"] * term["delta"] for term in back["top"])
                delta = one["slope"] * one["dropout_factor"] * back["sum"]
            assert one["delta"] == pytest.approx(delta, rel=1e-4, abs=1e-8)
    server.post(f"/api/training/{job_id}/cancel")


def test_a_weight_that_changes_little_is_told_of_where_it_is_asked_for(server: Server) -> None:
    network_id = network(server)
    job_id = paused(server, network_id)
    where = f"/api/training/{job_id}/explanation?layer=2&neuron=7"
    usual = server.get(where).json()["weights"]
    (little, *_) = set(range(12)) - {weight["input"] for weight in usual}
    asked = server.get(f"{where}&input={little}").json()
    assert asked["weights"][:-1] == usual
    assert asked["weights"][-1]["input"] == little
    assert asked["weights"][-1]["after"] == pytest.approx(
        asked["incoming_weights"][little] + asked["incoming_changes"][little], abs=1e-7
    )
    assert server.get(f"{where}&input={usual[3]['input']}").json()["weights"] == usual
    server.post(f"/api/training/{job_id}/cancel")


def test_a_step_in_which_the_run_diverges_is_not_explained_but_named(server: Server) -> None:
    network_id = network(server, activation="relu")
    job_id = paused(server, network_id)
    server.post(f"/api/training/{job_id}/settings", json={"learning_rate": 1e30})
    for _ in range(20):
        answer = server.get(f"/api/training/{job_id}/explanation?layer=2&neuron=7")
        if answer.status_code != 200:
            break
        before = server.get(f"/api/training/{job_id}").json()["step"]
        server.post(f"/api/training/{job_id}/step")
        wait_for(server, job_id, lambda job, step=before: job["step"] > step and not job["pause_requested"])
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "diverges in its next step" in answer.json()["error"]
    server.post(f"/api/training/{job_id}/cancel")


def test_who_may_not_ask_is_told_why(server: Server) -> None:
    network_id = network(server)
    job_id = paused(server, network_id)
    where = f"/api/training/{job_id}/explanation"
    for query, text in (
        ("layer=3", "1 to 2"),
        ("layer=2&neuron=10", "0 to 9"),
        ("layer=0", "layer"),
        ("neuron=x", "neuron"),
        ("layer=2&input=12", "0 to 11"),
        ("input=784", "0 to 783"),
    ):
        refused = server.get(f"{where}?{query}")
        assert refused.status_code == 422, query
        assert text in json.dumps(refused.json())
    assert server.get("/api/training/nobody/explanation").status_code == 404
    server.post(f"/api/training/{job_id}/resume")
    wait_for(server, job_id, lambda job: job["state"] == "running")
    refused = server.get(where)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    server.post(f"/api/training/{job_id}/cancel")
    while server.get(f"/api/training/{job_id}").json()["state"] != "cancelled":
        pass
    assert server.get(where).json()["code"] == "job_ended"


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_gradients_of_a_network_as_it_is_agree(activation: str, server: Server) -> None:
    network_id = network(server, activation=activation)
    where = f"/api/networks/{network_id}/gradient_check"
    first = server.get(f"{where}?per_layer=50").json()
    job_id = paused(server, network_id)
    later = server.get(f"{where}?per_layer=50").json()
    server.post(f"/api/training/{job_id}/cancel")
    for check in (first, later):
        assert [layer["layer"] for layer in check["layers"]] == [1, 2]
        assert all(layer["ok"] and 0 < layer["checked"] <= 50 for layer in check["layers"]), check
    assert first["layers"] != later["layers"]  # the weights in the checkpoint, not the first ones
    assert server.get(f"{where}?per_layer=201").status_code == 422
    assert server.get("/api/networks/nobody/gradient_check").status_code == 404
