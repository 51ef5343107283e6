"""Optimizers: how parameters follow their gradients. Here: stochastic gradient descent."""

import numpy as np

from hippo.nn.module import Array, Module

#: Numbers that are moved at once: their changes are still in the processor's cache when they are subtracted, and large
#: networks need no scratch memory of their own size.
PIECE = 1 << 16


class SGD:
    """Stochastic gradient descent: p <- p - lr · dL/dp (Nielsen, chapter 1, equations 16 and 17).

    Parameters
    ----------
    model : Module
        Whose ``parameters`` are changed in place by ``step``, following its ``gradients``.
    lr : float
        Learning rate, above 0. May be changed between steps.

    Raises
    ------
    ValueError
        When `lr` is not above 0 or not finite.
    """

    def __init__(self, model: Module, lr: float) -> None:
        if not 0 < lr < float("inf"):
            raise ValueError(f"The learning rate must be a finite number above 0, not {lr}.")
        self.model = model
        self.lr = lr
        dtypes = {parameter.dtype for parameter in model.parameters.values()} or {np.dtype(np.float32)}
        self._scratch = np.empty(PIECE, max(dtypes))
        self._pieces = [
            (p, g, self._scratch[: p.size])
            for name, parameter in model.parameters.items()
            for p, g in zip(_pieces(parameter), _pieces(model.gradients[name]), strict=True)
        ]

    def step(self) -> None:
        """Take one step downhill."""
        lr = np.array(self.lr, self._scratch.dtype)
        for parameter, gradient, change in self._pieces:
            np.multiply(gradient, lr, out=change)
            np.subtract(parameter, change, out=parameter)


def _pieces(array: Array) -> list[Array]:
    """Return views of at most `PIECE` numbers each that make up `array`."""
    flat = np.reshape(array, -1, copy=False)
    return [flat[begin : begin + PIECE] for begin in range(0, flat.size, PIECE)]
