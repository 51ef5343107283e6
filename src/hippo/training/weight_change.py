"""What a step adds to single weights, as the optimizer's formula has it, in float64.

A weight after a step less the weight before it is nearly that, but both were rounded to float32, and of a small change
the difference is mostly rounding. The optimizers themselves stand in ``hippo.nn.optimizers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hippo.nn import SGD, Adam, Array, Optimizer


def weight_change(optimizer: Optimizer, p: Any, g: Any, memory: Mapping[str, Any]) -> Array:
    """Return what the last step of `optimizer` added to `p`; the letters are those of the optimizers.

    Parameters
    ----------
    optimizer : Optimizer
        Just after the step, so that ``steps`` counts it.
    p, g : ndarray (n,), or float
        Parameters before the step, and their gradients as the optimizer was given them.
    memory : mapping of str to ndarray (n,), or float
        What it remembered of them before the step; what is missing was 0.
    """
    p, g = np.asarray(p, np.float64), np.asarray(g, np.float64)
    before = {letter: np.asarray(memory.get(letter, 0.0), np.float64) for letter in ("m", "v")}
    lr, decay = optimizer.lr, optimizer.weight_decay
    if isinstance(optimizer, SGD):
        mu = optimizer.momentum
        g = g + decay * p
        v = mu * before["v"] + g
        return np.asarray(-lr * (g + mu * v if optimizer.nesterov else v))
    assert isinstance(optimizer, Adam)
    (beta1, beta2), t = optimizer.betas, optimizer.steps
    if not optimizer.decoupled:
        g = g + decay * p
    mhat = (beta1 * before["m"] + (1 - beta1) * g) / (1 - beta1**t)
    vhat = (beta2 * before["v"] + (1 - beta2) * g * g) / (1 - beta2**t)
    step = -lr * mhat / (np.sqrt(vhat) + optimizer.epsilon)
    return np.asarray(step - lr * decay * p if optimizer.decoupled else step)
