"""Learning-rate schedules: by what factor the rate is multiplied at a moment of the training.

A schedule is a function of time and keeps no state: ``schedule(epoch, epochs)`` gives the factor after ``epoch`` (a
real number: 2.5 is in the middle of the third) of ``epochs`` epochs. A run that is interrupted and resumed therefore
goes on with the right rate by itself.
"""

import math
from collections.abc import Callable

#: (epoch, epochs) -> factor of the learning rate.
Schedule = Callable[[float, float], float]


def constant(epoch: float, epochs: float) -> float:
    """Return 1 at all times."""
    del epoch, epochs
    return 1.0


def step_decay(every: float = 10.0, factor: float = 0.1) -> Schedule:
    """Return the schedule that multiplies the rate by `factor` after each `every` epochs.

    Raises
    ------
    ValueError
        Unless `every` and `factor` are above 0.
    """
    if not every > 0 or not factor > 0:
        raise ValueError(f"step_decay needs an interval and a factor above 0, not {every!r} and {factor!r}.")

    def schedule(epoch: float, epochs: float) -> float:
        del epochs
        return float(factor ** math.floor(epoch / every))

    return schedule


def cosine(final: float = 0.0) -> Schedule:
    """Return the schedule that falls from 1 to `final` along half a cosine.

    final + (1 - final) · (1 + cos(pi t)) / 2 at the fraction t of the training. Source: Loshchilov and Hutter, SGDR
    (2017), equation 5.

    Raises
    ------
    ValueError
        Unless `final` is 0 to 1.
    """
    if not 0 <= final <= 1:
        raise ValueError(f"The final factor must be 0 to 1, not {final!r}.")

    def schedule(epoch: float, epochs: float) -> float:
        return between(1.0, final, epoch / epochs)

    return schedule


def one_cycle(peak_at: float = 0.3, start: float = 0.04, final: float = 4e-6) -> Schedule:
    """Return the schedule that rises from `start` to 1 and then falls to `final`, both along half a cosine.

    Source: Smith, A disciplined approach to neural network hyper-parameters (2018), section 4; with cosines in place of
    lines, as most implementations have it.

    Parameters
    ----------
    peak_at : float
        Fraction of the training that the rise takes, above 0 and below 1.
    start, final : float
        Factors at both ends, 0 to 1.

    Raises
    ------
    ValueError
        For a number out of range.
    """
    if not 0 < peak_at < 1 or not 0 <= start <= 1 or not 0 <= final <= 1:
        raise ValueError("one_cycle needs its peak within the training and factors from 0 to 1.")

    def schedule(epoch: float, epochs: float) -> float:
        t = epoch / epochs
        if t < peak_at:
            return between(start, 1.0, t / peak_at)
        return between(1.0, final, (t - peak_at) / (1 - peak_at))

    return schedule


def warm_up(length: float, then: Schedule = constant, start: float = 0.01) -> Schedule:
    """Return the schedule that rises in a line from `start` to 1 within `length` epochs and goes on with `then`.

    `then` is given the time from the end of the rise. Source: Goyal and others, Accurate, Large Minibatch SGD (2017),
    section 2.2.

    Raises
    ------
    ValueError
        Unless `length` is above 0 and `start` 0 to 1.
    """
    if not length > 0 or not 0 <= start <= 1:
        raise ValueError(f"warm_up needs a length above 0 and a start from 0 to 1, not {length!r} and {start!r}.")

    def schedule(epoch: float, epochs: float) -> float:
        if epoch < length:
            return start + (1 - start) * epoch / length
        return then(epoch - length, max(epochs - length, 1e-9))

    return schedule


def between(start: float, end: float, t: float) -> float:
    """Return the value at the fraction `t`, 0-1, of the way from `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(max(t, 0.0), 1.0))) / 2
