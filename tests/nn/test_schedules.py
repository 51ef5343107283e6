"""Schedules: their formulas at the beginning, in the middle and at the end, one after another, and what cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn.schedules import Schedule, between, constant, cosine, one_cycle, step_decay, warm_up

SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "step_decay": step_decay(3, 0.5),
    "cosine": cosine(0.1),
    "one_cycle": one_cycle(),
    "warm_up": warm_up(2),
    "warm_up, then cosine": warm_up(2, cosine()),
    "warm_up, then one_cycle": warm_up(2, one_cycle()),
}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (constant, {0: 1, 5: 1, 10: 1}),
        (step_decay(4, 0.5), {0: 1, 3.999: 1, 4: 0.5, 7.9: 0.5, 8: 0.25, 10: 0.25}),
        (step_decay(), {0: 1, 9.9: 1, 10: 0.1, 20: 0.01}),
        (step_decay(2.5, 2), {0: 1, 2.5: 2, 5: 4, 7.5: 8, 10: 16}),
        (cosine(), {0: 1, 2.5: (1 + math.sqrt(0.5)) / 2, 5: 0.5, 7.5: (1 - math.sqrt(0.5)) / 2, 10: 0}),
        (cosine(0.2), {0: 1, 5: 0.6, 10: 0.2, 11: 0.2}),
        (cosine(1), {0: 1, 5: 1, 10: 1}),
        (one_cycle(), {0: 0.04, 1.5: 0.52, 3: 1, 6.5: (1 + 4e-6) / 2, 10: 4e-6}),
        (one_cycle(0.5, 0, 0.5), {0: 0, 2.5: 0.5, 5: 1, 7.5: 0.75, 10: 0.5}),
        (warm_up(4), {0: 0.01, 2: 0.505, 4: 1, 10: 1}),
        (warm_up(4, start=0), {0: 0, 1: 0.25, 3: 0.75, 4: 1}),
        (warm_up(2, cosine()), {0: 0.01, 1: 0.505, 2: 1, 6: 0.5, 10: 0}),
        (warm_up(2, step_decay(3, 0.1), 0.5), {0: 0.5, 1: 0.75, 2: 1, 4.9: 1, 5: 0.1, 8: 0.01}),
        (warm_up(2, one_cycle(0.5, 0.2, 0)), {1: 0.505, 2: 0.2, 6: 1, 10: 0}),
        (warm_up(2, warm_up(4, cosine(), 0.5), 0), {0: 0, 1: 0.5, 2: 0.5, 4: 0.75, 6: 1, 8: 0.5, 10: 0}),
        (warm_up(20, cosine(), 0), {0: 0, 5: 0.25, 10: 0.5}),  # longer than the training: it never gets there
        (warm_up(10, cosine(), 0), {5: 0.5, 10: 1}),  # as long as the training
    ],
)
def test_values_at_the_beginning_in_the_middle_and_at_the_end(schedule: Schedule, expected: dict[float, float]) -> None:
    for epoch, factor in expected.items():
        assert schedule(epoch, 10) == pytest.approx(factor, rel=1e-12, abs=1e-15), epoch


@settings(derandomize=True, deadline=None, max_examples=100)
@given(
    name=st.sampled_from(list(SCHEDULES)), epochs=st.integers(1, 1000), at=st.floats(0, 1), chunk=st.integers(1, 100)
)
def test_any_moment_of_any_training(name: str, epochs: int, at: float, chunk: int) -> None:
    schedule = SCHEDULES[name]
    factor = schedule(at * epochs, epochs)
    assert isinstance(factor, float)
    assert 0 <= factor <= 1
    schedule(chunk, epochs)
    assert schedule(at * epochs, epochs) == factor, "a schedule remembers nothing"


@pytest.mark.parametrize("name", ["cosine", "one_cycle", "warm_up", "warm_up, then cosine"])
def test_a_smooth_schedule_has_no_jump(name: str) -> None:
    factors = [SCHEDULES[name](moment / 1000, 10) for moment in range(10_001)]
    assert max(abs(after - before) for before, after in pairwise(factors)) < 1e-3


def test_half_a_cosine() -> None:
    assert [between(2, 6, t) for t in (-1, 0, 0.5, 1, 2)] == pytest.approx([2, 2, 4, 6, 6])
    assert between(1, 0, 1 / 3) == pytest.approx(0.75)


NAN = math.nan


@pytest.mark.parametrize(
    "make",
    [
        *(lambda value=value: step_decay(every=value) for value in (0, -1, NAN)),
        *(lambda value=value: step_decay(factor=value) for value in (0, -0.5, NAN)),
        *(lambda value=value: cosine(value) for value in (-0.1, 1.1, NAN)),
        *(lambda value=value: one_cycle(peak_at=value) for value in (0, 1, -1, NAN)),
        *(lambda value=value: one_cycle(start=value) for value in (-0.1, 1.1, NAN)),
        *(lambda value=value: one_cycle(final=value) for value in (-0.1, 1.1, NAN)),
        *(lambda value=value: warm_up(value) for value in (0, -1, NAN)),
        *(lambda value=value: warm_up(1, start=value) for value in (-0.1, 1.1, NAN)),
    ],
)
def test_a_schedule_that_cannot_be(make: Callable[[], Schedule]) -> None:
    with pytest.raises(ValueError, match="0"):
        make()
