"""Where a run is, what callbacks see of it, and how it can fail. The loop itself stands in ``loop``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.nn import SGD, Array, Loss, Optimizer, Sequential
from hippo.training.changes import Change, differences, settings_after
from hippo.training.config import TrainingConfig

#: What is known of an epoch, by name; see `hippo.training.train`.
EpochRecord = dict[str, Any]
#: Names that every record has.
RECORD = frozenset({"epoch", "loss", "validation_loss", "accuracy"})


class Diverged(ArithmeticError):
    """The loss or a weight stopped being finite in `epoch` (from 1): the learning rate is too high for this network.

    `place` says where in the epoch: ", in mini-batch 3 of 5,000".
    """

    def __init__(self, epoch: int, place: str = "") -> None:
        super().__init__(
            f"The training diverged in epoch {epoch}{place}: the loss is no longer a finite number. "
            "Try a smaller learning rate."
        )
        self.epoch = epoch


@dataclass
class TrainingState:
    """Where a run is: with the weights, all that is needed to go on as if it had never stopped.

    Attributes
    ----------
    epoch : int
        Finished epochs.
    batch : int
        Finished mini-batches of the epoch under way.
    loss_sum : float
        Sum of the losses of the examples seen in the epoch under way.
    correct : int
        Right answers among them, as the network gave them while it learned.
    norm_sum : float
        Sum of the gradient norms of each `NORM_EVERY`-th mini-batch of the epoch under way, from the first.
    steps : int
        Steps the optimizer has taken.
    elapsed : float
        Seconds of computing so far.
    rng_state : mapping or None
        State of the random generator at the beginning of the epoch under way, or of the next one. With `batch` it gives
        the place in the shuffle: the order is drawn again and the finished mini-batches are left out.
    history : list of dict
        One record for each finished epoch.
    changes : list of dict
        The settings that were changed so far, and where (see ``changes``).
    arrays : dict of str to ndarray
        What the optimizer remembers of earlier steps.
    answers : list of ndarray of unsigned int (N,)
        The classes that the test set was taken for after the last two epochs, or the last one, older first.
    """

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    norm_sum: float = 0.0
    steps: int = 0
    elapsed: float = 0.0
    rng_state: Mapping[str, Any] | None = None
    history: list[EpochRecord] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    answers: list[NDArray[Any]] = field(default_factory=list)

    def settings(self, config: TrainingConfig) -> TrainingConfig:
        """Return the settings in force now, of a run that began with `config`."""
        return settings_after(config, self.changes, (self.epoch, self.batch))

    def to_dict(self) -> dict[str, Any]:
        """Return the state, all but its arrays, as numbers, texts, lists and dicts: what JSON can hold."""
        values = asdict(replace(self, arrays={}, answers=[]))
        del values["arrays"], values["answers"]
        return values

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], arrays: dict[str, Array], answers: Sequence[NDArray[Any]] = ()
    ) -> TrainingState:
        """Return the state that `to_dict` described, with its arrays and its answers.

        Raises
        ------
        InvalidValue
            When it cannot be the state of a run.
        """
        try:
            state = cls(**values, arrays=arrays, answers=list(answers))
            counts = (state.epoch, state.batch, state.steps, state.correct)
            sums = (state.loss_sum, state.norm_sum, state.elapsed)
            if state.rng_state is not None:
                np.random.default_rng().bit_generator.state = state.rng_state
            right = (
                all(type(count) is int and 0 <= count < 2**53 for count in counts)
                and all(type(number) in (int, float) and math.isfinite(number) for number in sums)
                and len(state.history) == state.epoch
                and all(record.keys() >= RECORD for record in state.history)
                and all(array.ndim == 1 and array.dtype.kind == "u" for array in state.answers)
                and all(type(change[name]) is int for change in state.changes for name in ("step", "epoch", "batch"))
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            right = False
        if not right:
            raise InvalidValue("This is not the state of a run.")
        return state


class TrainingRun:
    """What callbacks see of a run: network, optimizer, settings, and the `state`, which the loop keeps current.

    Attributes
    ----------
    config : TrainingConfig
        The settings in force; `change` replaces them.
    first_config : TrainingConfig
        Those that the run began with.
    examples : int
        Size of the training set.
    stop_reason : str or None
        A callback ends the run after the epoch under way by saying here why.
    waited : float
        Seconds of `elapsed` that it has waited in slow motion.
    count_answers : callable
        Brings ``state.correct`` up to the last mini-batch; until it is called, it may lag behind by a thousand answers.
    """

    def __init__(
        self,
        model: Sequential,
        loss: Loss,
        optimizer: Optimizer,
        config: TrainingConfig,
        state: TrainingState,
        examples: int,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.first_config = config
        self.config = state.settings(config)
        self.state = state
        self.examples = examples
        self.stop_reason: str | None = None
        self.waited = 0.0
        self.count_answers: Callable[[], None] = lambda: None
        self._clock = time.perf_counter() - state.elapsed

    @property
    def batches(self) -> int:
        """Mini-batches of the epoch under way."""
        return self.config.batches(self.examples)

    def change(self, settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """Take another learning rate or momentum from the next step on, a mini-batch size from the next epoch on.

        To be called between two epochs, or after a mini-batch that is not the last one of its epoch.

        Parameters
        ----------
        settings : mapping
            New values of some of `CHANGEABLE`.

        Returns
        -------
        dict
            For each that differs from before, ``{"from": old, "to": new}``; it is also noted in ``state.changes``.

        Raises
        ------
        InvalidValue
            For a value outside its range; then nothing has changed.
        """
        before = settings_after(self.first_config, self.state.changes)
        made = differences(before, replace(before, **settings))
        if made:
            place = {"step": self.state.steps, "epoch": self.state.epoch + 1, "batch": self.state.batch}
            self.state.changes.append(place | {name: pair["to"] for name, pair in made.items()})
            self.config = self.state.settings(self.first_config)
            self.optimizer.lr = self.config.learning_rate  # which a schedule multiplies before the next step
            if isinstance(self.optimizer, SGD):
                self.optimizer.momentum = self.config.momentum
        return made

    @property
    def elapsed(self) -> float:
        """Seconds of computing so far, those before an interruption included."""
        return time.perf_counter() - self._clock
