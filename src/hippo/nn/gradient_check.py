"""The proof that backward computes the derivative of forward: compare it with a difference quotient.

Central differences, (f(x + h) - f(x - h)) / 2h, are off by O(h^2) and need nothing but ``forward``; where they agree
with ``backward`` to seven digits in float64, the formulas are right. Slow by nature (two forward passes per number):
for tests and for learners, never for training.
"""

from collections.abc import Callable, Mapping

import numpy as np

from hippo.nn.losses import Loss
from hippo.nn.module import Array, Module

#: Relative errors below this are those of the difference quotient, not of a formula.
LIMIT = 1e-7
#: Where a true gradient is 0, a relative error means nothing; then |a - b| must be below this.
ZERO_LIMIT = 1e-8
#: What the rounding of the difference quotient alone makes of a gradient that is 0.
ROUNDING = 1e-9


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
    """Return |a - b| / (|a| + |b|) in the Euclidean norm: 0 for equal arrays (also when both are 0), 1 at most.

    Where both are 0 but for rounding (|a| + |b| below `ZERO_LIMIT` and |a - b| below `ROUNDING`), the error is 0: of
    gradients smaller still, a difference quotient can say nothing. An array that holds a NaN or an infinity is wrong
    altogether: 1.
    """
    scale = float(np.linalg.norm(a) + np.linalg.norm(b))
    if not np.isfinite(scale):
        return 1.0
    difference = float(np.linalg.norm(a - b))
    return 0.0 if scale < ZERO_LIMIT and difference < ROUNDING else difference / scale


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

    Notes
    -----
    The model must be a function: a Dropout in train mode draws a new mask at each pass, and has no difference quotient
    unless its generator is reset before each. Parameters, buffers and `x` are as before afterwards.
    """
    buffers = {name: buffer.copy() for name, buffer in model.buffers.items()}

    def value() -> float:
        return loss.forward(model.forward(x), targets)

    value()
    analytic = {"input": model.backward(loss.backward()).copy()}
    analytic |= {name: gradient.copy() for name, gradient in model.gradients.items()}
    arrays = {"input": x} | model.parameters
    errors = {name: relative_error(analytic[name], numerical_gradient(value, arrays[name], h)) for name in arrays}
    for name, buffer in buffers.items():  # BatchNorm in train mode has averaged over every pass
        np.copyto(model.buffers[name], buffer)
    return errors


def report(errors: Mapping[str, float], limit: float = LIMIT) -> str:
    """Return the errors of `check_gradients` as lines for a person: name, relative error, and whether it is small."""
    width = max(len(name) for name in errors)
    lines = [f"{name:<{width}}  {error:.1e}  {'ok' if error < limit else 'WRONG'}" for name, error in errors.items()]
    wrong = sum(not error < limit for error in errors.values())  # so written, NaN is wrong
    lines.append(f"{wrong} of {len(errors)} above {limit:g}" if wrong else f"all {len(errors)} below {limit:g}")
    return "\n".join(lines)
