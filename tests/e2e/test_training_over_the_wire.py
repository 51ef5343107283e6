"""Training as front ends see it, in every async mode: what is on the wire, in which order, and how to ask again."""

from __future__ import annotations

import base64
import io
import time

import pytest
from PIL import Image

from tests.e2e.listening import listening
from tests.e2e.rest import create, job, network, train
from tests.serving import Server

pytestmark = pytest.mark.process


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_run_from_the_first_request_to_the_last_event(server: Server, transport: str) -> None:
    with listening(server.url, transport) as first, listening(server.url, transport) as second:
        network_id = create(server, layer_sizes=[784, 10, 10], seed=1, name="first try")
        job_id = train(server, network_id, epochs=3, mini_batch_size=100, learning_rate=3.0, seed=1)
        replied = time.monotonic()
        end = first.wait_for_end(job_id)
        second.wait_for_end(job_id)

    events = first.of(job_id)
    assert events[0].at > replied
    assert [event.name for event in events] == ["training_update"] * 3 + ["training_complete"]
    assert [event.data["seq"] for event in events] == [1, 2, 3, 4]
    assert [event.data for event in second.of(job_id)] == [event.data for event in events]
    for number, event in enumerate(events[:3], start=1):
        data = event.data
        assert (data["network_id"], data["epoch"], data["total_epochs"]) == (network_id, number, 3)
        assert all(isinstance(data[name], float) for name in ("accuracy", "progress", "elapsed_time", "loss"))
        assert data["accuracy"] == data["correct"] / data["total"]
        assert data["total"] == 10_000
        assert data["progress"] == pytest.approx(100 * number / 3)
    assert end.data["status"] == "completed"
    assert end.data["progress"] == 100
    record = job(server, job_id)
    assert (record["status"], record["accuracy"]) == ("completed", end.data["accuracy"])
    assert network(server, network_id)["accuracy"] == end.data["accuracy"] > 0.5


def test_no_event_comes_before_its_reply(server: Server) -> None:
    network_id = create(server, layer_sizes=[784, 1, 10])
    with listening(server.url) as listener:
        for _ in range(5):  # full-batch epochs of a tiny network: the first event follows as fast as it can
            job_id = train(server, network_id, epochs=1, mini_batch_size=50_000)
            replied = time.monotonic()
            listener.wait_for_end(job_id)
            assert listener.of(job_id)[0].at > replied


def test_what_was_missed_is_asked_for_again(server: Server) -> None:
    network_id = create(server, layer_sizes=[784, 10, 10])
    with listening(server.url) as witness:
        with listening(server.url) as leaver:
            job_id = train(server, network_id, epochs=6, mini_batch_size=100)
            leaver.wait_for_epoch(job_id, 1)
        last_seen = leaver.of(job_id)[-1].data["seq"]
        witness.wait_for_end(job_id)
        with listening(server.url) as back:
            reply = back.subscribe(job_id, last_seen)
            nothing_new = back.subscribe(job_id, reply["last_seq"])
        everything = [{"event": event.name, "data": event.data} for event in witness.of(job_id)]
    assert [event["data"]["seq"] for event in everything] == [1, 2, 3, 4, 5, 6, 7]
    assert reply == {"events": everything[last_seen:], "last_seq": 7}
    assert nothing_new == {"events": [], "last_seq": 7}
    over_rest = server.get(f"/api/training/{job_id}/events", params={"after": last_seen}).json()
    assert over_rest == reply


def test_a_second_run_waits_in_the_queue_and_a_cancelled_one_ends(server: Server) -> None:
    ids = [create(server) for _ in range(3)]
    with listening(server.url) as listener:
        running = train(server, ids[0], epochs=500)
        listener.wait_for_epoch(running, 1)
        waiting = [train(server, network_id, epochs=1) for network_id in ids[1:]]
        assert [job(server, job_id)["queue_position"] for job_id in waiting] == [1, 2]
        assert job(server, running)["status"] == "training"

        conflict = server.post(f"/api/networks/{ids[0]}/train", json={})
        assert conflict.status_code == 409
        assert conflict.json()["job_id"] == running
        assert server.delete(f"/api/networks/{ids[0]}").status_code == 409
        status = server.get("/api/status").json()
        assert (status["training_jobs"], status["active_training_jobs"]) == (3, 1)

        assert server.post(f"/api/training/{running}/cancel").status_code == 202
        end = listener.wait_for_end(running)
        assert (end.name, end.data["status"], end.data["state"]) == ("training_error", "failed", "cancelled")
        assert end.data["error"] == end.data["message"]
        assert server.post(f"/api/training/{running}/cancel").status_code == 409
        ends = [listener.wait_for_end(job_id) for job_id in waiting]
    assert [end.name for end in ends] == ["training_complete"] * 2
    assert ends[0].at < ends[1].at  # first in, first out
    assert network(server, ids[0])["trained"]  # it keeps its whole epochs


def test_a_rate_far_too_high_ends_as_diverged(server: Server) -> None:
    network_id = create(server, activation="relu", seed=1)
    with listening(server.url) as listener:
        job_id = train(server, network_id, epochs=3, learning_rate=1e30)
        end = listener.wait_for_end(job_id)
    assert (end.name, end.data["status"], end.data["state"]) == ("training_error", "failed", "diverged")
    assert "epoch 1" in end.data["error"]
    record = job(server, job_id)
    assert (record["status"], record["state"], record["error"]) == ("failed", "diverged", end.data["error"])
    assert not network(server, network_id)["trained"]


def test_examples_before_and_after_training(server: Server) -> None:
    network_id = create(server, layer_sizes=[784, 12, 10])
    with listening(server.url) as listener:
        for _ in range(2):
            for kind, correct in (("successful", True), ("unsuccessful", False)):
                example = server.get(f"/api/networks/{network_id}/{kind}_example").json()
                assert example["correct"] is correct
                assert (example["predicted_digit"] == example["actual_digit"]) is correct
                assert len(example["output_weights"]) == len(example["network_output"]) == 10
                assert {len(row) for row in example["output_weights"]} == {12}
                outputs = example["network_output"]
                assert outputs.index(max(outputs)) == example["predicted_digit"]
                picture = Image.open(io.BytesIO(base64.b64decode(example["image_data"], validate=True)))
                assert (picture.format, picture.size, picture.mode) == ("PNG", (28, 28), "L")
            listener.wait_for_end(train(server, network_id, epochs=1))


def test_the_same_seed_gives_the_same_accuracy(server: Server) -> None:
    accuracies = []
    with listening(server.url) as listener:
        for _ in range(2):
            job_id = train(server, create(server, seed=11), epochs=1, seed=12)
            accuracies.append(listener.wait_for_end(job_id).data["accuracy"])
    assert accuracies[0] == accuracies[1]


def test_delete_all_keeps_what_is_in_training(server: Server) -> None:
    with listening(server.url) as listener:
        busy, idle = create(server), create(server)
        job_id = train(server, busy, epochs=500)
        listener.wait_for_epoch(job_id, 1)
        reply = server.delete("/api/networks").json()
        assert reply["kept"] == [busy]
        assert busy in reply["message"]
        assert reply["deleted_count"] >= 1
        assert server.get(f"/api/networks/{idle}").status_code == 404
        server.post(f"/api/training/{job_id}/cancel")
        listener.wait_for_end(job_id)
    assert server.delete(f"/api/networks/{busy}").json() == {
        "network_id": busy,
        "deleted_from_memory": True,
        "deleted_from_disk": True,
    }
    assert job(server, job_id)["state"] == "cancelled"  # finished jobs stay readable
