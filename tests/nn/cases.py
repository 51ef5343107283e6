"""One gradient check for every module and loss of ``nn``, and for deep networks of all of them: what is measured.

The table of docs/TRAINING.md is printed from these cases, and the tests hold them below the limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hippo.nn import (
    Array,
    Dropout,
    Loss,
    Module,
    QuadraticLoss,
    Sequential,
    numerical_gradient,
    relative_error,
)
from hippo.nn.gradient_check import ZERO_LIMIT
from tests.nn.made import LOSSES, MODULES, Redrawn, batch, deep_case, targets

ROWS = 6


class Case(NamedTuple):
    """What ``check_gradients`` takes; it can be made again and again, always the same."""

    model: Module
    loss: Loss
    x: Array
    targets: Array


class Measured(NamedTuple):
    """The largest relative error of the gradients, and the largest |a - b| of those that are 0 (None: none is)."""

    relative: float
    absolute: float | None


def of_module(name: str, training: bool = True, loss: Callable[[], Loss] = QuadraticLoss) -> Case:
    """Return a module of the table alone, under a loss that no gradient is 0 for."""
    model = Redrawn([MODULES[name](np.float64, 1)]).train(training)
    x = batch(ROWS)
    y = targets(ROWS, model.forward(x).shape[1], np.random.default_rng(2))
    return Case(model, loss(), x, 0.8 * y + 0.2 / y.shape[1])


def of_loss(name: str) -> Case:
    """Return a loss of the table, of the input itself."""
    return Case(Sequential([Dropout(0.0)]), LOSSES[name](), batch(ROWS), targets(ROWS, 5, np.random.default_rng(2)))


def of_all(seed: int, training: bool = True, loss: str = "CrossEntropyLoss") -> Case:
    """Return the deep network of all modules. In train mode its biases before BatchNorm have a gradient of 0."""
    model, x, y = deep_case(ROWS, seed, training)
    return Case(model, LOSSES[loss](), x, y)


#: Every module in train mode, BatchNorm and Dropout also in eval mode, every loss, and the deep network.
CASES: dict[str, Callable[[], Case]] = {
    **{name: lambda name=name: of_module(name) for name in MODULES},  # type: ignore[misc]
    "BatchNorm, eval mode": lambda: of_module("BatchNorm", training=False),
    "Dropout, eval mode": lambda: of_module("Dropout", training=False),
    **{name: lambda name=name: of_loss(name) for name in LOSSES},  # type: ignore[misc]
    "a deep network of all modules": lambda: of_all(seed=2),
    "a deep network of all modules, eval mode": lambda: of_all(seed=2, training=False),
}


def gradients(case: Case) -> dict[str, tuple[Array, Array]]:
    """Return every gradient as ``backward`` computes it and as the difference quotient does."""
    model, loss, x, y = case

    def value() -> float:
        return loss.forward(model.forward(x), y)

    value()
    analytic = {"input": model.backward(loss.backward()).copy()}
    analytic |= {name: gradient.copy() for name, gradient in model.gradients.items()}
    arrays = {"input": x} | model.parameters
    return {name: (analytic[name], numerical_gradient(value, arrays[name])) for name in arrays}


def measure(case: Case) -> Measured:
    """Return the errors of a case."""
    pairs = gradients(case).values()
    zero = [np.linalg.norm(a) + np.linalg.norm(b) < ZERO_LIMIT for a, b in pairs]
    return Measured(
        max(relative_error(a, b) for a, b in pairs),
        max((float(np.abs(a - b).max()) for (a, b), is_zero in zip(pairs, zero, strict=True) if is_zero), default=None),
    )
