"""A gradient check of a network as it is, layer by layer, short enough to be asked for while it learns.

It compares some weights of each layer with the difference quotient, on a few examples and in float64. What a check is,
and when two gradients agree, stands in ``hippo.nn.gradient_check``; the proof that every module is right in the tests.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, LeakyReLU, Linear, Loss, Module, ReLU, Sequential
from hippo.nn.gradient_check import relative_error
from hippo.training.batches import Examples, Gather

#: Step of the difference quotient, and examples that the loss is the mean of.
H, EXAMPLES = 1e-5, 10
#: A relative error below this is that of the difference quotient. Ten times the limit of the tests with their small
#: networks, since weights of a trained one can have gradients of 1e-7, which the quotient knows to a few digits only.
LIMIT = 1e-6
#: Places that are tried for each that is wanted: where a rectifier's kink is nearer than the step, there is no
#: derivative to compare with.
TRIES = 4
#: So many times the rounding of the loss itself: it is the sum of many rounded numbers.
ROUNDINGS = 100


@dataclass(frozen=True)
class Worst:
    """The parameter that agrees least: its name, its place, and dC/d of it by ``backward`` and by the quotient."""

    name: str
    index: tuple[int, ...]
    analytic: float
    numerical: float


@dataclass(frozen=True)
class LayerCheck:
    """How well the gradients of one layer agree.

    Attributes
    ----------
    layer : int
        From 1, the first that has weights.
    parameters, checked : int
        Weights and biases that it has, and how many of them were compared.
    relative_error : float
        |a - b| / (|a| + |b|) over those, 0-1.
    worst : Worst
    rounding : float
        What rounding alone may add to a quotient, about. In a network that has blown up it is larger
        than every gradient, so that nothing can be told.
    """

    layer: int
    parameters: int
    checked: int
    relative_error: float
    worst: Worst
    rounding: float

    @property
    def ok(self) -> bool:
        """Whether the error is that of the difference quotient."""
        return self.relative_error < LIMIT


def check_layers(
    model: Sequential, loss: Loss, data: Examples, per_layer: int, rng: np.random.Generator
) -> list[LayerCheck]:
    """Return a check of every layer of `model` that has weights.

    Parameters
    ----------
    model : Sequential
        Is read and not changed. Dropout does nothing here.
    loss : Loss
        Of its outputs.
    data : Examples
        Whose first `EXAMPLES` are taken.
    per_layer : int
        Weights and biases to compare, 1 or more; fewer where a layer has fewer.
    rng : numpy.random.Generator
        Chooses them.
    """
    inputs, targets, _ = Gather(data.inputs, data.labels, classes=data.classes)(np.arange(min(EXAMPLES, len(data))))
    passes = _Passes(model, loss, inputs.astype(np.float64), targets.astype(np.float64))
    return [_check(number, layer, passes, per_layer, rng) for number, layer in enumerate(passes.layers, 1)]


@dataclass
class _Layer:
    """A layer in float64, its gradients by ``backward``, and which of its inputs are not 0 for every example."""

    linear: Linear
    gradients: dict[str, Array]
    live: NDArray[np.intp]


class _Passes:
    """The network in float64, and its loss as a function of the content of its parameters."""

    def __init__(self, model: Sequential, loss: Loss, x: Array, y: Array) -> None:
        self._modules = [_in_float64(module) for module in model.modules]
        self._loss, self._x, self._y = copy.copy(loss), x, y
        self._loss.keeps_arrays = False
        live = []
        for module in self._modules:
            if isinstance(module, Linear):
                live.append(np.flatnonzero((x != 0).any(axis=0)))
            x = module.forward(x)
        at_rest, _ = self.loss()
        self.rounding = ROUNDINGS * float(np.finfo(np.float64).eps) * abs(at_rest) / (2 * H)
        gradient = self._loss.backward()
        for module in reversed(self._modules):
            gradient = module.backward(gradient)
        linears = [module for module in self._modules if isinstance(module, Linear)]
        self.layers = [
            _Layer(linear, linear.gradients, inputs if len(inputs) else np.arange(1))
            for linear, inputs in zip(linears, live, strict=True)
        ]

    def loss(self) -> tuple[float, bytes]:
        """Return the loss, and on which side of its kink every rectifier is."""
        x, sides = self._x, b""
        for module in self._modules:
            x = module.forward(x)
            if isinstance(module, ReLU | LeakyReLU):
                sides += (x > 0).tobytes()
        return self._loss.forward(x, self._y), sides


def _check(number: int, layer: _Layer, passes: _Passes, wanted: int, rng: np.random.Generator) -> LayerCheck:
    weights = layer.linear.parameters["weights"]
    width = weights.shape[1]
    # Weights behind a pixel that is white in every example have no gradient, and nothing could be wrong about it.
    candidates = len(layer.live) * width + width
    found: list[Worst] = []
    for place in rng.permutation(candidates)[: TRIES * wanted]:
        row, column = divmod(int(place), width)
        is_bias = row == len(layer.live)
        name, index = ("bias", (column,)) if is_bias else ("weights", (int(layer.live[row]), column))
        numerical = _quotient(passes, layer.linear.parameters[name], index)
        if numerical is not None:
            found.append(Worst(name, index, float(layer.gradients[name][index]), numerical))
        if len(found) == wanted:
            break
    analytic, numerical_ones = (np.array([getattr(one, kind) for one in found]) for kind in ("analytic", "numerical"))
    worst = max(found, key=lambda one: abs(one.analytic - one.numerical), default=Worst("bias", (0,), 0.0, 0.0))
    error = relative_error(analytic, numerical_ones)
    return LayerCheck(number, weights.size + width, len(found), error, worst, passes.rounding)


def _quotient(passes: _Passes, array: Array, index: tuple[int, ...]) -> float | None:
    """Return the difference quotient at one place; None where a rectifier changes sides within the step."""
    value = array[index]
    array[index] = value + H
    above, sides_above = passes.loss()
    array[index] = value - H
    below, sides_below = passes.loss()
    array[index] = value
    return (above - below) / (2 * H) if sides_above == sides_below else None


def _in_float64(module: Module) -> Module:
    exact = copy.copy(module)
    exact.parameters = {name: array.astype(np.float64) for name, array in module.parameters.items()}
    exact.gradients = {name: np.zeros_like(array) for name, array in exact.parameters.items()}
    exact.keeps_arrays, exact.wants_input_gradient = False, True
    return exact.eval()
