"""Who is shown the phases of which run: at most one listener for each job that was made to be watched phase by phase.

The phases pass by the manager, its lock and the database, as frames do: they change no job and are not kept. Which
client a job was made for, and when it ends with it, is the matter of ``hippo.live_view``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from hippo.jobs.frames import Message

#: Given the name of an event, ``network_update`` or ``validation_metrics``, and its payload; called from any thread.
Show = Callable[[str, dict[str, Any]], None]


class Shows:
    """The listeners. Safe to call from any thread, and waits for nobody."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shows: dict[str, Show] = {}

    def begin(self, job_id: str, show: Show) -> None:
        """Hand the phases of a job to `show` from now on."""
        with self._lock:
            self._shows[job_id] = show

    def end(self, job_id: str) -> None:
        """Hand on no more phases of a job; one that is being handed on may still arrive."""
        with self._lock:
            self._shows.pop(job_id, None)

    def take(self, job_id: str, message: Message) -> None:
        """Take what a worker says of a phase."""
        with self._lock:
            show = self._shows.get(job_id)
        if show is not None:
            show(message["event"], message["data"])
