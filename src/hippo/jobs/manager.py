"""The job manager: who trains when, what state each job is in, and who hears of it.

::

    submit --> queued --> [ProcessBackend] --> running --> completed | failed | diverged | cancelled
                 ^                                |
                 +------ worker died: attempt + 1 +------ server stops: interrupted, goes on at the next start

    worker --report--> JobManager --TRANSITIONS--> Store (job, event and network in one transaction) --> EventBus -->
    clients

* A **request thread** calls `submit`, `release`, `cancel`; it gets an answer at once and never waits for training.
* A **worker's thread** calls `_on_report` with what its process says, in order. What it reports is first written, then
  published: a client never hears what a restart would forget.
* One lock orders all this. It is held for a millisecond or two, the time of a commit.

A submitted job is *held* until the reply to its request has been written, so that nobody misses its first event; a
timer releases it should the reply never end.
"""

from __future__ import annotations

import builtins
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hippo.clock import iso_time, now
from hippo.errors import JobEnded, NotReady, TooManyJobs
from hippo.jobs.bus import EventBus
from hippo.jobs.events import TrainingComplete, TrainingError, TrainingProgress, TrainingStarted, TrainingUpdate
from hippo.jobs.frames import Message
from hippo.jobs.job import PUBLIC_STATUS, Job, JobState
from hippo.jobs.process_backend import ProcessBackend, Task
from hippo.jobs.run import TrainingSpec
from hippo.jobs.store import Store
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
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
        self._fractions: dict[str, float] = {}  # of the epoch under way, by job
        self._stopping = False

    def start(self) -> None:
        """Start the workers and take up what an earlier server left unfinished."""
        with self._lock:
            for job in self._store.unfinished_jobs():
                if job.state is JobState.RUNNING:  # the server was killed under it
                    job = job.after("interrupt", updated_at=now())
                    self._store.save(job)
                if job.cancel_requested:
                    self._cancelled(job, {})
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
        jobs = self._store.unfinished_jobs()
        running = sum(job.state is JobState.RUNNING for job in jobs)
        return {"unfinished": len(jobs), "running": running, "queued": len(jobs) - running}

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
            timer = threading.Timer(HOLD, self.release, args=(job.job_id,))
            timer.daemon = True
            self._held[job.job_id] = timer
            timer.start()
            return self._record(job)

    def release(self, job_id: str) -> None:
        """Let a submitted job start; does nothing the second time."""
        with self._lock:
            timer = self._held.pop(job_id, None)
            if timer is None or self._stopping:
                return
            timer.cancel()
            self._enqueue(self._store.job(job_id))

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
                job = self._cancelled(job, {})
            return self._record(job)

    def get(self, job_id: str) -> dict[str, Any]:
        """Return the record of a job; raises UnknownJob."""
        with self._lock:
            job = self._store.job(job_id)
            return self._record(job)

    def list(
        self, status: str | None = None, network_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[builtins.list[dict[str, Any]], int]:
        """Return a page of records, newest first, and the count of all; `status` is a public word or an exact state."""
        states = None
        if status is not None:
            states = frozenset(state for state in JobState if status in (state, PUBLIC_STATUS[state]))
        with self._lock:
            jobs, total = self._store.jobs(states, network_id, limit, offset)
            return [self._record(job) for job in jobs], total

    def history(self, job_id: str, after: int = 0) -> tuple[builtins.list[dict[str, Any]], int]:
        """Return ``{event, data}`` of every event above `after`, in order, and the number of the last one."""
        with self._lock:
            job = self._store.job(job_id)
            return self._store.events(job_id, after), job.last_seq

    def active_jobs(self) -> dict[str, str]:
        """Return the ids of unfinished jobs by the ids of their networks."""
        return {job.network_id: job.job_id for job in self._store.unfinished_jobs()}

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
        arguments = {"network_id": network_id, "network": network.spec.to_dict(), "revision": network.revision}
        done = threading.Event()
        answers: list[Message] = []

        def report(message: Message) -> None:
            answers.append(message)
            done.set()

        task_id = str(uuid.uuid4())
        message = {"type": "outputs", "job_id": task_id, "arguments": arguments}
        self._backend.submit_short(Task(task_id, message, report))
        if not done.wait(timeout) or answers[0]["type"] != "done":
            reason = answers[0].get("error") if answers else None
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
            report_again=job.attempt > 1,
        )
        message = {"type": "train", "job_id": job.job_id, "spec": vars(spec)}
        self._backend.submit(Task(job.job_id, message, lambda report: self._on_report(job.job_id, report)), first)

    def _on_report(self, job_id: str, message: Message) -> None:
        handlers: dict[str, Callable[[Job, Message], Any]] = {
            "started": self._started,
            "progress": self._progressed,
            "epoch": self._epoch_done,
            "completed": self._completed,
            "cancelled": self._cancelled,
            "diverged": self._diverged,
            "failed": self._failed,
            "interrupted": self._interrupted,
            "lost": self._lost,
        }
        with self._lock:
            job = self._store.job(job_id)
            if job.is_final:
                return
            self._fractions.pop(job_id, None)
            try:
                handlers[message["type"]](job, message)
            except Exception:
                # The thread that called serves its worker for ever; a fault with one job must not end it.
                log.exception("Job %s: the report %s could not be taken", job_id, message["type"])

    def _started(self, job: Job, message: Message) -> None:
        moment = now()
        job = job.after(
            "start",
            started_at=job.started_at or moment,
            updated_at=moment,
            epoch=message["epoch"],
            elapsed=message["elapsed"],
        )
        self._store.save(job)
        self.bus.publish(TrainingStarted(**_whose(job), attempt=job.attempt))

    def _progressed(self, job: Job, message: Message) -> None:
        fraction, moment = message["done"], now()
        self._fractions[job.job_id] = fraction
        self.bus.publish(
            TrainingProgress(
                **_whose(job),
                epoch=message["epoch"],
                total_epochs=job.config.epochs,
                progress=job.progress(fraction),
                loss=message["loss"],
                elapsed_time=job.elapsed_at(moment),
                eta_seconds=job.eta_at(moment, fraction) or 0.0,
            )
        )

    def _epoch_done(self, job: Job, message: Message) -> None:
        epoch, elapsed = message["epoch"], message["elapsed_time"]
        job = replace(
            job,
            epoch=epoch,
            accuracy=message["accuracy"],
            loss=message["loss"],
            elapsed=elapsed,
            updated_at=now(),
            last_seq=job.last_seq + 1,
        )
        event = TrainingUpdate(
            **_common(job),
            epoch=epoch,
            total_epochs=job.config.epochs,
            accuracy=message["accuracy"],
            progress=job.progress(),
            elapsed_time=elapsed,
            correct=message["test_accuracy"],
            total=message["test_total"],
            loss=message["loss"],
            test_loss=message["test_loss"],
            learning_rate=message["learning_rate"],
            images_per_second=message["images_per_second"],
            eta_seconds=elapsed / epoch * (job.config.epochs - epoch),
            attempt=job.attempt,
        )
        self._store.save(job, event)
        self.bus.publish(event)

    def _completed(self, job: Job, message: Message) -> None:
        job = _ended(job, "complete", message)
        accuracy = message["accuracy"]
        text = f"Trained for {job.config.epochs} epochs: {accuracy:.2%} of the test set are right."
        event = TrainingComplete(**_common(job), accuracy=accuracy, message=text)
        self._store.save(job, event, self._learned(job, message))
        self._files.delete_checkpoint(job.job_id)
        self.bus.publish(event)

    def _cancelled(self, job: Job, message: Message) -> Job:
        kept = message.get("epochs")
        text = "The training was cancelled" + (
            f"; the network keeps what it learned in {kept} epoch{'s' if kept != 1 else ''}." if kept else "."
        )
        return self._end_without_success(job, "cancel", text, message)

    def _diverged(self, job: Job, message: Message) -> None:
        text = f"{message['error']} The network keeps its last good weights, those after epoch {message['epochs']}."
        self._end_without_success(job, "diverge", text, message)

    def _failed(self, job: Job, message: Message) -> None:
        self._end_without_success(self._running(job), "fail", message["error"], message)

    def _interrupted(self, job: Job, message: Message) -> None:
        self._store.save(job.after("interrupt", updated_at=now(), elapsed=message["elapsed"]))

    def _lost(self, job: Job, message: Message) -> None:
        if job.cancel_requested:
            self._cancelled(job, message)
        elif self._stopping:
            if job.state is JobState.RUNNING:
                self._store.save(job.after("interrupt", updated_at=now()))
        elif job.attempt >= MAX_ATTEMPTS:
            text = f"The worker died {MAX_ATTEMPTS} times under this job; the last time {message['reason']}."
            self._end_without_success(self._running(job), "fail", text, message)
        else:
            job = self._running(job).after("retry", attempt=job.attempt + 1, epoch=0, updated_at=now())
            log.warning("Job %s starts again (attempt %d): its worker died", job.job_id, job.attempt)
            self._store.save(job)
            self._enqueue(job, first=True)

    @staticmethod
    def _running(job: Job) -> Job:
        """Return the job as running, also when its worker failed before it could say so."""
        return job if job.state is JobState.RUNNING else job.after("start")

    def _end_without_success(self, job: Job, action: str, text: str, message: Message) -> Job:
        job = _ended(job, action, message, error=text)
        event = TrainingError(**_common(job), error=text, message=text, state=str(job.state))
        self._store.save(job, event, self._learned(job, message) if message.get("epochs") else None)
        self._files.delete_checkpoint(job.job_id)
        self.bus.publish(event)
        return job

    def _learned(self, job: Job, message: Message) -> dict[str, Any]:
        """Return what the network's row says after this job has written its weights."""
        trained = self._store.network(job.network_id).epochs_trained
        return {
            "accuracy": message["accuracy"],
            "revision": job.job_id,
            "trained_at": now(),
            "epochs_trained": trained + message["epochs"],
        }

    def _record(self, job: Job) -> dict[str, Any]:
        return job.record(self._queue_position(job), self._fractions.get(job.job_id, 0.0))

    def _queue_position(self, job: Job) -> int | None:
        """Return how many waiting jobs start before this one, plus 1; None for a job that does not wait."""
        if job.state not in (JobState.QUEUED, JobState.INTERRUPTED):
            return None
        waiting = [other for other in self._store.unfinished_jobs() if other.state is not JobState.RUNNING]
        return 1 + sum(other.number < job.number for other in waiting)

    def _release_hold(self, job_id: str) -> None:
        timer = self._held.pop(job_id, None)
        if timer is not None:
            timer.cancel()


def _ended(job: Job, action: str, message: Message, **changes: Any) -> Job:
    moment = now()
    return job.after(
        action,
        finished_at=moment,
        updated_at=moment,
        elapsed=message.get("elapsed", job.elapsed_at(moment)),
        last_seq=job.last_seq + 1,
        **changes,
    )


def _whose(job: Job) -> dict[str, Any]:
    """Return the fields that every event of the job has."""
    return {"job_id": job.job_id, "network_id": job.network_id, "timestamp": iso_time(now())}


def _common(job: Job) -> dict[str, Any]:
    """Return the fields that every event that is kept has."""
    return _whose(job) | {"seq": job.last_seq}
