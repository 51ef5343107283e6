"""Activations with all the digits of float64, for numbers that a person looks at and may compute again.

Training needs no more than float32, where a sigmoid is known to about 1e-7 and is 0 or 1 beyond that. Who types the z
that is shown into a calculator finds 1e-9 there, say, so that is what has to be shown.
"""

from __future__ import annotations

import numpy as np

from hippo.nn import Array, LeakyReLU, Module, ReLU, Sigmoid, Tanh
from hippo.training.health import apart

_NAMES: dict[type[Module], str] = {Sigmoid: "sigmoid", Tanh: "tanh", ReLU: "relu", LeakyReLU: "leaky_relu"}


class ExactSigmoid(Sigmoid):
    """a = 1 / (1 + e^-z) with a small relative error also where a is nearly 0."""

    def forward(self, x: Array) -> Array:
        """Return a for z = `x`, same shape: e^(-log(1 + e^-z)), which cannot overflow."""
        self._a = np.exp(-np.logaddexp(0.0, -x))
        return self._a


def exact(activation: Module) -> Module:
    """Return a module that computes as `activation` does, to all digits of the float64 it is given, and keeps apart."""
    return ExactSigmoid() if isinstance(activation, Sigmoid) else apart(activation)


def activation_name(activation: Module | None) -> str:
    """Return "sigmoid", "tanh", "relu" or "leaky_relu"; without one, "softmax", which the loss has within it."""
    return _NAMES[type(activation)] if activation else "softmax"
