"""A subscriber that keeps what it hears and lets a test wait for it: no test guesses how long something takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hippo.jobs.bus import EventBus

Event = tuple[str, dict[str, Any]]


class EventLog:
    """Every event published on `bus` since the log was made, in order."""

    def __init__(self, bus: EventBus) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()
        bus.subscribe(self._take)

    def _take(self, name: str, payload: dict[str, Any]) -> None:
        with self._changed:
            self.events.append((name, payload))
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[Event], bool], timeout: float = 60.0) -> Event:
        """Return the first event that is `wanted`, past or to come."""
        with self._changed:
            found = self._changed.wait_for(lambda: next(filter(wanted, self.events), None), timeout)
        assert found is not None, f"it did not come; so far: {self.events}"
        return found

    def wait_for_end(self, job_id: str, timeout: float = 60.0) -> Event:
        """Return the event that ends this job."""
        return self.wait_for(
            lambda e: e[1]["job_id"] == job_id and e[0] in ("training_complete", "training_error"), timeout
        )

    def of(self, job_id: str) -> list[Event]:
        """Return what was heard of this job and is kept: the events with a seq."""
        with self._changed:
            return [event for event in self.events if event[1]["job_id"] == job_id and "seq" in event[1]]
