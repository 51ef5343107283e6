"""What trained networks answer: what one says about images, and where that is computed.

Which of them is asked is chosen by ``model_choice``. The few that were asked last are kept in memory. What would hold
the server up (a large network, many images) is computed by the assistant, whose `forward` is handed in. Nothing here
trains or changes a network; what a request looks like is known to the web alone.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hippo.errors import DataError, NoModel, UnknownModel, UnknownNetwork
from hippo.jobs.store import Store, StoredNetwork
from hippo.model_choice import Chosen, ModelChoice, Source
from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.persistence.model_persistence import ModelFiles

log = logging.getLogger(__name__)

#: Networks kept in memory, and the bytes of weights that they may hold together.
MOST_KEPT, MOST_BYTES = 32, 64 * 2**20
#: What takes longer than this is computed by the assistant, seconds.
LONGEST = 0.020
#: Seconds per parameter on a slow machine, some four times what was measured: to read it from a file, to draw it anew
#: from the seed, to fetch and widen it, and to multiply it with one image.
READ, DRAW, FETCH, MULTIPLY = 3e-8, 2e-7, 3e-9, 2e-10
BYTES_PER_PARAMETER = 8  # a weight and its gradient, float32


@dataclass(frozen=True)
class Prediction:
    """What a network says about images.

    Attributes
    ----------
    model : str
        The name of the network that answered; its id where it has no name.
    network_id : str or None
        Its id; None for a network that is kept elsewhere.
    probabilities : ndarray of float64 (N, 10)
        A distribution for every image: 0-1, each row sums to 1.
    outputs : ndarray of float64 (N, 10)
        The outputs as they are, 0-1; those of sigmoid neurons need not sum to 1. 0 where one is not finite.
    """

    model: str
    network_id: str | None
    probabilities: NDArray[np.float64]
    outputs: NDArray[np.float64]

    @property
    def digits(self) -> NDArray[np.intp]:
        """The most probable digit of each image (N,), 0-9."""
        digits: NDArray[np.intp] = self.probabilities.argmax(axis=1)
        return digits


class Forward(Protocol):
    """What computes where it disturbs nobody."""

    def __call__(self, network: StoredNetwork, images: Array, every_layer: bool, file: Path | None) -> Array:
        """Return the outputs (N, 10), or with `every_layer` all activations of one image one after the other.

        The weights are in `file`, or where the networks of the server are.
        """


class Inference:
    """Answers with trained networks. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    forward : Forward
        Computes what takes longer than 20 ms.
    default_model : str, optional
        Id or name of the network that answers where a request names none.
    """

    def __init__(self, store: Store, files: ModelFiles, forward: Forward, default_model: str | None = None) -> None:
        self._store = store
        self._files = files
        self._forward = forward
        self._choice = ModelChoice(store, default_model)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str | None], NeuralNetwork] = OrderedDict()

    def add_source(self, source: Source) -> None:
        """Let networks of another place answer, too; where names clash, what is stored here goes first."""
        self._choice.add_source(source)

    @property
    def ready(self) -> bool:
        """Whether there is a network that answers a request which names none."""
        try:
            self._choice.choose(None)
        except NoModel:
            return False
        return True

    def problem(self) -> str | None:
        """Say what is wrong with the network that answers requests which name none, if one was set and is not there."""
        return self._choice.problem()

    def models(self) -> list[dict[str, Any]]:
        """Describe every trained network (see `ModelChoice.models`)."""
        return self._choice.models()

    def network(self, model: str | None = None) -> tuple[str, NeuralNetwork]:
        """Return the name of the network that answers, and the network; it is shared, to be run and not changed.

        Parameters
        ----------
        model : str, optional
            Id of any network, or name of a trained one; the best of several of the same name.

        Raises
        ------
        UnknownModel
            When `model` is not there.
        NoModel
            When none is named and none is trained.
        """
        chosen = self._choice.choose(model)
        return chosen.name, self._loaded(chosen)

    def predict(self, images: Array, model: str | None = None) -> Prediction:
        """Return what a network makes of `images` (N, 784), float32 0-1; raises as `network` does, and NotReady."""
        chosen = self._choice.choose(model)
        if self._takes_long(chosen.network, len(images)):
            outputs = self._elsewhere(chosen, images, every_layer=False).reshape(len(images), -1)
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                outputs = self._loaded(chosen).predict(images)
        finite = np.nan_to_num(np.asarray(outputs, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        return Prediction(chosen.name, chosen.network_id, distribution(outputs), finite)

    def activations(self, image: Array, model: str | None = None) -> tuple[list[Array], list[int], str]:
        """Return the activations of every layer for `image` (784,), the widths of the layers, and the network's name.

        The first layer is the image, the last the ten outputs as they are, not made a distribution.
        """
        chosen = self._choice.choose(model)
        if self._takes_long(chosen.network, 1):
            sizes = list(chosen.network.spec.layer_sizes)
            whole = self._elsewhere(chosen, image[np.newaxis], every_layer=True)
            layers = np.split(whole, np.cumsum(sizes)[:-1])
        else:
            network = self._loaded(chosen)
            sizes = list(network.sizes)
            with np.errstate(over="ignore", invalid="ignore"):
                layers = [layer[0] for layer in network.activations(image[np.newaxis])]
        return [np.nan_to_num(layer) for layer in layers], sizes, chosen.name

    def _takes_long(self, network: StoredNetwork, images: int) -> bool:
        """Estimate whether to load this network, if it is not kept, and pass so many images through takes too long."""
        with self._lock:
            kept = (network.network_id, network.revision) in self._kept
        to_load = 0.0 if kept else DRAW if network.revision is None else READ
        return network.spec.parameter_count * (to_load + FETCH + MULTIPLY * images) > LONGEST

    def _elsewhere(self, chosen: Chosen, images: Array, every_layer: bool) -> Array:
        with self._about(chosen):
            return self._forward(chosen.network, np.ascontiguousarray(images, np.float32), every_layer, chosen.file)

    @contextmanager
    def _about(self, chosen: Chosen) -> Iterator[None]:
        """Say of a file that cannot be read that its network was deleted meanwhile, where that is why."""
        try:
            yield
        except DataError:
            try:
                if chosen.source is None:
                    self._store.network(chosen.network.network_id)
            except UnknownNetwork:
                raise UnknownModel("This network has just been deleted. GET /models lists those there are.") from None
            raise

    def _loaded(self, chosen: Chosen) -> NeuralNetwork:
        key = (chosen.network.network_id, chosen.network.revision)
        with self._lock:
            network = self._kept.get(key)
            if network is not None:
                self._kept.move_to_end(key)
        if network is None:
            with self._about(chosen):
                network = self._load(chosen)
            self._keep(key, network)
        return network

    def _load(self, chosen: Chosen) -> NeuralNetwork:
        if chosen.source is not None:
            return chosen.source.load(chosen.name)
        if chosen.network.revision is None:
            return NeuralNetwork(chosen.network.spec)
        return self._files.load_model(chosen.network.network_id)

    def _keep(self, key: tuple[str, str | None], network: NeuralNetwork) -> None:
        with self._lock:
            for old in [old for old in self._kept if old[0] == key[0]]:
                del self._kept[old]  # older weights of the same network
            self._kept[key] = network
            while len(self._kept) > MOST_KEPT or (len(self._kept) > 1 and self._bytes_kept() > MOST_BYTES):
                self._kept.popitem(last=False)

    def _bytes_kept(self) -> int:
        return sum(network.spec.parameter_count * BYTES_PER_PARAMETER for network in self._kept.values())


def distribution(outputs: Array) -> NDArray[np.float64]:
    """Return probabilities (N, 10) for the outputs (N, 10) of any network: each row sums to 1.

    Softmax outputs are that already. Sigmoid outputs, each 0-1 by itself, are divided by their sum. A row of nothing
    but 0, or with an output that is not finite, says nothing: each digit is as probable as another.
    """
    p = np.array(outputs, np.float64)
    total = p.sum(axis=1, keepdims=True)
    says_something = np.isfinite(total) & (total > 0)
    np.divide(p, total, out=p, where=says_something)
    p[~says_something[:, 0]] = 1 / p.shape[1]
    return p
