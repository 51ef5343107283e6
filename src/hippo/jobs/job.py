"""A job is one training run of one network. Its states and every way from one to another stand in one table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hippo.clock import iso_time, now
from hippo.training import CHANGEABLE, Change, Throughput, TrainingConfig, settings_after


class JobState(StrEnum):
    """The exact word for where a job is; clients also get one of four public words, `PUBLIC_STATUS`."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"  # it rests at a checkpoint and holds no worker, until somebody lets it go on
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"  # the server stopped under it; it goes on when the server is back


class IllegalTransition(RuntimeError):
    """A job was asked to do what its state does not allow; nothing was changed."""


#: (state, action) -> next state. What is not here cannot happen.
TRANSITIONS: dict[tuple[JobState, str], JobState] = {
    (JobState.QUEUED, "start"): JobState.RUNNING,
    (JobState.QUEUED, "pause"): JobState.PAUSED,
    (JobState.QUEUED, "cancel"): JobState.CANCELLED,
    (JobState.RUNNING, "complete"): JobState.COMPLETED,
    (JobState.RUNNING, "fail"): JobState.FAILED,
    (JobState.RUNNING, "diverge"): JobState.DIVERGED,
    (JobState.RUNNING, "pause"): JobState.PAUSED,
    (JobState.RUNNING, "cancel"): JobState.CANCELLED,
    (JobState.RUNNING, "retry"): JobState.QUEUED,  # its worker died
    (JobState.RUNNING, "interrupt"): JobState.INTERRUPTED,
    (JobState.PAUSED, "start"): JobState.RUNNING,  # for a single step
    (JobState.PAUSED, "resume"): JobState.QUEUED,
    (JobState.PAUSED, "cancel"): JobState.CANCELLED,
    (JobState.INTERRUPTED, "start"): JobState.RUNNING,
    (JobState.INTERRUPTED, "pause"): JobState.PAUSED,
    (JobState.INTERRUPTED, "cancel"): JobState.CANCELLED,
}

PUBLIC_STATUS: dict[JobState, str] = {
    JobState.QUEUED: "pending",
    JobState.INTERRUPTED: "pending",
    JobState.RUNNING: "training",
    JobState.PAUSED: "training",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "failed",
    JobState.DIVERGED: "failed",
}

#: States that no action leaves.
FINAL = frozenset(JobState) - {state for state, _ in TRANSITIONS}
UNFINISHED = frozenset(JobState) - FINAL
#: States in which a job is given to the next worker that is free.
WAITING = frozenset({JobState.QUEUED, JobState.INTERRUPTED})


@dataclass(frozen=True)
class Job:
    """One run, as the store keeps it. Times are seconds since 1970 in UTC, durations seconds.

    Attributes
    ----------
    number : int
        Place in the order of arrival; the queue is first in, first out.
    priority : int
        Those with a higher one are before all that have a lower one: jobs that go on after a pause.
    config : TrainingConfig
        The settings that the run began with.
    epoch : int
        Finished epochs of the current attempt.
    batch, batches : int, int or None
        Finished mini-batches of the epoch under way, and how many it has, once that is known.
    step : int
        Steps that the optimizer has taken.
    accuracy : float or None
        On the test set after `epoch`, 0-1.
    loss : float or None
        Mean training loss of `epoch`.
    loss_so_far : float or None
        Mean training loss of the `batch` finished mini-batches of the epoch under way; None before the first.
    error : str or None
        Why the job did not complete.
    attempt : int
        1, and one more for every worker that died under the job.
    elapsed : float
        Computing time up to `updated_at`. Pauses are not in it; the waits of slow motion are.
    last_seq : int
        Number of the job's last event; 0 before the first.
    pace : float or None
        Mini-batches per second at most; None for full speed.
    changes : tuple of dict
        The settings that were changed on the way, and where (see ``hippo.training.changes``).
    wanted : dict
        Settings that were asked for, and that the run has not taken yet.
    pause_requested : bool
        The run is to rest as soon as it can, also if its worker or the server dies before.
    pause_at : int or None
        The run is to rest when so many epochs are finished.
    phase_seconds : float or None
        The run is made for one client, who is shown the phases of each epoch, so far apart; None for any other run.
    """

    number: int
    job_id: str
    network_id: str
    config: TrainingConfig
    state: JobState = JobState.QUEUED
    epoch: int = 0
    accuracy: float | None = None
    loss: float | None = None
    error: str | None = None
    attempt: int = 1
    created_at: float = field(default_factory=now)
    started_at: float | None = None
    finished_at: float | None = None
    updated_at: float | None = None
    elapsed: float = 0.0
    last_seq: int = 0
    cancel_requested: bool = False
    priority: int = 0
    batch: int = 0
    batches: int | None = None
    step: int = 0
    pace: float | None = None
    changes: tuple[Change, ...] = ()
    wanted: dict[str, Any] = field(default_factory=dict)
    pause_requested: bool = False
    pause_at: int | None = None
    phase_seconds: float | None = None
    loss_so_far: float | None = None

    def after(self, action: str, **changes: Any) -> Job:
        """Return the job after `action`, with further `changes`.

        Raises
        ------
        IllegalTransition
            When the table does not know the action in this state.
        """
        state = TRANSITIONS.get((self.state, action))
        if state is None:
            raise IllegalTransition(f"A job that is {self.state} cannot {action}.")
        return replace(self, state=state, **changes)

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to this job any more."""
        return self.state in FINAL

    @property
    def settings(self) -> TrainingConfig:
        """The settings as they are now, with those that the run has yet to take."""
        return replace(settings_after(self.config, self.changes), **self.wanted)

    @property
    def epochs_done(self) -> float:
        """Finished epochs, with the finished part of the one under way."""
        return self.epoch + (self.batch / self.batches if self.batches else 0.0)

    @property
    def progress(self) -> float:
        """Percent of the epochs that are done, 0-100."""
        if self.state is JobState.COMPLETED:
            return 100.0
        return min(100.0, 100.0 * self.epochs_done / self.config.epochs)

    def elapsed_at(self, moment: float) -> float:
        """Seconds of computing until `moment`."""
        running = self.state is JobState.RUNNING and self.updated_at is not None
        return self.elapsed + (max(0.0, moment - (self.updated_at or moment)) if running else 0.0)

    @property
    def size_under_way(self) -> int:
        """Images in each mini-batch of the epoch under way; another size that was asked for holds from the next on."""
        return settings_after(self.config, self.changes, (self.epoch, self.batch)).mini_batch_size

    def eta_at(self, moment: float, throughput: Throughput | None = None) -> float | None:
        """Seconds left at `moment`, at the present pace and with the present settings; None unless it runs.

        What is left counts in mini-batches, each for the time that one takes by `throughput`, and no less than the pace
        allows. Where nothing was measured, by the mean time of an epoch so far; None before the first.
        """
        if self.state is not JobState.RUNNING or self.updated_at is None:
            return None
        if throughput is None:
            by_mean = self.elapsed / self.epochs_done * self.config.epochs if self.epochs_done else None
            return None if by_mean is None else max(0.0, by_mean - self.elapsed_at(moment))
        size, epochs = self.size_under_way, self.config.epochs - self.epoch
        if epochs <= 0:
            return 0.0
        batches = self.batches or -(-throughput.examples // size)
        left = throughput.seconds_left(
            max(0, batches - self.batch), size, epochs - 1, self.settings.mini_batch_size, self.pace
        )
        return max(0.0, left - (moment - self.updated_at))

    def speed(self, throughput: Throughput | None) -> float | None:
        """Images a second at the present pace; None unless it runs and that is known."""
        if self.state is not JobState.RUNNING or throughput is None:
            return None
        return throughput.images_per_second(self.size_under_way, self.pace)

    def record(self, queue_position: int | None = None, throughput: Throughput | None = None) -> dict[str, Any]:
        """Return what clients are told about the job; `throughput` is what was measured last."""
        moment = now()
        return {
            "job_id": self.job_id,
            "network_id": self.network_id,
            "status": PUBLIC_STATUS[self.state],
            "state": str(self.state),
            "progress": self.progress,
            "epoch": self.epoch,
            "total_epochs": self.config.epochs,
            "batch": self.batch,
            "batches": self.batches,
            "step": self.step,
            **self.settings.to_dict(),
            "pace": self.pace,
            "changes": list(self.changes),
            "pending_changes": self.wanted,
            "initial_settings": {name: getattr(self.config, name) for name in CHANGEABLE},
            "accuracy": self.accuracy,
            "loss": self.loss,
            "loss_so_far": self.loss_so_far,
            "error": self.error,
            "elapsed_time": self.elapsed_at(moment),
            "eta_seconds": self.eta_at(moment, throughput),
            "images_per_second": self.speed(throughput),
            "attempt": self.attempt,
            "last_seq": self.last_seq,
            "cancel_requested": self.cancel_requested,
            "pause_requested": self.pause_requested,
            "pause_at": self.pause_at,
            "queue_position": queue_position,
            "created_at": iso_time(self.created_at),
            "started_at": iso_time(self.started_at),
            "finished_at": iso_time(self.finished_at),
        }
