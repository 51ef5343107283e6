"""Layers: Linear, the fully connected one, and the two that behave differently in training, Dropout and BatchNorm."""

from typing import Any

import numpy as np

from hippo.nn.initializers import INITIALIZERS
from hippo.nn.module import Array, Module


class Linear(Module):
    """Every output is a weighted sum of all inputs and a bias: y = x W + b.

    Parameters
    ----------
    in_features, out_features : int
        Widths, 1 or more.
    init : {"xavier", "xavier_uniform", "he", "normal", "zeros"}
        How the weights start (see ``initializers``); the bias starts at 0.
    rng : numpy.random.Generator, optional
        Where the weights come from; without it, from the operating system's randomness.
    dtype : dtype
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict
        ``weights`` W (in_features, out_features) and ``bias`` b (out_features,).

    Raises
    ------
    ValueError
        For a width below 1 or an initializer that does not exist.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        init: str = "xavier",
        rng: np.random.Generator | None = None,
        dtype: Any = np.float32,
    ) -> None:
        super().__init__()
        if in_features < 1 or out_features < 1:
            raise ValueError(f"A layer needs at least 1 input and 1 output, not {in_features} and {out_features}.")
        if init not in INITIALIZERS:
            raise ValueError(f"There is no initializer {init!r}; choose one of {', '.join(INITIALIZERS)}.")
        weights = INITIALIZERS[init]((in_features, out_features), rng or np.random.default_rng(), dtype)
        self.parameters = {"weights": weights, "bias": np.zeros(out_features, dtype)}
        self.gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}

    def forward(self, x: Array) -> Array:
        """Return y = x W + b, shape (batch, out_features), for `x` of shape (batch, in_features)."""
        weights, bias = self.parameters["weights"], self.parameters["bias"]
        if getattr(x, "dtype", None) != weights.dtype or x.ndim != 2:
            x = self._rows(x)
        self._x = x
        y = self._array("y", (len(x), len(bias)), weights.dtype)
        np.dot(x, weights, out=y)
        return np.add(y, bias, out=y)

    def _rows(self, x: Any) -> Array:
        """Return `x` in the type of the weights; raises ValueError unless it is a batch of rows."""
        weights = self.parameters["weights"]
        rows: Array = np.asarray(x, weights.dtype)
        if rows.ndim != 2 or rows.shape[1] != len(weights):
            raise ValueError(f"Linear takes (batch, {len(weights)}), one example a row, not {np.shape(x)}.")
        return rows

    def backward(self, gradient: Array) -> Array:
        """Take dL/dy (batch, out_features) and return dL/dx (batch, in_features).

        The formulas are BP3 and BP4 of Nielsen, chapter 2, for a whole batch at once.
        """
        weights = self.parameters["weights"]
        # dL/dW = x^T dL/dy
        np.dot(self._x.T, gradient, out=self.gradients["weights"])
        # dL/db = sum over the batch of dL/dy
        np.add.reduce(gradient, axis=0, out=self.gradients["bias"])
        # dL/dx = dL/dy W^T
        dx = self._array("dx", self._x.shape, weights.dtype)
        return np.dot(gradient, weights.T, out=dx) if self.wants_input_gradient else dx


class Dropout(Module):
    """In train mode every number is set to 0 with probability p, and the others are divided by 1 - p: y = x · m.

    No neuron can rely on any single other one; the mean of y is x, so that nothing changes in eval mode, where y = x.

    Parameters
    ----------
    p : float
        Fraction that is dropped, 0 or more and below 1.
    rng : numpy.random.Generator, optional
        Draws the masks; may be replaced at any time. Without it, the operating system's randomness.

    Raises
    ------
    ValueError
        For a `p` out of range.

    Notes
    -----
    Srivastava and others, Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014); the division stands
    in training ("inverted dropout").
    """

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"The fraction that is dropped must be 0 or more and below 1, not {p!r}.")
        self.p = p
        self.rng = rng or np.random.default_rng()
        self._m: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return y, same shape as `x` (batch, features)."""
        if not self.training or self.p == 0:
            self._m = None
            return x
        # 16 random bits a number: half the work of a float. p is kept to 1 part in 65,536, and the division is by the
        # fraction that is really left, so that the mean is exact.
        bits = self.rng.integers(0, 65_536, x.shape, np.uint16)
        m = self._m = self._array("m", x.shape, x.dtype)
        dropped = min(round(self.p * 65_536), 65_535)
        np.greater_equal(bits, dropped, out=m, casting="unsafe")
        np.multiply(m, 65_536 / (65_536 - dropped), out=m)
        return np.multiply(x, m, out=self._array("y", x.shape, x.dtype))

    def backward(self, gradient: Array) -> Array:
        """Return dL/dx = dL/dy · m: what was dropped learns nothing from this batch."""
        if self._m is None:
            return gradient
        return np.multiply(gradient, self._m, out=self._array("dx", gradient.shape, gradient.dtype))


class BatchNorm(Module):
    """y = gamma · (x - mean) / sqrt(variance + epsilon) + beta, for every feature by itself.

    In train mode mean and variance are those of the batch, and running averages of them are kept; in eval mode these
    averages are used, so that an answer does not depend on what else is in the batch.

    Parameters
    ----------
    features : int
        Width.
    momentum : float
        Weight of the newest batch in the running averages, 0 to 1.
    epsilon : float
        Keeps a feature that never changes from a division by 0.
    dtype : dtype
        float32, or float64 for gradient checks.

    Attributes
    ----------
    parameters : dict
        ``gamma`` (features,), at first 1, and ``beta`` (features,), at first 0.
    buffers : dict
        ``mean`` and ``variance`` (features,), at first 0 and 1.

    Raises
    ------
    ValueError
        For a width below 1, a `momentum` or `epsilon` out of range, or, in ``forward``, a batch of one in train mode.

    Notes
    -----
    Ioffe and Szegedy, Batch Normalization (2015), algorithms 1 and 2. The variance that normalises is that of the batch
    (divided by n), the one that is kept is that of the population (divided by n - 1), as there.
    """

    def __init__(self, features: int, momentum: float = 0.1, epsilon: float = 1e-5, dtype: Any = np.float32) -> None:
        super().__init__()
        if features < 1 or not 0 <= momentum <= 1 or not epsilon > 0:
            raise ValueError("BatchNorm needs at least 1 feature, a momentum from 0 to 1 and an epsilon above 0.")
        self.momentum, self.epsilon = momentum, epsilon
        self.parameters = {"gamma": np.ones(features, dtype), "beta": np.zeros(features, dtype)}
        self.gradients = {name: np.zeros_like(array) for name, array in self.parameters.items()}
        self.buffers = {"mean": np.zeros(features, dtype), "variance": np.ones(features, dtype)}

    def forward(self, x: Array) -> Array:
        """Return y, same shape as `x` (batch, features)."""
        if self.training:
            if len(x) < 2:
                raise ValueError("A batch of one has no variance: BatchNorm needs 2 examples or more in train mode.")
            mean, variance = x.mean(axis=0), x.var(axis=0)
            n = len(x)
            for name, value in (("mean", mean), ("variance", variance * (n / (n - 1)))):
                self.buffers[name] += self.momentum * (value - self.buffers[name])
        else:
            mean, variance = self.buffers["mean"], self.buffers["variance"]
        self._of_batch = self.training
        self._deviation = np.sqrt(variance + self.epsilon)
        # xhat = (x - mean) / sqrt(variance + epsilon)
        xhat = self._xhat = np.subtract(x, mean, out=self._array("xhat", x.shape, x.dtype))
        xhat /= self._deviation
        y: Array = np.multiply(xhat, self.parameters["gamma"], out=self._array("y", x.shape, x.dtype))
        return np.add(y, self.parameters["beta"], out=y)

    def backward(self, gradient: Array) -> Array:
        """Take dL/dy (batch, features) and return dL/dx."""
        dgamma, dbeta = self.gradients["gamma"], self.gradients["beta"]
        # dL/dgamma = sum over the batch of dL/dy · xhat;  dL/dbeta = sum over the batch of dL/dy
        np.einsum("nf,nf->f", gradient, self._xhat, out=dgamma)
        np.add.reduce(gradient, axis=0, out=dbeta)
        dx: Array = self._array("dx", gradient.shape, gradient.dtype)
        if self._of_batch:
            # Mean and variance are functions of x, too. With n examples:
            # dL/dx = gamma / sqrt(variance + epsilon) · (dL/dy - dL/dbeta / n - xhat · dL/dgamma / n)
            np.multiply(self._xhat, dgamma / -len(gradient), out=dx)
            dx -= dbeta / len(gradient)
            dx += gradient
        else:
            # dL/dx = gamma / sqrt(variance + epsilon) · dL/dy
            np.copyto(dx, gradient)
        dx *= self.parameters["gamma"] / self._deviation
        return dx
