"""An engine without networks, workers or files: what the web layer's tests put behind the views.

It answers like the real one and keeps what it was asked in `calls`. A test that wants an error puts it into `fails`
under the name of the method.
"""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hippo.errors import JobEnded, NoSuchExample, TrainingInProgress, UnknownJob, UnknownNetwork
from hippo.network import NetworkSpec
from hippo.training.config import TrainingConfig
from hippo.training.snapshots import Wish

NOW = "2026-11-21T09:30:00.000Z"


@dataclass
class FakeExample:
    index: int
    predicted: int
    actual: int
    correct: bool
    pixels: np.ndarray
    output_weights: np.ndarray
    network_output: list[float]


class FakeBus:
    def __init__(self) -> None:
        self.subscribers: list[Callable[[str, dict[str, Any]], None]] = []

    def subscribe(self, callback: Callable[[str, dict[str, Any]], None]) -> Callable[[], None]:
        self.subscribers.append(callback)
        return lambda: self.subscribers.remove(callback)

    def publish(self, name: str, payload: dict[str, Any]) -> None:
        for subscriber in self.subscribers:
            subscriber(name, payload)


@dataclass
class FakeEngine:
    """Both halves of an engine, `jobs` and `networks`, in one object."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)
    data_ready: bool = True
    ready: bool = True

    def __post_init__(self) -> None:
        self.jobs = FakeJobs(self)
        self.networks = FakeNetworks(self)
        self.live_view = FakeLiveView(self)
        self.inference = FakeInference()

    def called(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        if name in self.fails:
            raise self.fails[name]

    def start(self) -> None:
        self.called("start")

    def shutdown(self, timeout: float) -> None:
        self.called("shutdown", timeout)


class FakeLiveView:
    """Remembers for whom something is trained; a test shows the phases."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.shows: dict[str, Any] = {}

    def start(self, client_id: str, show: Any) -> dict[str, str]:
        self.engine.called("start_training", client_id)
        self.shows[client_id] = show
        return {"job_id": "j", "network_id": "n"}

    def stop(self, client_id: str) -> None:
        self.engine.called("stop_training", client_id)

    def leave(self, client_id: str) -> None:
        self.engine.called("leave_training", client_id)


class FakeInference:
    """Knows whether it could answer; what it answers is tested with the real one."""

    ready = False


class FakeNetworks:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    def create(self, spec: NetworkSpec, name: str | None) -> dict[str, Any]:
        self.engine.called("create", spec, name)
        record = {
            "network_id": str(uuid.uuid4()),
            "name": name,
            "architecture": list(spec.layer_sizes),
            "layer_sizes": list(spec.layer_sizes),
            "activation": spec.activation,
            "loss": spec.loss,
            "initializer": spec.initializer,
            "seed": spec.seed,
            "dropout": spec.dropout,
            "parameters": spec.parameter_count,
            "trained": False,
            "accuracy": None,
            "epochs_trained": 0,
            "status": "in_memory",
            "created_at": NOW,
            "trained_at": None,
            "active_job_id": None,
        }
        self.engine.records[record["network_id"]] = record
        return dict(record)

    def list(self) -> list[dict[str, Any]]:
        self.engine.called("list_networks")
        return list(self.engine.records.values())

    def get(self, network_id: str) -> dict[str, Any]:
        self.engine.called("get_network", network_id)
        if network_id not in self.engine.records:
            raise UnknownNetwork("There is no network with this id.")
        return self.engine.records[network_id]

    def delete(self, network_id: str) -> dict[str, Any]:
        record = self.get(network_id)
        if record["active_job_id"]:
            raise TrainingInProgress("It is being trained.", job_id=record["active_job_id"])
        del self.engine.records[network_id]
        return {"network_id": network_id, "deleted_from_memory": True, "deleted_from_disk": True}

    def delete_all(self) -> dict[str, Any]:
        kept = [key for key, record in self.engine.records.items() if record["active_job_id"]]
        count = len(self.engine.records) - len(kept)
        self.engine.records = {key: self.engine.records[key] for key in kept}
        return {"deleted_count": count, "deleted_from_memory": count, "deleted_from_disk": count, "kept": kept}

    def cleanup(self, days: float) -> dict[str, Any]:
        self.engine.called("cleanup", days)
        return {"deleted_count": 1, "kept": []}

    def example(self, network_id: str, correct: bool) -> FakeExample:
        self.engine.called("example", network_id, correct)
        self.get(network_id)
        if not correct:
            raise NoSuchExample("The network makes no mistakes on the test set.")
        pixels = np.arange(784, dtype=np.uint8)
        return FakeExample(5, 7, 7, True, pixels, np.full((10, 30), 0.5, np.float32), [0.1] * 10)

    def count_in_memory(self) -> int:
        return len(self.engine.records)

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        self.engine.called("incoming")
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "file"

    def adopt(self, file: Path, name: str | None) -> dict[str, Any]:
        self.engine.called("adopt", file.read_bytes(), name)
        record = self.create(NetworkSpec.make([784, 30, 10]), name)
        return record | {"trained": True, "status": "saved", "format": "npz", "claimed_accuracy": 0.5}

    def export(self, network_id: str, form: str) -> BinaryIO:
        self.engine.called("export", network_id, form)
        return io.BytesIO(b"the file " * 20_000)


class FakeViewers:
    """Remembers who watches what; a test sends the frames."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.sending: dict[str, Any] = {}

    def watch(self, viewer_id: str, job_id: str, wish: Wish, rate: float, send: Any) -> None:
        self.engine.called("watch", viewer_id, job_id, wish, rate)
        self.engine.jobs.get(job_id)
        self.sending[viewer_id] = send

    def unwatch(self, viewer_id: str) -> None:
        self.engine.called("unwatch", viewer_id)

    def leave(self, viewer_id: str) -> None:
        self.engine.called("leave", viewer_id)

    def acknowledged(self, viewer_id: str) -> None:
        self.engine.called("acknowledged", viewer_id)


class FakeJobs:
    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.bus = FakeBus()
        self.viewers = FakeViewers(engine)

    @property
    def ready(self) -> bool:
        return self.engine.ready

    def submit(self, network_id: str, config: TrainingConfig) -> dict[str, Any]:
        self.engine.called("submit", network_id, config)
        record = self.engine.networks.get(network_id)
        if record["active_job_id"]:
            raise TrainingInProgress("It is already being trained.", job_id=record["active_job_id"])
        job = {"job_id": str(uuid.uuid4()), "network_id": network_id, "state": "queued", "status": "pending"}
        record["active_job_id"] = job["job_id"]
        self.engine.training[job["job_id"]] = job
        self.engine.events[job["job_id"]] = []
        return job

    def release(self, job_id: str) -> None:
        self.engine.called("release", job_id)

    def cancel(self, job_id: str) -> dict[str, Any]:
        job = self.get(job_id)
        if job["state"] == "cancelled":
            raise JobEnded("The job has ended already.")
        job["state"] = "cancelled"
        return job

    def get(self, job_id: str) -> dict[str, Any]:
        self.engine.called("get_job", job_id)
        if job_id not in self.engine.training:
            raise UnknownJob("There is no job with this id.")
        return self.engine.training[job_id]

    def list(
        self, status: str | None = None, network_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[list[dict[str, Any]], int]:
        self.engine.called("list_jobs", status, network_id, limit, offset)
        jobs = list(self.engine.training.values())
        return jobs[offset : offset + limit], len(jobs)

    def history(self, job_id: str, after: int = 0) -> tuple[list[dict[str, Any]], int]:
        self.get(job_id)
        events = self.engine.events[job_id]
        return [event for event in events if event["data"]["seq"] > after], len(events)

    def counts(self) -> dict[str, int]:
        self.engine.called("counts")
        return {"unfinished": len(self.engine.training), "running": 0, "paused": 0, "queued": 1}

    def workers(self) -> dict[str, int]:
        return {"total": 2, "busy": 1}
