"""A real server trains with settings of all kinds, and then says what the last epoch changed and what it got wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.listening import listening
from tests.e2e.rest import create, job, network, train
from tests.serving import Server, serving

pytestmark = pytest.mark.process

RECIPE: dict[str, Any] = {
    "mini_batch_size": 50,
    "learning_rate": 0.05,
    "seed": 3,
    "optimizer": "sgd",
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.0001,
    "schedule": "step",
    "step_every": 1,
    "step_factor": 0.5,
    "warm_up": 0.25,
    "clip_norm": 5.0,
    "label_smoothing": 0.05,
    "augment": [],
    "shuffle": False,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("models")) as server:
        yield server


def trained(server: Server, epochs: int) -> tuple[str, list[dict[str, Any]]]:
    """Train the same network for so many epochs; return its id and what was told of each epoch."""
    network_id = create(server, layer_sizes=[784, 16, 10], activation="relu", seed=4, dropout=0.1)
    with listening(server.url) as listener:
        job_id = train(server, network_id, epochs=epochs, **RECIPE)
        assert listener.wait_for_end(job_id).name == "training_complete"
        told = [event.data for event in listener.of(job_id)]
    record = job(server, job_id)
    assert {name: record[name] for name in RECIPE} == RECIPE
    epochs_told = [one for one in told if "epoch" in one]
    for one in epochs_told:
        assert 0.3 < one["training_accuracy"] < 1
        assert one["gradient_norm"] > 0
        (layer,) = one["neurons"]
        assert layer["total"] == 16
        assert layer.keys() == {"dead", "saturated", "alike", "total"}
    return network_id, epochs_told


def answers(server: Server, network_id: str) -> list[int]:
    """What the network takes each of the 10,000 test digits for."""
    found: list[int] = []
    for start in range(0, 10_000, 1_000):
        body = {"start_index": start, "count": 1_000}
        reply = server.post(f"/api/networks/{network_id}/predict_batch", json=body)
        found += [one["predicted_digit"] for one in reply.json()["results"]]
    return found


def test_the_last_epoch_is_compared_with_the_one_before_it(server: Server) -> None:
    # A constant rate within an epoch and no shuffling: the first epoch of two is that of a run of one.
    (one, _), (two, told) = trained(server, 1), trained(server, 2)
    assert network(server, two)["dropout"] == 0.1
    before, now = answers(server, one), answers(server, two)
    evaluation = server.get(f"/api/networks/{two}/evaluation").json()
    assert evaluation["correct"] == told[-1]["correct"] == round(10_000 * evaluation["accuracy"])
    assert evaluation["changed"]["known"] is True
    assert server.get(f"/api/networks/{one}/evaluation").json()["changed"]["known"] is False
    assert told[1]["correct"] - told[0]["correct"] == (
        evaluation["changed"]["turned_right"] - evaluation["changed"]["turned_wrong"]
    )

    page = server.get(f"/api/networks/{two}/answers?outcome=turned_wrong&limit=100&sort=-confidence").json()
    assert page["total"] == evaluation["changed"]["turned_wrong"] > 0
    for answer in page["answers"]:
        place = answer["example_index"]
        assert answer["previous_digit"] == answer["actual_digit"] == before[place]
        assert answer["predicted_digit"] == now[place] != before[place]
    changed = sum(a != b for a, b in zip(before, now, strict=True))
    assert changed >= evaluation["changed"]["turned_wrong"] + evaluation["changed"]["turned_right"]

    cell = server.get(f"/api/networks/{two}/answers?actual=4&predicted=9&limit=1").json()
    assert cell["total"] == evaluation["confusion_matrix"][4][9]


def test_a_network_that_was_never_trained_is_passed_through_when_it_is_asked(server: Server) -> None:
    network_id = create(server, layer_sizes=[784, 10], seed=1)
    evaluation = server.get(f"/api/networks/{network_id}/evaluation").json()
    assert sum(map(sum, evaluation["confusion_matrix"])) == evaluation["total"] == 10_000
    assert evaluation["changed"] == {"known": False, "turned_wrong": 0, "turned_right": 0}
    wrong = server.get(f"/api/networks/{network_id}/answers?outcome=wrong&limit=3").json()
    assert wrong["total"] == 10_000 - evaluation["correct"]
    assert [answer["previous_digit"] for answer in wrong["answers"]] == [None] * 3


def test_settings_that_cannot_be_are_refused_and_queue_nothing(server: Server) -> None:
    network_id = create(server, layer_sizes=[784, 10])
    for settings, field in (
        ({"optimizer": "adam", "momentum": 0.5}, "momentum"),
        ({"epochs": 2, "warm_up": 2}, "warm_up"),
        ({"augment": ["mirror"]}, "augment[0]"),
    ):
        reply = server.post(f"/api/networks/{network_id}/train", json=settings)
        assert reply.status_code == 422
        assert [wrong["field"] for wrong in reply.json()["detail"]] == [field]
    assert server.get(f"/api/training?network_id={network_id}").json()["total"] == 0
