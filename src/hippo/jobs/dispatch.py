"""How a job becomes a task for the backend: the description of its run, made of what the store knows.

Most runs wait in the queue for a worker. What must not wait for other people's training goes to the assistant: a single
mini-batch, and the end of a run that rests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hippo.jobs.frames import Message
from hippo.jobs.job import Job
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import Store
from hippo.jobs.training_spec import TrainingSpec
from hippo.jobs.worker_keeper import Task


class Dispatch:
    """Hands jobs to the backend.

    Parameters
    ----------
    store : Store
    backend : ProcessBackend
    report : callable
        Given the id of the job, and each report of its worker.
    watched : callable
        Given the id, returns what those who watch the job want, if any do.
    """

    def __init__(
        self,
        store: Store,
        backend: ProcessBackend,
        report: Callable[[str, Message], None],
        watched: Callable[[str], Message | None],
    ) -> None:
        self._store = store
        self._backend = backend
        self._report = report
        self._watched = watched

    def queue(self, job: Job, first: bool = False) -> None:
        """Queue a job for the next free worker; `first` puts it before all others."""
        self._backend.submit(self._task(job), first)

    def step(self, job: Job) -> None:
        """Let the assistant do the next mini-batch of a job that is paused."""
        self._backend.submit_short(self._task(job, batches=1))

    def finish(self, job: Job) -> None:
        """Let the assistant end a job that no worker has, so that the network keeps what it learned in whole epochs."""
        self._backend.submit_short(self._task(job, cancelled=True))

    def spec(self, job: Job, **more: Any) -> TrainingSpec:
        """Return the description of a job's run, from where it is."""
        network = self._store.network(job.network_id)
        return TrainingSpec(
            job.job_id,
            job.network_id,
            network.spec.to_dict(),
            job.config.to_dict(),
            network.revision,
            network.epochs_trained,
            reported=job.epoch,
            changes=job.changes,
            wanted=job.wanted or None,
            pace=job.pace,
            pause_at=job.pause_at,
            phase_seconds=job.phase_seconds,
            **more,
        )

    def _task(self, job: Job, **more: Any) -> Task:
        message = {"type": "train", "job_id": job.job_id, "spec": vars(self.spec(job, **more))}
        if watched := self._watched(job.job_id):
            message["watch"] = watched
        return Task(job.job_id, message, lambda report: self._report(job.job_id, report))
