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
