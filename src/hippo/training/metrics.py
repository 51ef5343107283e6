"""How good a network is on a set: loss, correct answers, and its outputs for every example.

Sets are passed through in chunks, so that memory does not grow with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.datasets.dataset import Dataset
from hippo.nn import Array, Loss, Module
from hippo.nn.losses import output_probabilities
from hippo.training.batches import CHUNK, CLASSES, Gather


@dataclass(frozen=True)
class Evaluation:
    """The result of one pass over a set.

    Attributes
    ----------
    loss : float
        Mean over the set, in the units of the network's loss.
    correct, total : int
        Examples whose largest output is at their label, and all examples.
    """

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """Correct answers as a fraction, 0-1."""
        return self.correct / self.total


def evaluate(model: Module, loss: Loss, data: Dataset) -> Evaluation:
    """Return loss and accuracy of `model` on `data`."""
    total_loss, correct = 0.0, 0
    for _, outputs, targets, labels in _passes(model, data):
        total_loss += loss.forward(outputs, targets, len(data))
        correct += int(np.count_nonzero(outputs.argmax(axis=1) == labels))
    return Evaluation(total_loss, correct, len(data))


def network_outputs(model: Module, loss: Loss, data: Dataset) -> Array:
    """Return the answers of `model` for every example of `data`: float32 (N, 10), probabilities after a softmax."""
    result = np.empty((len(data), CLASSES), np.float32)
    for rows, outputs, _, _ in _passes(model, data):
        result[rows] = output_probabilities(loss, outputs)
    return result


def accuracy(outputs: Array, labels: NDArray[Any]) -> float:
    """Return the fraction of rows of `outputs` (N, classes) whose largest value is at the label (N,)."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def confusion_matrix(predicted: NDArray[Any], actual: NDArray[Any], classes: int = CLASSES) -> NDArray[np.int64]:
    """Return counts (classes, classes): row is the true class, column the predicted one."""
    pairs = actual.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _passes(model: Module, data: Dataset) -> Iterator[tuple[slice, Array, Array, NDArray[np.uint8]]]:
    gather = Gather(data.inputs, data.labels)
    every = np.arange(len(data))
    for begin in range(0, len(data), CHUNK):
        rows = slice(begin, begin + CHUNK)
        inputs, targets = gather(every[rows])
        yield rows, model.forward(inputs), targets, data.labels[rows]
