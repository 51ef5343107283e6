"""The stream of a training: its exact text on the wire, how it is taken up again, and that nothing of it is left."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from hippo.api import sse
from hippo.api.sse import Streams
from hippo.errors import DataError
from hippo.training import TrainingConfig
from tests.api.real import House, house
from tests.jobs.stage import COMPLETED, EPOCH, STARTED

COMMENT = ": heartbeat\n\n"
PLACE = {"batch": 5, "batches": 10, "step": 5}
SECOND = EPOCH | {"epoch": 2, "test_accuracy": 3, "test_total": 4, "accuracy": 0.75, "elapsed_time": 2.0}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house(tmp_path) as made:
        monkeypatch.setattr(made.engine.jobs, "_check_data", lambda: None)
        made.client.post("/network/create", json={"sizes": [784, 10]})
        yield made


def begin(home: House, **body: Any) -> tuple[TestResponse, Iterator[str], str]:
    """Start a run; return the reply, its stream, and the id of the job."""
    body = {"epochs": 2, **body}
    reply = home.app.test_client().post("/network/train", json=body, buffered=False)
    assert reply.status_code == 200, reply.text
    (job,) = home.client.get("/api/training?limit=1").get_json()["jobs"]
    return reply, text_of(reply), job["job_id"]


def go_on(home: House, event_id: str, **options: Any) -> TestResponse:
    headers = {"Last-Event-ID": event_id}
    return home.app.test_client().post("/network/train", headers=headers, buffered=False, **options)


def head(job: str, after: int = 0) -> str:
    """Return what a stream begins with: a comment, and where it goes on, which is no event."""
    return f": heartbeat\nid: {job}:{after}\n\n"


def text_of(reply: TestResponse) -> Iterator[str]:
    return (part.decode() for part in reply.response)  # type: ignore[union-attr]


def test_the_text_on_the_wire(home: House) -> None:
    reply, stream, job = begin(home)
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Content-Length" not in reply.headers
    assert next(stream) == head(job)
    home.say(job, STARTED, EPOCH | {"epoch": 1, "test_accuracy": 2, "test_total": 4, "accuracy": 0.5})
    assert next(stream) == (
        f"id: {job}:1\n"
        'data: {"epoch": 1, "total_epochs": 2, "test_accuracy": 2, "accuracy": 2, "test_total": 4, '
        '"total_test_samples": 4, "accuracy_percent": 50.0}\n'
        "\n"
    )
    home.say(job, SECOND, COMPLETED)
    assert "".join(stream) == (
        f"id: {job}:2\n"
        'data: {"epoch": 2, "total_epochs": 2, "test_accuracy": 3, "accuracy": 3, "test_total": 4, '
        '"total_test_samples": 4, "accuracy_percent": 75.0}\n'
        "\n"
        f'id: {job}:3\ndata: {{"status": "completed"}}\n\n'
    )
    assert len(home.app.extensions["streams"]) == 0


def test_it_is_the_job_that_everybody_sees(home: House) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    home.engine.jobs.bus.subscribe(lambda name, payload: sent.append((name, payload)))
    _, stream, job = begin(home, mini_batch_size=20, learning_rate=0.5)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1}, SECOND, COMPLETED)
    text = "".join(stream)
    kept = [payload for _, payload in sent if "seq" in payload]
    assert [f"id: {job}:{payload['seq']}" in text for payload in kept] == [True] * 3
    record = home.engine.jobs.get(job)
    assert (record["mini_batch_size"], record["learning_rate"], record["epochs"]) == (20, 0.5, 2)
    assert record["network_id"] == home.engine.current.id()


def test_a_change_of_settings_is_left_out(home: House) -> None:
    _, stream, job = begin(home)
    next(stream)
    changed = {"type": "changed", "step": 5, "epoch": 1, "batch": 5, "wanted": None}
    made = {"momentum": {"from": 0.0, "to": 0.5}}
    home.say(job, STARTED, changed | {"changes": made}, EPOCH | {"epoch": 1}, SECOND, COMPLETED)
    text = "".join(stream)
    assert [f"id: {job}:{seq}" in text for seq in (1, 2, 3, 4)] == [False, True, True, True]
    assert text == "".join(text_of(go_on(home, f"{job}:1")))[len(head(job, 1)) :]


def test_the_validation_set_may_be_counted(home: House) -> None:
    _, stream, job = begin(home, use_test_data=False)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1, "validation_accuracy": 0.6, "validation_total": 5})
    counted = '"test_accuracy": 3, "accuracy": 3, "test_total": 5, "total_test_samples": 5, "accuracy_percent": 60.0}'
    assert counted in next(stream)
    home.say(job, SECOND, COMPLETED)
    assert counted in "".join(text_of(go_on(home, f"{job}:0")))  # also when it is taken up again


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ({"type": "diverged", "error": "It diverged.", "epochs": 0, "elapsed": 1.0}, "It diverged. The network keeps"),
        ({"type": "failed", "error": "No memory."}, "No memory."),
        ({"type": "cancelled", "epochs": 0, "elapsed": 1.0}, "The training was cancelled."),
    ],
)
def test_an_end_without_success_says_why(home: House, report: dict[str, Any], text: str) -> None:
    _, stream, job = begin(home)
    next(stream)
    home.say(job, STARTED, report)
    (event,) = stream
    error = home.engine.jobs.get(job)["error"]
    assert error.startswith(text)
    assert event == f'id: {job}:1\ndata: {{"status": "failed", "error": "{error}"}}\n\n'


def test_a_job_that_is_cancelled_while_it_waits_ends_its_stream(home: House) -> None:
    _, stream, job = begin(home)
    next(stream)
    home.client.post(f"/api/training/{job}/cancel")
    assert '"status": "failed"' in "".join(stream)


def test_a_stream_is_taken_up_again(home: House) -> None:
    first, stream, job = begin(home)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1})
    event = next(stream)
    first.close()  # the client is gone
    assert len(home.app.extensions["streams"]) == 0
    home.say(job, SECOND)
    assert home.engine.jobs.get(job)["state"] == "running"
    stream = text_of(go_on(home, f"{job}:1", json={"epochs": 50}))
    assert next(stream) == head(job, 1)
    assert next(stream).startswith(f"id: {job}:2\n")
    home.say(job, COMPLETED)
    assert "".join(stream) == f'id: {job}:3\ndata: {{"status": "completed"}}\n\n'
    assert home.client.get("/api/training").get_json()["total"] == 1
    whole = "".join(text_of(go_on(home, f"{job}:0")))
    assert whole.startswith(head(job) + event)
    assert whole.count("data: ") == 3


def test_a_stream_behind_the_last_event_ends_at_once(home: House) -> None:
    _, stream, job = begin(home)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1}, SECOND, COMPLETED)
    assert "".join(stream).count("data: ") == 3
    assert "".join(text_of(go_on(home, f"{job}:3"))) == head(job, 3)


def test_a_client_cut_off_before_the_first_event_goes_on_from_the_start(home: House) -> None:
    reply, stream, job = begin(home)
    given = next(stream).split("id: ")[1].split("\n")[0]
    reply.close()
    home.say(job, STARTED, EPOCH | {"epoch": 1}, SECOND, COMPLETED)
    assert "".join(text_of(go_on(home, given))).count("data: ") == 3
    assert home.client.get("/api/training").get_json()["total"] == 1


def test_an_event_that_was_never_sent_is_unknown(home: House) -> None:
    _, stream, job = begin(home)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1})
    for event_id in (f"{job}:2", f"{job}:99"):
        reply = home.client.post("/network/train", headers={"Last-Event-ID": event_id})
        assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_job")
        assert "its last is 1" in reply.get_json()["error"]
    assert home.client.get("/api/training").get_json()["total"] == 1


@pytest.mark.parametrize("event_id", ["nonsense", "x:1", ":", "x:", f"{'0' * 36}:1", "a:b:1", "../x:1"])
def test_an_unknown_event_id_starts_nothing(home: House, event_id: str) -> None:
    reply = home.client.post("/network/train", headers={"Last-Event-ID": event_id}, json={"epochs": 1})
    assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_job")
    assert home.client.get("/api/training").get_json()["total"] == 0


def test_an_empty_event_id_counts_as_none(home: House) -> None:
    reply = go_on(home, " ", json={"epochs": 1})
    assert reply.status_code == 200
    assert home.client.get("/api/training").get_json()["total"] == 1
    reply.close()


def test_a_comment_is_sent_while_nothing_happens(home: House) -> None:
    streams = Streams(home.engine.jobs, heartbeat=0.001)
    job = home.engine.jobs.submit(home.engine.current.id(), TrainingConfig())["job_id"]
    stream = streams.text(job, 0, of_validation=False)
    assert list(itertools.islice(stream, 4)) == [head(job), *[COMMENT] * 3]
    home.say(job, STARTED, EPOCH | {"epoch": 1})
    assert next(part for part in stream if part != COMMENT).startswith(f"id: {job}:1\n")
    assert len(streams) == 1
    stream.close()  # type: ignore[attr-defined]
    assert len(streams) == 0
    assert sse.HEARTBEAT == 15


def test_events_of_other_jobs_wake_nobody(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, stream, job = begin(home)
    next(stream)
    asked: list[str] = []
    history = home.engine.jobs.history
    monkeypatch.setattr(home.engine.jobs, "history", lambda *args: asked.append(args[0]) or history(*args))
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(next(stream)))
    reader.start()
    other = home.engine.jobs.submit(home.trained()[0], TrainingConfig(2))["job_id"]
    home.say(other, STARTED, EPOCH | {"epoch": 1}, SECOND)
    home.say(job, STARTED, {"type": "progress", "epoch": 1, "loss": 1.0} | PLACE, EPOCH | {"epoch": 1})
    reader.join(10)
    assert seen[0].startswith(f"id: {job}:1\n")
    assert set(asked) == {job}
    assert len(asked) <= 2


def test_training_starts_when_the_head_of_the_reply_is_sent(home: House) -> None:
    released: list[str] = []
    release = home.engine.jobs.release
    home.engine.jobs.release = lambda job_id: released.append(job_id) or release(job_id)  # type: ignore[method-assign]
    _, stream, job = begin(home)
    assert next(stream) == head(job)
    assert released == []
    home.say(job, STARTED, EPOCH | {"epoch": 1})
    next(stream)
    assert released == [job]


def test_the_end_of_the_server_ends_the_streams(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, stream, _ = begin(home)
    next(stream)
    asked = threading.Event()
    history = home.engine.jobs.history
    monkeypatch.setattr(home.engine.jobs, "history", lambda *args: asked.set() or history(*args))
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.extend(stream))
    reader.start()
    assert asked.wait(10)  # from here on it waits for news
    home.app.extensions["streams"].stop()
    reader.join(10)
    assert not reader.is_alive()
    assert rest == []


def test_there_is_a_limit_on_streams(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reply, stream, job = begin(home)
    next(stream)
    monkeypatch.setattr(sse, "MAX_STREAMS", 1)
    refused = go_on(home, f"{job}:0")
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_clients")
    reply.close()
    again = go_on(home, f"{job}:0")
    assert again.status_code == 200
    again.close()


def test_a_network_in_training_is_left_alone(home: House) -> None:
    _, stream, job = begin(home)
    next(stream)
    for reply in (
        home.client.post("/network/train", json={"epochs": 1}),
        home.client.post("/network/create", json={}),
    ):
        assert (reply.status_code, reply.get_json()["code"]) == (409, "training_in_progress")
        assert reply.get_json()["job_id"] == job
    assert home.client.get("/network/state").status_code == 200


def test_without_network_or_data_there_is_no_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DataError("MNIST is missing.")

    with house(tmp_path) as home:
        reply = home.client.post("/network/train", json={"epochs": 1})
        assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_network")
        home.client.post("/network/create")
        monkeypatch.setattr(home.engine.jobs, "_check_data", missing)
        reply = home.client.post("/network/train", json={"epochs": 1})
        assert (reply.status_code, reply.get_json()["code"]) == (503, "data_missing")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"epochs": 0},
        {"epochs": 101},
        {"epochs": 1.5},
        {"epochs": "1"},
        {"epochs": True},
        {"epochs": 1, "mini_batch_size": 0},
        {"epochs": 1, "mini_batch_size": 50_001},
        {"epochs": 1, "learning_rate": 0},
        {"epochs": 1, "learning_rate": 10.1},
        {"epochs": 1, "learning_rate": "3"},
        {"epochs": 1, "use_test_data": 1},
        {"epochs": 1, "seed": 1},
    ],
)
def test_wrong_settings_are_refused(home: House, body: dict[str, Any]) -> None:
    reply = home.client.post("/network/train", json=body)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_value")
    assert home.client.get("/api/training").get_json()["total"] == 0


def test_pages_of_other_origins_may_take_a_stream_up_again(home: House) -> None:
    headers = {
        "Origin": "http://localhost:4200",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,last-event-id",
    }
    reply = home.client.options("/network/train", headers=headers)
    assert "last-event-id" in reply.headers["Access-Control-Allow-Headers"].lower()


def test_a_stream_without_news_waits_and_does_not_turn(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    _, stream, job = begin(home)
    next(stream)
    home.say(job, STARTED, EPOCH | {"epoch": 1})
    assert '"epoch": 1' in next(stream)
    reads: list[int] = []
    history = home.engine.jobs.history

    def counted(job_id: str, after: int) -> Any:
        reads.append(after)
        return history(job_id, after)

    monkeypatch.setattr(home.engine.jobs, "history", counted)
    monkeypatch.setattr(home.app.extensions["streams"], "_heartbeat", 0.2)
    assert [next(stream), next(stream)] == [COMMENT, COMMENT]
    assert len(reads) <= 2
