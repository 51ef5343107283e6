"""Save, load and delete networks, their outputs for the test set, and checkpoints of unfinished runs.

All three are safetensors files: arrays behind a JSON header, which no reading can make execute anything. The header's
one metadata key ``hippo`` holds the rest (spec, metrics, revision) as JSON. In the folder of models::

    <network_id>.safetensors            weights (in, out) and biases (out,)
    <network_id>.outputs.safetensors    the answers for the 10,000 test digits (10000, 10) and the last weights (H, 10)
    checkpoints/<job_id>.safetensors    weights and state of a run that is not over

Weights and outputs of the same moment carry the same revision, so that outputs of older weights are never taken for
current.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hippo.atomic_files import remove, sweep, write_atomically
from hippo.errors import DataError
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.nn import Array

_LAST_GOOD = "last_good."


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
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)

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
        _save(
            self.model_path(network_id),
            network.model.parameters,
            {"spec": network.spec.to_dict(), "revision": revision, **facts},
        )

    def load_model(self, network_id: str) -> NeuralNetwork:
        """Return the network as it was saved."""
        path = self.model_path(network_id)
        return _network(path, *_load(path))

    def read_facts(self, network_id: str) -> dict[str, Any] | None:
        """Return what the header of the network's file says besides the weights, or None where there is no file."""
        if not self.model_path(network_id).exists():
            return None
        with _opened(self.model_path(network_id)) as file:
            return _header(file, self.model_path(network_id))

    def save_outputs(self, network_id: str, outputs: Array, last_weights: Array, revision: str) -> None:
        """Write the answers (10000, 10) that the weights of `revision` give, and the last layer's weights (H, 10)."""
        arrays = {"test_outputs": outputs, "last_weights": last_weights}
        _save(self.outputs_path(network_id), arrays, {"revision": revision})

    def load_outputs(self, network_id: str, revision: str) -> tuple[Array, Array] | None:
        """Return answers (10000, 10) and last weights (H, 10) of `revision`; None where there are none of it."""
        if not self.outputs_path(network_id).exists():
            return None
        header, arrays = _load(self.outputs_path(network_id))
        return (arrays["test_outputs"], arrays["last_weights"]) if header.get("revision") == revision else None

    def saved_networks(self) -> list[str]:
        """Return the ids of the networks that have a file here."""
        names = (path.name.removesuffix(".safetensors") for path in self.folder.glob("*.safetensors"))
        return [name for name in names if not name.endswith(".outputs")]

    def save_checkpoint(
        self,
        job_id: str,
        network: NeuralNetwork,
        state: Mapping[str, Any],
        last_good: Mapping[str, Array] | None = None,
    ) -> None:
        """Write weights and state of a run.

        Parameters
        ----------
        job_id : str
        network : NeuralNetwork
        state : mapping
            Values of JSON.
        last_good : mapping of str to ndarray, optional
            The weights at the end of the last whole epoch, where those of `network` are of the middle of one.
        """
        kept = {f"{_LAST_GOOD}{name}": array for name, array in (last_good or {}).items()}
        header = {"spec": network.spec.to_dict(), "state": dict(state)}
        _save(self.checkpoint_path(job_id), {**network.model.parameters, **kept}, header)

    def load_checkpoint(self, job_id: str) -> tuple[NeuralNetwork, dict[str, Any], dict[str, Array]] | None:
        """Return weights, state and last good weights of the run, or None where there is no checkpoint.

        The last good weights are empty where those of the network are of an epoch's end.
        """
        path = self.checkpoint_path(job_id)
        if not path.exists():
            return None
        header, arrays = _load(path)
        last_good = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_LAST_GOOD)}
        network = _network(path, header, arrays)
        if not isinstance(header.get("state"), dict):
            raise DataError(f"{path.name} holds no state of a run.")
        return network, header["state"], {name.removeprefix(_LAST_GOOD): a for name, a in last_good.items()}

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


def _save(path: Path, arrays: Mapping[str, Array], header: Mapping[str, Any]) -> None:
    # safetensors writes the memory of an array as it lies, strides ignored: a transposed view would be saved wrong.
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"hippo": json.dumps(header, allow_nan=False)}
    # Not `save_file`: it names a temporary file of its own, which nobody would sweep, and a full disk is no OSError to
    # it. The price is a copy in memory.
    write_atomically(path, save(whole, metadata=metadata))


def _network(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> NeuralNetwork:
    try:
        return NeuralNetwork.from_parameters(NetworkSpec.from_dict(header["spec"]), arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path.name} holds no network of Hippo: {error}") from None


def _load(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    with _opened(path) as file:
        # `get_tensor` copies: nothing refers to the file once it is closed.
        return _header(file, path), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _header(file: Any, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(file.metadata()["hippo"])
    except (KeyError, TypeError, ValueError):
        header = None
    if not isinstance(header, dict):
        raise DataError(f"{path.name} was not written by Hippo: its header lacks the description.")
    return header


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="np")
    except FileNotFoundError:
        raise DataError(f"{path.name} is missing from the folder of models.") from None
    except SafetensorError as error:
        raise DataError(
            f"{path.name} is damaged ({error}). Delete the network, or restore the file from a backup."
        ) from None
