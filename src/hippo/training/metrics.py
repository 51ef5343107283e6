"""How good a network is: loss and correct answers on a set, its outputs, and its answers while it learns.

Sets are passed through in chunks, so that memory does not grow with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, Loss, Module
from hippo.nn.losses import output_probabilities
from hippo.training.batches import CHUNK, CLASSES, Examples, Gather, Labels
from hippo.training.state import TrainingState


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


class Answers:
    """Counts the right answers that a network gives while it learns, for the accuracy over an epoch.

    To compare ten rows costs as much as to compare a thousand, so outputs are put by until there are enough.

    Parameters
    ----------
    state : TrainingState
        Whose `correct` is counted up; by all that was put by only after ``count``.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._outputs = np.empty((0, 0))
        self._labels, self._predicted = np.empty((2, CHUNK), np.intp)
        self._hits = np.empty(CHUNK, bool)
        self._rows = 0

    def add(self, outputs: Array, labels: NDArray[np.intp]) -> None:
        """Take the outputs (rows, classes) for examples with these labels (rows,); at most `CHUNK` rows."""
        end = self._rows + len(outputs)
        if end > len(self._outputs):
            self.count()
            end = len(outputs)
            if not len(self._outputs):
                self._outputs = np.empty((CHUNK, outputs.shape[1]), outputs.dtype)
        self._outputs[self._rows : end] = outputs
        self._labels[self._rows : end] = labels
        self._rows = end

    def count(self) -> None:
        """Count what was put by."""
        if self._rows:
            rows = slice(self._rows)
            np.argmax(self._outputs[rows], axis=1, out=self._predicted[rows])
            np.equal(self._predicted[rows], self._labels[rows], out=self._hits[rows])
            self._state.correct += int(np.count_nonzero(self._hits[rows]))
            self._rows = 0


def evaluate(model: Module, loss: Loss, data: Examples) -> Evaluation:
    """Return loss and accuracy of `model`, in eval mode, on `data`."""
    total_loss, correct = 0.0, 0
    for _, outputs, targets, labels in _passes(model, data):
        total_loss += loss.forward(outputs, targets, len(data))
        correct += int(np.count_nonzero(outputs.argmax(axis=1) == labels))
    return Evaluation(total_loss, correct, len(data))


def network_outputs(model: Module, loss: Loss, data: Examples) -> Array:
    """Return what `model` answers for every example of `data`: float32 (N, classes), probabilities after a softmax."""
    result = np.empty((len(data), data.classes), np.float32)
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


def _passes(model: Module, data: Examples) -> Iterator[tuple[slice, Array, Array, Labels]]:
    gather = Gather(data.inputs, data.labels, classes=data.classes)
    every = np.arange(len(data))
    for begin in range(0, len(data), CHUNK):
        rows = slice(begin, begin + CHUNK)
        inputs, targets, _ = gather(every[rows])
        with model.mode(training=False):
            outputs = model.forward(inputs)
        yield rows, outputs, targets, data.labels[rows]
