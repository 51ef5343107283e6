"""What a network makes of the whole test set: the confusion matrix, digit by digit, and what its last epoch changed.

Everything here is read off two arrays that are kept beside the network, its outputs and what it answered one epoch
earlier. Nothing is passed through a network, and no picture is made: who wants some of the answers gets their places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hippo.inference import distribution
from hippo.persistence.model_persistence import Outputs
from hippo.training.metrics import confusion_matrix

Outcome = Literal["right", "wrong", "turned_wrong", "turned_right"]
Order = Literal["index", "confidence", "-confidence", "output", "-output"]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The answers of one network for a set of N digits.

    Attributes
    ----------
    actual, predicted : ndarray of integers (N,)
        What each digit is, and what the network takes it for.
    confidence : ndarray of float64 (N,)
        The probability that the network gives its answer, 0-1 (see `hippo.inference.distribution`).
    output : ndarray of float64 (N,)
        The largest of its ten outputs as it is, 0-1: for a softmax the same, for sigmoids not divided by their sum. 0
        where it is not finite.
    previous : ndarray of integers (N,), or None
        What it took them for one epoch earlier, where that is known.
    """

    actual: NDArray[np.integer[Any]]
    predicted: NDArray[np.integer[Any]]
    confidence: NDArray[np.float64]
    output: NDArray[np.float64]
    previous: NDArray[np.integer[Any]] | None

    @classmethod
    def of(cls, found: Outputs, labels: NDArray[np.integer[Any]]) -> Outcomes:
        """Return what `found` says about digits with these `labels` (N,)."""
        predicted = found.outputs.argmax(axis=1)
        confidence = distribution(found.outputs)[np.arange(len(predicted)), predicted]
        output = np.nan_to_num(found.outputs.max(axis=1).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        return cls(labels, predicted, confidence, output, found.previous)

    def summary(self) -> dict[str, Any]:
        """Return accuracy (0-1), counts, confusion matrix (rows are what digits are), digits, and what changed."""
        confusion = confusion_matrix(self.predicted, self.actual)
        correct = int(confusion.trace())
        return {
            "accuracy": correct / len(self.actual),
            "correct": correct,
            "total": len(self.actual),
            "confusion_matrix": confusion.tolist(),
            "digits": [_digit(digit, row) for digit, row in enumerate(confusion.tolist())],
            "changed": {
                "known": self.previous is not None,
                "turned_wrong": int(np.count_nonzero(self.among("turned_wrong"))),
                "turned_right": int(np.count_nonzero(self.among("turned_right"))),
            },
        }

    def among(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Return which digits (N,) are right or wrong now, or became so in the last epoch; none where nobody knows."""
        right: NDArray[np.bool_] = self.predicted == self.actual
        if outcome in ("right", "wrong"):
            return right if outcome == "right" else ~right
        if self.previous is None:
            return np.zeros(len(right), bool)
        was_right: NDArray[np.bool_] = self.previous == self.actual
        return was_right & ~right if outcome == "turned_wrong" else ~was_right & right

    def places(
        self,
        actual: int | None = None,
        predicted: int | None = None,
        outcome: Outcome | None = None,
        order: Order = "index",
    ) -> NDArray[np.intp]:
        """Return the places in the set of all digits that fit, in this order.

        Parameters
        ----------
        actual, predicted : int, optional
            Only digits that are this one, or are taken for it.
        outcome : optional
            Only those that `among` names.
        order
            By place, or by rising or falling confidence or output; of equals the first place comes first.
        """
        fits = np.ones(len(self.actual), bool) if outcome is None else self.among(outcome)
        if actual is not None:
            fits = fits & (self.actual == actual)
        if predicted is not None:
            fits = fits & (self.predicted == predicted)
        found = np.flatnonzero(fits)
        if order == "index":
            return found
        key = (self.confidence if order.endswith("confidence") else self.output)[found]
        return found[np.argsort(-key if order.startswith("-") else key, kind="stable")]


def _digit(digit: int, row: list[int]) -> dict[str, Any]:
    """Return how well one digit is recognised, given its row of the confusion matrix."""
    total, correct = sum(row), row[digit]
    return {"digit": digit, "total": total, "correct": correct, "accuracy": correct / total if total else None}
