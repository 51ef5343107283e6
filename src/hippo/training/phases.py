"""The phases of each epoch, shown one after the other: forward, backward, update, with numbers thinned for drawing.

Where a mini-batch is the whole training set, an epoch is one step of gradient descent, and these are its three phases.
They are told when the step is done, from what was kept of the weights before it and from the gradients it followed, so
that the loop is the one of every other run. A front end of a single kind of network draws them; any network, at any
moment, is shown by ``snapshots``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hippo.nn import Array
from hippo.training.batches import Examples
from hippo.training.callbacks import Callback
from hippo.training.control import Orders
from hippo.training.health import apart, layers_of
from hippo.training.metrics import evaluate
from hippo.training.state import TrainingRun

#: Of the hidden neurons, of the pixels and of the rows of the last weights, one in so many is shown.
EVERY_NEURON, EVERY_PIXEL, EVERY_OUTPUT = 10, 50, 2
#: Iterations from one measurement on the validation set to the next.
MEASURED_EVERY = 10

Values = dict[str, Any]


class Phases(Callback):
    """Shows a run of a network with one hidden layer, phase by phase.

    Parameters
    ----------
    data : Examples
        The training set. Iteration i, from 1, shows what the network makes of image i - 1 of it.
    tell : callable
        Given the name and the payload (values of JSON) of each event: ``network_update`` for a phase, and
        ``validation_metrics`` after every tenth iteration.
    orders : Orders
        A pause or an end that is ordered ends the time between two phases.
    seconds : float
        From one phase to the next, at least.
    meanwhile : callable
        Called with the run when the orders ring while it waits.
    """

    def __init__(
        self,
        data: Examples,
        tell: Callable[[str, Values], None],
        orders: Orders,
        seconds: float,
        meanwhile: Callable[[TrainingRun], None] = lambda run: None,
    ) -> None:
        self._data, self._tell, self._orders = data, tell, orders
        self._seconds, self._meanwhile = seconds, meanwhile
        self._due = time.monotonic()
        self._step = 0
        self._before: Values = {}
        self._activations: Values = {}
        self._label = 0

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Show the network before its first step; keep how it is before each."""
        state = run.state
        self._before = _weights(run)
        if not state.steps:
            found = evaluate(run.model, run.loss, self._data)
            self._show(run, "init", {"iteration": 0, "loss": found.loss, "accuracy": found.accuracy}, self._before)
        place = state.epoch % len(self._data)
        self._activations = _activations(run, self._data.inputs[place])
        self._label = int(self._data.labels[place])
        self._step = state.steps

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Show the step: what the network answered, what the gradients were, what the weights are."""
        if run.state.steps == self._step:
            return  # an epoch that was interrupted after its last step: nobody knows the gradients any more
        record = run.state.history[-1]
        iteration, loss, accuracy = record["epoch"], record["loss"], record["training_accuracy"]
        facts = {"iteration": iteration, "loss": loss, "accuracy": accuracy, "activations": self._activations}
        self._show(run, "forward", facts, self._before | {"trueClass": self._label})
        self._show(run, "backward", facts, self._before | {"gradients": _gradients(run)})
        self._show(run, "update", facts, _weights(run))
        if iteration % MEASURED_EVERY == 0:
            measured = {
                "iteration": iteration,
                "train_loss": loss,
                "train_accuracy": accuracy,
                "val_loss": record["validation_loss"],
                "val_accuracy": record["validation_accuracy"],
            }
            self._tell("validation_metrics", measured)

    def _show(self, run: TrainingRun, phase: str, facts: Values, more: Values) -> None:
        """Wait for the time of the phase, and tell of it; raise what ends the run."""
        while not self._orders.wait_until(self._due):
            self._meanwhile(run)
        self._orders.check()
        self._tell("network_update", facts | {"phase": phase, "trueClass": None} | more)
        self._due = time.monotonic() + self._seconds


def _weights(run: TrainingRun) -> Values:
    """Return weights (out, in) and biases (out, 1), thinned."""
    (w1, b1), (w2, b2) = (
        (linear.parameters["weights"], linear.parameters["bias"]) for linear, _ in layers_of(run.model)
    )
    thinned = _thinned(w1, b1, w2, b2)
    return {
        "weights": {name: thinned[name] for name in ("W1", "W2")},
        "biases": {name: thinned[name] for name in ("b1", "b2")},
    }


def _gradients(run: TrainingRun) -> Values:
    """Return the gradients of the last mini-batch, thinned as the weights are."""
    (w1, b1), (w2, b2) = ((linear.gradients["weights"], linear.gradients["bias"]) for linear, _ in layers_of(run.model))
    return {f"d{name}": rows for name, rows in _thinned(w1, b1, w2, b2).items()}


def _thinned(w1: Array, b1: Array, w2: Array, b2: Array) -> Values:
    """Return thinned rows of weights (in, out) and columns of biases (out,), the weights turned to (out, in)."""
    return {
        "W1": _list(w1.T[::EVERY_NEURON, ::EVERY_PIXEL]),
        "W2": _list(w2.T[::EVERY_OUTPUT, ::EVERY_NEURON]),
        "b1": _list(b1[::EVERY_NEURON, None]),
        "b2": _list(b2[:, None]),
    }


def _activations(run: TrainingRun, pixels: Array) -> Values:
    """Return what an image of bytes (inputs,) makes of the layers: every tenth hidden neuron, all outputs."""
    x: Array = (pixels.astype(np.float32) / np.float32(255))[None]
    shown = []
    with np.errstate(over="ignore", invalid="ignore"):
        for linear, activation in layers_of(run.model):
            z = x @ linear.parameters["weights"] + linear.parameters["bias"]
            x = apart(activation).forward(z) if activation else z
            shown.append(x[0])
    return {"A1": _list(shown[0][::EVERY_NEURON]), "A2": _list(shown[1])}


def _list(array: Array) -> list[Any]:
    """Return numbers as lists; all are finite, for the run would have ended with the step if one were not."""
    values: list[Any] = array.tolist()
    return values
