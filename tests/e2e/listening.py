"""A Socket.IO client that keeps what it hears, with the time, and lets a test wait for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tests.ordered_client import OrderedClient

ENDS = ("training_complete", "training_error")
NAMES = ("training_update", "training_changed", *ENDS)  # those with a seq


class Heard(NamedTuple):
    """One event as it arrived."""

    name: str
    data: dict[str, Any]
    at: float


class Listener:
    """A client of one server that listens from the moment it is made, to `more` than the events that are kept."""

    def __init__(self, url: str, transport: str = "websocket", more: tuple[str, ...] = ()) -> None:
        self.heard: list[Heard] = []
        self._changed = threading.Condition()
        self.client = OrderedClient()
        for name in (*NAMES, *more):
            self.client.on(name, self._handler(name))
        self.client.connect(url, transports=[transport])

    def _handler(self, name: str) -> Callable[[dict[str, Any]], None]:
        def handle(data: dict[str, Any]) -> None:
            with self._changed:
                self.heard.append(Heard(name, data, time.monotonic()))
                self._changed.notify_all()

        return handle

    def of(self, job_id: str) -> list[Heard]:
        """Return what was heard of this job, in the order of arrival."""
        with self._changed:
            return [event for event in self.heard if event.data["job_id"] == job_id]

    def wait(self, job_id: str, wanted: Callable[[Heard], bool], timeout: float = 60.0) -> Heard:
        """Return the first event of this job that is wanted, past or to come."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: next((e for e in self.heard if e.data["job_id"] == job_id and wanted(e)), None), timeout
            )
        assert found is not None, f"it did not come; so far: {self.heard}"
        return found

    def wait_for_end(self, job_id: str) -> Heard:
        """Return the event that ends this job."""
        return self.wait(job_id, lambda event: event.name in ENDS)

    def wait_for_epoch(self, job_id: str, epoch: int, attempt: int = 1) -> Heard:
        """Return the event of this epoch."""
        return self.wait(job_id, lambda e: (e.data.get("epoch"), e.data.get("attempt")) == (epoch, attempt))

    def subscribe(self, job_id: str, after: int) -> dict[str, Any]:
        """Ask for what was missed and return the acknowledgement."""
        reply: dict[str, Any] = self.client.call("subscribe", {"job_id": job_id, "after": after}, timeout=10)
        return reply


@contextlib.contextmanager
def listening(url: str, transport: str = "websocket", more: tuple[str, ...] = ()) -> Iterator[Listener]:
    """Listen for the length of a block."""
    listener = Listener(url, transport, more)
    try:
        yield listener
    finally:
        listener.client.disconnect()
