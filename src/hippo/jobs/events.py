"""What clients are told while a job runs: one frozen class per event, whose docstring is its documentation.

Every event carries `timestamp`, ISO 8601 in UTC. Those that tell of a step that is done also carry `seq`, which grows
by one per job; they are kept and can be asked for again. Accuracies are fractions 0-1, progress is percent 0-100, times
are seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Event:
    """The fields that every event has: whose it is and its time."""

    name: ClassVar[str]

    job_id: str
    network_id: str
    timestamp: str

    def payload(self) -> dict[str, Any]:
        """Return the fields as they go over the wire."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingEvent(Event):
    """An event that is kept, and its number within its job."""

    seq: int


@dataclass(frozen=True, kw_only=True)
class TrainingStarted(Event):
    """A worker has begun to compute: the job no longer waits. `attempt` is 1, or more after the death of a worker.

    It has no `seq` and is not kept: the job's record says the same.
    """

    name: ClassVar[str] = "training_started"

    attempt: int


@dataclass(frozen=True, kw_only=True)
class TrainingProgress(Event):
    """How far the epoch under way is: a sign of life while an epoch takes long, at most twice a second.

    `epoch` is the one under way, from 1; `progress` is percent of all `total_epochs`; `loss` is the mean over the
    examples of the epoch so far; `elapsed_time` and `eta_seconds` are seconds;
    `images_per_second` is the present speed, the waits of slow motion included, or null; `batch` mini-batches of the
    epoch's `batches` are finished, and the optimizer has taken `step` steps over the whole run. It has no `seq` and is
    not kept: the next one, or the epoch's end, says all that it said.
    """

    name: ClassVar[str] = "training_progress"

    epoch: int
    total_epochs: int
    progress: float
    loss: float
    elapsed_time: float
    eta_seconds: float
    images_per_second: float | None
    batch: int
    batches: int
    step: int


@dataclass(frozen=True, kw_only=True)
class TrainingPaused(Event):
    """The job rests: its worker is free for others, nothing is computed for it until it is resumed or makes a step.

    It comes after every pause and after every single step. `epoch` is the one under way, from 1, of which `batch`
    mini-batches of `batches` are finished (null as long as that is not known); `step` counts the steps of the optimizer
    over the whole run; `loss` is the mean over the examples of the epoch so far, null before its first mini-batch. It
    has no `seq` and is not kept: the job's record says the same. When the job goes on, training_started tells.
    """

    name: ClassVar[str] = "training_paused"

    epoch: int
    batch: int
    batches: int | None
    step: int
    loss: float | None


@dataclass(frozen=True, kw_only=True)
class TrainingChanged(TrainingEvent):
    """Settings have changed while the run is under way.

    `epoch` is the one under way, from 1, of which `batch` mini-batches are finished; `step` counts the steps of the
    optimizer before the change. `changes` holds learning_rate, momentum or mini_batch_size, each with `from` and `to`.
    A new mini_batch_size counts from the next epoch on, the others from the next mini-batch on.
    """

    name: ClassVar[str] = "training_changed"

    epoch: int
    batch: int
    step: int
    changes: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class TrainingControlled(Event):
    """Somebody has controlled the job, or its run has taken settings: what holds now, for all others who show it.

    It comes after resume, step, pace, settings, cancel and a pause that waits for a mini-batch; a pause at once is told
    by training_paused, an end by its own event. The fields are those of the job's record: `pace` is mini-batches per
    second at most, null for full speed; `pending_changes` holds the settings that were asked for and are not taken yet,
    which `learning_rate`, `momentum` and `mini_batch_size` show already; `pause_at` is how many epochs will be finished
    when the run pauses by itself, null where it does not. It has no `seq` and is not kept: the job's
    record says the same.
    """

    name: ClassVar[str] = "training_controlled"

    state: str
    pace: float | None
    learning_rate: float
    momentum: float
    mini_batch_size: int
    pending_changes: dict[str, float]
    pause_requested: bool
    pause_at: int | None
    cancel_requested: bool


@dataclass(frozen=True, kw_only=True)
class TrainingUpdate(TrainingEvent):
    """An epoch is finished.

    `epoch` counts from 1 to `total_epochs`; `accuracy` is `correct` / `total` on the test set, 0-1, and
    `validation_accuracy` is `validation_correct` / `validation_total` on the validation set; `progress` is percent;
    `elapsed_time` and `eta_seconds` are seconds; `loss` is the mean over the epoch's training examples while it
    learned, `validation_loss` and `test_loss` are the means over those sets after it, and `training_accuracy` is the
    share of the training examples that were right while the network learned, 0-1; `learning_rate` is that of the
    epoch's last step; `gradient_norm` is the Euclidean length of the gradient, the mean over each 100th mini-batch;
    `images_per_second` the speed of this epoch. `neurons` holds, for each hidden layer, how many of its `total` neurons
    are `dead`, `saturated` or `alike` (see `hippo.training.health`). `attempt` is 1, and one more each time the job
    starts again after the death of its worker; its epochs are then reported anew.
    """

    name: ClassVar[str] = "training_update"

    epoch: int
    total_epochs: int
    accuracy: float
    progress: float
    elapsed_time: float
    correct: int
    total: int
    validation_accuracy: float
    validation_correct: int
    validation_total: int
    loss: float
    training_accuracy: float
    validation_loss: float
    test_loss: float
    learning_rate: float
    gradient_norm: float
    neurons: list[dict[str, int]]
    images_per_second: float
    eta_seconds: float
    attempt: int


@dataclass(frozen=True, kw_only=True)
class TrainingComplete(TrainingEvent):
    """The job is done and the network saved. `accuracy` is that of the last epoch, 0-1; `progress` is 100."""

    name: ClassVar[str] = "training_complete"

    accuracy: float
    message: str
    status: str = "completed"
    progress: float = 100.0


@dataclass(frozen=True, kw_only=True)
class TrainingError(TrainingEvent):
    """The job ended without completing: `state` says whether it failed, diverged or was cancelled.

    `error` and `message` are the same text, which says why and what to do; `status` is always ``failed``.
    """

    name: ClassVar[str] = "training_error"

    error: str
    message: str
    state: str
    status: str = "failed"


EVENTS: tuple[type[Event], ...] = (
    TrainingUpdate,
    TrainingComplete,
    TrainingError,
    TrainingStarted,
    TrainingProgress,
    TrainingPaused,
    TrainingChanged,
    TrainingControlled,
)
