"""Questions to networks that the assistant answers: forward passes that would hold the web process up.

Like the passes over the test set they are no jobs, and a request waits for each. The images go to the assistant in the
message itself and the activations come back in its answer; nothing is left on disk.
"""

from __future__ import annotations

import threading
import uuid

import numpy as np

from hippo.errors import DataError, NotReady
from hippo.jobs.frames import Message
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import StoredNetwork
from hippo.jobs.worker_keeper import Task
from hippo.nn import Array

#: Seconds that a request waits; the largest network takes about two for a thousand images, and may wait for its turn.
PATIENCE = 30.0
#: Questions that may wait at a time, at up to 3 MB of images each.
MOST_WAITING = 16


class Questions:
    """Asks the assistant.

    Parameters
    ----------
    backend : ProcessBackend
        Whose assistant answers.
    patience : float
        Seconds to wait for an answer.
    """

    def __init__(self, backend: ProcessBackend, patience: float = PATIENCE) -> None:
        self._backend = backend
        self._patience = patience
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def ask(self, network: StoredNetwork, images: Array, every_layer: bool = False) -> Array:
        """Return what a network makes of `images`, float32 (N, 784): its outputs, float32 (N, 10), as one row.

        With `every_layer`, for one image, the activations of all layers instead, one layer after the other.

        Raises
        ------
        NotReady
            When no answer came in time, or too many wait already.
        DataError
            When the network could not be read.
        """
        if not self._places.acquire(blocking=False):
            raise NotReady("Too many large questions wait for an answer already. Try again in a moment.")
        try:
            return self._ask(network, images, every_layer)
        finally:
            self._places.release()

    def _ask(self, network: StoredNetwork, images: Array, every_layer: bool) -> Array:
        answered = threading.Event()
        answer: Message = {}

        def report(message: Message) -> None:
            answer.update(message)
            answered.set()

        task_id = str(uuid.uuid4())
        arguments = {
            "network_id": network.network_id,
            "network": network.spec.to_dict(),
            "revision": network.revision,
            "every_layer": every_layer,
        }
        message = {"type": "forward", "job_id": task_id, "arguments": arguments, "payload": images.tobytes()}
        self._backend.submit_short(Task(task_id, message, report))
        if not answered.wait(self._patience):
            self._backend.withdraw_short(task_id)
            raise NotReady("The answer takes too long: the server has much to do. Try again in a moment.")
        if answer["type"] == "failed":
            raise DataError(answer["error"])
        if answer["type"] != "done":
            raise NotReady("The process that computed the answer died. Try again.")
        return np.frombuffer(answer["payload"], np.float32)
