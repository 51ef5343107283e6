"""Networks and losses whose derivatives are wrong on purpose, each beside the right one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hippo.nn import (
    Array,
    BatchNorm,
    CrossEntropyLoss,
    Dropout,
    Linear,
    LogSoftmax,
    Loss,
    Module,
    MSELoss,
    QuadraticLoss,
    ReLU,
    Sigmoid,
    Softmax,
)
from tests.nn.made import Redrawn, batch_norm

ROWS = 6


class _Scaled(Linear):
    """Its weights' gradient is wrong by 0.05 %."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["weights"] *= 1.0005
        return dx


class _WithoutBias(Linear):
    """Forgets dL/db."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["bias"][:] = 0
        return dx


class _ScaledInput(Linear):
    """Its dL/dx is wrong by 0.05 %."""

    def backward(self, gradient: Array) -> Array:
        return super().backward(gradient) * 1.0005


class _NotANumber(Linear):
    """One number of its weights' gradient is NaN."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["weights"][0, 0] = np.nan
        return dx


class _WrongSigmoid(Sigmoid):
    """Takes f' for a instead of a (1 - a)."""

    def backward(self, gradient: Array) -> Array:
        return gradient * self._a


class _SmoothReLU(ReLU):
    """Has the slope 1 everywhere."""

    def backward(self, gradient: Array) -> Array:
        return gradient


class _WithoutSum(Softmax):
    """Takes the softmax for a function of each number by itself."""

    def backward(self, gradient: Array) -> Array:
        return gradient * self._p * (1 - self._p)


class _WithoutLogSum(LogSoftmax):
    """Forgets that the sum changes with the logits."""

    def backward(self, gradient: Array) -> Array:
        return gradient


class _AnotherMask(Dropout):
    """Draws a mask of its own for the way back."""

    def backward(self, gradient: Array) -> Array:
        return self.forward(gradient)


class _ConstantVariance(BatchNorm):
    """Forgets that the variance is a function of x."""

    def backward(self, gradient: Array) -> Array:
        super().backward(gradient)
        slope = self.parameters["gamma"] / self._deviation
        centred: Array = slope * (gradient - gradient.mean(axis=0))
        return centred


class _ConstantStatistics(BatchNorm):
    """Forgets that mean and variance are functions of x."""

    def backward(self, gradient: Array) -> Array:
        super().backward(gradient)
        return gradient * self.parameters["gamma"] / self._deviation


class _ForgottenBeta(BatchNorm):
    """Forgets dL/dbeta."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["beta"][:] = 0
        return dx


def _without_mean(of: type[Loss]) -> type[Loss]:
    """Return the loss that forgets to divide its gradient by the batch."""

    class WithoutMean(of):  # type: ignore[misc, valid-type]
        def backward(self) -> Array:
            gradient: Array = super().backward() * ROWS
            return gradient

    return WithoutMean


class _WithoutClasses(MSELoss):
    """Forgets to divide its gradient by the outputs of an example."""

    def backward(self) -> Array:
        return super().backward() * 3


class _Unsmoothed(CrossEntropyLoss):
    """Computes its gradient from the labels that were not smoothed."""

    def backward(self) -> Array:
        gradient: Array = (self._p - np.round(self._targets)) / self._n
        return gradient


def _between(first: type[Linear] = Linear, middle: Callable[[], Module] = Sigmoid) -> Redrawn:
    rng = np.random.default_rng(6)
    return Redrawn([first(4, 5, rng=rng, dtype=np.float64), middle(), Linear(5, 3, rng=rng, dtype=np.float64)])


def _norm(kind: type[BatchNorm]) -> Callable[[], Module]:
    def make() -> BatchNorm:
        right, layer = batch_norm(5, np.random.default_rng(7)), kind(5, dtype=np.float64)
        for name, array in right.parameters.items():
            layer.parameters[name][:] = array
        return layer

    return make


#: What is wrong: the wrong network and loss, the right ones, a gradient that must be caught.
WRONG: dict[str, tuple[Redrawn, Loss, Redrawn, Loss, str]] = {
    "0.05 % of the weights": (_between(_Scaled), QuadraticLoss(), _between(), QuadraticLoss(), "0.weights"),
    "no bias": (_between(_WithoutBias), QuadraticLoss(), _between(), QuadraticLoss(), "0.bias"),
    "0.05 % of the input": (_between(_ScaledInput), CrossEntropyLoss(), _between(), CrossEntropyLoss(), "input"),
    "NaN": (_between(_NotANumber), MSELoss(), _between(), MSELoss(), "0.weights"),
    "a wrong f'": (_between(middle=_WrongSigmoid), MSELoss(), _between(), MSELoss(), "0.weights"),
    "a kink ironed out": (
        *(_between(middle=_SmoothReLU), QuadraticLoss()),
        *(_between(middle=ReLU), QuadraticLoss(), "0.bias"),
    ),
    "softmax without its sum": (
        *(_between(middle=_WithoutSum), QuadraticLoss()),
        *(_between(middle=Softmax), QuadraticLoss(), "0.bias"),
    ),
    "log softmax without its sum": (
        *(_between(middle=_WithoutLogSum), QuadraticLoss()),
        *(_between(middle=LogSoftmax), QuadraticLoss(), "input"),
    ),
    "another mask": (
        *(_between(middle=lambda: _AnotherMask(0.4)), QuadraticLoss()),
        *(_between(middle=lambda: Dropout(0.4)), QuadraticLoss(), "0.weights"),
    ),
    "batch normalisation without the variance": (
        *(_between(middle=_norm(_ConstantVariance)), QuadraticLoss()),
        *(_between(middle=_norm(BatchNorm)), QuadraticLoss(), "0.weights"),
    ),
    "batch normalisation without mean and variance": (
        *(_between(middle=_norm(_ConstantStatistics)), QuadraticLoss()),
        *(_between(middle=_norm(BatchNorm)), QuadraticLoss(), "0.bias"),
    ),
    "batch normalisation without beta": (
        *(_between(middle=_norm(_ForgottenBeta)), QuadraticLoss()),
        *(_between(middle=_norm(BatchNorm)), QuadraticLoss(), "1.beta"),
    ),
    **{
        f"no 1/n in {of.__name__}": (_between(), _without_mean(of)(), _between(), of(), "2.bias")
        for of in (QuadraticLoss, MSELoss, CrossEntropyLoss)
    },
    "no 1/K in MSELoss": (_between(), _WithoutClasses(), _between(), MSELoss(), "2.weights"),
    "labels not smoothed": (_between(), _Unsmoothed(0.1), _between(), CrossEntropyLoss(0.1), "2.bias"),
}
