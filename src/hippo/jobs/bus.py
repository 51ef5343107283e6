"""The way from the job manager to whoever listens: sockets, streams, tests.

Publishing calls every subscriber in turn, in the order of the events. A subscriber that raises is logged and does not
disturb the others. What was published before somebody came is read from the store, by sequence number.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from hippo.jobs.events import Event

Subscriber = Callable[[str, dict[str, Any]], None]

log = logging.getLogger(__name__)


class EventBus:
    """Hands each event to every subscriber as (name, payload)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[Subscriber, ...] = ()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` for every event from now on; return the function that ends it."""
        with self._lock:
            self._subscribers += (subscriber,)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Hand `event` to every subscriber."""
        for subscriber in self._subscribers:
            try:
                subscriber(event.name, event.payload())
            except Exception:
                log.exception("A subscriber failed on %s", event.name)
