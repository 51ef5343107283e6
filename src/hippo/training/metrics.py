"""How good a network is: loss and correct answers on a set, its outputs, and its answers while it learns.

Sets are passed through in chunks, so that memory does not grow with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, Loss, Module
from hippo.nn.losses import output_probabilities
from hippo.training.batches import CHUNK, CLASSES, Chunk, Examples, Gather, Labels
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
    predicted : ndarray of unsigned int (total,)
        The class that each example was taken for.
    """

    loss: float
    correct: int
    total: int
    predicted: Labels = field(compare=False, repr=False)

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
        Whose `correct` is counted up, by whole mini-batches; by all that was put by only after ``count``.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._outputs = np.empty((0, 0))
        self._labels, self._predicted = np.empty((2, CHUNK), np.intp)
        self._hits = np.empty(CHUNK, bool)
        self._rows = 0
        self._parts = 0  # right answers in the finished parts of a mini-batch that comes in several

    def add(self, outputs: Array, chunk: Chunk) -> None:
        """Take the outputs (rows, classes) for a chunk."""
        if not (chunk.is_first and chunk.is_last):
            self._add_part(outputs, chunk)
            return
        end = self._rows + len(outputs)
        if end > len(self._outputs):
            self.count()
            end = len(outputs)
            if not len(self._outputs):
                self._outputs = np.empty((CHUNK, outputs.shape[1]), outputs.dtype)
        self._outputs[self._rows : end] = outputs
        self._labels[self._rows : end] = chunk.labels
        self._rows = end

    def count(self) -> None:
        """Count what was put by."""
        if self._rows:
            self._state.correct += self._right(self._outputs[: self._rows], self._labels[: self._rows])
            self._rows = 0

    def _add_part(self, outputs: Array, chunk: Chunk) -> None:
        # A mini-batch that is left in its middle is computed again, and must not be counted twice.
        self._parts = (0 if chunk.is_first else self._parts) + self._right(outputs, chunk.labels)
        if chunk.is_last:
            self._state.correct += self._parts

    def _right(self, outputs: Array, labels: NDArray[np.intp]) -> int:
        rows = slice(len(outputs))
        np.argmax(outputs, axis=1, out=self._predicted[rows])
        np.equal(self._predicted[rows], labels, out=self._hits[rows])
        return int(np.count_nonzero(self._hits[rows]))


def evaluate(model: Module, loss: Loss, data: Examples) -> Evaluation:
    """Return loss and accuracy of `model`, in eval mode, on `data`."""
    total_loss, predicted = 0.0, np.empty(len(data), np.min_scalar_type(data.classes - 1))
    for rows, outputs, targets in _passes(model, data):
        total_loss += loss.forward(outputs, targets, len(data))
        predicted[rows] = outputs.argmax(axis=1)
    correct = int(np.count_nonzero(predicted == data.labels))
    return Evaluation(total_loss, correct, len(data), predicted)


def network_outputs(model: Module, loss: Loss, data: Examples) -> Array:
    """Return what `model` answers for every example of `data`: float32 (N, classes), probabilities after a softmax."""
    result = np.empty((len(data), data.classes), np.float32)
    for rows, outputs, _ in _passes(model, data):
        result[rows] = output_probabilities(loss, outputs)
    return result


def accuracy(outputs: Array, labels: NDArray[Any]) -> float:
    """Return the fraction of rows of `outputs` (N, classes) whose largest value is at the label (N,)."""
    return float(np.mean(outputs.argmax(axis=1) == labels))


def confusion_matrix(predicted: NDArray[Any], actual: NDArray[Any], classes: int = CLASSES) -> NDArray[np.int64]:
    """Return counts (classes, classes): row is the true class, column the predicted one."""
    pairs = actual.astype(np.int64) * classes + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _passes(model: Module, data: Examples) -> Iterator[tuple[slice, Array, Array]]:
    gather = Gather(data.inputs, data.labels, classes=data.classes)
    every = np.arange(len(data))
    for begin in range(0, len(data), CHUNK):
        rows = slice(begin, begin + CHUNK)
        inputs, targets, _ = gather(every[rows])
        with model.mode(training=False):
            outputs = model.forward(inputs)
        yield rows, outputs, targets
