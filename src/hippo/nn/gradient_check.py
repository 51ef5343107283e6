"""The proof that backward computes the derivative of forward: compare it with a difference quotient.

Central differences, (f(x + h) - f(x - h)) / 2h, are off by O(h^2) and need nothing but ``forward``; where they agree
with ``backward`` to seven digits in float64, the formulas are right. Slow by nature (two forward passes per number):
for tests and for learners, never for training.
"""

from collections.abc import Callable

import numpy as np

from hippo.nn.losses import Loss
from hippo.nn.module import Array, Module


def numerical_gradient(f: Callable[[], float], x: Array, h: float = 1e-5) -> Array:
    """Return df/dx by central differences, same shape as `x`.

    Parameters
    ----------
    f : callable
        Computes a number from the current content of `x`.
    x : ndarray of float64
        Changed in place, one element at a time, and restored.
    h : float
        Step; 1e-5 balances the O(h^2) error of the formula against rounding, about 1e-11 of f divided by h.

    Raises
    ------
    ValueError
        When `x` is not float64: in float32, rounding would drown the difference.
    """
    if x.dtype != np.float64:
        raise ValueError(f"Gradients are checked in float64, not {x.dtype}: make the layers with dtype=np.float64.")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f()
        x[index] = value - h
        below = f()
        x[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """Return |a - b| / (|a| + |b|) in the Euclidean norm: 0 for equal arrays (also when both are 0), 1 at most."""
    scale = float(np.linalg.norm(a) + np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / scale if scale else 0.0


def check_gradients(model: Module, loss: Loss, x: Array, targets: Array, h: float = 1e-5) -> dict[str, float]:
    """Return the relative error of every gradient of `model` under `loss`, by name; ``"input"`` is dL/dx.

    Parameters
    ----------
    model : Module
        With float64 parameters.
    loss : Loss
        Of the model's outputs.
    x : ndarray of float64 (batch, in_features)
    targets : ndarray (batch, classes)
    h : float
        Step of the difference quotient.
    """

    def value() -> float:
        return loss.forward(model.forward(x), targets)

    value()
    analytic = {"input": model.backward(loss.backward()).copy()}
    analytic |= {name: gradient.copy() for name, gradient in model.gradients.items()}
    arrays = {"input": x} | model.parameters
    return {name: relative_error(analytic[name], numerical_gradient(value, arrays[name], h)) for name in arrays}
