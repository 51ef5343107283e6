"""The controls of a training over the wire, in every async mode: what rests costs nothing and loses nothing."""

from __future__ import annotations

import io
import signal
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import requests

from tests.e2e.conftest import MODES
from tests.e2e.listening import Heard, Listener, listening
from tests.e2e.rest import create, job, train
from tests.serving import Server, serving

pytestmark = pytest.mark.process

EPOCHS = 4


def control(server: Server, job_id: str, verb: str, **body: Any) -> dict[str, Any]:
    reply = server.post(f"/api/training/{job_id}/{verb}", json=body)
    assert reply.status_code == 202, reply.text
    record: dict[str, Any] = reply.json()
    return record


def refused(server: Server, job_id: str, verb: str, **body: Any) -> tuple[int, str]:
    reply: requests.Response = server.post(f"/api/training/{job_id}/{verb}", json=body)
    return reply.status_code, reply.json()["code"]


def pause(server: Server, listener: Listener, job_id: str) -> Heard:
    """Pause a job that runs, and wait until it rests."""
    known = len(paused(listener, job_id))
    control(server, job_id, "pause")
    listener.wait(job_id, lambda _: len(paused(listener, job_id)) > known)
    assert job(server, job_id)["state"] == "paused"
    return paused(listener, job_id)[-1]


def paused(listener: Listener, job_id: str) -> list[Heard]:
    return [event for event in listener.of(job_id) if event.name == "training_paused"]


def step(server: Server, listener: Listener, job_id: str, unit: str) -> Heard:
    """Let a paused job make a step, and wait until it rests again."""
    known = len(paused(listener, job_id))
    control(server, job_id, "step", unit=unit)
    listener.wait(job_id, lambda _: len(paused(listener, job_id)) > known)
    return paused(listener, job_id)[-1]


def weights(server: Server, network_id: str) -> dict[str, bytes]:
    content = server.get(f"/api/networks/{network_id}/export?format=npz").content
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    return {name: arrays[name].tobytes() for name in arrays.files if name.startswith(("weight", "bias"))}


def computing(server: Server) -> float:
    """Return the seconds that all processes of the server but itself have computed so far."""
    workers = psutil.Process(server.process.pid).children()
    return sum(sum(worker.cpu_times()[:2]) for worker in workers)


def test_a_paused_run_gives_its_worker_to_others_and_loses_nothing(server: Server) -> None:
    undisturbed, network = create(server, seed=1), create(server, seed=1)
    with listening(server.url, more=("training_paused",)) as listener:
        listener.wait_for_end(train(server, undisturbed, epochs=EPOCHS, seed=2))
        job_id = train(server, network, epochs=EPOCHS, seed=2)
        listener.wait_for_epoch(job_id, 1)
        rest = pause(server, listener, job_id).data
        before = job(server, job_id)
        assert (before["status"], before["eta_seconds"], before["queue_position"]) == ("training", None, None)
        assert (before["batch"], before["batches"], before["step"]) == (rest["batch"], 5000, rest["step"])

        # The only worker is free: another job runs from its beginning to its end.
        listener.wait_for_end(train(server, create(server, layer_sizes=[784, 10]), epochs=1))
        assert server.get("/api/status").json()["paused_jobs"] == 1
        computed = computing(server)
        for _ in range(100):
            server.get("/api/status")
        assert computing(server) - computed < 0.05  # nobody computes
        assert job(server, job_id) == before

        # A mini-batch waits for nobody's training.
        long = train(server, create(server, layer_sizes=[784, 100, 10]), epochs=1000)
        listener.wait_for_epoch(long, 1)
        for number in (1, 2, 3):
            assert step(server, listener, job_id, "batch").data["step"] == rest["step"] + number
        server.post(f"/api/training/{long}/cancel")
        epoch_end = step(server, listener, job_id, "epoch").data
        assert (epoch_end["epoch"], epoch_end["batch"], epoch_end["loss"]) == (rest["epoch"] + 1, 0, None)

        assert control(server, job_id, "resume")["status"] in ("pending", "training")
        assert listener.wait_for_end(job_id).name == "training_complete"
        epochs = [e.data["epoch"] for e in listener.of(job_id) if e.name == "training_update"]
        assert epochs == list(range(1, EPOCHS + 1))
        assert weights(server, network) == weights(server, undisturbed)
        assert refused(server, job_id, "pause") == (409, "job_ended")


def test_slow_motion_and_other_settings(server: Server) -> None:
    with listening(server.url, more=("training_paused",)) as listener:
        job_id = train(server, create(server, seed=1), epochs=1000, mini_batch_size=1000)
        listener.wait_for_epoch(job_id, 1)
        record = control(server, job_id, "pace", batches_per_second=0.1)  # ten seconds for each
        assert (record["pace"], record["images_per_second"]) == (0.1, 100.0)
        assert record["eta_seconds"] == pytest.approx((1000 - record["epoch"]) * 50 * 10, rel=0.01, abs=600)
        record = control(server, job_id, "settings", learning_rate=0.5, mini_batch_size=500)
        assert (record["learning_rate"], record["mini_batch_size"]) == (0.5, 500)
        rest = pause(server, listener, job_id)  # which waits for no mini-batch
        [changed] = [event for event in listener.of(job_id) if event.name == "training_changed"]
        assert changed.data["changes"] == {
            "learning_rate": {"from": 3.0, "to": 0.5},
            "mini_batch_size": {"from": 1000, "to": 500},
        }
        assert changed.data["step"] <= rest.data["step"]
        kept = server.get(f"/api/training/{job_id}/events").json()["events"]
        assert changed.data in [event["data"] for event in kept]
        place = {name: changed.data[name] for name in ("step", "epoch", "batch")}
        record = job(server, job_id)
        assert record["changes"] == [place | {"learning_rate": 0.5, "mini_batch_size": 500}]
        assert (record["pace"], record["pending_changes"]) == (0.1, {})
        assert control(server, job_id, "pace", batches_per_second=None)["pace"] is None
        control(server, job_id, "resume")
        listener.wait_for_epoch(job_id, rest.data["epoch"] + 1)
        server.post(f"/api/training/{job_id}/cancel")
        assert listener.wait_for_end(job_id).data["state"] == "cancelled"


@pytest.mark.parametrize("mode", MODES)
def test_a_paused_run_survives_the_death_of_the_server(tmp_path: Path, mode: str) -> None:
    with (
        serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server,
        listening(server.url, more=("training_paused",)) as listener,
    ):
        undisturbed, network = create(server, seed=1), create(server, seed=1)
        listener.wait_for_end(train(server, undisturbed, epochs=EPOCHS, seed=2))
        job_id = train(server, network, epochs=EPOCHS, seed=2)
        listener.wait_for_epoch(job_id, 1)
        pause(server, listener, job_id)
        before = job(server, job_id)
        server.process.send_signal(signal.SIGKILL)
        assert server.process.wait(15) == -9

    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server, listening(server.url) as listener:
        assert job(server, job_id) == before
        assert refused(server, network, "resume") == (404, "unknown_job")
        control(server, job_id, "resume")
        assert listener.wait_for_end(job_id).name == "training_complete"
        history = server.get(f"/api/training/{job_id}/events").json()["events"]
        assert [event["data"]["epoch"] for event in history[:-1]] == list(range(1, EPOCHS + 1))
        assert weights(server, network) == weights(server, undisturbed)
