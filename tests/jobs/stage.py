"""A manager with an engine that does nothing by itself, for tests that play the worker, message by message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hippo.clock import now
from hippo.jobs.bus import EventBus
from hippo.jobs.manager import JobManager
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.worker_keeper import Task
from hippo.network_spec import NetworkSpec
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig
from tests.jobs.events_log import EventLog

CONFIG = TrainingConfig(epochs=2, seed=1)
EPOCH = {
    "type": "epoch",
    "accuracy": 0.5,
    "test_accuracy": 5000,
    "test_total": 10000,
    "loss": 0.1,
    "training_accuracy": 0.4,
    "validation_loss": 0.3,
    "test_loss": 0.2,
    "validation_accuracy": 0.6,
    "validation_total": 5,
    "learning_rate": 3.0,
    "gradient_norm": 0.25,
    "neurons": [{"dead": 1, "saturated": 2, "alike": 3, "total": 30}],
    "images_per_second": 1000.0,
    "elapsed_time": 1.0,
}
STARTED = {"type": "started", "epoch": 0, "elapsed": 0.0, "batch": 0, "step": 0}
PAUSED = {"type": "paused", "epoch": 1, "batch": 7, "batches": 100, "step": 7, "loss": 0.5, "elapsed": 1.5, "epochs": 0}
COMPLETED = {"type": "completed", "accuracy": 0.5, "epochs": 2, "elapsed": 2.0}


class ManualBackend:
    """Takes tasks and leaves them lying; whether a worker "has" one is for the test to say."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self.running: set[str] = set()
        self.cancelled: list[str] = []
        self.short: list[Task] = []
        self.told: list[dict[str, Any]] = []
        self.total, self.busy, self.ready = 2, 0, True

    def start(self) -> None:
        pass

    def submit(self, task: Task, first: bool = False) -> None:
        self.tasks.insert(0 if first else len(self.tasks), task)

    def submit_short(self, task: Task) -> None:
        self.short.append(task)

    def withdraw(self, job_id: str) -> bool:
        waits = any(task.job_id == job_id for task in self.tasks) and job_id not in self.running
        self.tasks = [task for task in self.tasks if task.job_id != job_id or job_id in self.running]
        return waits

    def amend(self, job_id: str, **changes: Any) -> None:
        for task in self.tasks:
            if task.job_id == job_id and job_id not in self.running:
                task.message["spec"] = task.message["spec"] | changes

    def tell(self, job_id: str, message: dict[str, Any]) -> bool:
        if job_id in self.running:
            self.told.append(message)
        return job_id in self.running

    def cancel(self, job_id: str) -> bool:
        self.cancelled.append(job_id)
        self.withdraw(job_id)
        return job_id in self.running

    def stop(self, timeout: float) -> None:
        pass


class Stage:
    """A manager, its store and log, and the hand that plays the workers."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hippo.sqlite3")
        self.backend = ManualBackend()
        self.bus = EventBus()
        self.log = EventLog(self.bus)
        self.files = ModelFiles(folder)
        self.jobs = JobManager(self.store, self.files, self.backend, self.bus)  # type: ignore[arg-type]

    def add_network(self, network_id: str) -> None:
        self.store.add_network(StoredNetwork(network_id, None, NetworkSpec.make([784, 10], seed=0), now()))

    def submit(self, network_id: str = "a") -> str:
        job_id: str = self.jobs.submit(network_id, CONFIG)["job_id"]
        self.jobs.release(job_id)
        return job_id

    def say(self, job_id: str, *messages: dict[str, Any]) -> None:
        task = next(task for task in self.backend.tasks if task.job_id == job_id)
        for message in messages:
            task.report(message | {"job_id": job_id})

    def say_short(self, *messages: dict[str, Any]) -> Task:
        """Play the assistant, with its oldest task; return it."""
        task = self.backend.short.pop(0)
        for message in messages:
            task.report(message | {"job_id": task.job_id})
        return task

    def rest(self, job_id: str, **place: Any) -> None:
        """Play a worker that saves the run and is free."""
        self.files.checkpoint_path(job_id).touch()
        self.say(job_id, PAUSED | place)
        self.backend.running.discard(job_id)
        self.backend.tasks = [task for task in self.backend.tasks if task.job_id != job_id]

    def start(self, job_id: str) -> None:
        self.backend.running.add(job_id)
        self.say(job_id, STARTED)
