"""What a worker does for those who watch its run: frames, as often as they are wanted and as the training can bear.

The server tells the worker what is wanted, and how often; see ``viewers``. Frames are made between two mini-batches, on
the thread that trains, so that they show a network at rest. They may take a small part of the time and no more: where
one takes long, as with large networks, they come less often. When the server has not read the last ones yet, the next
is left out, so that nobody who watches can hold a run up.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from hippo.datasets import MNIST
from hippo.jobs.frames import Message
from hippo.network import NeuralNetwork
from hippo.training import TrainingRun
from hippo.training.callbacks import Callback
from hippo.training.snapshots import Snapshots, Wish, where

log = logging.getLogger(__name__)

#: The largest part of the time that frames may take. Their statistics take up to another hundredth.
SHARE = 0.025
#: Seconds until the next try after a frame could not be made.
PAUSE = 5.0


@dataclass(frozen=True)
class Wanted:
    """What is watched of a run.

    Attributes
    ----------
    wishes : tuple of Wish
        One frame for each; none: nobody watches.
    rate : float
        Frames a second of each.
    """

    wishes: tuple[Wish, ...] = ()
    rate: float = 1.0

    @classmethod
    def of(cls, message: Message) -> Wanted:
        """Return what the message ``watch`` says.

        Raises
        ------
        KeyError, TypeError, ValueError
            For one that is not as it should be.
        """
        rate = float(message["rate"])
        if not 0 < rate < math.inf:
            raise ValueError(f"{rate} is no rate.")
        return cls(tuple(Wish(**wish) for wish in message["wishes"]), rate)


NOTHING = Wanted()


class Outlet(Protocol):
    """What frames need of the worker."""

    def wanted(self) -> Wanted:
        """Return what is watched now; another object each time that the server said something new."""

    def report_frame(self, message: Message) -> bool:
        """Tell the server, unless it has not read the last frames yet; return whether it was told."""


class Watching(Callback):
    """Makes frames of a run while somebody watches it.

    Parameters
    ----------
    network : NeuralNetwork
    names : dict
        What the headers begin with: whose run it is.
    data : callable
        Returns MNIST.
    outlet : Outlet
        Says what is wanted, and takes the frames.
    """

    def __init__(
        self, network: NeuralNetwork, names: dict[str, Any], data: Callable[[], MNIST], outlet: Outlet
    ) -> None:
        self._network = network
        self._names = names | {"activation": network.spec.activation, "loss_name": network.spec.loss}
        self._data = data
        self._outlet = outlet
        self._snapshots: Snapshots | None = None
        self._known: Wanted = NOTHING
        self._due = self._earliest = 0.0
        self._first_step = 0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Note from where on gradients are those of the last mini-batch."""
        self._first_step = run.state.steps

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Show the network before the first step."""
        self.look(run)

    def on_chunk_end(self, run: TrainingRun) -> None:
        """Show the network to somebody new also within a long mini-batch, whose gradients are not known yet."""
        if self._outlet.wanted() is not self._known:
            self.look(run, in_batch=True)

    def on_batch_end(self, run: TrainingRun) -> None:
        """Make frames if it is time."""
        if (wanted := self._outlet.wanted()).wishes or wanted is not self._known:
            self.look(run)

    def on_train_end(self, run: TrainingRun) -> None:
        """Show where the run ends or pauses."""
        wanted = self._outlet.wanted()
        if wanted.wishes:
            self._make(run, wanted, is_last=True)

    def glance(self, run: TrainingRun) -> None:
        """Make frames if somebody new watches a run that waits in slow motion, which has all the time for it."""
        self._earliest = 0.0
        self.look(run)

    def look(self, run: TrainingRun, in_batch: bool = False) -> None:
        """Make frames if somebody watches and it is time; may be called at any time between two steps."""
        wanted = self._outlet.wanted()
        now = time.perf_counter()
        if wanted is not self._known:
            self._known, self._due = wanted, now
        if not wanted.wishes or now < self._due or now < self._earliest:
            return
        self._due = max(self._due + 1 / wanted.rate, now)
        self._make(run, wanted, in_batch)

    def _make(self, run: TrainingRun, wanted: Wanted, in_batch: bool = False, is_last: bool = False) -> None:
        """Make a frame for each wish; whatever goes wrong with them, the run goes on."""
        state = run.state
        has_gradients = state.steps > self._first_step and not in_batch
        run.count_answers()
        facts = self._names | where(state, run.config, run.examples, run.optimizer.lr)
        try:
            snapshots = self._made()
            snapshots.refresh(state.steps, at_once=is_last)
            began = time.thread_time()  # not the time on the clock: others may have had the processor meanwhile
            for wish, frame in zip(wanted.wishes, snapshots.make(wanted.wishes, facts, has_gradients), strict=True):
                message = {"type": "frame", "wish": asdict(wish), "is_last": is_last, "header": frame.header}
                self._outlet.report_frame(message | {"payload": frame.payload})
            self._earliest = time.perf_counter() + (time.thread_time() - began) / SHARE
        except Exception:
            log.exception("No frame could be made")
            self._earliest = time.perf_counter() + PAUSE

    def _made(self) -> Snapshots:
        if self._snapshots is None:
            data = self._data()
            network = self._network
            self._snapshots = Snapshots(network.model, network.loss, data.test_data, data.validation_data)
        return self._snapshots
