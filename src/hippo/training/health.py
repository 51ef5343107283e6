"""How well the neurons of a network are: how many of each hidden layer are dead, saturated, or copies of one another.

Such neurons learn little or nothing, and a low accuracy does not say that they are the reason. They are looked at from
outside, on a few images, without leaving a trace in the network. What the counts mean for a run is for others to say.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, Dropout, Linear, Loss, Module, ReLU, Sequential, Sigmoid, Tanh
from hippo.training.batches import Examples

Computing = TypeVar("Computing", Module, Loss)

#: Images that the neurons are looked at with: enough to tell a neuron that rarely answers from one that never does.
IMAGES = 200
#: Outside of these a sigmoid is flat, and beyond that a tanh, which is the same curve twice as large: there its
#: derivative is below a twelfth of its largest.
SIGMOID_LOW, SIGMOID_HIGH, TANH_HIGH = 0.02, 0.98, 0.96
#: The share of the images at which a saturated neuron is in the flat part of its curve, or more.
SATURATED_SHARE = 0.95
#: Neurons are alike when no weight differs by more than this part of the larger one's largest. Rounding alone makes
#: equal neurons differ a little, since the order in which a product is added up depends on the place in the matrix.
ALIKE = 1e-4
_FEW = 16


@dataclass(frozen=True)
class LayerHealth:
    """How many neurons of one hidden layer are not well; one neuron may count in several.

    Attributes
    ----------
    dead : int
        Rectifiers that answered 0 to every image: no gradient passes them, so they cannot learn their way back. Only
        ReLU can die; a leaky ReLU always lets some gradient through.
    saturated : int
        Sigmoids below 0.02 or above 0.98, or tanhs beyond 0.96 on either side, for 95 % of the images or more: they
        learn very slowly.
    alike : int
        Neurons with the same incoming weights and bias as another of the layer, but for rounding. Equal neurons get
        equal gradients, so but for rounding they stay alike, and the layer is as good as a smaller one.
    total : int
        Neurons of the layer.
    """

    dead: int
    saturated: int
    alike: int
    total: int


def layer_health(model: Sequential, images: Array) -> list[LayerHealth]:
    """Return the health of every hidden layer of `model`, first to last.

    Parameters
    ----------
    model : Sequential
        `Linear` layers with activations between them; its arrays are read and not written.
    images : ndarray of float32 (N, inputs)
        Such as those of `some_images`.
    """
    return health_of(model, layer_answers(model, images))


def health_of(model: Sequential, answers: Iterable[Array]) -> list[LayerHealth]:
    """Return the same by what the layers answered, as `layer_answers` gives it; that of the last layer is not read."""
    found = []
    for (linear, activation), a in zip(layers_of(model)[:-1], answers, strict=False):
        weights, bias = linear.parameters["weights"], linear.parameters["bias"]
        with np.errstate(over="ignore", invalid="ignore"):
            twins = alike(weights, bias)
        found.append(LayerHealth(_dead(activation, a), _saturated(activation, a), twins, len(bias)))
    return found


def layer_answers(model: Sequential, images: Array) -> Iterator[Array]:
    """Yield what each layer answers to `images`, float32 (N, size), first to last; the last one z without a softmax."""
    x = images
    for linear, activation in layers_of(model):
        with np.errstate(over="ignore", invalid="ignore"):
            z = x @ linear.parameters["weights"] + linear.parameters["bias"]
            x = apart(activation).forward(z) if activation else z
        yield x


def some_images(data: Examples, count: int = IMAGES) -> Array:
    """Return the first `count` inputs of `data`, float32 (count, features), always the same."""
    rows = data.inputs[:count]
    return rows.astype(np.float32) / np.float32(255) if rows.dtype == np.uint8 else rows.astype(np.float32)


def layers_of(model: Sequential) -> list[tuple[Linear, Module | None]]:
    """Return every `Linear` of `model` with the activation behind it, first to last.

    The last one has none where the loss has the softmax within it. Dropout, which does nothing when nobody learns, is
    left out.
    """
    layers: list[tuple[Linear, Module | None]] = []
    for module in model.modules:
        if isinstance(module, Linear):
            layers.append((module, None))
        elif not isinstance(module, Dropout):
            layers[-1] = (layers[-1][0], module)
    return layers


def apart(module: Computing) -> Computing:
    """Return a module or loss that computes as `module` does, with the same parameters, and leaves nothing in it."""
    other = copy.copy(module)
    other.keeps_arrays = False
    return other


def alike(weights: Array, bias: Array) -> int:
    """Return how many columns of `weights` (in, out), with their `bias` (out,), equal another one but for rounding."""
    # Columns that are alike are neighbours when all are sorted by a sum that gives every weight another factor.
    factors = np.cos(np.arange(len(weights), dtype=weights.dtype))
    sums = factors @ weights + bias
    if not np.isfinite(sums).all():
        return 0
    order = np.argsort(sums, kind="stable")
    # Each pair by its own measure: where a rate far too high has blown up a few neurons, the others are small to it.
    largest = np.maximum(np.maximum(weights.max(axis=0), -weights.min(axis=0)), np.abs(bias))[order]
    limits = ALIKE * np.maximum(largest[:-1], largest[1:])
    # A few rows tell most neighbours apart, so that hardly ever a whole column has to be looked at.
    few = np.vstack((weights[:: -(-len(weights) // _FEW)], bias))
    near: NDArray[np.bool_] = np.all(np.abs(np.diff(few[:, order])) <= limits, axis=0)
    for place in np.flatnonzero(near):
        one, other = weights[:, order[place]], weights[:, order[place + 1]]
        near[place] = np.abs(one - other).max() <= limits[place]
    has_twin = np.zeros(len(bias), bool)
    has_twin[:-1] |= near
    has_twin[1:] |= near
    return int(np.count_nonzero(has_twin))


def _dead(activation: Module | None, a: Array) -> int:
    return int(np.count_nonzero((a == 0).all(axis=0))) if isinstance(activation, ReLU) else 0


def _saturated(activation: Module | None, a: Array) -> int:
    if isinstance(activation, Sigmoid):
        flat = (a < SIGMOID_LOW) | (a > SIGMOID_HIGH)
    elif isinstance(activation, Tanh):
        flat = np.abs(a) > TANH_HIGH
    else:
        return 0
    return int(np.count_nonzero(flat.mean(axis=0) >= SATURATED_SHARE))
