"""Layers: modules with parameters. Here: Linear, the fully connected layer."""

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
    init : {"xavier", "he", "normal", "zeros"}
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
        self._x = x
        y = self._array("y", (len(x), len(bias)), weights.dtype)
        np.dot(x, weights, out=y)
        return np.add(y, bias, out=y)

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
