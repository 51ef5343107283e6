"""One step of a run with every number of one neuron: what goes in, z, a, delta, the gradients, and what they change.

The step is not described but taken: by the training loop itself, on a network of the caller's that is given up for it,
with the examples that come next in the run. Whoever lets the run itself go on by one mini-batch gets the same weights.

The loop computes in float32. What it takes from numbers that are shown, too, is computed again from these in float64:
a from z, and the change of a weight from what the optimizer was given; so a calculator finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.nn import Adam, Array, Dropout, Linear, Loss, Module, Optimizer, Sequential, smooth_labels, softmax
from hippo.training.batches import Examples
from hippo.training.callbacks import Callback
from hippo.training.config import TrainingConfig
from hippo.training.exact import activation_name, exact
from hippo.training.health import layers_of
from hippo.training.loop import train
from hippo.training.state import TrainingRun, TrainingState
from hippo.training.weight_change import weight_change

#: Examples of the mini-batch of which single numbers are kept; sums are over all.
MOST_EXAMPLES = 20
#: Two sums of the same float32 numbers, added up in another order, may differ by this part.
_ROUNDING = 1e-5


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


@dataclass(frozen=True)
class Explanation:
    """One mini-batch, as one neuron sees it.

    Attributes
    ----------
    activation : str
        Of the neuron; see `activation_name`.
    settings : TrainingConfig
        Those that the step was made with, with what was changed on the way.
    epoch, batch, batches : int
        The mini-batch, counted from 1, and how many an epoch has.
    step : int
        Steps taken before this one.
    size : int
        Examples of the mini-batch, of which the arrays below hold the first `MOST_EXAMPLES`.
    learning_rate, loss : float
        Of this step; the mean over the mini-batch, before the step.
    clip_factor : float
        What all gradients were multiplied by to be no longer than wanted; 1 where they were not too long.
    betas, epsilon : (float, float) and float, or None
        Of Adam.
    examples : ndarray of int (k,)
        Their places in the training set.
    labels : ndarray of int (k,)
    inputs : ndarray of float32 (k, n)
        What comes into the neuron.
    z, delta : ndarray of float32 (k,)
        Weighted sum and bias, and dC/dz, which holds the mean's 1 / size.
    a : ndarray of float64 (k,)
        What the activation makes of z.
    slope : ndarray of float64 (k,), or None
        The derivative of the activation at z; None for a softmax, whose derivative is not used by itself.
    targets : ndarray of float32 (k,), or None
        What an output should be, smoothed if the labels are; None for a hidden neuron.
    logits : ndarray of float32 (k, classes), or None
        The z of all outputs, where the activation is their softmax.
    dropout : float
        The fraction that is dropped of each hidden layer; 0 for none.
    incoming : Incoming
    outgoing : Outgoing or None
        None for an output.
    """

    activation: str
    settings: TrainingConfig
    epoch: int
    batch: int
    batches: int
    step: int
    size: int
    learning_rate: float
    loss: float
    clip_factor: float
    betas: tuple[float, float] | None
    epsilon: float | None
    examples: NDArray[np.int64]
    labels: NDArray[np.intp]
    inputs: Array
    z: Array
    a: Array
    delta: Array
    slope: Array | None
    targets: Array | None
    logits: Array | None
    dropout: float
    incoming: Incoming
    outgoing: Outgoing | None


def explain_step(
    model: Sequential,
    loss: Loss,
    training_data: Examples,
    config: TrainingConfig,
    rng: np.random.Generator,
    state: TrainingState,
    layer: int,
    neuron: int,
    callbacks: Sequence[Callback] = (),
) -> Explanation:
    """Take the next step of a run, and return what it was made of.

    Parameters
    ----------
    model, loss, training_data, config, rng, state
        As for `hippo.training.train`; `model` and `state` are changed.
    layer, neuron : int
        The layer, from 1 for the first that has weights, and the neuron in it, from 0.
    callbacks : sequence of Callback
        Those of the run that have a part in its steps, such as changes of its settings.

    Raises
    ------
    InvalidValue
        When there is no such neuron, or no step is left.
    """
    linear, activation = _layer(model, layer)
    if not 0 <= neuron < len(linear.parameters["bias"]):
        last = len(linear.parameters["bias"]) - 1
        raise InvalidValue(f"neuron must be a whole number from 0 to {last} in layer {layer}, not {neuron}.")
    place = model.modules.index(linear)
    listener = _Listener(linear, neuron)
    follower = _follower(model, place, neuron)
    observer = _Observer(linear, place, neuron)
    own = list(model.modules)
    model.modules[place] = listener
    if follower is not None:
        model.modules[own.index(follower.layer)] = follower
    try:
        train(model, loss, training_data, config, rng, callbacks=[*callbacks, observer], state=state)
    except _StepTaken:
        pass
    finally:
        model.modules[:] = own
    if observer.incoming is None or observer.settings is None or observer.optimizer is None:
        raise InvalidValue("This run has no step left.")
    settings = observer.settings
    order = _order(rng, state, len(training_data), settings)
    places = order[(state.batch - 1) * settings.mini_batch_size : state.batch * settings.mini_batch_size]
    examples = places[:MOST_EXAMPLES]
    z = np.concatenate(listener.outputs)
    exact_z = z.astype(np.float64)
    labels = np.asarray(training_data.labels[examples], np.intp)
    targets = smooth_labels(np.eye(training_data.classes, dtype=np.float32), settings.label_smoothing)
    adam = observer.optimizer if isinstance(observer.optimizer, Adam) else None
    return Explanation(
        activation=activation_name(activation),
        settings=settings,
        epoch=state.epoch + 1,
        batch=state.batch,
        batches=settings.batches(len(training_data)),
        step=state.steps - 1,
        size=len(places),
        learning_rate=observer.learning_rate,
        loss=observer.loss_sum / len(places),
        clip_factor=_clip_factor(listener.gradient, observer.incoming) if settings.clip_norm else 1.0,
        betas=adam.betas if adam else None,
        epsilon=adam.epsilon if adam else None,
        examples=examples,
        labels=labels,
        inputs=np.concatenate(listener.inputs),
        z=z[:, neuron],
        a=(exact(activation).forward(exact_z) if activation else softmax(exact_z))[:, neuron],
        delta=np.concatenate(listener.deltas)[:, neuron],
        slope=_slope(activation, exact_z[:, neuron]) if activation else None,
        targets=None if follower else targets[labels, neuron],
        logits=None if activation else z,
        dropout=next((module.p for module in model.modules if isinstance(module, Dropout)), 0.0),
        incoming=observer.incoming,
        outgoing=follower.outgoing() if follower else None,
    )


class _StepTaken(Exception):
    """Ends the loop after its first step."""


class _Listener(Module):
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


class _Follower(Module):
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


class _Observer(Callback):
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
        raise _StepTaken

    def _column(self, arrays: dict[str, Array], name: str) -> Array:
        return arrays[name][:, self._neuron].copy()

    def _number(self, name: str) -> float:
        return float(self._layer.parameters[name][self._neuron])


def _clip_factor(before: Array, incoming: Incoming) -> float:
    """Return what a gradient was multiplied by, given what it was `before`; 1 where only rounding differs."""
    long = float(np.linalg.norm(before))
    factor = float(np.linalg.norm(incoming.gradients.astype(np.float64))) / long if long else 1.0
    return factor if factor < 1 - _ROUNDING else 1.0


def _follower(model: Sequential, place: int, neuron: int) -> _Follower | None:
    """Return what listens to the layer behind the one at `place`; None behind the last."""
    dropout: Dropout | None = None
    for module in model.modules[place + 1 :]:
        if isinstance(module, Dropout):
            dropout = module
        elif isinstance(module, Linear):
            return _Follower(module, dropout, neuron)
    return None


def _slope(activation: Module, z: Array) -> Array:
    """Return the derivative of `activation` at `z`, both float64 (k,)."""
    curve = exact(activation)
    curve.forward(z)
    return curve.backward(np.ones_like(z))


def _layer(model: Sequential, layer: int) -> tuple[Linear, Module | None]:
    layers = layers_of(model)
    if not 1 <= layer <= len(layers):
        raise InvalidValue(f"layer must be a whole number from 1 to {len(layers)}, not {layer}.")
    return layers[layer - 1]


def _order(rng: np.random.Generator, state: TrainingState, count: int, settings: TrainingConfig) -> NDArray[np.int64]:
    """Return the order of the examples in the epoch under way, as the loop has it."""
    if not settings.shuffle:
        return np.arange(count)
    assert state.rng_state is not None  # the loop has begun the epoch
    rng.bit_generator.state = state.rng_state
    return rng.permutation(count)
