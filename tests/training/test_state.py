"""The state of a run comes back from JSON as it was; what cannot be one is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hippo.errors import InvalidValue
from hippo.training import TrainingState

RECORD = {"epoch": 1, "loss": 0.5, "validation_loss": None, "accuracy": 0.9}
STATE = TrainingState(
    epoch=1,
    batch=2,
    loss_sum=1.5,
    correct=7,
    norm_sum=0.25,
    steps=12,
    elapsed=3.5,
    rng_state=np.random.default_rng(1).bit_generator.state,
    history=[RECORD],
    changes=[{"step": 3, "epoch": 1, "batch": 3, "learning_rate": 0.5}],
)


def test_it_comes_back() -> None:
    arrays, answers = {"v.0.weights": np.ones(3)}, [np.array([3, 1], np.uint8)]
    back = TrainingState.from_dict(json.loads(json.dumps(STATE.to_dict())), arrays, answers)
    assert back.to_dict() == STATE.to_dict()
    assert back.arrays is arrays
    assert back.answers == answers


@pytest.mark.parametrize("answers", [np.ones((2, 2), np.uint8), np.ones(2), np.ones(2, np.int64)], ids=str)
def test_answers_that_are_no_classes_are_refused(answers: np.ndarray) -> None:
    with pytest.raises(InvalidValue):
        TrainingState.from_dict(STATE.to_dict(), {}, [answers])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epoch", value) for value in ("3", -1, 2, 1.0, True, None)),
        *((name, value) for name in ("batch", "steps", "correct") for value in ("x", -5, 10**20, 0.5, None)),
        *((name, value) for name in ("loss_sum", "norm_sum", "elapsed") for value in ("a", None, float("nan"))),
        *(("history", value) for value in (5, [{}], [5], None, [])),
        *(("rng_state", value) for value in ({}, 5, "x", {"bit_generator": "MT19937"})),
        *(("changes", value) for value in (5, [5], [{}], [{"step": 1, "epoch": 1, "batch": "1"}])),
        ("more", 1),
    ],
)
def test_what_cannot_be_one_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue):
        TrainingState.from_dict(STATE.to_dict() | {name: value}, {})
