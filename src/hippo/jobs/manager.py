"""The job manager: who trains when, what state each job is in, and who hears of it.

::

    submit --> queued --> [ProcessBackend] --> running --> completed | failed | diverged | cancelled
                 ^  ^                             |  |
                 |  +-- worker died: attempt + 1 -+  +-- server stops: interrupted, goes on at the next start
                 +-- resume -- paused <-- pause --+

    worker --report--> JobManager, Reports --TRANSITIONS--> Store (in one transaction) --> EventBus --> clients

* A **request thread** calls `submit`, `release`, or one of the ``controls``; it gets an answer at once and never waits
  for training.
* A **worker's thread** puts what its process says into the ``inbox``, in order; what follows from it is in ``reports``.
* One lock orders all this. It is held for a millisecond or two, the time of a commit.

A submitted job is *held* until the reply to its request has been written, so that nobody misses its first event; a
timer releases it should the reply never end.
"""

from __future__ import annotations

import builtins
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hippo.errors import NotReady, TooManyJobs, UnknownNetwork
from hippo.jobs.bus import EventBus
from hippo.jobs.controls import Controls
from hippo.jobs.dispatch import Dispatch
from hippo.jobs.frames import Message
from hippo.jobs.inbox import RETRY, Inbox, later
from hippo.jobs.job import PUBLIC_STATUS, WAITING, Job, JobState
from hippo.jobs.passes import Passes
from hippo.jobs.phases import Shows
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.reports import Reports
from hippo.jobs.store import Store
from hippo.jobs.viewers import Viewers
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig

MAX_UNFINISHED = 1_000
#: Seconds after which a job starts although its reply has not been seen to end.
HOLD = 1.0


class JobManager:
    """Takes, queues, watches and ends training jobs. Safe to call from any thread.

    Parameters
    ----------
    store : Store
        Where jobs, events and networks are kept.
    files : ModelFiles
        Where checkpoints are.
    backend : ProcessBackend
        What runs them.
    bus : EventBus
        Who is told.
    check_data : callable
        Raises DataError while there is nothing to train on.

    Attributes
    ----------
    viewers : Viewers
        Who watches jobs while they run.
    shows : Shows
        Who is shown the phases of runs that were made for that.
    """

    def __init__(
        self,
        store: Store,
        files: ModelFiles,
        backend: ProcessBackend,
        bus: EventBus,
        check_data: Callable[[], object] = lambda: None,
    ) -> None:
        self.bus = bus
        self.viewers = Viewers(store, backend, bus)
        self.shows = Shows()
        self._check_data = check_data
        self._store = store
        self._files = files
        self._backend = backend
        self._lock = threading.RLock()
        self._held: dict[str, threading.Timer] = {}
        self._inbox = Inbox(self._lock, self._take)
        self._dispatch = Dispatch(store, backend, self._report, self.viewers.wanted)
        self._reports = Reports(
            store,
            files,
            bus,
            retry=lambda job: self._dispatch.queue(job, first=True),
            finish=lambda job: self.controls.finish(job),
        )
        self.controls = Controls(
            self._lock,
            store,
            files,
            backend,
            self._dispatch,
            self._reports,
            self._release_hold,
            lambda job: self._records([job])[0],
        )
        self._passes = Passes(backend, self._remove_outputs_of_deleted)
        self._stopping = False

    def start(self) -> None:
        """Start the workers and take up what an earlier server left unfinished."""
        with self._lock:
            for job in self._store.unfinished_jobs():
                if job.state is JobState.RUNNING:  # the server was killed under it
                    job = self._reports.interrupt(job)
                if job.cancel_requested or job.phase_seconds is not None:  # the one client it was made for is gone
                    self.controls.finish(job)
                elif job.state is JobState.PAUSED:
                    self._store.save(replace(job, pause_requested=False))  # a step that it was making is over
                else:
                    self._dispatch.queue(job)
        self._backend.start()

    @property
    def ready(self) -> bool:
        """Whether jobs are taken and a worker is up."""
        return self._backend.ready and not self._stopping

    def workers(self) -> dict[str, int]:
        """Return how many workers there are (``total``) and how many have a job (``busy``)."""
        return {"total": self._backend.total, "busy": self._backend.busy}

    def counts(self) -> dict[str, int]:
        """Return how many jobs are ``unfinished``, and of these ``running``, ``paused`` and ``queued``."""
        by_state = self._store.count_unfinished()
        running, paused = (by_state.get(state, 0) for state in (JobState.RUNNING, JobState.PAUSED))
        unfinished = sum(by_state.values())
        return {"unfinished": unfinished, "running": running, "paused": paused, "queued": unfinished - running - paused}

    # What clients ask for

    def submit(self, network_id: str, config: TrainingConfig, phase_seconds: float | None = None) -> dict[str, Any]:
        """Queue a run of a network and return its record; it does not start before `release`.

        With `phase_seconds` it is shown to one client, phase by phase, and ends at the next start of the server.

        Raises
        ------
        UnknownNetwork, TrainingInProgress
            From the store.
        NotReady
            When the server is stopping.
        TooManyJobs
            When a thousand are waiting.
        DataError
            When MNIST is missing or wrong.
        """
        self._check_data()
        with self._lock:
            if self._stopping:
                raise NotReady("The server is stopping and takes no new jobs. Try again in a moment.")
            if self.counts()["unfinished"] >= MAX_UNFINISHED:
                raise TooManyJobs(f"{MAX_UNFINISHED} jobs are waiting already. Wait for some to end, or cancel them.")
            job = self._store.add_job(str(uuid.uuid4()), network_id, config, phase_seconds)
            self._held[job.job_id] = later(HOLD, self.release, job.job_id)
            return self._records([job])[0]

    def release(self, job_id: str) -> None:
        """Let a submitted job start; does nothing the second time."""
        with self._lock:
            if job_id not in self._held or self._stopping:
                return
            try:
                job = self._store.job(job_id)
            except (SQLAlchemyError, NotReady):
                self._held[job_id] = later(RETRY, self.release, job_id)
                return
            self._release_hold(job_id)
            self._dispatch.queue(job)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """End a job (see `Controls.cancel`)."""
        return self.controls.cancel(job_id)

    def get(self, job_id: str) -> dict[str, Any]:
        """Return the record of a job; raises UnknownJob."""
        with self._lock:
            job = self._store.job(job_id)
            return self._records([job])[0]

    def list(
        self, status: str | None = None, network_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[builtins.list[dict[str, Any]], int]:
        """Return a page of records, newest first, and the count of all; `status` is a public word or an exact state."""
        states = None
        if status is not None:
            states = frozenset(state for state in JobState if status in (state, PUBLIC_STATUS[state]))
        with self._lock:
            jobs, total = self._store.jobs(states, network_id, limit, offset)
            return self._records(jobs), total

    def history(self, job_id: str, after: int = 0) -> tuple[builtins.list[dict[str, Any]], int]:
        """Return ``{event, data}`` of every event above `after`, in order, and the number of the last one."""
        with self._lock:
            job = self._store.job(job_id)
            return self._store.events(job_id, after), job.last_seq

    def active_jobs(self) -> dict[str, str]:
        """Return the ids of unfinished jobs by the ids of their networks."""
        return self._store.active_jobs()

    def compute_outputs(self, network_id: str, timeout: float = 60.0) -> None:
        """Let a worker pass the test set through the saved weights of a network, and wait until it has.

        Raises
        ------
        UnknownNetwork
            When there is none.
        NotReady
            When it took longer than `timeout` seconds, or failed.
        """
        self._passes.make(self._store.network(network_id), timeout)

    def _remove_outputs_of_deleted(self, network_id: str) -> None:
        """Remove what a pass has written after the network's files were deleted."""
        try:
            self._store.network(network_id)
        except UnknownNetwork:
            self._files.delete_model(network_id)

    def shutdown(self, timeout: float) -> None:
        """Take no new jobs; interrupt what runs: workers checkpoint and exit within `timeout` seconds."""
        with self._lock:
            self._stopping = True
            self.controls.stop()
            for job_id in list(self._held):
                self._release_hold(job_id)
        self._backend.stop(timeout)
        with self._lock:
            for job in self._store.unfinished_jobs():
                if job.state is JobState.RUNNING:
                    self._reports.interrupt(job)

    # What workers report

    def _report(self, job_id: str, message: Message) -> None:
        """Take what the worker of a job says; frames and phases change nothing and need no lock."""
        if message["type"] == "frame":
            self.viewers.take(job_id, message)
        elif message["type"] == "phase":
            self.shows.take(job_id, message)
        else:
            self._inbox.put(job_id, message)

    def _take(self, job_id: str, message: Message) -> None:
        """Do what a report asks for, unless it comes after the job's end."""
        job = self._store.job(job_id)
        if not job.is_final:
            self._reports.take(job, message, stopping=self._stopping)

    def _records(self, jobs: builtins.list[Job]) -> builtins.list[dict[str, Any]]:
        """Return what clients are told of these jobs, with the place in the queue of those that wait."""
        waits = any(job.state in WAITING for job in jobs)
        places = {job_id: place for place, job_id in enumerate(self._store.waiting_jobs(), 1)} if waits else {}
        told = self._reports
        return [told.as_told(job).record(places.get(job.job_id), told.throughput(job)) for job in jobs]

    def _release_hold(self, job_id: str) -> bool:
        timer = self._held.pop(job_id, None)
        if timer is not None:
            timer.cancel()
        return timer is not None
