"""The report on a trained network's answers for a set, as values that can be printed, drawn or written as JSON.

What its numbers mean and where they come from stands in `statistics`; how it is shown is decided by the commands.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hippo.datasets.dataset import Dataset
from hippo.errors import InvalidValue
from hippo.nn import CrossEntropyLoss, Loss, Module
from hippo.training.metrics import confusion_matrix, evaluate, network_outputs
from hippo.training.statistics import (
    Calibration,
    ClassScore,
    Mistake,
    as_probabilities,
    calibration,
    class_scores,
    most_confident_mistakes,
    wilson_interval,
)


@dataclass(frozen=True)
class EvaluationReport:
    """All of it for one network and one set.

    Attributes
    ----------
    total, correct : int
    accuracy : float
        0-1.
    interval : tuple of float
        The 95 % Wilson interval of the accuracy.
    loss : float
        Mean over the set, in the units of the network's loss.
    classes : tuple of ClassScore
    confusion : tuple of tuple of int
        Rows are true classes, columns answers.
    calibration : Calibration
    normalised : bool
        Whether the outputs were no probabilities and were divided by their sum for calibration and confidences.
    mistakes : tuple of Mistake
        The most confident ones, at most `MISTAKES`, most confident first.
    """

    total: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration
    normalised: bool
    mistakes: tuple[Mistake, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values by name, all of which strict JSON can write."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def evaluate_report(model: Module, loss: Loss, data: Dataset) -> EvaluationReport:
    """Pass `data` through `model`, in eval mode, and report on its answers.

    Parameters
    ----------
    model, loss
        As `NeuralNetwork` has them.
    data
        At least one example.

    Raises
    ------
    InvalidValue
        If the set is empty, or an output is not a finite number.
    """
    if not len(data):
        raise InvalidValue("A set without examples has no accuracy.")
    # Damaged weights are refused in words below; NumPy's warnings would add nothing to them.
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = network_outputs(model, loss, data)
        probabilities = as_probabilities(outputs)
        mean_loss = evaluate(model, loss, data).loss
    confusion = confusion_matrix(outputs.argmax(axis=1), data.labels)
    correct = int(confusion.trace())
    return EvaluationReport(
        total=len(data),
        correct=correct,
        accuracy=correct / len(data),
        interval=wilson_interval(correct, len(data)),
        loss=mean_loss,
        classes=class_scores(confusion),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        calibration=calibration(probabilities, data.labels),
        normalised=not isinstance(loss, CrossEntropyLoss),
        mistakes=most_confident_mistakes(probabilities, data.labels),
    )


def _plain(value: Any) -> Any:
    """Return the value with lists for tuples, as it comes back from JSON."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value
