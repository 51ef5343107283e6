"""The values that weights start from.

Weights of the wrong size make signals vanish or explode from layer to layer, and weights that are all equal make every
neuron of a layer learn the same thing. Each function here fills a matrix ``(in_features, out_features)`` from a random
generator that the caller hands in; none keeps a generator of its own.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hippo.nn.module import Array

#: (shape, rng, dtype) -> array of that shape.
Initializer = Callable[[tuple[int, int], np.random.Generator, Any], Array]


def zeros(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """All weights 0: right for biases, and for weights a demonstration that identical neurons stay identical."""
    del rng  # taken so that every initializer is called in the same way
    return np.zeros(shape, dtype)


def normal(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """W ~ N(0, 1), whatever the width: Nielsen's first network. Wide layers then start saturated."""
    return _by_rows(rng.standard_normal, shape, dtype)


def xavier(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """W ~ N(0, 2 / (in + out)), which keeps the variance of signals and gradients through sigmoid and tanh layers.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010), eq. 12.
    """
    fan_in, fan_out = shape
    weights = normal(shape, rng, dtype)
    weights *= math.sqrt(2.0 / (fan_in + fan_out))
    return weights


def xavier_uniform(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """W ~ U(-l, l) with l = sqrt(6 / (in + out)): the variance of `xavier`, without its tails.

    Source: Glorot and Bengio (2010), equation 16.
    """
    fan_in, fan_out = shape
    weights = _by_rows(lambda size: rng.uniform(-1.0, 1.0, size), shape, dtype)
    weights *= math.sqrt(6.0 / (fan_in + fan_out))
    return weights


def he(shape: tuple[int, int], rng: np.random.Generator, dtype: Any = np.float32) -> Array:
    """W ~ N(0, 2 / in): as Xavier, for ReLU, which lets only half of the variance through.

    Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers (2015), eq. 10.
    """
    fan_in, _ = shape
    weights = normal(shape, rng, dtype)
    weights *= math.sqrt(2.0 / fan_in)
    return weights


def _by_rows(draw: Callable[[int], Array], shape: tuple[int, int], dtype: Any) -> Array:
    # Drawn in float64 and rounded: one seed means the same weights in float32 training and float64 gradient checks.
    # By rows, so that 50 million weights do not need another 400 MB for a moment.
    weights = np.empty(shape, dtype)
    for row in weights:
        row[:] = draw(shape[1])
    return weights


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "normal": normal,
    "xavier": xavier,
    "xavier_uniform": xavier_uniform,
    "he": he,
}
