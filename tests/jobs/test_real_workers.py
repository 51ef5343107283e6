"""Real worker processes on the real data: they are killed, cancelled and stopped, and nothing hangs or is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from hippo.engine import Engine
from hippo.errors import CannotStart, DataError, NotReady
from hippo.jobs import worker_keeper
from hippo.jobs.questions import Questions
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import write_model
from hippo.pixels import MalformedBody, WrongPixels
from hippo.settings import HubSettings
from hippo.training import TrainingConfig
from tests.jobs.events_log import EventLog

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class EngineFolder:
    """The settings of an engine that keeps everything in one temporary folder."""

    models_dir: Path
    workers: int = 1
    data_dir: Path = ROOT / "data"
    default_model: str | None = None
    hub: HubSettings | None = None
    phase_seconds: float = 0.0

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.models_dir}/hippo.sqlite3"


class Running:
    """An engine with workers, and what is heard from it."""

    def __init__(self, settings: EngineFolder) -> None:
        self.engine = Engine(settings)
        self.log = EventLog(self.engine.jobs.bus)
        self.engine.start()

    def network(self, *hidden: int, seed: int = 1, activation: str = "sigmoid") -> str:
        spec = NetworkSpec.make([784, *hidden, 10], activation, seed=seed)
        network_id: str = self.engine.networks.create(spec)["network_id"]
        return network_id

    def train(self, network_id: str, epochs: int, rate: float = 3.0, batch: int = 10) -> str:
        job_id: str = self.engine.jobs.submit(network_id, TrainingConfig(epochs, batch, rate, seed=7))["job_id"]
        self.engine.jobs.release(job_id)
        return job_id

    def wait_for_epoch(self, job_id: str, epoch: int, attempt: int = 1) -> None:
        self.log.wait_for(
            lambda e: e[1]["job_id"] == job_id and e[1].get("epoch") == epoch and e[1].get("attempt") == attempt
        )

    def pids(self) -> list[int]:
        """Return the process ids of the workers that are alive, the assistant included."""
        backend = self.engine.backend
        return [worker.pid for worker in [*backend._workers, backend._assistant] if worker.pid is not None]

    def stop(self) -> None:
        self.engine.shutdown()
        self.engine.close()

    def pid_of(self, job_id: str) -> int:
        [pid] = [w.pid for w in self.engine.backend._workers if w.task is not None and w.task.job_id == job_id]
        assert pid is not None
        return pid


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(EngineFolder(tmp_path))
    yield running
    pids = running.pids()
    running.stop()
    assert not [pid for pid in pids if psutil.pid_exists(pid)], "a worker outlived its engine"


def test_a_killed_worker_is_replaced_and_the_result_is_the_same(running: Running) -> None:
    undisturbed = running.network(30)
    running.log.wait_for_end(running.train(undisturbed, epochs=3))

    disturbed = running.network(30)
    job_id = running.train(disturbed, epochs=3)
    running.wait_for_epoch(job_id, 1)
    os.kill(running.pid_of(job_id), signal.SIGKILL)
    killed_at = time.monotonic()
    running.wait_for_epoch(job_id, 1, attempt=2)
    assert time.monotonic() - killed_at < 5.0
    name, _payload = running.log.wait_for_end(job_id)

    assert name == "training_complete"
    events = running.log.of(job_id)
    assert [p["seq"] for _, p in events] == list(range(1, len(events) + 1))
    assert [p["epoch"] for n, p in events if p.get("attempt") == 2] == [1, 2, 3]
    load = running.engine._files.load_model
    a, b = load(undisturbed).model.parameters, load(disturbed).model.parameters
    assert all(np.array_equal(a[key], b[key]) for key in a)


def test_a_job_that_kills_every_worker_fails_and_the_next_one_runs(running: Running) -> None:
    poison, next_job = running.train(running.network(30), 500), running.train(running.network(10), 1)
    for attempt in (1, 2, 3):
        running.wait_for_epoch(poison, 1, attempt)
        os.kill(running.pid_of(poison), signal.SIGKILL)
    name, payload = running.log.wait_for_end(poison)
    assert (name, payload["state"]) == ("training_error", "failed")
    assert "died 3 times" in payload["error"]
    assert "killed" in payload["error"]
    assert running.log.wait_for_end(next_job)[0] == "training_complete"


def test_cancel_ends_a_run_after_its_mini_batch(running: Running) -> None:
    network_id = running.network(30)
    job_id = running.train(network_id, epochs=500)
    running.wait_for_epoch(job_id, 2)
    pid = running.pid_of(job_id)
    running.engine.jobs.cancel(job_id)
    name, payload = running.log.wait_for_end(job_id)
    assert (name, payload["state"]) == ("training_error", "cancelled")
    network = running.engine.networks.get(network_id)
    assert network["trained"]
    assert network["epochs_trained"] == running.engine.jobs.get(job_id)["epoch"]
    assert running.log.wait_for_end(running.train(network_id, 1))[0] == "training_complete"
    assert running.pids() == [pid]  # asked, not killed


def test_a_worker_that_does_not_listen_is_made_to(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_keeper, "KILL_AFTER", 0.2)
    job_id = running.train(running.network(30), epochs=500)
    running.wait_for_epoch(job_id, 1)
    os.kill(running.pid_of(job_id), signal.SIGSTOP)  # deaf to the message
    running.engine.jobs.cancel(job_id)
    assert running.log.wait_for_end(job_id)[1]["state"] == "cancelled"
    assert running.log.wait_for_end(running.train(running.network(10), 1))[0] == "training_complete"


def test_who_has_a_job_can_be_told_of_it(running: Running) -> None:
    backend = running.engine.backend
    assert not backend.tell("nobody's", {"type": "pace", "batches_per_second": None})
    job_id = running.train(running.network(30), epochs=500)
    running.wait_for_epoch(job_id, 1)
    assert backend.tell(job_id, {"type": "pace", "batches_per_second": None})
    running.engine.jobs.cancel(job_id)
    assert running.log.wait_for_end(job_id)[1]["state"] == "cancelled"
    assert running.log.wait_for_end(running.train(running.network(10), 1))[0] == "training_complete"
    assert not backend.tell(job_id, {"type": "pace", "batches_per_second": None})


def test_a_long_epoch_gives_signs_of_life(running: Running) -> None:
    job_id = running.train(running.network(300, 300), epochs=2)
    _, payload = running.log.wait_for(lambda e: e[0] == "training_progress" and e[1]["job_id"] == job_id)
    assert 0 < payload["progress"] < 50
    assert payload["eta_seconds"] > 0
    running.engine.jobs.cancel(job_id)
    running.log.wait_for_end(job_id)


def test_a_loss_that_is_not_finite_ends_as_diverged(running: Running) -> None:
    network_id = running.network(30, activation="relu")
    assert running.log.wait_for_end(running.train(network_id, 1, rate=0.05))[0] == "training_complete"
    before = running.engine.networks.get(network_id)["accuracy"]
    name, payload = running.log.wait_for_end(running.train(network_id, 3, rate=1e30))
    assert (name, payload["state"], payload["status"]) == ("training_error", "diverged", "failed")
    assert "epoch 1" in payload["error"]
    assert running.engine.networks.get(network_id)["accuracy"] == before


def test_a_stopped_engine_goes_on_where_it_was(tmp_path: Path) -> None:
    settings = EngineFolder(tmp_path)
    first = Running(settings)
    undisturbed, disturbed = first.network(30), first.network(30)
    first.log.wait_for_end(first.train(undisturbed, epochs=3))
    job_id = first.train(disturbed, epochs=3)
    first.wait_for_epoch(job_id, 1)
    first.stop()

    second = Running(settings)
    try:
        assert second.log.wait_for_end(job_id)[0] == "training_complete"
        events, last_seq = second.engine.jobs.history(job_id)
        assert [event["data"]["seq"] for event in events] == list(range(1, last_seq + 1))
        assert [e["data"]["epoch"] for e in events if e["event"] == "training_update"] == [1, 2, 3]
        load = second.engine._files.load_model
        a, b = load(undisturbed).model.parameters, load(disturbed).model.parameters
        assert all(np.array_equal(a[key], b[key]) for key in a)
        assert list((tmp_path / "checkpoints").iterdir()) == []
    finally:
        second.stop()


def test_no_other_server_begins_before_this_one_is_gone(tmp_path: Path) -> None:
    first, second = Running(EngineFolder(tmp_path)), Engine(EngineFolder(tmp_path))
    try:
        first.engine.shutdown()  # requests may still be under way
        with pytest.raises(CannotStart, match="Another server"):
            second.start()
        first.engine.close()
        second.start()
    finally:
        first.engine.close()
        second.shutdown()
        second.close()


def test_no_worker_outlives_a_killed_server(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT)!r}]
from tests.jobs.test_real_workers import EngineFolder, Running
running = Running(EngineFolder(Path({str(tmp_path)!r}), workers=2))
for n in (20, 30):
    job = running.train(running.network(n), epochs=1000)
    running.wait_for_epoch(job, 1)
print(*running.pids(), flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in server.stdout.readline().split()]
        assert len(workers) == 2
        server.kill()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert alive == []


def test_the_assistant_answers_as_the_network_itself_does(running: Running) -> None:
    images = np.random.default_rng(1).random((300, 784), np.float32)
    engine = running.engine
    trained, fresh = running.network(800, seed=3), running.network(900, seed=4)
    running.log.wait_for_end(running.train(trained, epochs=1, batch=50_000))
    for network_id in (trained, fresh):
        network = engine.store.network(network_id)
        whole = engine._files.load_model(network_id) if network.revision else NeuralNetwork(network.spec)
        assert np.allclose(engine.questions.ask(network, images).reshape(-1, 10), whole.predict(images), atol=1e-6)
        assert np.allclose(engine.inference.predict(images, network_id).probabilities.sum(axis=1), 1)
        layers, sizes, _ = engine.inference.activations(images[0], network_id)
        assert [len(layer) for layer in layers] == sizes
        expected = whole.activations(images[:1])
        assert all(np.allclose(layer, there[0], atol=1e-6) for layer, there in zip(layers, expected, strict=True))
    assert engine.inference.predict(images).network_id == trained


def test_the_assistant_reads_weights_of_another_place(running: Running, tmp_path: Path) -> None:
    images = np.random.default_rng(1).random((3, 784), np.float32)
    network_id = running.network(10)
    other = NeuralNetwork([784, 10, 10], seed=99)
    write_model(tmp_path / "other.safetensors", other, {})
    described = running.engine.store.network(network_id)
    answer = running.engine.questions.ask(described, images, file=tmp_path / "other.safetensors")
    assert np.allclose(answer.reshape(-1, 10), other.predict(images), atol=1e-6)


def test_questions_that_cannot_be_answered_say_why(running: Running) -> None:
    questions = running.engine.questions
    network_id = running.network(10)
    gone = replace(running.engine.store.network(network_id), revision="never written")
    with pytest.raises(DataError, match="missing"):
        questions.ask(gone, np.zeros((1, 784), np.float32))
    with pytest.raises(MalformedBody, match="line 1, column 14"):
        questions.read(b'{"pixels": [1')
    with pytest.raises(WrongPixels) as caught:
        questions.read(b'{"pixels": [[0, true]]}')
    assert caught.value.extra["field"] == "pixels[0]"
    running.engine.backend._assistant._process.kill()  # type: ignore[union-attr]
    with pytest.raises(NotReady):  # either it died under the question, or the answer is late
        Questions(running.engine.backend, patience=0.0).read(b"{}")
    assert questions.read(b'{"model": "x"}') == ({"model": "x"}, None)


@pytest.fixture
def stuck(running: Running) -> psutil.Process:
    """An assistant that reads nothing any more."""
    assert running.engine.questions.read(b"{}") == ({}, None)
    process = psutil.Process(running.engine.backend._assistant.pid)
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:  # until then it may go on reading
        time.sleep(0.01)
    return process


LONG = b'{"pixels": [' + b" " * 2_000_000 + b"]}"


def test_an_assistant_that_does_not_hear_is_replaced(running: Running, stuck: psutil.Process) -> None:
    assistant = running.engine.backend._assistant
    assert assistant._socket is not None
    assistant._socket.settimeout(0.5)
    with pytest.raises(NotReady, match="died"):
        running.engine.questions.read(LONG)  # more than fits between the two
    assert running.engine.questions.read(b"{}") == ({}, None)
    assert assistant.pid != stuck.pid


def test_who_asks_meanwhile_is_not_held_up_and_the_server_can_stop(running: Running, stuck: psutil.Process) -> None:
    first = threading.Thread(target=refused, args=(running, LONG))
    first.start()
    while running.engine.backend._assistant.task is None:
        pass
    began = time.monotonic()
    with pytest.raises(NotReady, match="too long"):
        Questions(running.engine.backend, patience=0.1).read(b"{}")
    running.engine.backend.stop(2.0)
    first.join()
    assert time.monotonic() - began < worker_keeper.HEAR_WITHIN / 2
    assert not stuck.is_running()


def refused(running: Running, raw: bytes) -> None:
    with pytest.raises(NotReady):
        running.engine.questions.read(raw)
