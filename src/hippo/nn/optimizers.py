"""Optimizers: how parameters follow their gradients. Here: stochastic gradient descent."""

import numpy as np

from hippo.nn.module import Module


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
        # One scratch array as large as the largest parameter, so that a step allocates nothing.
        size = max((p.size for p in model.parameters.values()), default=0)
        dtypes = {p.dtype for p in model.parameters.values()} or {np.dtype(np.float32)}
        scratch = np.empty(size, max(dtypes))
        self._triples = [
            (p, model.gradients[name], scratch[: p.size].reshape(p.shape)) for name, p in model.parameters.items()
        ]

    def step(self) -> None:
        """Take one step downhill."""
        for parameter, gradient, change in self._triples:
            np.multiply(gradient, self.lr, out=change)
            parameter -= change
