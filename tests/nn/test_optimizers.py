"""Optimizers: their steps by hand, their defaults, and the numbers they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hippo.nn import (
    SGD,
    Adam,
    AdamW,
    Linear,
    Module,
    Optimizer,
    Sequential,
)


def one_number(p: float) -> Linear:
    """Return a layer whose bias is p and whose gradient is what the test puts there."""
    layer = Linear(1, 1, "zeros", dtype=np.float64)
    layer.parameters["bias"][:] = p
    return layer


def way(make: Callable[[Module], Optimizer], p: float, gradients: list[float]) -> list[float]:
    """Return where the steps along these gradients lead."""
    layer = one_number(p)
    optimizer, places = make(layer), []
    for g in gradients:
        layer.gradients["bias"][:] = g
        optimizer.step()
        places.append(float(layer.parameters["bias"][0]))
    assert optimizer.steps == len(gradients)
    return places


# ---- By hand


def test_a_step_by_hand() -> None:
    layer = Linear(2, 2, "zeros", dtype=np.float64)
    layer.parameters["weights"][:] = [[1, 2], [3, 4]]
    layer.parameters["bias"][:] = [5, 6]
    layer.gradients["weights"][:] = [[1, 0], [-2, 4]]
    layer.gradients["bias"][:] = [10, -10]
    optimizer = SGD(Sequential([layer]), lr=0.5)
    optimizer.step()
    np.testing.assert_array_equal(layer.parameters["weights"], [[0.5, 2], [4, 2]])
    np.testing.assert_array_equal(layer.parameters["bias"], [0, 11])

    optimizer.lr = 0.1
    optimizer.step()
    np.testing.assert_allclose(layer.parameters["bias"], [-1, 12])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        # v = 1, 2.5, 0.25: p - 0.1 v
        (lambda m: SGD(m, 0.1, momentum=0.5), [9.9, 9.65, 9.625]),
        # g + 0.5 v = 1.5, 3.25, -0.875 with v = 1, 2.5, 0.25
        (lambda m: SGD(m, 0.1, momentum=0.5, nesterov=True), [9.85, 9.525, 9.6125]),
        # g + p / 10 = 2, 2.98, -0.0498
        (lambda m: SGD(m, 0.1, weight_decay=0.1), [9.8, 9.502, 9.50698]),
        # v = 2, 3.98, 1.9302: p - 0.1 v with g + p / 10 = 2, 2.98, -0.0598
        (lambda m: SGD(m, 0.1, momentum=0.5, weight_decay=0.1), [9.8, 9.402, 9.20898]),
    ],
    ids=["momentum", "Nesterov", "decay", "momentum and decay"],
)
def test_three_steps_of_sgd_by_hand(make: Callable[[Module], Optimizer], expected: list[float]) -> None:
    assert way(make, 10, [1, 2, -1]) == pytest.approx(expected, rel=1e-12)


def test_two_steps_of_adam_by_hand() -> None:
    # beta1 = 1/2, beta2 = 3/4, epsilon = 1. g = 2: m = 1, v = 1, mhat = 2, vhat = 4; p = 10 - 0.3 · 2 / 3.
    # g = 4: m = 5/2, v = 19/4, mhat = 10/3, vhat = 76/7.
    expected = [9.8, 9.8 - 0.3 * (10 / 3) / (math.sqrt(76 / 7) + 1)]
    assert way(lambda m: Adam(m, 0.3, (0.5, 0.75), 1.0), 10, [2, 4]) == pytest.approx(expected, rel=1e-14)
    # Decay comes into g: 1.6 + 0.04 · 10 and 3.608 + 0.04 · 9.8 are the same 2 and 4.
    made = way(lambda m: Adam(m, 0.3, (0.5, 0.75), 1.0, weight_decay=0.04), 10, [1.6, 3.608])
    assert made == pytest.approx(expected, rel=1e-14)


def test_two_steps_of_adamw_by_hand() -> None:
    # p shrinks by 0.3 · 0.1 of itself before each of Adam's steps, which know nothing of it.
    first = 10 * 0.97 - 0.2
    expected = [first, first * 0.97 - 0.3 * (10 / 3) / (math.sqrt(76 / 7) + 1)]
    made = way(lambda m: AdamW(m, 0.3, (0.5, 0.75), 1.0, weight_decay=0.1), 10, [2, 4])
    assert made == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("g", [1e-4, -1.0, 1e4])
def test_the_first_step_of_adam_is_as_long_as_the_rate_whatever_the_gradient(kind: type[Adam], g: float) -> None:
    (place,) = way(lambda m: kind(m, 0.01, weight_decay=0.0), 10, [g])
    assert place == pytest.approx(10 - math.copysign(0.01, g), rel=1e-6)


def test_the_defaults_are_those_of_the_papers() -> None:
    adam, adamw = Adam(one_number(1)), AdamW(one_number(1))
    for optimizer, decay in ((adam, 0.0), (adamw, 0.01)):
        assert (optimizer.lr, optimizer.betas, optimizer.epsilon) == (0.001, (0.9, 0.999), 1e-8)
        assert optimizer.weight_decay == decay


# ---- Numbers that cannot be

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("rate", [0, -1, NAN, INF])
@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_a_rate_that_cannot_be(kind: Callable[[Module, float], Optimizer], rate: float) -> None:
    with pytest.raises(ValueError, match="finite number above 0"):
        kind(Sequential([Linear(1, 1)]), rate)


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        *((SGD, {"momentum": value}, "momentum must be 0 or more") for value in (-0.1, 1, NAN)),
        (SGD, {"nesterov": True}, "nesterov must be used with a momentum"),
        *((SGD, {"weight_decay": value}, "weight_decay") for value in (-0.1, NAN, INF)),
        *((Adam, {"weight_decay": value}, "weight_decay") for value in (-0.1, NAN, INF)),
        *((AdamW, {"betas": value}, "beta1") for value in ((1, 0.9), (-0.1, 0.9), (NAN, 0.9))),
        *((Adam, {"betas": value}, "beta2") for value in ((0.9, 1), (0.9, -0.1))),
        *((Adam, {"epsilon": value}, "epsilon") for value in (0, -1, NAN, INF)),
    ],
)
def test_settings_that_cannot_be(kind: type[Optimizer], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(Linear(1, 1), lr=0.1, **wrong)
