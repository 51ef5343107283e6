"""What a network makes of a set is counted, filtered and sorted as one would by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.outcomes import Outcomes
from hippo.persistence.model_persistence import Outputs

WEIGHTS = np.zeros((3, 10), np.float32)
#: Of eight digits: what they are, what they are taken for and how surely (in parts of 1), what they were taken for.
LABELS = np.array([0, 0, 1, 1, 1, 2, 2, 9], np.uint8)
PREDICTED = [0, 1, 1, 1, 0, 2, 3, 9]
SURE = [0.5, 0.75, 0.5, 1.0, 0.75, 0.25, 0.5, 0.75]
PREVIOUS = np.array([1, 0, 1, 1, 0, 3, 2, 0], np.uint8)


def outputs(scale: float = 1.0) -> np.ndarray:
    """Outputs of which the largest has the wanted share, as sigmoids may have that do not add up to 1."""
    made = np.repeat((1 - np.array(SURE, np.float32)) / 9, 10).reshape(8, 10)
    made[range(8), PREDICTED] = SURE
    return made * np.float32(scale)


def outcomes(previous: np.ndarray | None = PREVIOUS, scale: float = 1.0) -> Outcomes:
    return Outcomes.of(Outputs(outputs(scale), WEIGHTS, previous), LABELS)


def test_the_summary_is_what_one_counts_by_hand() -> None:
    found = outcomes().summary()
    matrix = [[0] * 10 for _ in range(10)]
    matrix[0][0], matrix[0][1] = 1, 1
    matrix[1][1], matrix[1][0] = 2, 1
    matrix[2][2], matrix[2][3] = 1, 1
    matrix[9][9] = 1
    assert found["confusion_matrix"] == matrix
    assert (found["accuracy"], found["correct"], found["total"]) == (0.625, 5, 8)
    assert found["digits"][1] == {"digit": 1, "total": 3, "correct": 2, "accuracy": 2 / 3}
    assert found["digits"][5] == {"digit": 5, "total": 0, "correct": 0, "accuracy": None}
    assert [one["digit"] for one in found["digits"]] == list(range(10))
    assert found["changed"] == {"known": True, "turned_wrong": 2, "turned_right": 3}


def test_nothing_is_said_of_changes_that_nobody_knows() -> None:
    found = outcomes(None)
    assert found.summary()["changed"] == {"known": False, "turned_wrong": 0, "turned_right": 0}
    assert found.places(outcome="turned_wrong").tolist() == found.places(outcome="turned_right").tolist() == []


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
        ({"actual": 1}, [2, 3, 4]),
        ({"predicted": 1}, [1, 2, 3]),
        ({"actual": 1, "predicted": 0}, [4]),
        ({"actual": 5}, []),
        ({"outcome": "right"}, [0, 2, 3, 5, 7]),
        ({"outcome": "wrong"}, [1, 4, 6]),
        ({"outcome": "turned_wrong"}, [1, 6]),
        ({"outcome": "turned_right"}, [0, 5, 7]),
        ({"outcome": "turned_right", "actual": 0}, [0]),
        ({"outcome": "wrong", "actual": 0, "predicted": 1}, [1]),
        ({"order": "confidence"}, [5, 0, 2, 6, 1, 4, 7, 3]),
        ({"order": "-confidence"}, [3, 1, 4, 7, 0, 2, 6, 5]),
        ({"order": "-confidence", "outcome": "wrong"}, [1, 4, 6]),
        ({"order": "confidence", "outcome": "wrong"}, [6, 1, 4]),
    ],
)
def test_answers_are_found_in_the_order_asked_for(asked: dict[str, object], places: list[int]) -> None:
    assert outcomes().places(**asked).tolist() == places  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_confidence_is_the_share_of_the_answer_in_all_outputs(scale: float) -> None:
    assert outcomes(scale=scale).confidence == pytest.approx(SURE, rel=1e-6)


def test_the_output_is_not_divided_and_is_an_order_of_its_own() -> None:
    rows = np.zeros((3, 10), np.float32)
    rows[0, 1], rows[1, 2], rows[2, :2] = 0.125, 0.875, (0.5, 0.75)
    found = Outcomes.of(Outputs(rows, WEIGHTS, None), np.zeros(3, np.uint8))
    assert found.output.tolist() == [0.125, 0.875, 0.75]
    assert found.confidence.tolist() == [1.0, 1.0, 0.6]
    assert found.places(order="-output").tolist() == [1, 2, 0]
    assert found.places(order="output").tolist() == [0, 2, 1]
    rows[1, 2] = np.inf
    assert Outcomes.of(Outputs(rows, WEIGHTS, None), np.zeros(3, np.uint8)).output.tolist() == [0.125, 0.0, 0.75]


def test_outputs_that_say_nothing_are_no_confidence() -> None:
    nothing = Outcomes.of(Outputs(np.zeros((8, 10), np.float32), WEIGHTS, None), LABELS)
    assert nothing.confidence.tolist() == [0.1] * 8
    assert nothing.places(order="-confidence").tolist() == list(range(8))
