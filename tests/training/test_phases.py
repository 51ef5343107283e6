"""The phases of each step: every number against the formulas in NumPy, their order, their time, and what ends it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hippo.network import NeuralNetwork
from hippo.training import Diverged, Orders, Paused, Steering, TrainingState
from hippo.training.callbacks import Callback
from hippo.training.phases import Phases
from tests.jobs.made_data import made_mnist

DATA = made_mnist(train=1500, test=50)
RATE = 0.5


@dataclass
class Shown:
    """What was told, as JSON has it."""

    orders: Orders = field(default_factory=Orders)
    seconds: float = 0.0
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    at: int | None = None
    do: Any = None

    def tell(self, name: str, values: dict[str, Any]) -> None:
        self.events.append((name, json.loads(json.dumps(values, allow_nan=False))))
        if len(self.events) == self.at:
            self.do()

    @property
    def phases(self) -> list[dict[str, Any]]:
        return [values for name, values in self.events if name == "network_update"]

    @property
    def order(self) -> list[tuple[int, str]]:
        return [(values["iteration"], values["phase"]) for values in self.phases]


def make() -> NeuralNetwork:
    return NeuralNetwork([784, 100, 10], seed=3)


def train(
    shown: Shown | None, epochs: int, network: NeuralNetwork | None = None, *others: Callback, **options: Any
) -> NeuralNetwork:
    network = network or make()
    own = [Phases(DATA.training_data, shown.tell, shown.orders, shown.seconds)] if shown else []
    settings: dict[str, Any] = {
        "mini_batch_size": 50_000,
        "learning_rate": RATE,
        "validation_data": DATA.validation_data,
    } | options
    network.train(DATA.training_data, epochs, callbacks=[*others, *own], **settings)
    return network


def sigmoid(z: np.ndarray) -> np.ndarray:
    a: np.ndarray = 1 / (1 + np.exp(-z))
    return a


class Plain:
    """The same network in the textbook's letters, in float64: W is (out, in), b (out, 1), examples are columns."""

    def __init__(self) -> None:
        parameters = make().model.parameters
        self.w1, self.w2 = (parameters[f"{place}.weights"].T.astype(float) for place in (0, 2))
        self.b1, self.b2 = (parameters[f"{place}.bias"][:, None].astype(float) for place in (0, 2))
        self.x = DATA.training_data.pixels.T / 255
        self.y = np.eye(10)[DATA.training_data.labels].T

    def forward(self) -> None:
        self.a1 = sigmoid(self.w1 @ self.x + self.b1)
        self.a2 = sigmoid(self.w2 @ self.a1 + self.b2)

    def backward(self) -> None:
        n = self.x.shape[1]
        delta2 = (self.a2 - self.y) * self.a2 * (1 - self.a2)
        delta1 = self.w2.T @ delta2 * self.a1 * (1 - self.a1)
        self.dw2, self.db2 = delta2 @ self.a1.T / n, delta2.mean(axis=1, keepdims=True)
        self.dw1, self.db1 = delta1 @ self.x.T / n, delta1.mean(axis=1, keepdims=True)

    def update(self) -> None:
        for name in ("w1", "w2", "b1", "b2"):
            setattr(self, name, getattr(self, name) - RATE * getattr(self, f"d{name}"))

    def weights(self) -> dict[str, Any]:
        return {
            "weights": {"W1": self.w1[::10, ::50], "W2": self.w2[::2, ::10]},
            "biases": {"b1": self.b1[::10], "b2": self.b2},
        }

    def activations(self, image: int) -> dict[str, Any]:
        return {"A1": self.a1[::10, image], "A2": self.a2[:, image]}

    def gradients(self) -> dict[str, Any]:
        return {
            "dW1": self.dw1[::10, ::50],
            "dW2": self.dw2[::2, ::10],
            "db1": self.db1[::10],
            "db2": self.db2,
        }

    def loss(self) -> float:
        return float(((self.a2 - self.y) ** 2).sum() / (2 * self.x.shape[1]))

    def accuracy(self) -> float:
        return float((self.a2.argmax(axis=0) == self.y.argmax(axis=0)).mean())


def close(said: Any, expected: Any) -> bool:
    """Whether what was said has the same names and shapes and, but for float32, the same numbers."""
    if isinstance(expected, dict):
        return said.keys() == expected.keys() and all(close(said[name], expected[name]) for name in expected)
    return np.shape(said) == np.shape(expected) and np.allclose(said, expected, rtol=1e-4, atol=1e-6)


def test_every_number_is_that_of_the_formulas() -> None:
    shown, plain = Shown(), Plain()
    train(shown, epochs=3)
    plain.forward()
    told = iter(shown.phases)

    def is_told(iteration: int, phase: str, label: int | None, **more: Any) -> bool:
        said = next(told)
        exact = {name: said.pop(name) for name in ("iteration", "phase", "trueClass")}
        return exact == {"iteration": iteration, "phase": phase, "trueClass": label} and close(said, more)

    mean: dict[str, Any] = {"loss": plain.loss(), "accuracy": plain.accuracy()}
    assert is_told(0, "init", None, **mean, **plain.weights())
    for iteration in (1, 2, 3):
        plain.forward()
        seen: dict[str, Any] = {
            "loss": plain.loss(),
            "accuracy": plain.accuracy(),
            "activations": plain.activations(iteration - 1),
        }
        label = int(DATA.training_data.labels[iteration - 1])
        assert is_told(iteration, "forward", label, **seen, **plain.weights())
        plain.backward()
        assert is_told(iteration, "backward", None, **seen, **plain.weights(), gradients=plain.gradients())
        plain.update()
        assert is_told(iteration, "update", None, **seen, **plain.weights())
    assert next(told, None) is None


def test_the_shapes_are_those_that_front_ends_draw() -> None:
    shown = Shown()
    train(shown, epochs=1)
    _, _, backward, _ = shown.phases
    shapes = {"W1": (10, 16), "W2": (5, 10), "b1": (10, 1), "b2": (10, 1), "A1": (10,), "A2": (10,)}
    found = backward["weights"] | backward["biases"] | backward["activations"]
    assert {name: np.shape(rows) for name, rows in found.items()} == shapes
    assert {name: np.shape(rows) for name, rows in backward["gradients"].items()} == {
        f"d{name}": shapes[name] for name in ("W1", "W2", "b1", "b2")
    }


def test_which_fields_are_there_in_which_phase() -> None:
    shown = Shown()
    train(shown, epochs=1)
    always = {"iteration", "phase", "loss", "accuracy", "weights", "biases", "trueClass"}
    more: dict[str, set[str]] = {"init": set(), "forward": {"activations"}, "backward": {"activations", "gradients"}}
    for values in shown.phases:
        assert values.keys() == always | more.get(values["phase"], {"activations"})
        assert isinstance(values["loss"], float)
        assert isinstance(values["accuracy"], float)
        assert (values["trueClass"] is not None) == (values["phase"] == "forward")


def test_every_tenth_iteration_is_measured() -> None:
    shown = Shown()
    network = make()
    history: list[dict[str, Any]] = []
    train(shown, 21, network, progress=history.append)
    places = [place for place, (name, _) in enumerate(shown.events) if name == "validation_metrics"]
    assert [shown.events[place][1] for place in places] == [
        {
            "iteration": iteration,
            "train_loss": history[iteration - 1]["loss"],
            "train_accuracy": history[iteration - 1]["training_accuracy"],
            "val_loss": history[iteration - 1]["validation_loss"],
            "val_accuracy": history[iteration - 1]["validation_accuracy"],
        }
        for iteration in (10, 20)
    ]
    assert [shown.events[place - 1][1]["phase"] for place in places] == ["update"] * 2


def test_the_run_is_the_same_bit_for_bit_as_one_that_is_not_shown() -> None:
    shown, alone = train(Shown(), 3), train(None, 3)
    for name, array in alone.model.parameters.items():
        assert np.array_equal(array, shown.model.parameters[name])


class Clock:
    """Time that passes only while something waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_there_is_time_between_phases_and_none_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    for module in ("phases", "control"):
        monkeypatch.setattr(f"hippo.training.{module}.time", clock)
    shown = Shown(seconds=0.3)
    monkeypatch.setattr(shown.orders._bell, "wait", lambda left: setattr(clock, "now", clock.now + left))
    times: list[float] = []
    monkeypatch.setattr(shown, "tell", lambda name, values: times.append(clock.now))
    train(shown, epochs=2)
    assert times == pytest.approx([100 + 0.3 * number for number in range(7)])
    assert clock.now == times[-1]


class Ended(Exception):
    """What somebody orders."""


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_end_is_not_waited_for(at: int) -> None:
    shown = Shown(seconds=1e6, at=at)
    shown.seconds = 0.0 if at > 1 else 1e6
    shown.do = lambda: shown.orders.end(Ended())
    with pytest.raises(Ended):
        train(shown, 2, None, Steering(shown.orders))
    assert len(shown.phases) == at


def test_a_pause_lets_the_step_be_told_at_once_and_the_run_goes_on_with_the_next() -> None:
    shown, state, network = Shown(seconds=1e6, at=1), TrainingState(), make()
    shown.do = shown.orders.pause
    with pytest.raises(Paused):
        train(shown, 3, network, Steering(shown.orders), state=state)
    assert shown.order == [(0, "init"), (1, "forward"), (1, "backward"), (1, "update")]
    again = Shown()
    train(again, 3, network, state=state)
    assert again.order == [(i, phase) for i in (2, 3) for phase in ("forward", "backward", "update")]


def test_a_ring_is_answered_while_it_waits() -> None:
    shown, rung = Shown(seconds=1e6, at=1), list[int]()
    shown.do = shown.orders.ring
    network = make()

    def answer(_: object) -> None:
        rung.append(len(shown.events))
        shown.orders.end(Ended())

    phases = Phases(DATA.training_data, shown.tell, shown.orders, shown.seconds, answer)
    with pytest.raises(Ended):
        network.train(DATA.training_data, 1, 50_000, RATE, callbacks=[phases], validation_data=DATA.validation_data)
    assert rung == [1]


def test_an_epoch_that_was_cut_short_after_its_last_step_is_not_told_with_gradients_of_nothing() -> None:
    class Cut(Callback):
        def on_batch_end(self, run: Any) -> None:
            raise Ended

    state, network, shown = TrainingState(), make(), Shown()
    with pytest.raises(Ended):
        train(shown, 2, network, Cut(), state=state)
    assert (state.epoch, state.batch) == (0, 1)
    again = Shown()
    train(again, 2, network, state=state)
    assert again.order == [(2, "forward"), (2, "backward"), (2, "update")]


def test_a_step_that_blows_up_ends_the_run_and_is_not_told() -> None:
    shown = Shown()
    with pytest.raises(Diverged):
        train(shown, 3, learning_rate=1e39)
    assert shown.order == [(0, "init")]
