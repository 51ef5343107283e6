"""Passes over the test set: what an example is drawn from, made by the assistant for networks that have none yet.

Not jobs: nobody lists them, they are kept nowhere, and a request waits for one. Requests for the same weights share a
pass.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from hippo.errors import NotReady
from hippo.jobs.frames import Message
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import StoredNetwork
from hippo.jobs.worker_keeper import Task

log = logging.getLogger(__name__)

#: Passes that may be under way or wait at a time; each takes the assistant a second or less, for large networks more.
MOST_UNDER_WAY = 16


@dataclass
class OutputsPass:
    """A pass that one or more requests wait for.

    Attributes
    ----------
    waiting : int
        How many do.
    """

    task_id: str
    done: threading.Event = field(default_factory=threading.Event)
    answer: Message = field(default_factory=dict)
    waiting: int = 0


class Passes:
    """The passes that are under way.

    Parameters
    ----------
    backend : ProcessBackend
        What makes them.
    ended : callable
        Given the id of a network when a pass of it has ended, before anybody hears of it.
    """

    def __init__(self, backend: ProcessBackend, ended: Callable[[str], None] = lambda network_id: None) -> None:
        self._backend = backend
        self._ended = ended
        self._lock = threading.RLock()
        self._under_way: dict[tuple[str, str | None], OutputsPass] = {}

    def make(self, network: StoredNetwork, timeout: float) -> None:
        """Pass the test set through the saved weights of a network, and wait until that is done.

        A pass that has not begun when nobody waits for it any more is not made.

        Raises
        ------
        NotReady
            When it took longer than `timeout` seconds, or failed, or too many wait already.
        """
        key = (network.network_id, network.revision)
        with self._lock:
            made = self._under_way.get(key) or self._begin(network)
            made.waiting += 1
        try:
            made.done.wait(timeout)
        finally:
            with self._lock:
                made.waiting -= 1
                if not made.waiting and self._backend.withdraw_short(made.task_id):
                    del self._under_way[key]
        if made.answer.get("type") != "done":
            reason = made.answer.get("error")
            raise NotReady(reason or "The pass over the test set is not finished yet. Try again in a moment.")

    def _begin(self, network: StoredNetwork) -> OutputsPass:
        if len(self._under_way) >= MOST_UNDER_WAY:
            raise NotReady("Too many networks wait for their pass over the test set already. Try again in a moment.")
        key = (network.network_id, network.revision)
        begun = self._under_way[key] = OutputsPass(str(uuid.uuid4()))

        def report(message: Message) -> None:
            with self._lock:
                del self._under_way[key]
            try:
                self._ended(network.network_id)
            except Exception:
                log.exception("After the pass of network %s something failed", network.network_id)
            begun.answer = message
            begun.done.set()

        message = {"type": "outputs", "job_id": begun.task_id, "arguments": network.for_worker()}
        self._backend.submit_short(Task(begun.task_id, message, report))
        return begun
