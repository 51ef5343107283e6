"""Orders for a run: pauses, steps and slow motion change nothing; other settings change it as its description says."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest

from hippo.errors import InvalidValue
from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.training import (
    Callback,
    Orders,
    Paused,
    Steering,
    TrainingConfig,
    TrainingRun,
    TrainingState,
    settings_after,
)
from tests.jobs.made_data import made_mnist

DATA = made_mnist()
SIZE, BATCHES, EPOCHS = 70, 9, 3
TIMES = {"duration_seconds", "elapsed_time", "images_per_second", "augmentation_share"}


class Hand(Callback):
    """Does something after the mini-batches and before the epochs that it is told of, by optimizer steps."""

    def __init__(self, actions: dict[int, Any]) -> None:
        self._actions = dict(actions)

    def on_epoch_begin(self, run: TrainingRun) -> None:
        self.on_batch_end(run)

    def on_batch_end(self, run: TrainingRun) -> None:
        if run.state.steps in self._actions:
            self._actions.pop(run.state.steps)()


class Story:
    """One run over several sittings, each of which may end in a pause; what lies between is written and read again."""

    def __init__(self, **config: Any) -> None:
        self.config = {"epochs": EPOCHS, "mini_batch_size": SIZE, "learning_rate": 0.5, "seed": 5} | config
        self.network, self.state = NeuralNetwork([784, 12, 10], seed=1), TrainingState()
        self.told: list[tuple[Any, ...]] = []

    def sit(self, orders: Orders | None = None, actions: dict[int, Any] | None = None, **steering: Any) -> bool:
        """Train; return whether the run was paused."""
        orders = orders or Orders()
        told = [Hand(actions or {}), Steering(orders, lambda *news: self.told.append(news), **steering)]
        paused = False
        try:
            self.network.train(
                DATA.training_data, test_data=DATA.test_data, state=self.state, callbacks=told, **self.config
            )
        except Paused:
            paused = True
        arrays = {name: array.copy() for name, array in self.state.arrays.items()}
        self.state = TrainingState.from_dict(json.loads(json.dumps(self.state.to_dict())), arrays)
        self.network = NeuralNetwork.from_parameters(self.network.spec, self.network.model.parameters)
        return paused

    @property
    def weights(self) -> dict[str, bytes]:
        return {name: array.tobytes() for name, array in self.network.model.parameters.items()}

    @property
    def history(self) -> list[dict[str, Any]]:
        return [{name: value for name, value in r.items() if name not in TIMES} for r in self.state.history]


def same(a: Story, b: Story) -> bool:
    return a.weights == b.weights and a.history == b.history


@pytest.fixture(scope="module")
def undisturbed() -> Story:
    story = Story()
    assert not story.sit()
    return story


@pytest.mark.parametrize("at", [0, 1, BATCHES - 1, BATCHES, BATCHES + 1, 2 * BATCHES])
def test_a_pause_changes_nothing(undisturbed: Story, at: int) -> None:
    story, orders = Story(), Orders()
    assert story.sit(orders, {at: orders.pause})
    assert story.state.steps == at
    assert story.state.batch == at % BATCHES  # after the last mini-batch the epoch is finished first
    assert not story.sit()
    assert same(story, undisturbed)


def test_a_pause_in_the_last_mini_batch_comes_too_late(undisturbed: Story) -> None:
    story, orders = Story(), Orders()
    assert not story.sit(orders, {EPOCHS * BATCHES: orders.pause})
    assert same(story, undisturbed)


def test_a_run_of_single_steps_is_the_same_run(undisturbed: Story) -> None:
    story, steps = Story(), 0
    while story.sit(batches=1):
        steps += 1
        assert story.state.steps == steps
    assert steps == EPOCHS * BATCHES - 1  # the last step ends the run
    assert same(story, undisturbed)


def test_an_epoch_as_a_step_ends_where_the_epoch_does(undisturbed: Story) -> None:
    story = Story()
    assert story.sit(batches=4)
    for epoch in (1, 2):
        assert story.sit(epoch=epoch)
        assert (story.state.epoch, story.state.batch, len(story.history)) == (epoch, 0, epoch)
    assert not story.sit(epoch=3)
    assert same(story, undisturbed)


def test_a_run_may_wait_for_its_first_mini_batch(undisturbed: Story) -> None:
    story, orders = Story(), Orders()
    orders.pause()
    assert story.sit(orders)
    assert story.state.steps == 0
    assert not story.sit()
    assert same(story, undisturbed)


CHANGES = {
    3: {"learning_rate": 0.1},
    5: {"momentum": 0.9, "mini_batch_size": 50},  # 12 mini-batches from the second epoch on
    9: {"learning_rate": 0.05},  # between the epochs
    13: {"momentum": 0.5},
    16: {"momentum": 0.0},
    18: {"momentum": 0.9, "learning_rate": 0.01},
    20: {"mini_batch_size": 1200},
}


def changed_story(**config: Any) -> Story:
    story, orders = Story(**config), Orders()
    actions = {at: (lambda settings=settings: orders.want(settings)) for at, settings in CHANGES.items()}
    assert not story.sit(orders, actions)
    return story


@pytest.fixture(scope="module", params=["constant", "cosine"])
def changed(request: pytest.FixtureRequest) -> Story:
    return changed_story(schedule=request.param)


def test_changes_are_noted_where_they_were_made(changed: Story) -> None:
    places = [(3, 1, 3), (5, 1, 5), (9, 2, 0), (13, 2, 4), (16, 2, 7), (18, 2, 9), (20, 2, 11)]
    assert [(c["step"], c["epoch"], c["batch"]) for c in changed.state.changes] == places
    values = [{name: c[name] for name in c if name not in ("step", "epoch", "batch")} for c in changed.state.changes]
    assert values == list(CHANGES.values())
    first = changed.told[0]
    assert first == ({"step": 3, "epoch": 1, "batch": 3}, {"learning_rate": {"from": 0.5, "to": 0.1}}, CHANGES[3])
    assert [wanted for _, _, wanted in changed.told] == list(CHANGES.values())


def test_changes_take_effect_when_they_should(changed: Story) -> None:
    assert changed.state.steps == 9 + 12 + 1
    if changed.config["schedule"] == "constant":
        assert [record["learning_rate"] for record in changed.history] == [0.1, 0.01, 0.01]


@pytest.mark.parametrize("at", [0, 2, 3, 4, 5, 8, 9, 10, 17, 18, 20, 21])
def test_changes_and_pauses_make_the_same_run(changed: Story, at: int) -> None:
    """A pause at any place, after which only the state is there, the server's list, or both."""
    known = changed.state.changes
    story, orders = Story(schedule=changed.config["schedule"]), Orders()
    assert story.sit(orders, {at: orders.pause}, changes=known)
    assert story.told == []  # those that lay ahead are known
    assert not story.sit(changes=known)
    assert same(story, changed)
    assert story.state.changes == known
    assert story.told == []


def test_a_run_that_begins_again_makes_its_changes_again(changed: Story) -> None:
    story = Story(schedule=changed.config["schedule"])
    assert not story.sit(changes=changed.state.changes)
    assert same(story, changed)


def test_changes_that_only_the_state_knows_are_told(changed: Story) -> None:
    story, orders = Story(schedule=changed.config["schedule"]), Orders()
    known = changed.state.changes
    assert story.sit(orders, {16: orders.pause}, changes=known)
    assert not story.sit(changes=known[:3])
    assert [(place["step"], made) for place, made, _ in story.told] == [
        (13, {"momentum": {"from": 0.9, "to": 0.5}}),
        (16, {"momentum": {"from": 0.5, "to": 0.0}}),
    ]
    assert {tuple(place) for place, _, _ in story.told} == {("step", "epoch", "batch")}


def test_what_is_wanted_comes_after_the_changes_that_lie_ahead() -> None:
    story = Story()
    ahead = [{"step": 4, "epoch": 1, "batch": 4, "learning_rate": 0.2}]
    assert not story.sit(Orders(wanted={"learning_rate": 0.4}), changes=ahead)
    assert [(c["step"], c["learning_rate"]) for c in story.state.changes] == [(4, 0.2), (4, 0.4)]


def test_what_is_so_already_is_told_but_no_change() -> None:
    story = Story()
    assert not story.sit(Orders(wanted={"learning_rate": 0.5}))
    assert story.state.changes == []
    assert story.told == [({"step": 0, "epoch": 1, "batch": 0}, {}, {"learning_rate": 0.5})]


def test_a_velocity_begins_at_zero() -> None:
    """A run that gains momentum goes on like one of plain gradient descent whose optimizer is then made anew."""
    story = Story()
    assert not story.sit(Orders(), changes=[{"step": 9, "epoch": 2, "batch": 0, "momentum": 0.9}])
    other = Story()
    assert other.sit(epoch=1)
    other.config |= {"momentum": 0.9}
    other.state.arrays = {f"v.{name}": np.zeros_like(array) for name, array in other.network.model.parameters.items()}
    assert not other.sit()
    assert same(story, other)


def test_settings_out_of_range_change_nothing() -> None:
    story = Story(optimizer="adam")
    with pytest.raises(InvalidValue, match="momentum belongs to sgd"):
        story.sit(Orders(wanted={"momentum": 0.9}))
    assert story.state.changes == []
    with pytest.raises(InvalidValue, match="learning_rate"):
        settings_after(TrainingConfig(), [{"step": 1, "epoch": 1, "batch": 1, "learning_rate": -1.0}])


class Ended(Exception):
    """What a run is ended with."""


def test_the_end_comes_at_once_also_before_the_first_mini_batch() -> None:
    story = Story()
    with pytest.raises(Ended):
        story.sit(Orders(end=Ended()))
    assert story.state.steps == 0
    orders = Orders()
    with pytest.raises(Ended):
        story.sit(orders, {BATCHES: lambda: orders.end(Ended())})
    assert story.state.batch == BATCHES  # not even the epoch is finished


@pytest.mark.parametrize("stop", ["pause", "end", "pace"])
def test_slow_motion_waits_and_is_left_at_once(undisturbed: Story, stop: str) -> None:
    story, orders = Story(), Orders(pace=0.001)  # a mini-batch in a quarter of an hour
    waits = threading.Event()
    wait = orders._bell.wait

    def signal(timeout: float) -> bool:
        waits.set()
        return wait(timeout)

    orders._bell.wait = signal  # type: ignore[method-assign,assignment]
    results: list[Any] = []

    def sit() -> None:
        try:
            results.append(story.sit(orders))
        except Ended:
            results.append("ended")

    thread = threading.Thread(target=sit)
    thread.start()
    assert waits.wait(10)
    calls = {"pause": orders.pause, "end": lambda: orders.end(Ended()), "pace": lambda: orders.set_pace(None)}
    calls[stop]()
    thread.join(10)
    assert not thread.is_alive()
    assert results == [{"pause": True, "end": "ended", "pace": False}[stop]]
    if stop == "pause":
        assert story.state.steps == 1
        assert not story.sit()
    if stop != "end":
        assert same(story, undisturbed)


def test_a_run_that_waits_looks_around_when_it_is_rung() -> None:
    story, orders = Story(), Orders(pace=0.001)
    seen: list[int] = []

    def look(run: TrainingRun) -> None:
        seen.append(run.state.steps)
        orders.ring() if len(seen) < 3 else orders.pause()

    orders.ring()  # kept until the run waits
    assert story.sit(orders, meanwhile=look)
    assert seen == [1, 1, 1]


def test_a_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a clock that only waiting moves: every mini-batch but the last is waited for, a single step is not."""
    now = 100.0
    waited: list[float] = []
    story, orders = Story(epochs=1), Orders(pace=4.0)

    def wait(seconds: float) -> bool:
        nonlocal now
        now += seconds
        waited.append(seconds)
        return False

    monkeypatch.setattr("hippo.training.control.time.monotonic", lambda: now)
    orders._bell.wait = wait  # type: ignore[method-assign,assignment]
    assert story.sit(orders, batches=1)
    assert waited == []
    assert not story.sit(orders)
    assert waited == [0.25] * (BATCHES - 1)


def test_orders_are_quiet_unless_something_is_wanted() -> None:
    orders = Orders()
    assert orders.is_quiet
    orders.want({"momentum": 0.5})
    assert not orders.is_quiet
    assert orders.take() == {"momentum": 0.5}
    assert orders.is_quiet
    orders.set_pace(3.0)
    assert not orders.is_quiet
    orders.set_pace(None)
    orders.pause()
    assert not orders.is_quiet


def test_a_change_leaves_the_weights_as_they_are() -> None:
    story, orders = Story(), Orders()
    seen: list[dict[str, Array]] = []

    class Look(Callback):
        def on_batch_end(self, run: TrainingRun) -> None:
            seen.append({name: array.copy() for name, array in run.model.parameters.items()})

    story.network.train(
        DATA.training_data,
        callbacks=[Look(), Hand({1: lambda: orders.want({"learning_rate": 1e-30})}), Steering(orders)],
        **story.config | {"epochs": 1},
    )
    assert all(np.array_equal(seen[0][name], seen[-1][name]) for name in seen[0])
