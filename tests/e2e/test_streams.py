"""Training as a stream of events, in every async mode: live, cut off, taken up again, over a restart of the server."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from tests.e2e.conftest import MODES
from tests.e2e.listening import listening
from tests.e2e.rest import job
from tests.e2e.streams import Sent, streaming
from tests.serving import Server, serving

pytestmark = pytest.mark.process


def create(server: Server, *hidden: int) -> str:
    reply = server.post("/network/create", json={"sizes": [784, *hidden, 10]})
    assert reply.status_code == 201, reply.text
    network_id: str = reply.json()["network_id"]
    return network_id


def jobs(server: Server) -> int:
    total: int = server.get("/api/training").json()["total"]
    return total


def test_the_stream_is_the_job_that_socket_io_shows(server: Server) -> None:
    network_id = create(server, 20)
    before = server.get("/network/state").json()
    with listening(server.url) as listener, streaming(server, epochs=3, mini_batch_size=50) as stream:
        first = next(stream)
        # Live: the job is not at its end, and others are answered, while the stream is open.
        assert job(server, first.job_id)["state"] == "running"
        assert server.post("/network/train", json={"epochs": 1}).status_code == 409
        assert server.post("/network/create").status_code == 409
        sent = [first, *stream]
        listener.wait_for_end(first.job_id)
        heard = listener.of(first.job_id)
    assert [event.id for event in sent] == [f"{first.job_id}:{seq}" for seq in (1, 2, 3, 4)]
    for event, other in zip(sent[:3], heard[:3], strict=True):
        count, total = other.data["correct"], other.data["total"]
        assert event.data == {
            "epoch": other.data["epoch"],
            "total_epochs": 3,
            "test_accuracy": count,
            "accuracy": count,
            "test_total": total,
            "total_test_samples": total,
            "accuracy_percent": count / 100,
        }
    assert sent[3].data == {"status": "completed"}
    assert job(server, first.job_id)["network_id"] == network_id
    after = server.get("/network/state").json()
    assert (after["network_id"], after["sizes"]) == (network_id, [784, 20, 10])
    assert after["weights"] != before["weights"]


def test_a_second_run_goes_on_from_the_weights_of_the_first(server: Server) -> None:
    network_id = create(server, 10)
    counts = []
    for _ in range(2):
        with streaming(server, epochs=1, mini_batch_size=100, use_test_data=False) as stream:
            counts.append(next(stream).data["accuracy"])
            assert [event.data for event in stream] == [{"status": "completed"}]
    assert counts[1] > counts[0]
    assert server.get(f"/api/networks/{network_id}").json()["epochs_trained"] == 2
    history = server.get(f"/api/training?network_id={network_id}").json()["jobs"]
    events = server.get(f"/api/training/{history[0]['job_id']}/events").json()["events"]
    assert events[0]["data"]["validation_correct"] == counts[1]


def test_a_client_that_goes_away_stops_nothing_and_comes_back(server: Server) -> None:
    create(server, 30)
    with listening(server.url) as listener:
        with streaming(server, epochs=4, mini_batch_size=20) as stream:
            first = next(stream)
        listener.wait_for_epoch(first.job_id, 2)
        with streaming(server, last=first.id) as again:
            seen = [next(again)]
        number = jobs(server)
        with streaming(server, last=seen[-1].id, epochs=50) as again:
            seen += again
        assert jobs(server) == number
        assert listener.wait_for_end(first.job_id).name == "training_complete"
    assert [event.seq for event in seen] == [2, 3, 4, 5]
    assert seen[-1].data == {"status": "completed"}
    with streaming(server, last=f"{first.job_id}:0") as whole:
        assert list(whole) == [first, *seen]


def test_many_streams_of_one_job_hear_the_same(server: Server) -> None:
    create(server, 20)
    heard: list[list[Sent]] = [[] for _ in range(20)]
    with streaming(server, epochs=3, mini_batch_size=50) as stream:
        first = next(stream)

        def follow(place: int) -> None:
            with streaming(server, last=first.id) as other:
                heard[place] = list(other)

        followers = [threading.Thread(target=follow, args=(place,)) for place in range(len(heard))]
        for follower in followers:
            follower.start()
        rest = list(stream)
        for follower in followers:
            follower.join(60)
    assert heard == [rest] * len(heard)
    assert server.get("/api/status").status_code == 200


def test_a_cancelled_run_ends_its_stream(server: Server) -> None:
    create(server, 30)
    with streaming(server, epochs=100) as stream:
        first = next(stream)
        server.post(f"/api/training/{first.job_id}/cancel")
        last = list(stream)[-1]
    assert last.data["status"] == "failed"
    assert "cancelled" in last.data["error"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stream_is_taken_up_when_the_server_is_back(tmp_path: Path, mode: str, how: signal.Signals) -> None:
    seen: list[Sent] = []
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server:
        network_id = create(server, 30)
        with streaming(server, epochs=6, use_test_data=False) as stream:
            seen += [next(stream), next(stream)]
            server.process.send_signal(how)
            if how is signal.SIGTERM:
                seen += stream  # it ends, and in order
            assert server.process.wait(15) == (0 if how is signal.SIGTERM else -9)
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server:
        with streaming(server, last=seen[-1].id) as stream:
            seen += stream
        assert server.get("/network/state").json()["network_id"] == network_id
        assert jobs(server) == 1
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].data == {"status": "completed"}
    assert {event.data["epoch"] for event in seen[:-1]} == {1, 2, 3, 4, 5, 6}
