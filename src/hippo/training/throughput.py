"""How fast a run is: what its mini-batches and the ends of its epochs take, and so how long the rest of it will take.

What a run computes is measured without the waits of slow motion, over the last seconds of computing. A pace that is
known adds its waits by calculation: a change of the pace then counts at once, and nothing has to be measured again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hippo.training.callbacks import Callback
from hippo.training.state import TrainingRun

#: Seconds of computing after which a measurement counts for 1/e of a new one.
SPAN = 5.0


@dataclass(frozen=True)
class Throughput:
    """What was measured of a run.

    Attributes
    ----------
    examples : int
        Size of the training set.
    mini_batch_size : int
        That of the mini-batches that were measured.
    batch_seconds : float
        What one of them takes, waits of slow motion left out.
    epoch_seconds : float
        What the end of an epoch takes, such as the measuring of the network; 0 until one has been seen.
    """

    examples: int
    mini_batch_size: int
    batch_seconds: float
    epoch_seconds: float

    def seconds_per_batch(self, size: int, pace: float | None) -> float:
        """Return the time from one mini-batch of `size` images to the next, in seconds.

        Of a size that has not been measured yet, an image is taken to need as long as before: a guess that the first
        mini-batches of that size replace.

        Parameters
        ----------
        size : int
            Images per mini-batch.
        pace : float or None
            Mini-batches per second at most; None for full speed.
        """
        return max(self.batch_seconds * size / self.mini_batch_size, 1 / pace if pace else 0.0)

    def images_per_second(self, size: int, pace: float | None) -> float:
        """Return how many images a second a run learns from, the waits of slow motion included."""
        return min(size, self.examples) / self.seconds_per_batch(size, pace)

    def seconds_left(self, batches: int, size: int, epochs: int, next_size: int, pace: float | None) -> float:
        """Return how long the rest of a run takes, in seconds.

        Parameters
        ----------
        batches, size : int
            Mini-batches that are left of the epoch under way, and the images in each.
        epochs, next_size : int
            Epochs after that one, and the images in each of their mini-batches.
        pace : float or None
            Mini-batches per second at most; None for full speed.
        """
        now = batches * self.seconds_per_batch(size, pace)
        later = epochs * -(-self.examples // next_size) * self.seconds_per_batch(next_size, pace)
        return now + later + (epochs + 1) * self.epoch_seconds


class ThroughputMeter(Callback):
    """Measures the `Throughput` of a run. To be the first of the callbacks, so that the work of the others counts."""

    def __init__(self) -> None:
        self._run: TrainingRun | None = None
        self._size = 0
        self._batches, self._ends = _Mean(), _Mean()
        self._since, self._steps = 0.0, 0
        self._ended: float | None = None

    def on_train_begin(self, run: TrainingRun) -> None:
        """Note whose run it is."""
        self._run = run

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Begin to measure mini-batches."""
        now = _computing(run)
        if self._ended is not None:
            self._ends.add(now - self._ended, 1)
        self._ended = None
        self._since, self._steps = now, run.state.steps

    def on_batch_end(self, run: TrainingRun) -> None:
        """Begin to measure the end of the epoch after its last mini-batch."""
        if run.state.batch == run.batches:
            self._look(run)
            self._ended = self._since

    @property
    def has_seen_an_end(self) -> bool:
        """Whether the end of an epoch has been measured as a whole."""
        return self._ends.count > 0

    def measured(self) -> Throughput | None:
        """Return what is known by now; None before the first mini-batch."""
        run = self._run
        if run is None:
            return None
        if self._ended is None:
            self._look(run)
        if not self._batches.count:
            return None
        end = 0.0 if self._ended is None else _computing(run) - self._ended
        return Throughput(run.examples, self._size, self._batches.each, self._ends.each if self._ends.count else end)

    def _look(self, run: TrainingRun) -> None:
        now, steps = _computing(run), run.state.steps
        if steps == self._steps:
            return
        if run.config.mini_batch_size != self._size:
            self._size, self._batches = run.config.mini_batch_size, _Mean()
        self._batches.add(now - self._since, steps - self._steps)
        self._since, self._steps = now, steps


class _Mean:
    """The mean time of something, in which what was measured earlier counts less."""

    def __init__(self) -> None:
        self.seconds = self.count = 0.0

    def add(self, seconds: float, count: int) -> None:
        """Count in that `count` of them took `seconds`."""
        kept = math.exp(-seconds / SPAN)
        self.seconds = self.seconds * kept + seconds
        self.count = self.count * kept + count

    @property
    def each(self) -> float:
        """Seconds."""
        return self.seconds / self.count


def _computing(run: TrainingRun) -> float:
    return run.elapsed - run.waited
