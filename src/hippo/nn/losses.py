"""Losses: how wrong the outputs are, as one number, beside its gradient.

``forward`` returns the mean over a batch; ``backward`` returns dL/doutputs of that mean. A batch that comes in chunks
passes its full size to each ``forward``: the chunks' losses and gradients then add up to those of the batch.
"""

import numpy as np

from hippo.nn.activations import softmax
from hippo.nn.module import Array, ArrayKeeper


class Loss(ArrayKeeper):
    """A function of outputs and targets, both (batch, classes). Targets are one-hot rows, or any distribution."""

    def forward(self, outputs: Array, targets: Array, batch_size: int | None = None) -> float:
        """Return the sum of the rows' losses divided by `batch_size` (default: the number of rows)."""
        raise NotImplementedError

    def backward(self) -> Array:
        """Return dL/doutputs of the last ``forward``, shape (batch, classes)."""
        raise NotImplementedError

    @staticmethod
    def _check(outputs: Array, targets: Array) -> None:
        """Raise ValueError for targets of another shape, which NumPy would broadcast or take for something else."""
        if outputs.shape != getattr(targets, "shape", None):
            raise ValueError(
                f"Targets must have the shape of the outputs, {outputs.shape}: one row an example, one-hot or any "
                f"distribution; not {np.shape(targets)}."
            )


class QuadraticLoss(Loss):
    """C = 1/(2n) sum_x |a - y|^2, n examples: the classic cost (Nielsen, chapter 1, equation 6)."""

    def forward(self, outputs: Array, targets: Array, batch_size: int | None = None) -> float:
        """Return C for outputs a and targets y, both (batch, classes)."""
        self._check(outputs, targets)
        self._n = batch_size or len(outputs)
        self._difference = np.subtract(outputs, targets, out=self._array("difference", outputs.shape, outputs.dtype))
        return float(np.vdot(self._difference, self._difference)) / (2 * self._n)

    def backward(self) -> Array:
        """Return dC/da = (a - y) / n."""
        gradient = self._array("gradient", self._difference.shape, self._difference.dtype)
        return np.divide(self._difference, self._n, out=gradient)


class MSELoss(Loss):
    """L = 1/(nK) sum_x |a - y|^2, n examples of K outputs: the mean squared error over all outputs."""

    def forward(self, outputs: Array, targets: Array, batch_size: int | None = None) -> float:
        """Return L for outputs a and targets y, both (batch, K)."""
        self._check(outputs, targets)
        self._count = (batch_size or len(outputs)) * int(outputs.shape[1])
        self._difference = np.subtract(outputs, targets, out=self._array("difference", outputs.shape, outputs.dtype))
        return float(np.vdot(self._difference, self._difference)) / self._count

    def backward(self) -> Array:
        """Return dL/da = 2 (a - y) / (nK)."""
        gradient = self._array("gradient", self._difference.shape, self._difference.dtype)
        return np.multiply(self._difference, 2 / self._count, out=gradient)


class CrossEntropyLoss(Loss):
    """C = -1/n sum_x sum_k y_k log p_k with p = softmax(z), fused with that softmax.

    The network hands over logits z. Together the two have a gradient without any division by p, and a value without any
    log of 0: log p_k = z_k - max z - log sum_j e^(z_j - max z). (Bishop, Pattern Recognition and Machine Learning,
    section 4.3.4.)

    Parameters
    ----------
    label_smoothing : float
        Fraction of the certainty that is taken from the targets (see `smooth_labels`), 0 or more and below 1.

    Raises
    ------
    ValueError
        For a fraction out of range.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be 0 or more and below 1, not {label_smoothing!r}.")
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Array, targets: Array, batch_size: int | None = None) -> float:
        """Return C for logits z and targets y, both (batch, classes); each row of y sums to 1."""
        self._check(outputs, targets)
        self._n = batch_size or len(outputs)
        if self.label_smoothing:
            targets = smooth_labels(targets, self.label_smoothing)
        self._targets = targets
        row = self._array("row", (len(outputs), 1), outputs.dtype)
        np.amax(outputs, axis=1, keepdims=True, out=row)
        log_p = np.subtract(outputs, row, out=self._array("log_p", outputs.shape, outputs.dtype))
        self._p = np.exp(log_p, out=self._array("p", outputs.shape, outputs.dtype))
        np.sum(self._p, axis=1, keepdims=True, out=row)
        np.divide(self._p, row, out=self._p)
        np.subtract(log_p, np.log(row, out=row), out=log_p)
        return -float(np.vdot(targets, log_p)) / self._n

    def backward(self) -> Array:
        """Return dC/dz = (p - y) / n."""
        gradient = self._array("gradient", self._p.shape, self._p.dtype)
        np.subtract(self._p, self._targets, out=gradient)
        return np.divide(gradient, self._n, out=gradient)


def smooth_labels(targets: Array, fraction: float) -> Array:
    """Return (1 - fraction) y + fraction / K for targets y (batch, K): a network need not be infinitely sure.

    Source: Szegedy and others, Rethinking the Inception Architecture for Computer Vision (2016), section 7.
    """
    smoothed: Array = targets * (1 - fraction) + fraction / targets.shape[1]
    return smoothed


def output_probabilities(loss: Loss, outputs: Array) -> Array:
    """Return what a network trained with `loss` answers for its raw `outputs` (batch, classes).

    Logits become probabilities; the outputs of a sigmoid layer, each between 0 and 1 by itself, stay as they are.
    """
    return softmax(outputs) if isinstance(loss, CrossEntropyLoss) else outputs
