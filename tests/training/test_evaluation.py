"""The statistics of an evaluation against worked examples, definitions and published values; the report as JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hippo.datasets import Dataset
from hippo.errors import InvalidValue
from hippo.network import NeuralNetwork
from hippo.nn import CrossEntropyLoss, Dropout, Linear, Sequential
from hippo.training.evaluation import evaluate_report
from hippo.training.statistics import (
    as_probabilities,
    calibration,
    class_scores,
    most_confident_mistakes,
    wilson_interval,
)

# ---- Accuracy


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_solves_the_equation_it_comes_from() -> None:
    # Its bounds are the shares q for which |p - q| is z standard deviations sqrt(q (1 - q) / n).
    for q in wilson_interval(9785, 10000, z=1.5):
        assert abs(0.9785 - q) == pytest.approx(1.5 * math.sqrt(q * (1 - q) / 10000))


def test_the_interval_stays_between_0_and_1() -> None:
    for total in (1, 7, 10000):
        assert wilson_interval(0, total)[0] == 0.0 < wilson_interval(0, total)[1] < 1
        assert wilson_interval(total, total)[1] == 1.0 > wilson_interval(total, total)[0] > 0


@pytest.mark.parametrize(("correct", "total"), [(0, 0), (3, 2), (-1, 2)])
def test_an_interval_of_impossible_counts_is_refused(correct: int, total: int) -> None:
    with pytest.raises(InvalidValue, match="no accuracy"):
        wilson_interval(correct, total)


# ---- Classes


def test_scores_of_classes() -> None:
    # Rows: 5 of class 0, 4 of class 1, none of class 2, 2 of class 3; nothing was called 3.
    confusion = np.array([[3, 1, 1, 0], [0, 4, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]])
    scores = class_scores(confusion)
    assert [score.label for score in scores] == [0, 1, 2, 3]
    assert [score.support for score in scores] == [5, 4, 0, 2]
    assert [score.precision for score in scores] == [3 / 4, 4 / 6, 0.0, None]
    assert [score.recall for score in scores] == [3 / 5, 1.0, None, 0.0]
    assert [score.f1 for score in scores] == [pytest.approx(2 / 3), pytest.approx(0.8), 0.0, 0.0]
    precision, recall = 3 / 4, 3 / 5
    assert scores[0].f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_class_that_is_nowhere_has_no_scores() -> None:
    score = class_scores(np.array([[2, 0], [0, 0]]))[1]
    assert (score.precision, score.recall, score.f1, score.support) == (None, None, None, 0)


# ---- Calibration


def two_classes(confidence: list[float], right: list[bool]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Answers, all of them class 0, with these confidences."""
    sure = np.array(confidence)
    return np.column_stack([sure, 1 - sure]), np.where(right, 0, 1)


def test_expected_calibration_error_of_a_worked_example() -> None:
    probabilities, labels = two_classes([0.9, 0.9, 0.9, 0.9, 0.6, 0.6], [True, True, True, False, True, True])
    found = calibration(probabilities, labels, bins=5)
    assert found.expected_error == pytest.approx(4 / 6 * abs(0.75 - 0.9) + 2 / 6 * abs(1.0 - 0.6))
    assert found.confidence == pytest.approx(0.8)
    assert [one.count for one in found.bins] == [0, 0, 2, 0, 4]
    assert [one.accuracy for one in found.bins] == [None, None, 1.0, None, 0.75]
    assert [one.confidence for one in found.bins] == [None, None, pytest.approx(0.6), None, pytest.approx(0.9)]


def test_bins_hold_their_upper_edge() -> None:
    probabilities, labels = two_classes([0.8, 0.8000001, 1.0], [True, True, True])
    found = calibration(probabilities, labels, bins=5)
    assert [(one.low, one.high) for one in found.bins][3:] == [(0.6, 0.8), (0.8, 1.0)]
    assert [one.count for one in found.bins][3:] == [1, 2]


def test_a_network_that_knows_how_sure_it_may_be_has_no_calibration_error() -> None:
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.5, 1, 200_000)
    probabilities, labels = two_classes(confidence.tolist(), (rng.random(200_000) < confidence).tolist())
    assert calibration(probabilities, labels).expected_error < 0.005
    assert calibration(probabilities, 1 - labels).expected_error > 0.45


def test_outputs_become_distributions() -> None:
    outputs = np.array([[0.2, 0.6, 0.2], [0.9, 0.8, 0.3], [0.0, 0.0, 0.0]], np.float32)
    made = as_probabilities(outputs)
    np.testing.assert_allclose(made, [[0.2, 0.6, 0.2], [0.45, 0.4, 0.15], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(made.sum(axis=1), 1)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1])
def test_outputs_that_cannot_be_probabilities_are_refused(wrong: float) -> None:
    with pytest.raises(InvalidValue, match="finite"):
        as_probabilities(np.array([[0.5, wrong]]))


# ---- Mistakes


def test_mistakes_come_most_confident_first_and_equals_in_order() -> None:
    probabilities = np.array([[0.7, 0.3], [0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6], [1.0, 0.0]])
    labels = np.array([1, 1, 0, 1, 1, 0])
    found = most_confident_mistakes(probabilities, labels)
    assert [one.index for one in found] == [1, 2, 0, 3]
    assert [(one.label, one.predicted, one.confidence) for one in found][:2] == [(1, 0, 0.9), (0, 1, 0.8)]
    assert [one.index for one in most_confident_mistakes(probabilities, labels, 1)] == [1]
    assert most_confident_mistakes(probabilities, probabilities.argmax(axis=1)) == ()
    many = np.tile([[0.6, 0.4], [0.7, 0.3]], (250, 1))
    assert [one.index for one in most_confident_mistakes(many, np.ones(500, np.int64))] == list(range(1, 48, 2))


# ---- The report


def some(count: int) -> Dataset:
    rng = np.random.default_rng(5)
    return Dataset(rng.integers(0, 256, (count, 784), np.uint8), rng.integers(0, 10, count).astype(np.uint8))


@pytest.mark.parametrize(("activation", "normalised"), [("sigmoid", True), ("relu", False)])
def test_the_report_says_what_the_parts_say(activation: str, normalised: bool) -> None:
    data, network = some(60), NeuralNetwork([784, 12, 10], activation, seed=2)
    report = evaluate_report(network.model, network.loss, data)
    outputs = as_probabilities(network.predict(data.images))
    assert report.total == 60
    assert report.correct == network.evaluate(data) == sum(report.confusion[i][i] for i in range(10))
    assert report.accuracy == report.correct / 60
    assert report.interval == wilson_interval(report.correct, 60)
    assert sum(score.support for score in report.classes) == 60
    assert report.calibration.expected_error == pytest.approx(
        calibration(outputs, data.labels).expected_error, abs=1e-6
    )
    assert [m.index for m in report.mistakes] == [m.index for m in most_confident_mistakes(outputs, data.labels)]
    assert report.normalised is normalised


def test_the_report_is_strict_json() -> None:
    network = NeuralNetwork([784, 10], "relu", seed=2)
    made = evaluate_report(network.model, network.loss, some(3)).to_dict()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert made["classes"][0].keys() == {"label", "precision", "recall", "f1", "support"}
    assert None in [score["recall"] for score in made["classes"]]  # three examples are not of ten classes


def test_evaluation_is_in_eval_mode_and_leaves_the_mode_as_it_was() -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Dropout(0.9, rng), Linear(784, 10, "xavier", rng)])
    first = evaluate_report(model, CrossEntropyLoss(), some(20))
    assert evaluate_report(model, CrossEntropyLoss(), some(20)) == first
    assert all(module.training for module in model.within())


def test_an_empty_set_is_refused() -> None:
    network = NeuralNetwork([784, 10], seed=2)
    with pytest.raises(InvalidValue, match="no accuracy"):
        evaluate_report(network.model, network.loss, some(0))


def test_damaged_weights_are_refused() -> None:
    network = NeuralNetwork([784, 10], seed=2)
    next(iter(network.model.parameters.values()))[0, 0] = math.nan
    with pytest.raises(InvalidValue, match="damaged"):
        evaluate_report(network.model, network.loss, some(20))
