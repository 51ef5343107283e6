"""How fast a run is: measured without the waits of slow motion, told with them."""

from __future__ import annotations

from dataclasses import astuple
from types import SimpleNamespace
from typing import Any

import pytest

from hippo.training import Throughput, ThroughputMeter

MEASURED = Throughput(50_000, mini_batch_size=10, batch_seconds=0.002, epoch_seconds=1.0)


def test_the_pace_decides_where_it_is_slower_than_the_computer() -> None:
    assert MEASURED.seconds_per_batch(10, None) == MEASURED.seconds_per_batch(10, 1000.0) == 0.002
    assert MEASURED.seconds_per_batch(10, 4.0) == 0.25
    assert (MEASURED.images_per_second(10, None), MEASURED.images_per_second(10, 4.0)) == (5000.0, 40.0)


def test_a_size_that_was_not_measured_takes_as_long_for_an_image() -> None:
    assert MEASURED.seconds_per_batch(100, None) == pytest.approx(0.02)


def test_what_is_left_is_mini_batches_and_ends_of_epochs() -> None:
    assert MEASURED.seconds_left(500, 10, 2, 10, None) == pytest.approx(500 * 0.002 + 2 * 5000 * 0.002 + 3.0)
    assert MEASURED.seconds_left(0, 10, 1, 33, 2.0) == pytest.approx(1516 * 0.5 + 2.0)
    assert MEASURED.seconds_left(0, 10, 0, 10, None) == 1.0


class Story:
    """A run whose clock the test moves: a mini-batch takes 2 s, of which 1.5 s are waited; an end of an epoch 3 s."""

    def __init__(self) -> None:
        config = SimpleNamespace(mini_batch_size=10)
        state = SimpleNamespace(steps=0, batch=0)
        self.run: Any = SimpleNamespace(elapsed=0.0, waited=0.0, batches=4, examples=40, config=config, state=state)
        self.meter = ThroughputMeter()
        self.meter.on_train_begin(self.run)

    def batch(self) -> None:
        run = self.run
        run.elapsed += 2.0
        run.waited += 1.5
        run.state.steps += 1
        run.state.batch += 1
        self.meter.on_batch_end(run)

    def measured(self) -> tuple[float, ...]:
        measured = self.meter.measured()
        assert measured is not None
        return astuple(measured)

    def epoch(self) -> None:
        self.run.state.batch = 0
        self.meter.on_epoch_begin(self.run)
        for _ in range(self.run.batches):
            self.batch()
        self.run.elapsed += 3.0


def test_waits_are_left_out_and_ends_of_epochs_measured_apart() -> None:
    story = Story()
    assert story.meter.measured() is None
    story.meter.on_epoch_begin(story.run)
    story.batch()
    assert story.measured() == pytest.approx((40, 10, 0.5, 0.0))
    story = Story()
    story.epoch()
    assert not story.meter.has_seen_an_end
    assert story.measured() == pytest.approx((40, 10, 0.5, 3.0))
    story.epoch()
    assert story.meter.has_seen_an_end
    assert story.measured() == pytest.approx((40, 10, 0.5, 3.0))


def test_another_size_is_measured_anew() -> None:
    story = Story()
    story.epoch()
    story.run.config.mini_batch_size, story.run.batches = 20, 2
    story.run.state.batch = 0
    story.meter.on_epoch_begin(story.run)
    story.run.elapsed += 1.0
    story.run.state.steps += 1
    measured = story.meter.measured()
    assert measured is not None
    assert (measured.mini_batch_size, measured.batch_seconds) == (20, pytest.approx(1.0))
