"""The job manager: who trains when, what state each job is in, and who hears of it.

::

    submit --> queued --> [ProcessBackend] --> running --> completed | failed | diverged | cancelled
                 ^                                |
                 +------ worker died: attempt + 1 +------ server stops: interrupted, goes on at the next start

    worker --report--> JobManager, Reports --TRANSITIONS--> Store (in one transaction) --> EventBus --> clients

* A **request thread** calls `submit`, `release`, `cancel`; it gets an answer at once and never waits for training.
* A **worker's thread** calls `_on_report` with what its process says, in order; what follows from it is in ``reports``.
* One lock orders all this. It is held for a millisecond or two, the time of a commit.

A submitted job is *held* until the reply to its request has been written, so that nobody misses its first event; a
timer releases it should the reply never end.
"""

from __future__ import annotations

import builtins
import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hippo.clock import now
from hippo.errors import JobEnded, NotReady, TooManyJobs
from hippo.jobs.bus import EventBus
from hippo.jobs.frames import Message
from hippo.jobs.job import PUBLIC_STATUS, WAITING, Job, JobState
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.reports import Reports
from hippo.jobs.run import TrainingSpec
from hippo.jobs.store import Store
from hippo.jobs.worker_keeper import Task
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig

log = logging.getLogger(__name__)

MAX_UNFINISHED = 1_000
#: Seconds after which a job starts although its reply has not been seen to end.
HOLD = 1.0
#: Seconds until what could not be written, on a full disk say, is written again.
RETRY = 1.0


class OutputsPass:
    """A pass over the test set that one or more requests wait for."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Message = {}


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
        self._check_data = check_data
        self._store = store
        self._files = files
        self._backend = backend
        self._lock = threading.RLock()
        self._held: dict[str, threading.Timer] = {}
        self._unwritten: dict[str, deque[Message]] = {}  # reports that wait for the database, by job
        self._reports = Reports(store, files, bus, retry=lambda job: self._enqueue(job, first=True))
        self._passes: dict[tuple[str, str | None], OutputsPass] = {}
        self._stopping = False

    def start(self) -> None:
        """Start the workers and take up what an earlier server left unfinished."""
        with self._lock:
            for job in self._store.unfinished_jobs():
                if job.state is JobState.RUNNING:  # the server was killed under it
                    job = job.after("interrupt", updated_at=now())
                    self._store.save(job)
                if job.cancel_requested:
                    self._reports.cancel(job)
                else:
                    self._enqueue(job)
        self._backend.start()

    @property
    def ready(self) -> bool:
        """Whether jobs are taken and a worker is up."""
        return self._backend.ready and not self._stopping

    def workers(self) -> dict[str, int]:
        """Return how many workers there are (``total``) and how many have a job (``busy``)."""
        return {"total": self._backend.total, "busy": self._backend.busy}

    def counts(self) -> dict[str, int]:
        """Return how many jobs are ``unfinished``, and of these ``running`` and ``queued``."""
        by_state = self._store.count_unfinished()
        unfinished, running = sum(by_state.values()), by_state.get(JobState.RUNNING, 0)
        return {"unfinished": unfinished, "running": running, "queued": unfinished - running}

    # What clients ask for

    def submit(self, network_id: str, config: TrainingConfig) -> dict[str, Any]:
        """Queue a run of a network and return its record; it does not start before `release`.

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
            job = self._store.add_job(str(uuid.uuid4()), network_id, config)
            self._held[job.job_id] = self._later(HOLD, self.release, job.job_id)
            return self._records([job])[0]

    def release(self, job_id: str) -> None:
        """Let a submitted job start; does nothing the second time."""
        with self._lock:
            if job_id not in self._held or self._stopping:
                return
            try:
                job = self._store.job(job_id)
            except (SQLAlchemyError, NotReady):
                self._held[job_id] = self._later(RETRY, self.release, job_id)
                return
            self._release_hold(job_id)
            self._enqueue(job)

    def cancel(self, job_id: str) -> dict[str, Any]:
        """End a job: at once if it waits, after its current mini-batch if it runs. Return its record.

        Raises
        ------
        UnknownJob
            When there is none.
        JobEnded
            When it has already ended.
        """
        with self._lock:
            job = self._store.job(job_id)
            if job.is_final:
                raise JobEnded(f"This job has already ended: it is {job.state}.")
            if self._backend.cancel(job_id):
                job = replace(job, cancel_requested=True)
                self._store.save(job)
            else:
                self._release_hold(job_id)
                job = self._reports.cancel(job)
            return self._records([job])[0]

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
        network = self._store.network(network_id)
        key = (network_id, network.revision)
        with self._lock:
            waited_for = self._passes.get(key)
            if waited_for is None:
                waited_for = self._passes[key] = OutputsPass()
                arguments = {"network_id": network_id, "network": network.spec.to_dict(), "revision": network.revision}
                task_id = str(uuid.uuid4())

                def report(message: Message) -> None:
                    with self._lock:
                        del self._passes[key]
                    waited_for.answer = message
                    waited_for.done.set()

                message = {"type": "outputs", "job_id": task_id, "arguments": arguments}
                self._backend.submit_short(Task(task_id, message, report))
        if not waited_for.done.wait(timeout) or waited_for.answer["type"] != "done":
            reason = waited_for.answer.get("error")
            raise NotReady(reason or "The pass over the test set is not finished yet. Try again in a moment.")

    def shutdown(self, timeout: float) -> None:
        """Take no new jobs; interrupt what runs: workers checkpoint and exit within `timeout` seconds."""
        with self._lock:
            self._stopping = True
            for job_id in list(self._held):
                self._release_hold(job_id)
        self._backend.stop(timeout)
        with self._lock:
            for job in self._store.unfinished_jobs():
                if job.state is JobState.RUNNING:
                    self._store.save(job.after("interrupt", updated_at=now()))

    # What workers report

    def _enqueue(self, job: Job, first: bool = False) -> None:
        """Hand a job to the backend, which starts it when a worker is free."""
        network = self._store.network(job.network_id)
        spec = TrainingSpec(
            job.job_id,
            job.network_id,
            network.spec.to_dict(),
            job.config.to_dict(),
            network.revision,
            network.epochs_trained,
            reported=job.epoch,
        )
        message = {"type": "train", "job_id": job.job_id, "spec": vars(spec)}
        self._backend.submit(Task(job.job_id, message, lambda report: self._on_report(job.job_id, report)), first)

    def _on_report(self, job_id: str, message: Message) -> None:
        """Take a report, or keep it for later when the database cannot be written; later ones then wait behind it."""
        with self._lock:
            waiting = self._unwritten.get(job_id)
            if waiting is not None:
                if message["type"] != "progress":
                    waiting.append(message)
            elif not self._take(job_id, message):
                self._unwritten[job_id] = deque([message])
                self._later(RETRY, self._write_again, job_id)

    def _write_again(self, job_id: str) -> None:
        with self._lock:
            waiting = self._unwritten[job_id]
            while waiting:
                if not self._take(job_id, waiting[0]):
                    self._later(RETRY, self._write_again, job_id)
                    return
                waiting.popleft()
            del self._unwritten[job_id]

    def _take(self, job_id: str, message: Message) -> bool:
        """Do what a report asks for; return whether that is done with."""
        try:
            job = self._store.job(job_id)
            if not job.is_final:
                self._reports.take(job, message, stopping=self._stopping)
        except (SQLAlchemyError, NotReady):
            log.exception("Job %s: the report %s could not be written", job_id, message["type"])
            return False
        except Exception:
            # The thread that called serves its worker for ever; a fault with one job must not end it.
            log.exception("Job %s: the report %s could not be taken", job_id, message["type"])
        return True

    def _records(self, jobs: builtins.list[Job]) -> builtins.list[dict[str, Any]]:
        """Return what clients are told of these jobs, with the place in the queue of those that wait."""
        waits = any(job.state in WAITING for job in jobs)
        waiting = self._store.waiting_numbers() if waits else []
        return [
            job.record(
                1 + sum(number < job.number for number in waiting) if job.state in WAITING else None,
                self._reports.fractions.get(job.job_id, 0.0),
            )
            for job in jobs
        ]

    def _release_hold(self, job_id: str) -> None:
        timer = self._held.pop(job_id, None)
        if timer is not None:
            timer.cancel()

    @staticmethod
    def _later(seconds: float, call: Callable[..., Any], *arguments: Any) -> threading.Timer:
        timer = threading.Timer(seconds, call, arguments)
        timer.daemon = True
        timer.start()
        return timer
