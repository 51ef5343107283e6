"""What is kept of one neuron while the training loop takes a step: what passes it, and what it is before and after.

The loop knows nothing of it: modules that do as a layer does stand in the layer's place, and a callback ends the loop
after the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hippo.nn import Array, Dropout, Linear, Module, Optimizer, Sequential
from hippo.training.callbacks import Callback
from hippo.training.config import TrainingConfig
from hippo.training.state import TrainingRun
from hippo.training.weight_change import weight_change

#: Examples of the mini-batch of which single numbers are kept; sums are over all.
MOST_EXAMPLES = 20


@dataclass(frozen=True)
class Incoming:
    """What feeds a neuron with n inputs, before and after a step.

    Attributes
    ----------
    weights, gradients, after : ndarray of float32 (n,)
        The weights before the step; dC/dw over the mini-batch, as the optimizer was given it; the weights after it.
    changes : ndarray of float64 (n,)
        What the optimizer added to the weights, before the sum was rounded to float32.
    memory : dict of str to ndarray (n,)
        What the optimizer remembered of earlier steps before this one, by the letter in its paper, such as ``"v"``.
    bias, bias_gradient, bias_after, bias_change : float
    bias_memory : dict of str to float
    """

    weights: Array
    gradients: Array
    after: Array
    changes: Array
    memory: dict[str, Array]
    bias: float
    bias_gradient: float
    bias_after: float
    bias_change: float
    bias_memory: dict[str, float]


@dataclass(frozen=True)
class Outgoing:
    """What a hidden neuron feeds, a layer of n neurons, and what comes back from there, for k examples.

    Attributes
    ----------
    weights : ndarray of float32 (n,)
        Those that lead on from the neuron, before the step.
    deltas : ndarray of float32 (k, n)
        dC/dz of the layer that follows.
    dropout : ndarray of float32 (k,), or None
        What dropout multiplied the neuron's a by before it went on: 0 where it was dropped. None without dropout.
    """

    weights: Array
    deltas: Array
    dropout: Array | None


class StepTaken(Exception):
    """Ends the loop after its first step."""


class Listener(Module):
    """Stands in the place of a layer and keeps the first rows of what passes it, forward and backward.

    Of one neuron it keeps the gradient of the weights over all rows, as it is before anything shortens it.
    """

    def __init__(self, layer: Linear, neuron: int) -> None:
        super().__init__()
        self.layer, self._neuron = layer, neuron
        self.gradient = np.zeros(len(layer.parameters["weights"]))
        self.inputs: list[Array] = []
        self.outputs: list[Array] = []
        self.deltas: list[Array] = []

    def forward(self, x: Array) -> Array:
        """Do as the layer does."""
        y = self.layer.forward(x)
        self._room = MOST_EXAMPLES - sum(map(len, self.inputs))
        self.inputs.append(x[: self._room].copy())
        self.outputs.append(y[: self._room].copy())
        return y

    def backward(self, gradient: Array) -> Array:
        """Do as the layer does."""
        self.deltas.append(gradient[: self._room].copy())
        passed_on = self.layer.backward(gradient)
        self.gradient += self.layer.gradients["weights"][:, self._neuron]
        return passed_on


class Follower(Module):
    """Stands in the place of the layer behind a neuron and keeps what the neuron hands on there and gets back."""

    def __init__(self, layer: Linear, dropout: Dropout | None, neuron: int) -> None:
        super().__init__()
        self.layer, self._dropout, self._neuron = layer, dropout, neuron
        self._weights = layer.parameters["weights"][neuron].copy()
        self._factors: list[Array] = []
        self._deltas: list[Array] = []

    def forward(self, x: Array) -> Array:
        """Do as the layer does."""
        self._room = MOST_EXAMPLES - sum(map(len, self._deltas))
        if self._dropout is not None:  # which multiplies what comes back by what it multiplied what went on by
            self._factors.append(self._dropout.backward(np.ones_like(x))[: self._room, self._neuron].copy())
        return self.layer.forward(x)

    def backward(self, gradient: Array) -> Array:
        """Do as the layer does."""
        self._deltas.append(gradient[: self._room].copy())
        return self.layer.backward(gradient)

    def outgoing(self) -> Outgoing:
        """Return what was kept."""
        factors = np.concatenate(self._factors) if self._factors else None
        return Outgoing(self._weights, np.concatenate(self._deltas), factors)


class Observer(Callback):
    """Compares a neuron before and after the first step, and ends the loop there."""

    def __init__(self, layer: Linear, place: int, neuron: int) -> None:
        self._layer, self._place, self._neuron = layer, place, neuron
        self.incoming: Incoming | None = None
        self.settings: TrainingConfig | None = None
        self.optimizer: Optimizer | None = None
        self.learning_rate = self.loss_sum = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Remember what is there before the step."""
        self._weights, self._bias = self._column(self._layer.parameters, "weights"), self._number("bias")
        letters = run.optimizer.remembers
        state, place, neuron = run.optimizer.state, self._place, self._neuron
        self._memory = {letter: state[f"{letter}.{place}.weights"][:, neuron].copy() for letter in letters}
        self._bias_memory = {letter: float(state[f"{letter}.{place}.bias"][neuron]) for letter in letters}

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Remember what the loss was, which begins anew with an epoch."""
        self._loss_before = run.state.loss_sum

    def on_batch_end(self, run: TrainingRun) -> None:
        """Read what the step has left."""
        self.settings, self.optimizer = run.config, run.optimizer
        self.learning_rate, self.loss_sum = run.optimizer.lr, run.state.loss_sum - self._loss_before
        gradients = self._column(self._layer.gradients, "weights")
        bias_gradient = float(self._layer.gradients["bias"][self._neuron])
        self.incoming = Incoming(
            self._weights,
            gradients,
            self._column(self._layer.parameters, "weights"),
            weight_change(run.optimizer, self._weights, gradients, self._memory),
            self._memory,
            self._bias,
            bias_gradient,
            self._number("bias"),
            float(weight_change(run.optimizer, self._bias, bias_gradient, self._bias_memory)),
            self._bias_memory,
        )
        raise StepTaken

    def _column(self, arrays: dict[str, Array], name: str) -> Array:
        return arrays[name][:, self._neuron].copy()

    def _number(self, name: str) -> float:
        return float(self._layer.parameters[name][self._neuron])


def follower_of(model: Sequential, place: int, neuron: int) -> Follower | None:
    """Return what listens to the layer behind the one at `place`; None behind the last."""
    dropout: Dropout | None = None
    for module in model.modules[place + 1 :]:
        if isinstance(module, Dropout):
            dropout = module
        elif isinstance(module, Linear):
            return Follower(module, dropout, neuron)
    return None
