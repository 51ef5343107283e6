"""The routes that control a training: what they take, what they answer, and every way to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.real import House, house
from tests.jobs.stage import COMPLETED, STARTED

VERBS: dict[str, dict[str, Any]] = {
    "pause": {},
    "resume": {},
    "step": {"unit": "batch"},
    "pace": {"batches_per_second": 2.5},
    "settings": {"learning_rate": 0.5},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house(tmp_path) as made:
        monkeypatch.setattr(made.engine.jobs, "_check_data", lambda: None)
        yield made


@pytest.fixture
def job_id(home: House) -> str:
    network = home.client.post("/api/networks").get_json()["network_id"]
    job_id: str = home.client.post(f"/api/networks/{network}/train", json={"epochs": 2}).get_json()["job_id"]
    home.engine.jobs.release(job_id)
    return job_id


def control(home: House, job_id: str, verb: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    reply = home.client.post(f"/api/training/{job_id}/{verb}", json=VERBS[verb] if body is None else body)
    answer: dict[str, Any] = reply.get_json()
    return reply.status_code, answer


def test_each_answers_with_the_record(home: House, job_id: str) -> None:
    shown = home.client.get(f"/api/training/{job_id}").get_json()
    for verb, state in (("settings", "queued"), ("pause", "paused"), ("pace", "paused"), ("step", "paused")):
        status, record = control(home, job_id, verb)
        assert (status, record["state"]) == (202, state)
        assert record.keys() == shown.keys()
        if verb != "step":  # which the assistant may have begun by now
            assert record == home.client.get(f"/api/training/{job_id}").get_json()
    assert (record["learning_rate"], record["pace"], record["pause_requested"]) == (0.5, 2.5, True)


def test_a_paused_job_goes_on(home: House, job_id: str) -> None:
    control(home, job_id, "pause")
    assert control(home, job_id, "resume")[1]["state"] == "queued"
    control(home, job_id, "pause")
    assert control(home, job_id, "step", {"unit": "epoch"})[1]["state"] == "queued"
    assert control(home, job_id, "pace", {"batches_per_second": None})[1]["pace"] is None


@pytest.mark.parametrize("verb", VERBS)
def test_unknown_and_ended_jobs(home: House, job_id: str, verb: str) -> None:
    for unknown in ("no", "no%20way", "9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d"):
        status, body = control(home, unknown, verb)
        assert (status, body["code"]) == (404, "unknown_job")
    home.say(job_id, STARTED, COMPLETED)
    status, body = control(home, job_id, verb)
    assert (status, body["code"]) == (409, "job_ended")
    assert "completed" in body["error"]
    network_id = home.client.get(f"/api/training/{job_id}").get_json()["network_id"]
    assert f"POST /api/networks/{network_id}/train" in body["error"]


@pytest.mark.parametrize("verb", ["resume", "step"])
def test_the_state_must_allow_it(home: House, job_id: str, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, body = control(home, job_id, verb)
    assert (status, body["code"]) == (409, "wrong_state")
    assert "queued" in body["error"]
    assert "Pause it first" in body["error"]
    home.say(job_id, STARTED)
    monkeypatch.setattr(home.engine.backend, "withdraw", lambda _: False)  # it is with a worker
    control(home, job_id, "pause")
    status, body = control(home, job_id, verb)
    assert (status, body["code"]) == (409, "wrong_state")
    assert body["error"] == "This job is about to pause. Wait until it is: the event training_paused tells of it."


def test_what_rests_cannot_be_paused_again(home: House, job_id: str) -> None:
    control(home, job_id, "pause")
    status, body = control(home, job_id, "pause")
    assert (status, body["code"]) == (409, "wrong_state")
    assert "paused already" in body["error"]


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("step", {"unit": "year"}, "unit"),
        ("step", {"unit": None}, "unit"),
        ("step", {"units": "batch"}, "units"),
        ("pace", {}, "batches_per_second"),
        *(("pace", {"batches_per_second": value}, "batches_per_second") for value in (0, 0.09, 1001, "2", True, -1)),
        *(("settings", {"learning_rate": value}, "learning_rate") for value in (0, -1, None, "1", True)),
        *(("settings", {"momentum": value}, "momentum") for value in (-0.1, 1, None)),
        *(("settings", {"mini_batch_size": value}, "mini_batch_size") for value in (0, 50_001, 1.5, None)),
        ("settings", {"epochs": 3}, "epochs"),
        ("settings", {}, ""),
    ],
)
def test_wrong_values_name_their_field(home: House, job_id: str, verb: str, body: dict[str, Any], field: str) -> None:
    status, answer = control(home, job_id, verb, body)
    assert (status, answer["code"]) == (422, "invalid_value")
    assert [wrong["field"] for wrong in answer["detail"]] == [field]
    assert all(wrong["allowed"] for wrong in answer["detail"])
    assert home.client.get(f"/api/training/{job_id}").get_json()["pending_changes"] == {}


def test_at_least_one_setting_must_be_named(home: House, job_id: str) -> None:
    for reply in (
        home.client.post(f"/api/training/{job_id}/settings", json={}),
        home.client.post(f"/api/training/{job_id}/settings"),
    ):
        assert reply.status_code == 422
        text = reply.get_json()["error"]
        assert all(word in text for word in ("at least one", "learning_rate", "momentum", "mini_batch_size"))


def test_settings_that_do_not_go_together_are_refused(home: House) -> None:
    network = home.client.post("/api/networks").get_json()["network_id"]
    settings = {"optimizer": "adam", "learning_rate": 0.001}
    job_id = home.client.post(f"/api/networks/{network}/train", json=settings).get_json()["job_id"]
    status, answer = control(home, job_id, "settings", {"momentum": 0.9})
    assert (status, answer["code"]) == (422, "invalid_value")
    assert "momentum belongs to sgd" in answer["error"]


def test_a_server_that_stops_lets_nothing_go_on(home: House, job_id: str) -> None:
    control(home, job_id, "pause")
    home.engine.jobs.controls.stop()
    for verb in ("resume", "step"):
        status, body = control(home, job_id, verb)
        assert (status, body["code"]) == (503, "not_ready")
