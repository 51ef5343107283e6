"""Callbacks: when their hooks are called, that the end is called whatever happens, and what each one does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.training import Callback, LastGood, Progress, TrainingRun
from hippo.training.callbacks import Checkpoint, Health, Pulse
from tests.jobs.made_data import made_mnist


class Failure(Exception):
    """Raised on purpose by a hook."""


class Diary(Callback):
    """Writes down every call; fails where it is told to."""

    def __init__(self, name: str, diary: list[str], fails_at: str = "") -> None:
        self._name, self._diary, self._fails_at = name, diary, fails_at

    def _write(self, hook: str) -> None:
        self._diary.append(f"{self._name} {hook}")
        if hook == self._fails_at:
            raise Failure(self._name)

    def on_train_begin(self, run: TrainingRun) -> None:
        self._write("train begin")

    def on_epoch_begin(self, run: TrainingRun) -> None:
        self._write("epoch begin")

    def on_batch_end(self, run: TrainingRun) -> None:
        self._write("batch end")

    def on_epoch_end(self, run: TrainingRun) -> None:
        self._write("epoch end")

    def on_train_end(self, run: TrainingRun) -> None:
        self._write("train end")


def run(callbacks: list[Callback], epochs: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Train for so many epochs of two mini-batches."""
    data = made_mnist(train=20, test=10)
    return NeuralNetwork([784, 10], seed=1).train(data.training_data, epochs, 10, 0.1, callbacks=callbacks, **more)


def test_hooks_are_called_in_order_and_ends_in_reverse() -> None:
    diary: list[str] = []
    run([Diary("a", diary), Diary("b", diary)], epochs=2)
    epoch = ["epoch begin", "batch end", "batch end", "epoch end"]
    both = [f"{name} {hook}" for hook in ["train begin", *epoch, *epoch] for name in "ab"]
    assert diary == [*both, "b train end", "a train end"]


@pytest.mark.parametrize("hook", ["epoch begin", "batch end", "epoch end"])
def test_the_end_is_called_after_an_error(hook: str) -> None:
    diary: list[str] = []
    with pytest.raises(Failure):
        run([Diary("a", diary), Diary("b", diary, fails_at=hook), Diary("c", diary)])
    assert diary[-4:] == [f"b {hook}", "c train end", "b train end", "a train end"]


def test_a_callback_that_was_not_begun_is_not_ended() -> None:
    diary: list[str] = []
    with pytest.raises(Failure):
        run([Diary("a", diary), Diary("b", diary, fails_at="train begin"), Diary("c", diary)])
    assert diary == ["a train begin", "b train begin", "b train end", "a train end"]


def test_an_end_that_fails_does_not_keep_the_others_from_theirs() -> None:
    diary: list[str] = []
    with pytest.raises(Failure, match="b"):
        run([Diary("a", diary), Diary("b", diary, fails_at="train end")])
    assert diary[-2:] == ["b train end", "a train end"]


def test_the_time_is_known_at_the_end_of_a_run_that_failed() -> None:
    class Read(Callback):
        def on_train_end(self, run: TrainingRun) -> None:
            elapsed.append(run.state.elapsed)

    elapsed: list[float] = []
    with pytest.raises(Failure):
        run([Read(), Diary("a", [], fails_at="batch end")])
    assert elapsed[0] > 0


def test_progress_reports_every_epoch_as_it_ends() -> None:
    reported: list[dict[str, Any]] = []
    diary: list[str] = []

    def report(record: dict[str, Any]) -> None:
        reported.append(record)
        diary.append(f"reported {record['epoch']}")

    history = run([Progress(report), Diary("a", diary)], epochs=2)
    assert reported == history
    assert [line for line in diary if "epoch end" in line or "reported" in line] == [
        "reported 1",
        "a epoch end",
        "reported 2",
        "a epoch end",
    ]
    again: list[dict[str, Any]] = []
    assert run([], epochs=2, progress=again.append) == again


def test_last_good_holds_the_weights_of_the_last_whole_epoch() -> None:
    class Compare(Callback):
        def on_batch_end(self, run: TrainingRun) -> None:
            if run.state.batch == 1:
                same_within.append(_same(last_good.parameters, run.model.parameters))

        def on_epoch_end(self, run: TrainingRun) -> None:
            same_at_end.append(_same(last_good.parameters, run.model.parameters))
            epochs.append(last_good.epoch)

    last_good = LastGood()
    same_within: list[bool] = []
    same_at_end: list[bool] = []
    epochs: list[int] = []
    run([last_good, Compare()], epochs=3)
    assert same_within == [False] * 3
    assert same_at_end == [True] * 3
    assert epochs == [1, 2, 3]


def _same(one: dict[str, Array], other: dict[str, Array]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_a_checkpoint_is_saved_at_an_epochs_end_when_it_is_time() -> None:
    moment: Any = SimpleNamespace(elapsed=100.0)  # all of a run that it looks at
    saved: list[float] = []
    checkpoint = Checkpoint(lambda run: saved.append(run.elapsed), seconds=2.0)
    checkpoint.on_train_begin(moment)
    for moment.elapsed in (101.0, 101.9, 102.0, 103.5, 104.1, 104.2, 107.0):
        checkpoint.on_batch_end(moment)
        checkpoint.on_epoch_end(moment)
    assert saved == [102.0, 104.1, 107.0]


def test_a_checkpoint_without_a_shortest_time_is_saved_every_epoch() -> None:
    epochs: list[int] = []
    run([Checkpoint(lambda run: epochs.append(run.state.epoch), seconds=0.0)], epochs=3)
    assert epochs == [1, 2, 3]


def test_a_pulse_tells_how_far_a_long_epoch_is_but_not_its_end() -> None:
    moment: Any = SimpleNamespace(
        elapsed=10.0,
        examples=35,
        config=SimpleNamespace(mini_batch_size=10),
        state=SimpleNamespace(batch=0, loss_sum=0.0),
    )
    told: list[tuple[float, float]] = []
    pulse = Pulse(lambda done, loss: told.append((done, loss)), seconds=0.5)
    pulse.on_epoch_begin(moment)
    for seconds in (10.4, 10.6, 11.0, 11.2):
        moment.elapsed = seconds
        moment.state.batch += 1
        moment.state.loss_sum += 5.0
        pulse.on_batch_end(moment)
    assert told == [(20 / 35, 0.5)]
    pulse.on_epoch_begin(moment)
    moment.state.batch, moment.state.loss_sum = 1, 2.0
    moment.elapsed = 11.6
    pulse.on_batch_end(moment)  # the clock began anew with the epoch
    moment.elapsed = 11.8
    pulse.on_batch_end(moment)
    assert told[1:] == [(10 / 35, 0.2)]


def test_how_well_neurons_are_is_written_into_every_record_and_changes_nothing() -> None:
    data = made_mnist(train=60, test=10)
    networks = [NeuralNetwork([784, 5, 10], seed=1, dropout=0.2) for _ in range(2)]
    plain, told = (
        network.train(data.training_data, 2, 10, 0.1, callbacks=callbacks)
        for network, callbacks in zip(networks, ([], [Health(data.validation_data)]), strict=True)
    )
    assert [record["neurons"][0]["total"] for record in told] == [5, 5]
    assert [record["loss"] for record in told] == [record["loss"] for record in plain]
    for one, other in zip(*(network.model.parameters.values() for network in networks), strict=True):
        assert one.tobytes() == other.tobytes()
