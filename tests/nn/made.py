"""Tables of every module and loss of ``nn``, and networks and batches made so that no ReLU comes near its kink.

A family is tested by its table: a new module or loss is tested everywhere by adding its line here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from hippo.nn import (
    Array,
    BatchNorm,
    CrossEntropyLoss,
    Dropout,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Loss,
    Module,
    MSELoss,
    QuadraticLoss,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)

WIDTH = 5

#: How far every input of a ReLU stays from 0: a hundred times the step of the difference quotient.
MARGIN = 1e-3


def _linear(dtype: Any, seed: int) -> Linear:
    rng = np.random.default_rng(seed)
    layer = Linear(WIDTH, 3, rng=rng, dtype=dtype)
    layer.parameters["bias"][:] = rng.standard_normal(3)
    return layer


def batch_norm(features: int, rng: np.random.Generator, dtype: Any = np.float64) -> BatchNorm:
    """Return one with a past: nothing about it is 0 or 1."""
    layer = BatchNorm(features, dtype=dtype)
    layer.parameters["gamma"][:] = rng.uniform(0.5, 2, features) * rng.choice([-1, 1], features)
    layer.parameters["beta"][:] = rng.uniform(0.5, 1, features)
    layer.buffers["mean"][:] = rng.standard_normal(features)
    layer.buffers["variance"][:] = rng.uniform(0.5, 2, features)
    return layer


def _sequential(dtype: Any, seed: int) -> Sequential:
    rng = np.random.default_rng(seed)
    model = network([WIDTH, 4, 3], Tanh, rng, dtype)
    return Sequential([model, batch_norm(3, rng, dtype), Dropout(0.4, rng), Linear(3, 3, rng=rng, dtype=dtype)])


#: Every module of ``nn``, (dtype, seed) -> one that takes (batch, WIDTH). In train mode, as they are made.
MODULES: dict[str, Callable[[Any, int], Module]] = {
    "Linear": _linear,
    "Dropout": lambda _, seed: Dropout(0.3, np.random.default_rng(seed)),
    "BatchNorm": lambda dtype, seed: batch_norm(WIDTH, np.random.default_rng(seed), dtype),
    "Sigmoid": lambda *_: Sigmoid(),
    "Tanh": lambda *_: Tanh(),
    "ReLU": lambda *_: ReLU(),
    "LeakyReLU": lambda *_: LeakyReLU(0.2),
    "Softmax": lambda *_: Softmax(),
    "LogSoftmax": lambda *_: LogSoftmax(),
    "Sequential": _sequential,
}

#: Every loss of ``nn``.
LOSSES: dict[str, Callable[[], Loss]] = {
    "QuadraticLoss": QuadraticLoss,
    "MSELoss": MSELoss,
    "CrossEntropyLoss": CrossEntropyLoss,
    "CrossEntropyLoss, smoothed labels": lambda: CrossEntropyLoss(label_smoothing=0.1),
}

ACTIVATIONS: list[type[Module]] = [Sigmoid, Tanh, ReLU, LeakyReLU, Softmax, LogSoftmax]

#: Those of them that can stand between layers without making all signals small.
HIDDEN: list[type[Module]] = [Sigmoid, Tanh, ReLU, LeakyReLU]


class Redrawn(Sequential):
    """Draws the same Dropout masks at every ``forward``, which makes it a function: it has a difference quotient."""

    def forward(self, x: Array) -> Array:
        for seed, module in enumerate(self.within()):
            if isinstance(module, Dropout):
                module.rng = np.random.default_rng(seed)
        return super().forward(x)


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


def deep(rng: np.random.Generator, width: int = WIDTH, classes: int = 3) -> Redrawn:
    """Return a network with every module of ``nn`` in it, and a Sequential within.

    What squashes its input is followed by large weights, so that no gradient vanishes into the rounding.
    """

    def linear(i: int, o: int, size: float = 1.0) -> Linear:
        layer = Linear(i, o, "he", rng, np.float64)
        layer.parameters["weights"] *= size
        layer.parameters["bias"][:] = rng.standard_normal(o)
        return layer

    return Redrawn(
        [
            *(linear(width, 8), batch_norm(8, rng), ReLU(), Dropout(0.2)),
            *(linear(8, 7), LeakyReLU(0.1), batch_norm(7, rng), linear(7, 6), Tanh()),
            Sequential([linear(6, 6), batch_norm(6, rng), Sigmoid(), linear(6, 5), Dropout(0.2)]),
            *(LogSoftmax(), linear(5, 5, 0.3), Softmax(), linear(5, classes, 3.0)),
        ]
    )


def batch(rows: int, columns: int = WIDTH, dtype: Any = np.float64, seed: int = 3) -> Array:
    """Normal numbers (rows, columns), moved away from 0, so that a ReLU which takes them is not near its kink."""
    x = np.random.default_rng(seed).standard_normal((rows, columns))
    return (x + np.copysign(0.1, x)).astype(dtype)


def targets(rows: int, classes: int, rng: np.random.Generator, dtype: Any = np.float64) -> Array:
    """One-hot rows (rows, classes)."""
    return np.eye(classes, dtype=dtype)[rng.integers(0, classes, rows)]


def has_margin(model: Sequential, x: Array) -> bool:
    """Whether every input of every ReLU, leaky or not, is at least `MARGIN` away from the kink."""
    smallest = []
    watched = [module for module in model.within() if isinstance(module, ReLU | LeakyReLU)]
    for module in watched:

        def forward(x: Array, module: Module = module) -> Array:
            smallest.append(np.abs(x).min())
            return type(module).forward(module, x)

        module.forward = forward  # type: ignore[method-assign]
    buffers = {name: buffer.copy() for name, buffer in model.buffers.items()}
    model.forward(x)
    for module in watched:
        del module.forward
    for name, buffer in buffers.items():
        model.buffers[name][:] = buffer
    return min(smallest, default=MARGIN) >= MARGIN


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


def deep_case(rows: int, seed: int, training: bool = True) -> tuple[Sequential, Array, Array]:
    """The `deep` network in train or eval mode, a batch and targets, all away from kinks."""
    rng = np.random.default_rng(seed)
    while True:
        model = deep(rng)
        for module in model.within():
            if isinstance(module, BatchNorm):
                module.momentum = 0.5
        for _ in range(4):  # running statistics that fit what comes, as after a training
            model.forward(rng.standard_normal((50, WIDTH)))
        model.train(training)
        x = rng.standard_normal((rows, WIDTH))
        if has_margin(model, x):
            return model, x, targets(rows, 3, rng)
