"""Small networks and batches in float64, made so that no ReLU lies within reach of its kink."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from hippo.nn import (
    Array,
    CrossEntropyLoss,
    Linear,
    Loss,
    Module,
    QuadraticLoss,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)

ACTIVATIONS: list[type[Module]] = [Sigmoid, Tanh, ReLU]
LOSSES: list[type[Loss]] = [QuadraticLoss, CrossEntropyLoss]

#: How far every input of a ReLU stays from 0: a hundred times the step of the difference quotient.
MARGIN = 1e-3


def network(
    widths: list[int], activation: type[Module], rng: np.random.Generator, dtype: Any = np.float64
) -> Sequential:
    """Linear layers of these widths with `activation` between them.

    Biases are not 0, so that they matter; weights are large, so that no gradient vanishes into the rounding.
    """
    modules: list[Module] = []
    for i, o in pairwise(widths):
        linear = Linear(i, o, "normal", rng, dtype)
        linear.parameters["bias"][:] = rng.standard_normal(o)
        modules += [linear, activation()]
    return Sequential(modules[:-1])


def targets(rows: int, classes: int, rng: np.random.Generator, dtype: Any = np.float64) -> Array:
    """One-hot rows (rows, classes)."""
    return np.eye(classes, dtype=dtype)[rng.integers(0, classes, rows)]


def has_margin(model: Sequential, x: Array) -> bool:
    """Whether every input of every ReLU is at least `MARGIN` away from the kink."""
    for module in model.modules:
        if isinstance(module, ReLU) and np.abs(x).min() < MARGIN:
            return False
        x = module.forward(x)
    return True


def case(
    widths: list[int], activation: type[Module], rows: int, seed: int, dtype: Any = np.float64
) -> tuple[Sequential, Array, Array]:
    """A network, a batch (rows, widths[0]) and targets (rows, widths[-1]), all away from kinks."""
    rng = np.random.default_rng(seed)
    while True:
        model = network(widths, activation, rng, dtype)
        x = rng.standard_normal((rows, widths[0])).astype(dtype)
        if has_margin(model, x):
            return model, x, targets(rows, widths[-1], rng, dtype)
