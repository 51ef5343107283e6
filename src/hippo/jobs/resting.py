"""Frames of a network at rest, made by the assistant: of a run that is paused or waits, or of no run at all.

The weights are those of the run's checkpoint, else the saved ones, else the first ones. Who asks is in ``stills`` and
``questions``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from hippo.datasets import MNIST
from hippo.errors import DataError
from hippo.jobs.frames import Message
from hippo.jobs.training_spec import load_network
from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig, TrainingState
from hippo.training.frame import Frame
from hippo.training.snapshots import Snapshots, Wish, where

log = logging.getLogger(__name__)

#: Networks of up to so many parameters are kept for the next question, which is often about another neuron.
LARGEST_KEPT = 2_000_000


class Resting:
    """Makes the frames.

    Parameters
    ----------
    files : ModelFiles
    data : callable
        Returns MNIST; raises DataError where it is missing.
    """

    def __init__(self, files: ModelFiles, data: Callable[[], MNIST]) -> None:
        self._files = files
        self._data = data
        self._last: tuple[object, tuple[Snapshots, TrainingState, NeuralNetwork]] | None = None

    def answers(self, task: Message) -> Iterator[Message]:
        """Yield what answers the question ``stills``: the frames one by one, or the only one as the answer itself."""
        frames = self.frames(task["network"], task["job"], task["wishes"])
        if task.get("at_once"):
            yield {"type": "done", "payload": frames[0].to_bytes()}
            return
        for wish, frame in zip(task["wishes"], frames, strict=True):
            yield {"type": "frame", "wish": wish, "header": frame.header, "payload": frame.payload}
        yield {"type": "done"}

    def frames(self, network: dict[str, Any], job: dict[str, Any] | None, wishes: list[dict[str, Any]]) -> list[Frame]:
        """Return a frame for each wish.

        Parameters
        ----------
        network : dict
            ``network_id``, ``network`` (`NetworkSpec.to_dict`) and ``revision``.
        job : dict or None
            ``job_id`` and ``config`` (`TrainingConfig.to_dict`, as it began) of the run that is not over, if any.
        wishes : list of dict
            The fields of `Wish`.

        Raises
        ------
        DataError
            When the weights or MNIST cannot be read.
        """
        snapshots, state, whole = self._found(network, job["job_id"] if job else None)
        config = state.settings(TrainingConfig(**job["config"])) if job else None
        facts = {
            "job_id": job["job_id"] if job else None,
            "network_id": network["network_id"],
            "activation": whole.spec.activation,
            "loss_name": whole.spec.loss,
            **where(state, config, len(self._data().training_data)),
        }
        return snapshots.make([Wish(**wish) for wish in wishes], facts, has_gradients=False)

    def _found(self, network: dict[str, Any], job_id: str | None) -> tuple[Snapshots, TrainingState, NeuralNetwork]:
        key = (network["network_id"], network["revision"], self._age(job_id))
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        self._last = None
        whole, state = self._read(network, job_id)
        data = self._data()
        found = Snapshots(whole.model, whole.loss, data.test_data, data.validation_data), state, whole
        if whole.spec.parameter_count <= LARGEST_KEPT:
            self._last = key, found
        return found

    def _read(self, network: dict[str, Any], job_id: str | None) -> tuple[NeuralNetwork, TrainingState]:
        try:
            checkpoint = self._files.load_checkpoint(job_id) if job_id else None
        except DataError as error:
            log.warning("The checkpoint of job %s cannot be shown (%s)", job_id, error)
            checkpoint = None
        if checkpoint is None:
            return load_network(**network, files=self._files), TrainingState()
        whole, state, _ = checkpoint
        state.arrays = {}  # what the optimizer remembers is as large as the weights, and is not shown
        return whole, state

    def _age(self, job_id: str | None) -> object:
        """Return what changes when the checkpoint of this job does."""
        if job_id is None:
            return None
        try:
            facts = self._files.checkpoint_path(job_id).stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_ino
