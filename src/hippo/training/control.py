"""How a run is controlled from outside while it goes on: ended, paused, slowed down, given other settings.

What is wanted is left in `Orders` by whoever wants it, on any thread. `Steering`, a callback, follows them between two
mini-batches. Neither changes what a mini-batch computes: a run that was paused and slowed down gives the same weights
bit for bit, and one whose settings were changed gives those that its description says.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hippo.training.callbacks import Callback
from hippo.training.changes import CHANGEABLE, Change, differences, place_of, settings_after
from hippo.training.state import TrainingRun

#: Told of a change: where it was made; ``{"from": old, "to": new}`` for each setting, none where all were so already;
#: the settings that were wanted, or None for a change that only the run knew.
Told = Callable[[Change, dict[str, dict[str, Any]], Mapping[str, Any] | None], None]

_PLACE = ("step", "epoch", "batch")


class Paused(Exception):
    """The run is to rest here and go on later, from a checkpoint."""


class Orders:
    """What is wanted of a run; written by any thread, read by the run.

    Parameters
    ----------
    pace : float, optional
        Mini-batches per second at most; None for full speed.
    wanted : mapping, optional
        Settings to be taken when the run begins or goes on.
    end : Exception, optional
        Raised when the run begins.

    Attributes
    ----------
    is_quiet : bool
        Whether nothing is wanted but to go on.
    """

    def __init__(
        self, pace: float | None = None, wanted: Mapping[str, Any] | None = None, end: Exception | None = None
    ) -> None:
        self.end_with = end
        self.pace = pace
        self.pause_asked = False
        self.wanted: Mapping[str, Any] | None = wanted
        self._rung = False
        self._bell = threading.Condition()
        with self._bell:
            self._note()

    def check(self) -> None:
        """Raise what ends the run at once; called after every mini-batch, and after each part of a large one."""
        if self.end_with is not None:
            raise self.end_with

    def end(self, error: Exception) -> None:
        """End the run after its current mini-batch, or part of one, by raising `error` in it."""
        with self._bell:
            self.end_with = error
            self._note()

    def pause(self) -> None:
        """Let the run rest after its current mini-batch."""
        with self._bell:
            self.pause_asked = True
            self._note()

    def set_pace(self, pace: float | None) -> None:
        """Let the run do so many mini-batches a second at most; None for full speed.

        Raises
        ------
        TypeError, ValueError
            For what is no positive number.
        """
        if pace is not None and not 0 < pace < math.inf:
            raise ValueError(f"{pace!r} is no pace.")
        with self._bell:
            self.pace = pace
            self._note()

    def want(self, settings: Mapping[str, Any]) -> None:
        """Let the run take these settings, as `TrainingRun.change` does, in place of others it has not taken yet.

        Raises
        ------
        ValueError
            For a setting that cannot be changed on the way.
        """
        if wrong := set(settings) - set(CHANGEABLE):
            raise ValueError(f"{sorted(wrong)} cannot be changed on the way.")
        with self._bell:
            self.wanted = settings
            self._note()

    def take(self) -> Mapping[str, Any] | None:
        """Return the settings that are wanted, which are no longer wanted then."""
        with self._bell:
            wanted, self.wanted = self.wanted, None
            self._note()
            return wanted

    def ring(self) -> None:
        """Let a run that waits in slow motion look around."""
        with self._bell:
            self._rung = True
            self._bell.notify_all()

    def wait(self, begin: float) -> bool:
        """Wait until the pace allows the next mini-batch; a pause, an end or a ring cuts that short.

        The last one began at `begin`, in seconds of `time.monotonic`. Returns whether the wait is over.
        """
        return self._wait(lambda: begin + 1 / self.pace if self.pace else begin)

    def wait_until(self, moment: float) -> bool:
        """Wait until `moment`, in seconds of `time.monotonic`; a pause, an end or a ring cuts that short.

        Returns whether the wait is over.
        """
        return self._wait(lambda: moment)

    def _wait(self, due: Callable[[], float]) -> bool:
        with self._bell:
            while self.end_with is None and not self.pause_asked and (left := due() - time.monotonic()) > 0:
                if self._rung:
                    self._rung = False
                    return False
                self._bell.wait(left)
            return True

    def _note(self) -> None:
        self.is_quiet = self.end_with is None and not (self.pause_asked or self.pace or self.wanted is not None)
        self._bell.notify_all()


class Steering(Callback):
    """Follows `Orders`, and makes the changes that a run is known to have made.

    Parameters
    ----------
    orders : Orders
    told : callable
        Called when settings that were wanted have been taken, and at the beginning with each change that the state
        knows and `changes` does not.
    changes : sequence of dict
        The changes that the run is known to have made, those before its state included. Those that lie ahead are made
        where they were made before; what is wanted comes after them.
    batches : int, optional
        Pause by itself after so many mini-batches.
    epoch : int, optional
        Pause by itself when so many epochs are finished.
    meanwhile : callable
        Called with the run when the orders ring while it waits in slow motion.

    Notes
    -----
    Changes are made and pauses begin between two mini-batches of an epoch or between two epochs, not between the last
    mini-batch of an epoch and its end: the epoch is then finished first. A run that is in its last mini-batch ends.
    """

    def __init__(
        self,
        orders: Orders,
        told: Told = lambda place, made, wanted: None,
        changes: Sequence[Change] = (),
        batches: int | None = None,
        epoch: int | None = None,
        meanwhile: Callable[[TrainingRun], None] = lambda run: None,
    ) -> None:
        self._orders, self._told = orders, told
        self._known, self._batches, self._epoch, self._meanwhile = changes, batches, epoch, meanwhile
        self._ahead: deque[Change] = deque()
        self._last_step = float("inf")
        self._began = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Look where the run is: which changes lie ahead, and which are news."""
        made = run.state.changes
        self._ahead.extend(self._known[len(made) :])
        for number in range(len(self._known), len(made)):
            before, after = (settings_after(run.first_config, made[:end]) for end in (number, number + 1))
            self._told({name: made[number][name] for name in _PLACE}, differences(before, after), None)
        if self._batches is not None:
            self._last_step = run.state.steps + self._batches
        self._began = time.monotonic()

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Follow what is wanted, before the first mini-batch."""
        self._follow(run)

    def on_chunk_end(self, run: TrainingRun) -> None:
        """End the run if that is wanted, within a mini-batch that takes long."""
        self._orders.check()

    def on_batch_end(self, run: TrainingRun) -> None:
        """Follow what is wanted, if anything is."""
        self._orders.check()
        if self._orders.is_quiet and not self._ahead and run.state.steps < self._last_step:
            return
        begin = run.elapsed
        while run.state.steps < self._last_step and not self._orders.wait(self._began):
            self._meanwhile(run)
        run.waited += run.elapsed - begin
        self._began = time.monotonic()
        self._follow(run)

    def _follow(self, run: TrainingRun) -> None:
        if self._orders.end_with is not None:
            raise self._orders.end_with
        state = run.state
        if state.batch == run.batches:
            return
        while self._ahead and place_of(self._ahead[0]) <= (state.epoch, state.batch):
            run.change({name: value for name, value in self._ahead.popleft().items() if name not in _PLACE})
        if not self._ahead and (wanted := self._orders.take()) is not None:
            place = {"step": state.steps, "epoch": state.epoch + 1, "batch": state.batch}
            self._told(place, run.change(wanted), wanted)
        arrived = self._epoch is not None and state.epoch >= self._epoch
        if self._orders.pause_asked or arrived or state.steps >= self._last_step:
            raise Paused
