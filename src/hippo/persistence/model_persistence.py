"""Save, load and delete networks, their outputs for the test set, and checkpoints of unfinished runs.

All three are safetensors files (see ``arrays_file``), whose header holds the rest: spec, metrics, revision, state. The
command line names its files itself; the server keeps its own by id in the folder of models::

    <network_id>.safetensors            weights (in, out) and biases (out,)
    <network_id>.outputs.safetensors    the outputs for the 10,000 test digits (10000, 10), the last weights (H, 10),
                                        and which digits it answered one epoch earlier (10000,)
    checkpoints/<job_id>.safetensors    weights and state of a run that is not over
    transfers/                          files on their way in or out, for as long as a request lasts

Weights and outputs of the same moment carry the same revision, so that outputs of older weights are never taken for
current.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hippo.atomic_files import flush_folder, remove, sweep
from hippo.errors import DataError, InvalidValue
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.nn import Array
from hippo.persistence import arrays_file
from hippo.training import TrainingState

_LAST_GOOD, _OPTIMIZER, _ANSWERS = "last_good.", "optimizer.", "answers."


class Outputs(NamedTuple):
    """What a network makes of the test set.

    Attributes
    ----------
    outputs : ndarray of float32 (N, 10)
    last_weights : ndarray of float32 (H, 10)
        Of the last layer.
    previous : ndarray of unsigned int (N,), or None
        The digits that the same network answered after the epoch before its last one; None where nobody knows them.
    """

    outputs: Array
    last_weights: Array
    previous: NDArray[np.integer[Any]] | None = None


def write_model(path: Path, network: NeuralNetwork, facts: Mapping[str, Any]) -> None:
    """Write the weights; `facts` are values of JSON that describe how they came about, such as the accuracy."""
    arrays_file.write(path, network.model.parameters, {"spec": network.spec.to_dict(), **facts})


def read_model(path: Path) -> tuple[NeuralNetwork, dict[str, Any]]:
    """Return a network as it was written, and its facts."""
    header, arrays = arrays_file.read(path)
    return _network(path, header, arrays), header


def write_checkpoint(
    path: Path,
    network: NeuralNetwork,
    state: TrainingState,
    last_good: Mapping[str, Array] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write weights and state of a run.

    Parameters
    ----------
    path : Path
    network : NeuralNetwork
    state : TrainingState
    last_good : mapping of str to ndarray, optional
        The weights at the end of the last whole epoch, where those of `network` are of the middle of one.
    facts : mapping, optional
        More values of JSON to keep.
    """
    kept = {f"{_LAST_GOOD}{name}": array for name, array in (last_good or {}).items()}
    kept |= {f"{_OPTIMIZER}{name}": array for name, array in state.arrays.items()}
    kept |= {f"{_ANSWERS}{number}": array for number, array in enumerate(state.answers)}
    header = {"spec": network.spec.to_dict(), "state": state.to_dict(), **(facts or {})}
    arrays_file.write(path, {**network.model.parameters, **kept}, header)


def read_checkpoint(path: Path) -> tuple[NeuralNetwork, TrainingState, dict[str, Array], dict[str, Any]]:
    """Return weights, state, last good weights and facts of a run.

    The last good weights are empty where those of the network are of an epoch's end.
    """
    header, arrays = arrays_file.read(path)
    last_good, remembered, answers = (_taken(arrays, prefix) for prefix in (_LAST_GOOD, _OPTIMIZER, _ANSWERS))
    network = _network(path, header, arrays)
    try:
        state = TrainingState.from_dict(header["state"], remembered, [answers[name] for name in sorted(answers)])
    except (KeyError, InvalidValue):
        raise DataError(f"{path.name} holds no state of a run that this version can go on with.") from None
    return network, state, last_good, header


class ModelFiles:
    """The files of one folder of models.

    Parameters
    ----------
    folder : Path
        Made when it is missing.

    Notes
    -----
    Reading raises DataError for a file that is damaged or not ours; writing raises OSError when the disk is full or
    fails.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.transfers = folder / "transfers"
        for made in (folder / "checkpoints", self.transfers):
            made.mkdir(parents=True, exist_ok=True)

    def model_path(self, network_id: str) -> Path:
        """Where the weights of this network are."""
        return self.folder / f"{network_id}.safetensors"

    def outputs_path(self, network_id: str) -> Path:
        """Where its answers for the test set are."""
        return self.folder / f"{network_id}.outputs.safetensors"

    def checkpoint_path(self, job_id: str) -> Path:
        """Where the state of this unfinished run is."""
        return self.folder / "checkpoints" / f"{job_id}.safetensors"

    def save_model(self, network_id: str, network: NeuralNetwork, revision: str, facts: Mapping[str, Any]) -> None:
        """Write the weights; `facts` are values of JSON that describe how they came about, such as the accuracy."""
        write_model(self.model_path(network_id), network, {"revision": revision, **facts})

    def move_in(self, network_id: str, file: Path) -> None:
        """Make `file`, which `write_model` wrote beside the others, the one of this network."""
        file.replace(self.model_path(network_id))
        flush_folder(self.folder)

    def load_model(self, network_id: str) -> NeuralNetwork:
        """Return the network as it was saved."""
        return read_model(self.model_path(network_id))[0]

    def read_facts(self, network_id: str) -> dict[str, Any] | None:
        """Return what the header of the network's file says besides the weights, or None where there is no file."""
        if not self.model_path(network_id).exists():
            return None
        return arrays_file.read_header(self.model_path(network_id))

    def save_outputs(
        self,
        network_id: str,
        outputs: Array,
        last_weights: Array,
        revision: str,
        previous: NDArray[np.integer[Any]] | None = None,
    ) -> None:
        """Write what the weights of `revision` make of the test set (see `Outputs`)."""
        arrays = {"test_outputs": outputs, "last_weights": last_weights}
        earlier = {} if previous is None else {"previous_answers": previous}
        arrays_file.write(self.outputs_path(network_id), arrays | earlier, {"revision": revision})

    def load_outputs(self, network_id: str, revision: str) -> Outputs | None:
        """Return what the weights of `revision` make of the test set; None where it is not here."""
        if not self.outputs_path(network_id).exists():
            return None
        header, arrays = arrays_file.read(self.outputs_path(network_id))
        if header.get("revision") != revision:
            return None
        return Outputs(arrays["test_outputs"], arrays["last_weights"], arrays.get("previous_answers"))

    def saved_networks(self) -> list[str]:
        """Return the ids of the networks that have a file here."""
        names = (path.name.removesuffix(".safetensors") for path in self.folder.glob("*.safetensors"))
        return [name for name in names if not name.endswith(".outputs")]

    def save_checkpoint(
        self, job_id: str, network: NeuralNetwork, state: TrainingState, last_good: Mapping[str, Array] | None = None
    ) -> None:
        """Write weights and state of a run (see `write_checkpoint`)."""
        write_checkpoint(self.checkpoint_path(job_id), network, state, last_good)

    def load_checkpoint(self, job_id: str) -> tuple[NeuralNetwork, TrainingState, dict[str, Array]] | None:
        """Return weights, state and last good weights of the run, or None where there is no checkpoint."""
        path = self.checkpoint_path(job_id)
        return read_checkpoint(path)[:3] if path.exists() else None

    def remove_strays(self, known: Container[str]) -> None:
        """Remove answers whose network is not among the `known` ids."""
        for path in self.folder.glob("*.outputs.safetensors"):
            if path.name.removesuffix(".outputs.safetensors") not in known:
                remove(path)

    def delete_checkpoint(self, job_id: str) -> None:
        """Remove the checkpoint of a run that is over."""
        remove(self.checkpoint_path(job_id))

    def delete_model(self, network_id: str) -> bool:
        """Remove weights and answers; return whether there were weights."""
        remove(self.outputs_path(network_id))
        return remove(self.model_path(network_id))

    def sweep(self) -> None:
        """Remove what killed writers left; to be called before any worker starts."""
        sweep(self.folder)
        sweep(self.folder / "checkpoints")
        sweep(self.transfers)


def _network(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> NeuralNetwork:
    try:
        return NeuralNetwork.from_parameters(NetworkSpec.from_dict(header["spec"]), arrays)
    except InvalidValue as error:
        raise DataError(f"{path.name} holds no network of Hippo: {error.message}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise arrays_file.damaged(path, error) from None


def _taken(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Take the arrays whose names begin with `prefix` out of `arrays` and return them without it."""
    names = [name for name in arrays if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays.pop(name) for name in names}
