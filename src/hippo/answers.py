"""What networks answer for the digits of the test set: kept in memory and on disk, and drawn from for examples.

Answers belong to the weights that gave them and are made again when these have changed. Nothing is computed here: where
a pass over the test set is needed, it is asked for. The outputs for other images are the matter of `inference`.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippo.datasets.dataset import Dataset
from hippo.errors import DataError, NoSuchExample, NotReady
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.training_spec import INITIAL
from hippo.nn import Array
from hippo.persistence.model_persistence import ModelFiles, Outputs

#: Networks whose answers for the test set are kept in memory, at about 400 kB each.
CACHED_OUTPUTS = 32


@dataclass(frozen=True)
class Example:
    """A digit of the test set and what a network makes of it.

    Attributes
    ----------
    index : int
        Place in the test set, 0-9999.
    predicted, actual : int
        Digits.
    correct : bool
    pixels : ndarray of uint8 (784,)
        0 is paper, 255 ink.
    output_weights : ndarray of float32 (10, H)
        Weights of the last layer, one row per digit.
    network_output : list of 10 floats
    """

    index: int
    predicted: int
    actual: int
    correct: bool
    pixels: NDArray[np.uint8]
    output_weights: Array
    network_output: list[float]


class Answers:
    """The answers of every network for the test set. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    compute_outputs : callable
        Given a network id, has its answers for the test set written to `files`, and returns when they are.
    test_data : callable
        Returns the test set; raises DataError where it is missing.
    """

    def __init__(
        self,
        store: Store,
        files: ModelFiles,
        compute_outputs: Callable[[str], None],
        test_data: Callable[[], Dataset],
    ) -> None:
        self._store = store
        self._files = files
        self._compute_outputs = compute_outputs
        self._test_data = test_data
        self._lock = threading.Lock()
        self._outputs: OrderedDict[tuple[str, str], Outputs] = OrderedDict()

    def of(self, network_id: str) -> tuple[Outputs, Dataset]:
        """Return what the network makes of the test set, and the test set; raises as `example` does."""
        return self._test_outputs(network_id), self._test_data()

    def example(self, network_id: str, correct: bool) -> Example:
        """Return one test digit at random, evenly, among all that the network gets right (or wrong).

        Raises
        ------
        UnknownNetwork
            When there is no such network.
        NoSuchExample
            When the network gets none right (or none wrong).
        NotReady
            When the pass over the test set could not be made in time.
        DataError
            When the test set is missing.
        """
        found, test_data = self._test_outputs(network_id), self._test_data()
        outputs = found.outputs
        predicted = outputs.argmax(axis=1)
        candidates = np.flatnonzero((predicted == test_data.labels) == correct)
        if not len(candidates):
            what = "right" if correct else "wrong"
            raise NoSuchExample(f"This network gets none of the {len(test_data)} test digits {what}.")
        index = int(candidates[secrets.randbelow(len(candidates))])
        return Example(
            index=index,
            predicted=int(predicted[index]),
            actual=int(test_data.labels[index]),
            correct=correct,
            pixels=test_data.pixels[index],
            output_weights=found.last_weights.T,
            network_output=outputs[index].tolist(),
        )

    def forget(self, network_id: str) -> None:
        """Drop from memory what is kept of a network, which is being deleted."""
        with self._lock:
            for key in [key for key in self._outputs if key[0] == network_id]:
                del self._outputs[key]

    def _test_outputs(self, network_id: str) -> Outputs:
        """Return what the current weights make of the test set."""
        for _ in range(2):  # a run that ends meanwhile changes the revision; then once more
            network = self._store.network(network_id)
            revision = network.revision or INITIAL
            key = (network_id, revision)
            with self._lock:
                if key in self._outputs:
                    self._outputs.move_to_end(key)
                    return self._outputs[key]
            found = self._read_outputs(network_id, revision)
            if found is None:
                self._compute_outputs(network_id)
                found = self._read_outputs(network_id, revision)
            if found is not None:
                self._note_accuracy(network, revision, found.outputs)
                with self._lock:
                    self._outputs[key] = found
                    while len(self._outputs) > CACHED_OUTPUTS:
                        self._outputs.popitem(last=False)
                return found
        raise NotReady("The network is changing at this moment. Try again.")

    def _note_accuracy(self, network: StoredNetwork, revision: str, outputs: Array) -> None:
        """Keep the accuracy of an imported network, once it has been measured."""
        if network.accuracy is None and revision == network.revision:
            accuracy = float(np.mean(outputs.argmax(axis=1) == self._test_data().labels))
            self._store.set_accuracy(network.network_id, revision, accuracy)

    def _read_outputs(self, network_id: str, revision: str) -> Outputs | None:
        try:
            return self._files.load_outputs(network_id, revision)
        except DataError:
            return None  # damaged: it is made again
