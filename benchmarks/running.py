"""A real server to measure: started on a port of its own, driven over HTTP and Socket.IO, stopped by its process id.

Everything goes to 127.0.0.1 and every wait has an end.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import socketio

from tests.serving import Server, serving

HOST = "127.0.0.1"
LONGEST_WAIT = 60.0
NEVER = 10_000  # epochs: such a run goes on until it is cancelled


class Client:
    """One keep-alive connection to a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection = http.client.HTTPConnection(HOST, server.port, timeout=30)

    def send(self, method: str, path: str, body: str | None = None) -> tuple[int, Any]:
        """Send a request and return the status and the JSON of the reply."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        return reply.status, json.loads(reply.read())

    def expect(self, status: int, method: str, path: str, **fields: Any) -> Any:
        """Send a request whose reply must have this status, and return its JSON."""
        found, reply = self.send(method, path, json.dumps(fields) if fields else None)
        if found != status:
            raise RuntimeError(f"{method} {path}: {found} {reply}")
        return reply

    def create(self, layer_sizes: Sequence[int] = (784, 30, 10)) -> str:
        """Create a network and return its id."""
        return str(self.expect(201, "POST", "/api/networks", layer_sizes=list(layer_sizes), seed=1)["network_id"])

    def train(self, network_id: str, **fields: Any) -> str:
        """Submit a training run and return the job's id."""
        return str(self.expect(202, "POST", f"/api/networks/{network_id}/train", seed=1, **fields)["job_id"])

    def cancel(self, job_ids: Sequence[str]) -> None:
        """Cancel jobs and wait until they have ended."""
        for job_id in job_ids:
            self.expect(202, "POST", f"/api/training/{job_id}/cancel")
        wait_until(lambda: self.expect(200, "GET", "/api/status")["training_jobs"] == 0)

    @contextlib.contextmanager
    def all_workers_training(self, layer_sizes: Sequence[int] = (784, 30, 10), **fields: Any) -> Iterator[list[str]]:
        """Keep every worker busy with a run that does not end; yields the jobs when all are past their first epoch."""
        count = self.expect(200, "GET", "/api/status")["workers_total"]
        jobs = [self.train(self.create(layer_sizes), epochs=NEVER, **fields) for _ in range(count)]
        try:
            wait_until(lambda: all(self.expect(200, "GET", f"/api/training/{job}")["epoch"] for job in jobs))
            yield jobs
        finally:
            self.cancel(jobs)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Listener:
    """A Socket.IO client over a websocket, which notes when each event arrived (seconds since 1970)."""

    def __init__(self, server: Server) -> None:
        self._news = threading.Condition()
        self._events: list[tuple[str, float, dict[str, Any]]] = []
        self._client = socketio.Client(reconnection=False)
        for name in ("training_update", "training_complete", "training_error"):
            self._client.on(name, self._noting(name))
        self._client.connect(server.url, transports=["websocket"], wait_timeout=10)

    def _noting(self, name: str) -> Callable[[dict[str, Any]], None]:
        def note(data: dict[str, Any]) -> None:
            arrived = time.time()
            with self._news:
                self._events.append((name, arrived, data))
                self._news.notify_all()

        return note

    def wait_for(self, name: str, job_id: str) -> tuple[float, dict[str, Any]]:
        """Wait for the first event of this name and job; return when it arrived, and the event."""
        with self._news:
            found: list[tuple[float, dict[str, Any]]] = []

            def is_there() -> bool:
                found[:] = self._of(name, job_id)
                return bool(found)

            if not self._news.wait_for(is_there, LONGEST_WAIT):
                raise TimeoutError(f"No {name} of job {job_id} came within {LONGEST_WAIT} s.")
        return found[0]

    def updates_of(self, job_id: str) -> list[tuple[float, dict[str, Any]]]:
        """Return what has arrived of the ends of this job's epochs, with the times of arrival."""
        with self._news:
            return self._of("training_update", job_id)

    def forget(self) -> None:
        """Forget all that has arrived."""
        with self._news:
            self._events.clear()

    def _of(self, name: str, job_id: str) -> list[tuple[float, dict[str, Any]]]:
        return [(arrived, data) for kind, arrived, data in self._events if (kind, data["job_id"]) == (name, job_id)]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()


@contextlib.contextmanager
def running(mode: str, workers: int | None = None) -> Iterator[tuple[Server, Client]]:
    """Run a server in an async mode, with as many workers as there are cores unless told."""
    count = workers or psutil.cpu_count() or 1
    with (
        tempfile.TemporaryDirectory(prefix="hippo-bench-") as folder,
        serving(Path(folder), HIPPO_ASYNC_MODE=mode, HIPPO_WORKERS=str(count)) as server,
    ):
        client = Client(server)
        try:
            wait_until(lambda: client.send("GET", "/readyz")[0] == 200)
            yield server, client
        finally:
            client.close()


def worker_processes(server: Server) -> list[psutil.Process]:
    """Return the server's worker processes."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if "hippo.jobs.worker" in child.cmdline()]


def wait_until(condition: Callable[[], bool], pause: float = 0.005) -> None:
    """Ask `condition` again and again until it holds."""
    end = time.monotonic() + LONGEST_WAIT
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Nothing happened for {LONGEST_WAIT} s.")
        time.sleep(pause)


def seconds_of(timestamp: str) -> float:
    """Return an event's `timestamp` as seconds since 1970."""
    return datetime.fromisoformat(timestamp).timestamp()
