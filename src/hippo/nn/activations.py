"""Activations: each function stands beside its derivative.

They act element by element on ``(batch, features)`` and have no parameters. Every one remembers its output, because
that is all its derivative needs.
"""

import numpy as np

from hippo.nn.module import Array, Module

# Arrays without dimensions: a ufunc takes half as long with one as with a Python number, which it first has to convert,
# and on ten rows of a small layer that is most of its work.
ZERO, HALF, ONE = (np.array(number, np.float32) for number in (0.0, 0.5, 1.0))


class Sigmoid(Module):
    """a = 1 / (1 + e^-z), between 0 and 1 (Nielsen, chapter 1)."""

    def forward(self, x: Array) -> Array:
        """Return a for z = `x`, same shape.

        Computed as (1 + tanh(z/2)) / 2, which is the same function and cannot overflow.
        """
        a = self._array("a", x.shape, x.dtype)
        np.multiply(x, HALF, out=a)
        np.tanh(a, out=a)
        np.add(a, ONE, out=a)
        self._a = np.multiply(a, HALF, out=a)
        return a

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz = dL/da · a (1 - a)."""
        dz = self._array("dz", gradient.shape, gradient.dtype)
        np.subtract(ONE, self._a, out=dz)
        np.multiply(dz, self._a, out=dz)
        return np.multiply(dz, gradient, out=dz)


class Tanh(Module):
    """a = tanh z, between -1 and 1."""

    def forward(self, x: Array) -> Array:
        """Return a for z = `x`, same shape."""
        self._a = np.tanh(x, out=self._array("a", x.shape, x.dtype))
        return self._a

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz = dL/da · (1 - a^2)."""
        dz = self._array("dz", gradient.shape, gradient.dtype)
        np.multiply(self._a, self._a, out=dz)
        np.subtract(ONE, dz, out=dz)
        return np.multiply(dz, gradient, out=dz)


class ReLU(Module):
    """a = max(0, z), for hidden layers: an output cut off at 0 could not learn its way back (Nair and Hinton, 2010)."""

    def forward(self, x: Array) -> Array:
        """Return a for z = `x`, same shape."""
        self._a = np.maximum(x, ZERO, out=self._array("a", x.shape, x.dtype))
        return self._a

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz = dL/da where z > 0, else 0; at z = 0, where there is no derivative, it is taken as 0."""
        dz = self._array("dz", gradient.shape, gradient.dtype)
        np.sign(self._a, out=dz)
        return np.multiply(dz, gradient, out=dz)


class LeakyReLU(Module):
    """a = z where z > 0, else slope · z: a unit that was pushed below 0 can still learn its way back.

    Parameters
    ----------
    slope : float
        Above 0 and below 1.

    Raises
    ------
    ValueError
        For a `slope` out of range.

    Notes
    -----
    Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        if not 0 < slope < 1:
            raise ValueError(f"The slope must be above 0 and below 1, not {slope!r}.")
        self.slope = slope

    def forward(self, x: Array) -> Array:
        """Return a for z = `x`, same shape: the larger of z and slope · z."""
        a = np.multiply(x, self.slope, out=self._array("a", x.shape, x.dtype))
        self._a = np.maximum(x, a, out=a)
        return self._a

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz = dL/da where z > 0, else slope · dL/da."""
        dz = np.multiply(gradient, self.slope, out=self._array("dz", gradient.shape, gradient.dtype))
        np.copyto(dz, gradient, where=self._a > 0)
        return dz


def softmax(logits: Array, out: Array | None = None) -> Array:
    """Return p_k = e^(z_k) / sum_j e^(z_j) for every row: positive numbers that sum to 1.

    Parameters
    ----------
    logits : ndarray (batch, classes)
        Any finite values: the largest of a row is subtracted first, which changes nothing and prevents overflow.
    out : ndarray (batch, classes), optional
        Where to write; may be `logits` itself.
    """
    p: Array = np.subtract(logits, logits.max(axis=1, keepdims=True), out=out)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


class Softmax(Module):
    """p_k = e^(z_k) / sum_j e^(z_j): `softmax` as a layer.

    For a classifier, hand the logits z to `CrossEntropyLoss` instead, which has the softmax within it.
    """

    def forward(self, x: Array) -> Array:
        """Return p for z = `x` (batch, classes), same shape."""
        self._p = softmax(x, out=self._array("p", x.shape, x.dtype))
        return self._p

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz_k = p_k (dL/dp_k - sum_j p_j dL/dp_j)."""
        dz: Array = np.multiply(gradient, self._p, out=self._array("dz", gradient.shape, gradient.dtype))
        mean = dz.sum(axis=1, keepdims=True)
        np.subtract(gradient, mean, out=dz)
        return np.multiply(dz, self._p, out=dz)


class LogSoftmax(Module):
    """log p_k = z_k - log sum_j e^(z_j), without the p that may round to 0."""

    def forward(self, x: Array) -> Array:
        """Return log p for z = `x` (batch, classes), same shape."""
        log_p: Array = np.subtract(x, x.max(axis=1, keepdims=True), out=self._array("log_p", x.shape, x.dtype))
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        self._log_p = log_p
        return log_p

    def backward(self, gradient: Array) -> Array:
        """Return dL/dz_k = dL/dlog p_k - p_k sum_j dL/dlog p_j."""
        dz = np.exp(self._log_p, out=self._array("dz", gradient.shape, gradient.dtype))
        dz *= -gradient.sum(axis=1, keepdims=True)
        return np.add(dz, gradient, out=dz)
