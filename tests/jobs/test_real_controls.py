"""Controls of real workers that are killed: what a run is described by gives its weights, whatever happened to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets import MNISTLoader
from hippo.network import NeuralNetwork
from hippo.training import Orders, Steering
from tests.jobs.test_real_workers import ROOT, EngineFolder, Running

pytestmark = pytest.mark.process

EPOCHS = 4


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(EngineFolder(tmp_path))
    yield running
    running.stop()


def wait_until_paused(running: Running, job_id: str, step: int = -1) -> int:
    """Wait until the job rests behind `step`; return where it is."""
    _, payload = running.log.wait_for(
        lambda e: e[0] == "training_paused" and e[1]["job_id"] == job_id and e[1]["step"] > step
    )
    place: int = payload["step"]
    return place


def test_settings_and_changes_give_the_weights_again(running: Running) -> None:
    controls = running.engine.jobs.controls
    network_id = running.network(30)
    job_id = running.train(network_id, EPOCHS)
    running.wait_for_epoch(job_id, 1)
    controls.change(job_id, {"learning_rate": 0.5, "momentum": 0.5, "mini_batch_size": 20})
    running.log.wait_for(lambda e: e[0] == "training_changed")
    os.kill(running.pid_of(job_id), signal.SIGKILL)
    running.wait_for_epoch(job_id, 1, attempt=2)
    controls.pause(job_id)
    at = wait_until_paused(running, job_id)
    controls.change(job_id, {"learning_rate": 0.25})
    for _ in range(2):
        controls.step(job_id, "batch")
        assert wait_until_paused(running, job_id, at) == at + 1
        at += 1
    controls.resume(job_id)
    assert running.log.wait_for_end(job_id)[0] == "training_complete"

    record = running.engine.jobs.get(job_id)
    assert [set(change) - {"step", "epoch", "batch"} for change in record["changes"]] == [
        {"learning_rate", "momentum", "mini_batch_size"},
        {"learning_rate"},
    ]
    again = NeuralNetwork([784, 30, 10], seed=1)
    training_data = MNISTLoader(ROOT / "data").load_data(verify=False).training_data
    steering = Steering(Orders(), changes=record["changes"])
    again.train(training_data, EPOCHS, 10, 3.0, seed=7, callbacks=[steering])
    made = running.engine._files.load_model(network_id).model.parameters
    assert all(np.array_equal(made[name], array) for name, array in again.model.parameters.items())


def test_a_worker_that_is_killed_before_it_could_pause(running: Running) -> None:
    job_id = running.train(running.network(30), epochs=500)
    running.wait_for_epoch(job_id, 1)
    pid = running.pid_of(job_id)
    os.kill(pid, signal.SIGSTOP)  # deaf to what follows
    running.engine.jobs.controls.pause(job_id)
    os.kill(pid, signal.SIGKILL)
    wait_until_paused(running, job_id)
    record = running.engine.jobs.get(job_id)
    assert (record["state"], record["attempt"]) == ("paused", 2)
    assert running.log.wait_for_end(running.train(running.network(10), 1))[0] == "training_complete"
    running.engine.jobs.controls.resume(job_id)
    running.wait_for_epoch(job_id, 1, attempt=2)
    running.engine.jobs.controls.set_pace(job_id, 0.1)
    running.engine.jobs.cancel(job_id)  # slow motion holds nothing up
    assert running.log.wait_for_end(job_id, timeout=9.0)[1]["state"] == "cancelled"
