"""Pictures of a network while it learns: its weights, what they make of one digit, and how the error flows back.

`Snapshots` reads a network's parameters between two steps and makes a `Frame` for each wish of somebody who watches.
It computes with modules of its own that share the parameters, so that the run goes on, bit for bit, as if nobody had
looked. How often that is done, and who is sent what, is decided elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hippo.nn import Array, Loss, Sequential
from hippo.nn.losses import output_probabilities
from hippo.training.batches import Examples
from hippo.training.config import TrainingConfig
from hippo.training.frame import Frame, Parts, number
from hippo.training.health import apart, health_of, layer_answers, layers_of, some_images
from hippo.training.layer_view import LayerView
from hippo.training.state import TrainingState

#: Statistics are made anew after so many seconds at the earliest, and take at most this share of the time: they need
#: several passes over all weights, and a pass of many images.
STATISTICS_EVERY, STATISTICS_SHARE = 0.5, 0.01


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see.

    Attributes
    ----------
    example : int
        The digit that is shown to the network: its place in the test set, from 0.
    layer, neuron : int or None
        The neuron whose incoming weights are wanted: layer from 1, neuron from 0; both or neither.
    """

    example: int = 0
    layer: int | None = None
    neuron: int | None = None


def where(
    state: TrainingState | None, config: TrainingConfig | None, examples: int, learning_rate: float | None = None
) -> dict[str, Any]:
    """Return what a header says of where a run is.

    Parameters
    ----------
    state, config : TrainingState and TrainingConfig, or None
        Of the run, and the settings in force; without one, there is only a network, and nothing is said.
    examples : int
        Size of the training set.
    learning_rate : float, optional
        Of the last step, where the optimizer can be asked; otherwise that of the next one is computed.

    Returns
    -------
    dict
        ``epoch`` under way (from 1; of a finished run its last), ``batch`` (finished mini-batches of it), ``batches``
        (of an epoch), ``step`` (of the run), ``loss`` and ``accuracy`` (0-1; means over the epoch so far, None before
        its first step), ``learning_rate``.
    """
    names = ("epoch", "batch", "batches", "step", "loss", "accuracy", "learning_rate")
    if state is None or config is None:
        return dict.fromkeys(names)
    batches = config.batches(examples)
    if learning_rate is None:
        schedule = config.make_schedule()
        factor = schedule(state.epoch + state.batch / batches, config.epochs) if schedule else 1.0
        learning_rate = config.learning_rate * factor
    loss = accuracy = None
    epoch, batch = state.epoch + 1, state.batch
    if state.batch:
        seen = min(state.batch * config.mini_batch_size, examples)
        loss, accuracy = number(state.loss_sum / seen), state.correct / seen
    elif state.epoch >= config.epochs:
        epoch, batch = state.epoch, batches
        loss, accuracy = (state.history[-1][name] for name in ("loss", "training_accuracy"))
    return dict(zip(names, (epoch, batch, batches, state.steps, loss, accuracy, learning_rate), strict=True))


class Snapshots:
    """Makes frames of one network.

    Parameters
    ----------
    model : Sequential
        As `hippo.network` builds it; is read and not written.
    loss : Loss
        Of the network; only its kind counts.
    examples : Examples
        What a wish names an example of: the test set.
    validation_data : Examples
        Whose first images show how activations are spread, and which neurons are dead or saturated.
    """

    def __init__(self, model: Sequential, loss: Loss, examples: Examples, validation_data: Examples) -> None:
        self._model = model
        self._loss = apart(loss)
        self._examples = examples
        self._images = some_images(validation_data)
        self._layers = [LayerView(linear, activation) for linear, activation in layers_of(model)]
        for before, layer in zip(self._layers, self._layers[1:], strict=False):
            layer.rows = before.shown if before.is_thinned else None
        self._statistics: list[dict[str, Any]] = []
        self._statistics_step: int | None = None
        self._statistics_due = 0.0

    @property
    def sizes(self) -> list[int]:
        """Neurons of each layer, the inputs left out."""
        return [layer.size for layer in self._layers]

    def refresh(self, step: int | None, at_once: bool = False) -> None:
        """Make the statistics anew if it is time, or `at_once`; they need several passes over all weights."""
        if not at_once and time.perf_counter() < self._statistics_due:
            return
        began = time.thread_time()
        with np.errstate(over="ignore", invalid="ignore"):
            answers = list(layer_answers(self._model, self._images))
            health = health_of(self._model, answers)
            if self._layers[-1].activation is None:
                answers[-1] = output_probabilities(self._loss, answers[-1])
            self._statistics = [layer.statistics(a) for layer, a in zip(self._layers, answers, strict=True)]
        for found, its_health in zip(self._statistics, health, strict=False):
            found |= {"dead": its_health.dead, "saturated": its_health.saturated, "alike": its_health.alike}
        self._statistics_step = step
        cost = time.thread_time() - began
        self._statistics_due = time.perf_counter() + max(STATISTICS_EVERY, cost / STATISTICS_SHARE)

    def make(self, wishes: Iterable[Wish], facts: dict[str, Any], has_gradients: bool) -> list[Frame]:
        """Return a frame for each wish.

        Parameters
        ----------
        wishes : iterable of Wish
            Examples of the test set, and neurons that there are.
        facts : dict
            What the headers begin with, values of JSON; see `where`.
        has_gradients : bool
            Whether the model's gradients are those of the last mini-batch, or of nothing yet.
        """
        if not self._statistics:
            self.refresh(facts["step"])
        with np.errstate(over="ignore", invalid="ignore"):
            shared = Parts()
            for place, layer in enumerate(self._layers, 1):
                layer.pack(place, shared)
            norms = [layer.gradient_norm() if has_gradients else None for layer in self._layers]
            described = [found | {"gradient_norm": norm} for found, norm in zip(self._statistics, norms, strict=True)]
            facts = facts | {"statistics_step": self._statistics_step, "layers": described}
            return [self._frame(wish, facts, shared.copy(), has_gradients) for wish in wishes]

    def _frame(self, wish: Wish, facts: dict[str, Any], parts: Parts, has_gradients: bool) -> Frame:
        pixels = self._examples.inputs[wish.example]
        label = int(self._examples.labels[wish.example])
        parts.add("pixels", np.array(pixels))
        outputs = self._forward(pixels)
        self._backward(label)
        for place, layer in enumerate(self._layers, 1):
            parts.add(f"z.{place}", layer.thinned(layer.z))
            parts.add(f"a.{place}", layer.thinned(layer.a))
            parts.add(f"delta.{place}", layer.thinned(layer.delta))
        parts.add("label_weights", self._layers[-1].weights[:, label])
        neuron = None
        if wish.layer is not None and wish.neuron is not None:
            layer = self._layers[wish.layer - 1]
            neuron = {"layer": wish.layer, "index": wish.neuron} | layer.neuron(wish.neuron)
            parts.add("incoming", layer.weights[:, wish.neuron])
            if has_gradients:
                parts.add("incoming_gradient", layer.linear.gradients["weights"][:, wish.neuron])
        example = {"index": wish.example, "label": label, "predicted": int(outputs.argmax())}
        header = facts | {"example": example, "neuron": neuron, "parts": parts.table}
        return Frame(header, parts.to_bytes())

    def _forward(self, pixels: Array) -> Array:
        """Let every layer see the digit (784,); return the network's answer (classes,)."""
        x: Array = (pixels.astype(np.float32) / np.float32(255))[None]
        for layer in self._layers:
            x = layer.forward(x)
        last = self._layers[-1]
        if last.activation is None:
            last.a = output_probabilities(self._loss, last.z)
        answer: Array = last.a[0]
        return answer

    def _backward(self, label: int) -> None:
        """Let the error flow back: delta = dC/dz of this digit alone (Nielsen, chapter 2, BP1 and BP2)."""
        last = self._layers[-1]
        y = np.zeros_like(last.z)
        y[0, label] = 1
        self._loss.forward(last.z if last.activation is None else last.a, y)
        gradient = self._loss.backward()
        for layer in reversed(self._layers):
            gradient = layer.backward(gradient, wanted=layer is not self._layers[0])
