"""How a run is described to a worker, and the network and the state with which a run, or a look at it, begins.

They come from the run's checkpoint, else from the network's file, else from its seed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.errors import DataError
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import Change, LastGood, TrainingState

log = logging.getLogger(__name__)

#: The revision of weights that were made from the seed and never trained.
INITIAL = "initial"


@dataclass(frozen=True)
class TrainingSpec:
    """All that a worker needs to know of a run; made of values that JSON can hold.

    Attributes
    ----------
    network : dict
        `NetworkSpec.to_dict`.
    config : dict
        `TrainingConfig.to_dict`.
    revision : str or None
        The weights to begin with: those in the network's file, or None for new ones.
    epochs_trained : int
        Epochs behind those weights.
    reported : int
        Epochs that clients have been told of and shall not be told of again.
    changes : sequence of dict
        The changes of settings that the server knows of.
    wanted : dict or None
        Settings to be taken where the run goes on.
    pace : float or None
        Mini-batches per second at most.
    batches, pause_at : int or None
        Pause by itself after so many mini-batches, or when so many epochs are finished.
    cancelled : bool
        Keep what was learned up to the last whole epoch, and end.
    phase_seconds : float or None
        Show the phases of each epoch, so far apart; None for a run that is not shown so.
    """

    job_id: str
    network_id: str
    network: dict[str, Any]
    config: dict[str, Any]
    revision: str | None
    epochs_trained: int
    reported: int
    changes: Sequence[Change] = ()
    wanted: dict[str, Any] | None = None
    pace: float | None = None
    batches: int | None = None
    pause_at: int | None = None
    cancelled: bool = False
    phase_seconds: float | None = None


def load_network(network_id: str, network: dict[str, Any], revision: str | None, files: ModelFiles) -> NeuralNetwork:
    """Return a network with its saved weights, or with its first ones where it has no `revision`."""
    return NeuralNetwork(NetworkSpec.from_dict(network)) if revision is None else files.load_model(network_id)


def start_of_run(spec: TrainingSpec, files: ModelFiles) -> tuple[NeuralNetwork, TrainingState, LastGood]:
    """Return the network, where its run is (at a checkpoint, or at the beginning), and its last good weights."""
    try:
        checkpoint = files.load_checkpoint(spec.job_id)
        if checkpoint is not None:
            network, state, last_good = checkpoint
            return network, state, LastGood(last_good)
    except DataError as error:
        log.warning("The checkpoint of job %s cannot be used (%s); the run begins again", spec.job_id, error)
    if spec.revision is not None:
        return files.load_model(spec.network_id), TrainingState(answers=_earlier_answers(spec, files)), LastGood()
    return NeuralNetwork(NetworkSpec.from_dict(spec.network)), TrainingState(), LastGood()


def _earlier_answers(spec: TrainingSpec, files: ModelFiles) -> list[NDArray[Any]]:
    """Return the digits that the network answered before this run, if they are known: its first epoch changes them."""
    try:
        earlier = files.load_outputs(spec.network_id, spec.revision or INITIAL)
    except DataError:
        return []
    return [earlier.outputs.argmax(axis=1).astype(np.uint8)] if earlier else []
