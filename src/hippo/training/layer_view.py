"""One layer of a network that is watched: what it holds, what it makes of a digit, and how its numbers are spread.

It computes with an activation of its own and reads the layer's parameters where they are, between two steps; nothing in
the network changes. Sums are made in float32, as the network makes them, and activations and errors of them in float64
(see ``exact``). ``snapshots`` puts the layers together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, Linear, Module
from hippo.training.exact import activation_name, exact
from hippo.training.frame import Parts, number
from hippo.training.health import alike

#: Neurons of a layer that are shown at most; of more, as many are chosen, evenly spaced.
MOST_SHOWN = 200
BINS = 24
#: Where the answers of an activation that has bounds lie: all of it is shown, so that its ends are seen to be ends.
_BOUNDS = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}

Index = NDArray[np.intp]


class LayerView:
    """A `Linear` and the activation behind it, if there is one.

    Attributes
    ----------
    z, a, delta : ndarray of float64 (1, size)
        Weighted input, which has the digits of a float32; what the activation makes of just that; dC/dz.
    shown : ndarray of int (up to 200,)
        Which neurons are shown.
    rows : ndarray of int, or None
        Which of its inputs are shown; None: all.
    """

    def __init__(self, linear: Linear, activation: Module | None) -> None:
        self.linear = linear
        self.activation = exact(activation) if activation else None
        self.activation_name = activation_name(activation)
        self.weights, self.bias = linear.parameters["weights"], linear.parameters["bias"]
        self.size = len(self.bias)
        self.is_thinned = self.size > MOST_SHOWN
        count = min(self.size, MOST_SHOWN)
        self.shown: Index = np.arange(count, dtype=np.intp) * self.size // count
        self.rows: Index | None = None
        self.z = self.a = self.delta = np.zeros((1, self.size))

    def forward(self, x: Array) -> Array:
        """Take the layer's input (1, inputs) and return a; z and a stay here."""
        self.z = (x.astype(np.float32, copy=False) @ self.weights + self.bias).astype(np.float64)
        self.a = self.activation.forward(self.z) if self.activation else self.z
        return self.a

    def backward(self, gradient: Array, wanted: bool) -> Array:
        """Take dC/da, or dC/dz where the loss has the activation within it; return dC/d(input) where it is `wanted`."""
        gradient = gradient.astype(np.float64, copy=False)
        self.delta = self.activation.backward(gradient) if self.activation else gradient
        return self.delta.astype(np.float32) @ self.weights.T if wanted else self.delta

    def thinned(self, row: Array) -> Array:
        """Return what is shown of one number for each neuron, (1, size), as float32."""
        thinned: Array = row[0, self.shown] if self.is_thinned else row[0]
        return thinned.astype(np.float32)

    def pack(self, place: int, parts: Parts) -> None:
        """Add what is the same for every digit."""
        parts.add(f"neurons.{place}", self.shown.astype(np.uint16))
        parts.add(f"bias.{place}", self.bias[self.shown])
        weights = self.weights if self.rows is None else self.weights[self.rows]
        parts.add_rounded(f"weights.{place}", weights[:, self.shown] if self.is_thinned else weights)

    def neuron(self, index: int) -> dict[str, float | None]:
        """Return the numbers of one neuron."""
        values = {"bias": self.bias[index], "z": self.z[0, index], "a": self.a[0, index], "delta": self.delta[0, index]}
        return {name: number(value) for name, value in values.items()}

    def gradient_norm(self) -> float | None:
        """Return the Euclidean norm of the gradients of weights and bias together."""
        gradients = (self.linear.gradients["weights"], self.linear.gradients["bias"])
        return number(np.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in gradients)))

    def statistics(self, answers: Array) -> dict[str, Any]:
        """Return what the header says of the layer, but for its gradient; dead and saturated are of hidden layers.

        Parameters
        ----------
        answers : ndarray (N, size)
            The activations of its neurons for some images.
        """
        return {
            "size": self.size,
            "inputs": len(self.weights),
            "activation": self.activation_name,
            "weight": _described(self.weights),
            "bias": _described(self.bias),
            "histogram": _histogram(self.weights),
            "bias_histogram": _histogram(self.bias),
            "activation_histogram": _histogram(answers, _BOUNDS.get(self.activation_name)),
            "dead": 0,
            "saturated": 0,
            "alike": alike(self.weights, self.bias),
        }


def _described(array: Array) -> dict[str, float | None]:
    # The squares of weights that blow up are too large for float32 long before they are.
    mean, std = array.mean(dtype=np.float64), array.std(dtype=np.float64)
    values = {"mean": mean, "std": std, "min": array.min(), "max": array.max()}
    return {name: number(value) for name, value in values.items()}


def _histogram(values: Array, bounds: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return how many numbers fall into each of 24 equal bins between `bounds`, or from the smallest to the largest.

    Where all are equal, the bins reach from half below to half above, as NumPy's do. NumPy's own function refuses
    ranges that its type of number cannot divide, which weights that blow up have.
    """
    exact = values.astype(np.float64)
    if not np.isfinite([exact.min(), exact.max()]).all():
        exact = exact[np.isfinite(exact)]
    low, high = bounds or ((float(exact.min()), float(exact.max())) if exact.size else (0.0, 0.0))
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = np.full(exact.size, BINS // 2) if low == high else ((exact - low) * (BINS / (high - low))).astype(np.intp)
    counts = np.bincount(np.minimum(bins, BINS - 1).reshape(-1), minlength=BINS)
    return {"low": number(low), "high": number(high), "counts": counts.tolist()}
