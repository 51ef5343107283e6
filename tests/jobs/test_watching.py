"""What a worker does for those who watch: frames when they are wanted, and never any change to the run."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hippo.jobs.watching import NOTHING, SHARE, Wanted, Watching
from hippo.network import NeuralNetwork
from hippo.training import Diverged, TrainingState
from hippo.training.callbacks import Callback
from hippo.training.snapshots import Wish
from hippo.training.state import TrainingRun
from tests.jobs.made_data import made_mnist
from tests.watched import arrays

DATA = made_mnist(train=610)
NAMES = {"job_id": "job", "network_id": "net"}
ALL = Wanted((Wish(0), Wish(3, 1, 2)), 20)


@dataclass
class Outlet:
    """Wants what the test says, and keeps the frames."""

    wants: Callable[[], Wanted] = lambda: ALL
    frames: list[dict[str, Any]] = field(default_factory=list)
    reads: bool = True

    def wanted(self) -> Wanted:
        return self.wants()

    def report_frame(self, message: dict[str, Any]) -> bool:
        payload = message.pop("payload")
        self.frames.append(json.loads(json.dumps(message, allow_nan=False)) | {"payload": payload})
        return self.reads

    @property
    def steps(self) -> list[int]:
        return [frame["header"]["step"] for frame in self.frames]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("hippo.jobs.watching.time", clock)
    return clock


class Clock:
    """Time that passes by `tick` seconds with each look at it; computing takes `cost` seconds a frame."""

    def __init__(self) -> None:
        self.now, self.tick, self.cost = 100.0, 0.0, 0.0
        self._computed = 0.0

    def perf_counter(self) -> float:
        self.now += self.tick
        return self.now

    def thread_time(self) -> float:
        self._computed += self.cost
        return self._computed


def train(outlet: Outlet | None, *others: Callback, **settings: Any) -> NeuralNetwork:
    dropout = settings.pop("dropout", 0.0)
    network = NeuralNetwork([784, 12, 7, 10], settings.pop("activation", "relu"), seed=3, dropout=dropout)
    watching = [Watching(network, NAMES, lambda: DATA, outlet)] if outlet else []
    options: dict[str, Any] = {"epochs": 2, "learning_rate": 0.02, "seed": 5} | settings
    network.train(DATA.training_data, callbacks=[*watching, *others], validation_data=DATA.validation_data, **options)
    return network


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"activation": "sigmoid", "learning_rate": 1.0},
        {"dropout": 0.4},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
        {"optimizer": "adam", "learning_rate": 0.002, "clip_norm": 0.5},
        {"optimizer": "adamw", "schedule": "one_cycle", "label_smoothing": 0.1, "learning_rate": 0.002},
        {"augment": ("shift", "rotate"), "dropout": 0.2},
        {"mini_batch_size": 305, "dropout": 0.3, "momentum": 0.5},
    ],
    ids=str,
)
def test_a_run_that_is_watched_learns_the_same_bit_for_bit(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 100)  # so that 305 comes in parts
    monkeypatch.setattr("hippo.jobs.watching.SHARE", 1e9)
    monkeypatch.setattr("hippo.training.snapshots.STATISTICS_EVERY", 0.0)
    monkeypatch.setattr("hippo.training.snapshots.STATISTICS_SHARE", 1e9)
    wishes = itertools.cycle(Wanted((Wish(n), Wish(n, 2, n % 7)), 1e9) for n in range(10))
    outlet = Outlet(lambda: next(wishes))
    histories: list[TrainingState] = []

    class Keeping(Callback):
        def on_train_end(self, run: TrainingRun) -> None:
            histories.append(run.state)

    watched, unwatched = train(outlet, Keeping(), **settings), train(None, Keeping(), **settings)
    batches = -(-610 // settings.get("mini_batch_size", 10))
    assert set(range(2 * batches + 1)) == set(outlet.steps)
    for name, array in unwatched.model.parameters.items():
        assert np.array_equal(array, watched.model.parameters[name]), name
    for name, array in histories[0].arrays.items():
        assert np.array_equal(array, histories[1].arrays[name]), name
    assert histories[0].correct == histories[1].correct
    kept = ("loss", "training_accuracy", "validation_loss", "gradient_norm", "learning_rate")
    assert [[r[name] for name in kept] for r in histories[0].history] == [
        [r[name] for name in kept] for r in histories[1].history
    ]


def test_nobody_watches_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.jobs.watching.Snapshots", None)
    outlet = Outlet(lambda: NOTHING)
    train(outlet)
    assert outlet.frames == []


def test_frames_come_at_the_wanted_rate(clock: Clock) -> None:
    clock.tick = 0.01  # a mini-batch
    outlet = Outlet(lambda: Wanted((Wish(),), 10))
    wanted = outlet.wants()
    outlet.wants = lambda: wanted
    train(outlet, epochs=1)
    # The clock is looked at once a mini-batch, and once more after a frame.
    assert outlet.steps[0] == 0
    assert outlet.steps[-1] == 61
    assert 5 <= len(outlet.steps) <= 9
    assert set(np.diff(outlet.steps[:-1])) <= {8, 9, 10, 11}


def test_a_frame_that_is_dear_comes_seldom(clock: Clock) -> None:
    clock.tick, clock.cost = 0.01, 0.2 * SHARE  # two tenths of a second of waiting
    wanted = Wanted((Wish(),), 20)
    outlet = Outlet(lambda: wanted)
    train(outlet, epochs=1)
    assert set(np.diff(outlet.steps[:-1])) <= {18, 19, 20, 21}


def test_somebody_new_sees_a_frame_at_once(clock: Clock) -> None:
    views = [Wanted((Wish(1),), 1), Wanted((Wish(2),), 1)]
    count = itertools.count()
    outlet = Outlet(lambda: views[next(count) > 100])
    train(outlet, epochs=2)
    assert [frame["wish"]["example"] for frame in outlet.frames] == [1, 2, 2]
    assert [frame["is_last"] for frame in outlet.frames] == [False, False, True]


def test_a_run_in_slow_motion_is_shown_to_somebody_new_at_once(clock: Clock) -> None:
    clock.cost = 1.0  # for which a run at full speed would wait long
    views = [Wanted((Wish(1),), 1), Wanted((Wish(2),), 1), Wanted((Wish(3),), 1)]
    outlet = Outlet(lambda: views[0])
    seen = []

    class Waiting(Callback):
        def on_batch_end(self, run: TrainingRun) -> None:
            if run.state.steps in (10, 20):
                views.pop(0)
                watching.glance(run)
                seen.append([frame["wish"]["example"] for frame in outlet.frames])

    network = NeuralNetwork([784, 5, 10], seed=1)
    watching = Watching(network, NAMES, lambda: DATA, outlet)
    network.train(DATA.training_data, epochs=1, callbacks=[watching, Waiting()])
    assert seen == [[1, 2], [1, 2, 3]]


def test_the_last_frame_shows_where_the_run_ended(clock: Clock) -> None:
    outlet = Outlet()
    network = train(outlet)
    header, payload = outlet.frames[-1]["header"], outlet.frames[-1]["payload"]
    assert (header["epoch"], header["batch"], header["batches"], header["step"]) == (2, 61, 61, 122)
    assert header["statistics_step"] == 122
    assert header | NAMES == header
    assert (header["activation"], header["loss_name"]) == ("relu", "cross_entropy")
    found = arrays(header, payload)
    assert np.array_equal(found["incoming"], network.model.parameters["0.weights"][:, 2])
    assert np.array_equal(found["incoming_gradient"], network.model.gradients["0.weights"][:, 2])


def test_a_run_that_stops_on_its_way_shows_where(clock: Clock) -> None:
    class Stopping(Callback):
        def on_batch_end(self, run: TrainingRun) -> None:
            if run.state.steps == 70:
                raise KeyboardInterrupt

    outlet = Outlet()
    with pytest.raises(KeyboardInterrupt):
        train(outlet, Stopping())
    header = outlet.frames[-1]["header"]
    assert (header["epoch"], header["batch"], header["step"]) == (2, 9, 70)
    assert header["layers"][0]["gradient_norm"] > 0


def test_loss_and_accuracy_are_those_of_the_epoch_so_far(clock: Clock) -> None:
    clock.tick = 1.0

    class Counting(Callback):
        def __init__(self) -> None:
            self.seen: dict[int, tuple[float, float]] = {}

        def on_batch_end(self, run: TrainingRun) -> None:
            run.count_answers()
            seen = min(run.state.batch * 10, 610)
            self.seen[run.state.steps] = run.state.loss_sum / seen, run.state.correct / seen

    counting = Counting()
    wanted = Wanted((Wish(),), 20)
    outlet = Outlet(lambda: wanted)
    train(outlet, counting)
    for frame in outlet.frames:
        header = frame["header"]
        if header["batch"]:
            assert (header["loss"], header["accuracy"]) == pytest.approx(counting.seen[header["step"]])
        else:
            assert (header["loss"], header["accuracy"]) == (None, None)


def test_gradients_are_not_known_before_the_first_step(clock: Clock) -> None:
    outlet = Outlet()
    train(outlet, epochs=1)
    norms = [frame["header"]["layers"][0]["gradient_norm"] for frame in outlet.frames]
    assert norms[:2] == [None, None]
    assert all(norm > 0 for norm in norms[2:])


def test_a_long_mini_batch_is_shown_to_somebody_new(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 61)
    views = [NOTHING, Wanted((Wish(),), 1)]
    count = itertools.count()
    outlet = Outlet(lambda: views[next(count) > 3])
    train(outlet, epochs=1, mini_batch_size=610)
    first, last = outlet.frames
    assert (first["header"]["step"], first["header"]["layers"][0]["gradient_norm"]) == (0, None)
    assert (last["header"]["step"], last["is_last"]) == (1, True)


def test_a_run_that_blows_up_is_shown_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.jobs.watching.SHARE", 1e9)
    wanted = Wanted((Wish(0, 1, 0),), 1e9)
    outlet = Outlet(lambda: wanted)
    with pytest.raises(Diverged):
        train(outlet, learning_rate=1e30)
    found = arrays(outlet.frames[-1]["header"], outlet.frames[-1]["payload"])
    assert all(np.isfinite(array).all() for array in found.values())


def test_whatever_goes_wrong_with_frames_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Outlet):
        def report_frame(self, message: dict[str, Any]) -> bool:
            raise OSError("the server is gone")

    watched, unwatched = train(Broken()), train(None)
    assert "No frame could be made" in caplog.text
    for name, array in unwatched.model.parameters.items():
        assert np.array_equal(array, watched.model.parameters[name])


def test_what_is_wanted_travels_as_plain_values() -> None:
    message = {"type": "watch", "wishes": [{"example": 3, "layer": 1, "neuron": 2}], "rate": 5}
    assert Wanted.of(message) == Wanted((Wish(3, 1, 2),), 5)
