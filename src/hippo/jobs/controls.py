"""What may be done to a training job before it ends: pause, resume, single steps, slow motion, other settings, cancel.

Every one of these is kept in the store before anybody is told, so that a server that is killed goes on as it was asked
to. Where the run is with a worker, the worker is told; where it waits for one, its task is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hippo.errors import JobEnded, NotReady, WrongState
from hippo.jobs.dispatch import Dispatch
from hippo.jobs.job import Job, JobState
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.reports import Reports
from hippo.jobs.store import Store
from hippo.jobs.training_spec import TrainingSpec
from hippo.persistence.model_persistence import ModelFiles

Record = dict[str, Any]


class Controls:
    """The controls of all jobs. Safe to call from any thread; each returns the job's record.

    Parameters
    ----------
    lock : RLock
        The manager's, which orders everything that changes a job.
    store : Store
    files : ModelFiles
    backend : ProcessBackend
    dispatch : Dispatch
    reports : Reports
    let_go : callable
        Takes a job that is held until its reply is out from where it is held; returns whether it was.
    record : callable
        Makes the record of a job.

    Notes
    -----
    Each raises UnknownJob where there is no such job, JobEnded where it has ended, and WrongState where its state does
    not allow what is asked for, or somebody has asked for its end.
    """

    def __init__(
        self,
        lock: threading.RLock,
        store: Store,
        files: ModelFiles,
        backend: ProcessBackend,
        dispatch: Dispatch,
        reports: Reports,
        let_go: Callable[[str], bool],
        record: Callable[[Job], Record],
    ) -> None:
        self._lock = lock
        self._store = store
        self._files = files
        self._backend = backend
        self._dispatch = dispatch
        self._reports = reports
        self._let_go = let_go
        self._record = record
        self._stopping = False

    def stop(self) -> None:
        """Let no run go on any more, because the server stops."""
        self._stopping = True

    def pause(self, job_id: str) -> Record:
        """Let a job rest: at once if it waits, after its current mini-batch if it runs."""
        with self._lock:
            job = self._alive(job_id)
            if job.state is JobState.PAUSED:
                raise WrongState(_RESTS)
            if self._let_go(job_id) or self._backend.withdraw(job_id):
                return self._record(self._reports.rest(job))
            job = replace(job, pause_requested=True)
            self._store.save(job)
            self._backend.tell(job_id, {"type": "pause"})
            return self._told(job)

    def resume(self, job_id: str) -> Record:
        """Let a paused job go on, before all others that wait."""
        with self._lock:
            return self._go_on(self._resting(job_id), pause_at=None)

    def step(self, job_id: str, unit: str) -> Record:
        """Let a paused job do one mini-batch ("batch"), or go on to the end of the epoch under way ("epoch").

        The mini-batch waits for nobody's training; the epoch is queued before all others that wait.
        """
        with self._lock:
            job = self._resting(job_id)
            if unit == "epoch":
                return self._go_on(job, pause_at=job.epoch + 1)
            job = replace(job, pause_requested=True)  # so it rests again whatever happens to assistant and server
            self._store.save(job)
            self._dispatch.step(job)
            return self._told(job)

    def set_pace(self, job_id: str, batches_per_second: float | None) -> Record:
        """Let a job do so many mini-batches a second at most; None for full speed. It lasts through pauses."""
        with self._lock:
            job = replace(self._alive(job_id), pace=batches_per_second)
            self._store.save(job)
            self._backend.amend(job_id, pace=batches_per_second)
            self._backend.tell(job_id, {"type": "pace", "batches_per_second": batches_per_second})
            return self._told(job)

    def change(self, job_id: str, settings: dict[str, Any]) -> Record:
        """Give a job other settings: learning rate and momentum from its next mini-batch, the size from its next epoch.

        Raises
        ------
        InvalidValue
            For a value that is out of range or does not go with the other settings.
        """
        with self._lock:
            job = self._alive(job_id)
            if replace(job.settings, **settings) == job.settings:
                return self._record(job)
            job = replace(job, wanted=job.wanted | settings)
            self._store.save(job)
            self._backend.amend(job_id, wanted=job.wanted)
            self._backend.tell(job_id, {"type": "change", "settings": job.wanted})
            return self._told(job)

    def resting(self, job_id: str) -> TrainingSpec:
        """Return the description of the run of a paused job, from where it rests: nothing is changed."""
        with self._lock:
            return self._dispatch.spec(self._resting(job_id))

    def cancel(self, job_id: str) -> Record:
        """End a job: after its current mini-batch if it runs. The network keeps what it learned in whole epochs."""
        with self._lock:
            job = self._store.job(job_id)
            if job.is_final:
                raise JobEnded(_ended(job))
            if self._backend.cancel(job_id):
                job = replace(job, cancel_requested=True)
                self._store.save(job)
            else:
                self._let_go(job_id)
                job = self.finish(job)
            return self._record(job) if job.is_final else self._told(job)

    def finish(self, job: Job) -> Job:
        """End a job that is with no worker: by the assistant where a checkpoint holds what it learned, else at once."""
        if not self._files.checkpoint_path(job.job_id).exists():
            return self._reports.cancel(job)
        job = replace(job, cancel_requested=True)
        self._store.save(job)
        self._dispatch.finish(job)
        return job

    def _go_on(self, job: Job, pause_at: int | None) -> Record:
        job = job.after("resume", priority=self._store.front(), pause_at=pause_at)
        self._store.save(job)
        self._dispatch.queue(job, first=True)
        return self._told(job)

    def _told(self, job: Job) -> Record:
        self._reports.controlled(job)
        return self._record(job)

    def _alive(self, job_id: str) -> Job:
        job = self._store.job(job_id)
        if job.is_final:
            raise JobEnded(_ended(job))
        if job.cancel_requested:
            raise WrongState(
                "This job is being cancelled. Wait for its end, within a moment; then a new one can go on."
            )
        return job

    def _resting(self, job_id: str) -> Job:
        job = self._alive(job_id)
        if job.state is not JobState.PAUSED:
            if job.pause_requested:
                raise WrongState("This job is about to pause. Wait until it is: the event training_paused tells of it.")
            raise WrongState(
                f"This job is {job.state}, and only a paused one can do that. Pause it first, and wait until it is."
            )
        if job.pause_requested:
            raise WrongState("This job is making a step. Wait for its end: the event training_paused tells of it.")
        if self._stopping:
            raise NotReady("The server is stopping; the job rests as it is. Try again when the server is back.")
        return job


_RESTS = "This job is paused already. It can be resumed, make a step, or be cancelled."


def _ended(job: Job) -> str:
    return (
        f"This job has already ended: it is {job.state}. To go on from what its network has learned, begin another "
        f"with POST /api/networks/{job.network_id}/train."
    )
