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
from hippo.nn import Adam, Array, Dropout, Linear, Loss, Module, Sequential, smooth_labels, softmax
from hippo.training.batches import Examples
from hippo.training.callbacks import Callback
from hippo.training.config import TrainingConfig
from hippo.training.exact import activation_name, exact
from hippo.training.health import layers_of
from hippo.training.loop import train
from hippo.training.one_step import MOST_EXAMPLES, Incoming, Listener, Observer, Outgoing, StepTaken, follower_of
from hippo.training.state import TrainingState

#: Two sums of the same float32 numbers, added up in another order, may differ by this part.
_ROUNDING = 1e-5


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
    listener = Listener(linear, neuron)
    follower = follower_of(model, place, neuron)
    observer = Observer(linear, place, neuron)
    own = list(model.modules)
    model.modules[place] = listener
    if follower is not None:
        model.modules[own.index(follower.layer)] = follower
    try:
        train(model, loss, training_data, config, rng, callbacks=[*callbacks, observer], state=state)
    except StepTaken:
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


def _clip_factor(before: Array, incoming: Incoming) -> float:
    """Return what a gradient was multiplied by, given what it was `before`; 1 where only rounding differs."""
    long = float(np.linalg.norm(before))
    factor = float(np.linalg.norm(incoming.gradients.astype(np.float64))) / long if long else 1.0
    return factor if factor < 1 - _ROUNDING else 1.0


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
