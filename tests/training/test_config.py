"""What a run may be told, and what not."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from hippo.errors import InvalidValue
from hippo.training import TrainingConfig

TINY = 5e-324
HUGE = 1.7976931348623157e308


def test_defaults() -> None:
    assert TrainingConfig().to_dict() == {"epochs": 5, "mini_batch_size": 10, "learning_rate": 3.0, "seed": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1),
        ("epochs", 10_000),
        ("mini_batch_size", 1),
        ("mini_batch_size", 50_000),
        ("learning_rate", TINY),
        ("learning_rate", HUGE),
        ("learning_rate", 1),
        ("learning_rate", np.float64(0.5)),
        ("seed", 0),
        ("seed", 2**53 - 1),
    ],
)
def test_allowed(name: str, value: Any) -> None:
    config = TrainingConfig(**{name: value})
    assert getattr(config, name) == value
    assert TrainingConfig(**json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("epochs", "mini_batch_size") for value in (0, -1, 1.0, 2.5, True, "5", None, [5])),
        ("epochs", 10_001),
        ("mini_batch_size", 50_001),
        *(("seed", value) for value in (-1, 2**53, 1.0, False, "1", None)),
        *(("learning_rate", value) for value in (0, 0.0, -0.1, True, "3", None, 10**400, -(10**400))),
        *(("learning_rate", value) for value in (float("nan"), float("inf"), float("-inf"))),
    ],
)
def test_refused_with_the_name_and_the_value(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        TrainingConfig(**{name: value})
    assert caught.value.message.startswith(f"{name} must be ")
    assert caught.value.message.endswith(f"not {value!r}.")


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainingConfig().epochs = 6  # type: ignore[misc]  # what is tested
