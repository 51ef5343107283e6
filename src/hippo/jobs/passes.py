"""Passes over the test set: what an example is drawn from, made by the assistant for networks that have none yet.

Not jobs: nobody lists them, they are kept nowhere, and a request waits for one. Requests for the same weights share a
pass.
"""

from __future__ import annotations

import threading
import uuid

from hippo.errors import NotReady
from hippo.jobs.frames import Message
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import StoredNetwork
from hippo.jobs.worker_keeper import Task


class OutputsPass:
    """A pass that one or more requests wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Message = {}


class Passes:
    """The passes that are under way.

    Parameters
    ----------
    backend : ProcessBackend
        What makes them.
    """

    def __init__(self, backend: ProcessBackend) -> None:
        self._backend = backend
        self._lock = threading.RLock()
        self._under_way: dict[tuple[str, str | None], OutputsPass] = {}

    def make(self, network: StoredNetwork, timeout: float) -> None:
        """Pass the test set through the saved weights of a network, and wait until that is done.

        Raises
        ------
        NotReady
            When it took longer than `timeout` seconds, or failed.
        """
        with self._lock:
            made = self._under_way.get((network.network_id, network.revision)) or self._begin(network)
        if not made.done.wait(timeout) or made.answer["type"] != "done":
            reason = made.answer.get("error")
            raise NotReady(reason or "The pass over the test set is not finished yet. Try again in a moment.")

    def _begin(self, network: StoredNetwork) -> OutputsPass:
        key = (network.network_id, network.revision)
        begun = self._under_way[key] = OutputsPass()

        def report(message: Message) -> None:
            with self._lock:
                del self._under_way[key]
            begun.answer = message
            begun.done.set()

        task_id = str(uuid.uuid4())
        self._backend.submit_short(
            Task(task_id, {"type": "outputs", "job_id": task_id, "arguments": network.for_worker()}, report)
        )
        return begun
