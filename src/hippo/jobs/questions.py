"""Questions that the assistant answers, since to answer them would hold the web process up.

Forward passes of large networks or many images, long requests to be read, large pictures to be prepared, the nearest
training digits, networks to be described and drawn.

Like the passes over the test set they are no jobs, and a request waits for each. The images go to the assistant in the
message itself and the activations come back in its answer; nothing is left on disk.
"""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.errors import DataError, HippoError, InvalidValue, NotReady, PictureError, PictureTooLarge, WrongState
from hippo.jobs.frames import Message
from hippo.jobs.job import Job
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.stills import check_neuron, still_question
from hippo.jobs.store import StoredNetwork
from hippo.jobs.training_spec import TrainingSpec
from hippo.jobs.worker_keeper import Task
from hippo.network import INPUTS, NetworkSpec
from hippo.nn import Array
from hippo.pictures import Prepared, prepare, takes_long
from hippo.pixels import Images, MalformedBody, WrongPixels
from hippo.training.snapshots import Wish

#: Seconds that a request waits; the largest network takes about two for a thousand images, and may wait for its turn.
PATIENCE = 30.0
#: Questions that may wait at a time, at up to 8 MB each.
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

    def ask(self, network: StoredNetwork, images: Array, every_layer: bool = False, file: Path | None = None) -> Array:
        """Return what a network makes of `images`, float32 (N, 784): its outputs, float32 (N, 10), as one row.

        With `every_layer`, for one image, the activations of all layers instead, one layer after the other. The weights
        are in `file`, or where those of the server's networks are.

        Raises
        ------
        NotReady
            When no answer came in time, or too many wait already.
        DataError
            When the network could not be read.
        """
        named = network.for_worker() | {"file": str(file) if file else None}
        question = {"type": "forward", "network": named, "every_layer": every_layer}
        answer = self._ask(question | {"payload": images.tobytes()})
        if answer["type"] == "failed":
            raise DataError(answer["error"])
        return np.frombuffer(answer["payload"], np.float32)

    def prepare(self, picture: bytes) -> Prepared:
        """Return what `hippo.pictures.prepare` does, and raise what it does, and NotReady; small ones at once, here."""
        if not takes_long(picture):
            return prepare(picture)
        answer = self._done({"type": "prepare", "payload": picture})
        pixels = np.frombuffer(answer["payload"], np.uint8)
        return Prepared(pixels, answer["inverted"], answer["width"], answer["height"])

    def nearest(self, pixels: NDArray[np.uint8], count: int) -> list[tuple[int, float]]:
        """Return the places of the training images nearest to one (784,), nearest first, and their distances.

        Raises
        ------
        DataError
            Where MNIST is missing.
        NotReady
            When no answer came in time.
        """
        answer = self._done({"type": "nearest", "count": count, "payload": pixels.tobytes()})
        return list(zip(answer["places"], answer["distances"], strict=True))

    def statistics(self, network: StoredNetwork) -> dict[str, Any]:
        """Return what `hippo.portraits.statistics` does; raises DataError where its file is missing, and NotReady."""
        answer = self._done({"type": "describe", "network": network.for_worker(), "drawn": False})
        return {name: answer[name] for name in ("weight_stats", "bias_stats")}

    def portrait(self, network: StoredNetwork) -> bytes:
        """Return what `hippo.portraits.portrait` does, a PNG; raises DataError where its file is missing, NotReady."""
        return bytes(self._done({"type": "describe", "network": network.for_worker(), "drawn": True})["payload"])

    def frame(self, network: StoredNetwork, job: Job | None, wish: Wish) -> bytes:
        """Return a frame of a network as it is now, as `Frame.to_bytes` does.

        Parameters
        ----------
        job : Job or None
            The network's run that is not over, whose checkpoint is looked at first.

        Raises
        ------
        InvalidValue
            When the network has no such neuron.
        DataError
            When its file, or MNIST, is missing.
        NotReady
            When no answer came in time.
        """
        check_neuron(wish, network.spec)
        return bytes(self._done(still_question(network, job, [wish]) | {"at_once": True})["payload"])

    def explanation(self, spec: TrainingSpec, layer: int, neuron: int, input: int | None = None) -> dict[str, Any]:
        """Return what `hippo.jobs.insight.explained` does, and raise what it does, and NotReady."""
        network = NetworkSpec.from_dict(spec.network)
        check_neuron(Wish(0, layer, neuron), network)
        inputs = network.layer_sizes[layer - 1]
        if input is not None and not 0 <= input < inputs:
            raise InvalidValue(f"input must be from 0 to {inputs - 1} for a neuron in layer {layer}, not {input}.")
        question = {"spec": vars(spec), "layer": layer, "neuron": neuron, "input": input}
        answer: dict[str, Any] = self._done({"type": "explain", "question": question})["answer"]
        return answer

    def gradient_check(self, network: StoredNetwork, job_id: str | None, per_layer: int) -> dict[str, Any]:
        """Return what `hippo.jobs.insight.checked` does, and raise what it does, and NotReady."""
        question = {"network": network.for_worker(), "job_id": job_id, "per_layer": per_layer}
        answer: dict[str, Any] = self._done({"type": "check", "question": question})["answer"]
        return answer

    def read(self, raw: bytes) -> tuple[dict[str, Any], Images | None]:
        """Return what `hippo.pixels.read_body` does of a body, and raise what it does, and NotReady."""
        answer = self._ask({"type": "read", "payload": raw})
        if answer["type"] == "failed":  # an error of ours says nothing of its kind, such as that memory ran out
            kind = _ERRORS.get(answer.get("kind", ""), NotReady)
            raise kind(answer["error"], **answer.get("extra", {}))
        images = None
        if answer["is_list"] is not None:
            rows = np.frombuffer(answer["payload"], np.float32).reshape(-1, INPUTS)
            images = Images(rows, answer["is_list"])
        return answer["fields"], images

    def _done(self, question: Message) -> Message:
        """Return the answer; raise the error that it is."""
        answer = self._ask(question)
        if answer["type"] == "failed":
            raise _BY_CODE.get(answer.get("code", ""), NotReady)(answer["error"])
        return answer

    def _ask(self, question: Message) -> Message:
        """Return the answer, which is of the type ``done`` or ``failed``."""
        if not self._places.acquire(blocking=False):
            raise NotReady("Too many large questions wait for an answer already. Try again in a moment.")
        try:
            return self._wait_for(question)
        finally:
            self._places.release()

    def _wait_for(self, question: Message) -> Message:
        answered = threading.Event()
        answer: Message = {}

        def report(message: Message) -> None:
            answer.update(message)
            answered.set()

        task_id = str(uuid.uuid4())
        self._backend.submit_short(Task(task_id, question | {"job_id": task_id}, report))
        if not answered.wait(self._patience):
            self._backend.withdraw_short(task_id)
            raise NotReady("The answer takes too long: the server has much to do. Try again in a moment.")
        if answer["type"] == "lost":
            raise NotReady(answer.get("error") or "The process that computed the answer died. Try again.")
        return answer


_ERRORS: dict[str, type[HippoError]] = {kind.__name__: kind for kind in (MalformedBody, WrongPixels)}
_BY_CODE: dict[str, type[HippoError]] = {
    kind.code: kind for kind in (PictureError, PictureTooLarge, DataError, InvalidValue, WrongState)
}
