"""What a run may be told, and what not."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from hippo.errors import InvalidValue
from hippo.nn import SGD, Adam, AdamW, Linear
from hippo.training import TrainingConfig

TINY = 5e-324
HUGE = 1.7976931348623157e308


def test_defaults() -> None:
    assert TrainingConfig().to_dict() == {
        "epochs": 5,
        "mini_batch_size": 10,
        "learning_rate": 3.0,
        "seed": 0,
        "optimizer": "sgd",
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "schedule": "constant",
        "step_every": 10,
        "step_factor": 0.1,
        "warm_up": 0.0,
        "clip_norm": None,
        "label_smoothing": 0.0,
        "augment": [],
        "shuffle": True,
    }


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
        *(("optimizer", value) for value in ("sgd", "adam", "adamw")),
        ("momentum", 0.99),
        ("weight_decay", 0.1),
        *(("schedule", value) for value in ("constant", "step", "cosine", "one_cycle")),
        ("step_every", 1),
        ("step_factor", 1),
        ("warm_up", 0.5),
        ("clip_norm", TINY),
        ("label_smoothing", 0.999),
        ("augment", ("elastic", "shift")),
        ("shuffle", False),
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
        *((name, value) for name in ("optimizer", "schedule") for value in ("", "Adam", "lbfgs", None, 1)),
        *((name, value) for name in ("momentum", "label_smoothing") for value in (-0.1, 1, True, "0", float("nan"))),
        *((name, value) for name in ("weight_decay", "warm_up") for value in (-1, True, "0", float("inf"))),
        *(("step_every", value) for value in (0, 1.5, True)),
        *(("step_factor", value) for value in (0, -1, 1.1, float("nan"))),
        *(("clip_norm", value) for value in (0, -1, True, float("inf"))),
        *(("shuffle", value) for value in (0, None, "no")),
    ],
)
def test_refused_with_the_name_and_the_value(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        TrainingConfig(**{name: value})
    assert caught.value.message.startswith(f"{name} must be ")
    assert caught.value.message.endswith(f"not {value!r}.")
    assert caught.value.extra == {"field": name}


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        TrainingConfig().epochs = 6  # type: ignore[misc]  # what is tested


def test_settings_that_do_not_go_together_are_refused() -> None:
    for settings, words in (
        ({"nesterov": True}, "nesterov"),
        ({"nesterov": 1, "momentum": 0.9}, "nesterov"),
        ({"optimizer": "adam", "momentum": 0.9}, "momentum belongs to sgd"),
        ({"warm_up": 1.0, "schedule": "one_cycle"}, "one_cycle has its own rise"),
        ({"warm_up": 5.0, "epochs": 5}, "warm_up must be shorter"),
        ({"augment": ("shift", "flip")}, "augment must be one of shift, rotate, elastic, not 'flip'"),
    ):
        with pytest.raises(InvalidValue, match=words) as caught:
            TrainingConfig(**settings)
        assert caught.value.extra["field"] == words.split(" ")[0] or words.startswith("one_cycle")


def test_every_optimizer_and_schedule_can_be_made() -> None:
    model = Linear(3, 2)
    sgd = TrainingConfig(momentum=0.9, nesterov=True, weight_decay=0.1, learning_rate=0.5).make_optimizer(model)
    assert isinstance(sgd, SGD)
    assert (sgd.lr, sgd.momentum, sgd.nesterov, sgd.weight_decay) == (0.5, 0.9, True, 0.1)
    for name, kind in (("adam", Adam), ("adamw", AdamW)):
        made = TrainingConfig(optimizer=name, learning_rate=0.01, weight_decay=0.2).make_optimizer(model)
        assert type(made) is kind
        assert (made.lr, made.weight_decay) == (0.01, 0.2)
    assert TrainingConfig().make_schedule() is None
    factors = {
        name: [TrainingConfig(schedule=name, step_every=2).make_schedule()(epoch, 10) for epoch in (0, 3, 10)]
        for name in ("step", "cosine", "one_cycle")
    }
    assert factors["step"] == pytest.approx([1, 0.1, 1e-5])
    assert factors["cosine"] == pytest.approx([1, 0.5 + 0.5 * math.cos(0.3 * math.pi), 0])
    assert factors["one_cycle"] == pytest.approx([0.04, 1, 4e-6])
    warm = TrainingConfig(schedule="cosine", warm_up=2).make_schedule()
    assert [warm(epoch, 10) for epoch in (0, 1, 2, 10)] == pytest.approx([0.01, 0.505, 1, 0])
