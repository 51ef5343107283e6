"""A job is one training run of one network. Its states and every way from one to another stand in one table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hippo.clock import iso_time, now
from hippo.training import TrainingConfig


class JobState(StrEnum):
    """The exact word for where a job is; clients also get one of four public words, `PUBLIC_STATUS`."""

    QUEUED = "queued"
    RUNNING = "running"
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
    (JobState.QUEUED, "cancel"): JobState.CANCELLED,
    (JobState.RUNNING, "complete"): JobState.COMPLETED,
    (JobState.RUNNING, "fail"): JobState.FAILED,
    (JobState.RUNNING, "diverge"): JobState.DIVERGED,
    (JobState.RUNNING, "cancel"): JobState.CANCELLED,
    (JobState.RUNNING, "retry"): JobState.QUEUED,  # its worker died
    (JobState.RUNNING, "interrupt"): JobState.INTERRUPTED,
    (JobState.INTERRUPTED, "start"): JobState.RUNNING,
    (JobState.INTERRUPTED, "cancel"): JobState.CANCELLED,
}

PUBLIC_STATUS: dict[JobState, str] = {
    JobState.QUEUED: "pending",
    JobState.INTERRUPTED: "pending",
    JobState.RUNNING: "training",
    JobState.COMPLETED: "completed",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "failed",
    JobState.DIVERGED: "failed",
}

#: States that no action leaves.
FINAL = frozenset(JobState) - {state for state, _ in TRANSITIONS}
UNFINISHED = frozenset(JobState) - FINAL
WAITING = UNFINISHED - {JobState.RUNNING}


@dataclass(frozen=True)
class Job:
    """One run, as the store keeps it. Times are seconds since 1970 in UTC, durations seconds.

    Attributes
    ----------
    number : int
        Place in the order of arrival; the queue is first in, first out.
    epoch : int
        Finished epochs of the current attempt.
    accuracy : float or None
        On the test set after `epoch`, 0-1.
    loss : float or None
        Mean training loss of `epoch`.
    error : str or None
        Why the job did not complete.
    attempt : int
        1, and one more for every worker that died under the job.
    elapsed : float
        Computing time up to `updated_at`.
    last_seq : int
        Number of the job's last event; 0 before the first.
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

    def progress(self, fraction: float = 0.0) -> float:
        """Percent of the epochs that are done, 0-100, with `fraction` (0-1) of the one under way."""
        if self.state is JobState.COMPLETED:
            return 100.0
        return min(100.0, 100.0 * (self.epoch + fraction) / self.config.epochs)

    def elapsed_at(self, moment: float) -> float:
        """Seconds of computing until `moment`."""
        running = self.state is JobState.RUNNING and self.updated_at is not None
        return self.elapsed + (max(0.0, moment - (self.updated_at or moment)) if running else 0.0)

    def eta_at(self, moment: float, fraction: float = 0.0) -> float | None:
        """Seconds left at `moment`, by the mean time of an epoch so far; None when not running or before any is known.

        `fraction` (0-1) of the epoch under way is done; it is only needed, and only used, during the first epoch.
        """
        if self.state is not JobState.RUNNING:
            return None
        if self.epoch:
            return max(0.0, self.elapsed / self.epoch * self.config.epochs - self.elapsed_at(moment))
        return self.elapsed_at(moment) * (self.config.epochs / fraction - 1) if fraction else None

    def record(self, queue_position: int | None = None, fraction: float = 0.0) -> dict[str, Any]:
        """Return what clients are told about the job, `fraction` (0-1) of whose present epoch is done."""
        moment = now()
        return {
            "job_id": self.job_id,
            "network_id": self.network_id,
            "status": PUBLIC_STATUS[self.state],
            "state": str(self.state),
            "progress": self.progress(fraction),
            "epoch": self.epoch,
            "total_epochs": self.config.epochs,
            **self.config.to_dict(),
            "accuracy": self.accuracy,
            "loss": self.loss,
            "error": self.error,
            "elapsed_time": self.elapsed_at(moment),
            "eta_seconds": self.eta_at(moment, fraction),
            "attempt": self.attempt,
            "last_seq": self.last_seq,
            "cancel_requested": self.cancel_requested,
            "queue_position": queue_position,
            "created_at": iso_time(self.created_at),
            "started_at": iso_time(self.started_at),
            "finished_at": iso_time(self.finished_at),
        }
