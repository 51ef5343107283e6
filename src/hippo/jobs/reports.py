"""What follows from what a worker reports: the job changes, its event is kept, clients are told.

In this order, always: a client never hears what a restart would forget. Every change of state goes through the table in
``job``. The manager calls this under its lock; queueing and holding are its own affair. What the reports say that are a
job's last ones is in ``endings``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hippo.clock import now
from hippo.jobs.bus import EventBus
from hippo.jobs.endings import ENDS, Endings, as_running, common, whose
from hippo.jobs.events import (
    TrainingChanged,
    TrainingControlled,
    TrainingPaused,
    TrainingProgress,
    TrainingStarted,
    TrainingUpdate,
)
from hippo.jobs.frames import Message
from hippo.jobs.job import Job, JobState
from hippo.jobs.store import Store
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import Throughput

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3


class Reports:
    """Takes the reports of all workers.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    bus : EventBus
    retry : callable
        Queues a job again, before all others, after its worker died.
    finish : callable
        Ends a job that was paused when it was to be cancelled.
    """

    def __init__(
        self,
        store: Store,
        files: ModelFiles,
        bus: EventBus,
        retry: Callable[[Job], None],
        finish: Callable[[Job], object],
    ) -> None:
        self._store = store
        self._bus = bus
        self._retry = retry
        self._finish = finish
        self._endings = Endings(store, files, bus)
        self._stopping = False
        #: Where running jobs are by their last sign of life, by their ids; too short-lived to be kept in the store.
        self._under_way: dict[str, dict[str, Any]] = {}
        #: How fast unfinished jobs were when a worker last said so, by their ids.
        self._throughput: dict[str, Throughput] = {}

    def as_told(self, job: Job) -> Job:
        """Return the job where it was by its last sign of life."""
        return replace(job, **self._under_way.get(job.job_id, {}))

    def throughput(self, job: Job) -> Throughput | None:
        """Return how fast the job is or, before a pause, was; None where that is not known."""
        return self._throughput.get(job.job_id)

    def take(self, job: Job, message: Message, stopping: bool) -> None:
        """Do what `message` asks for; `stopping`: the server is, so that a worker's end is no fault of the job.

        Raises
        ------
        IllegalTransition
            When the message makes no sense in the state of the job.
        KeyError
            When the message is none of ours.
        """
        self._stopping = stopping
        handlers: dict[str, Callable[[Job, Message], Any]] = {
            "started": self._started,
            "progress": self._progressed,
            "changed": self._changed,
            "paused": self._paused,
            "epoch": self._epoch_done,
            **dict.fromkeys(ENDS, self._endings.take),
            "interrupted": self._interrupted,
            "lost": self._lost,
        }
        if message["type"] != "changed":
            self._under_way.pop(job.job_id, None)
        if "throughput" in message:
            self._throughput[job.job_id] = Throughput(**message["throughput"])
        if message["type"] in ENDS:
            self._throughput.pop(job.job_id, None)
        handlers[message["type"]](job, message)

    def _started(self, job: Job, message: Message) -> None:
        moment = now()
        job = job.after(
            "start",
            started_at=job.started_at or moment,
            updated_at=moment,
            epoch=message["epoch"],
            elapsed=message["elapsed"],
            # It holds where the run goes on where it rested, and not where that could not be read.
            loss_so_far=job.loss_so_far if message.get("step", job.step) == job.step else None,
            **_place(message),
        )
        self._store.save(job)
        self._bus.publish(TrainingStarted(**whose(job), attempt=job.attempt))

    def _progressed(self, job: Job, message: Message) -> None:
        moment = now()
        place = _under_way(message) | {"elapsed": job.elapsed_at(moment), "updated_at": moment}
        self._under_way[job.job_id] = place
        job = replace(job, **place)
        self._bus.publish(
            TrainingProgress(
                **whose(job),
                epoch=message["epoch"],
                total_epochs=job.config.epochs,
                progress=job.progress,
                loss=message["loss"],
                elapsed_time=job.elapsed,
                eta_seconds=job.eta_at(moment, self.throughput(job)) or 0.0,
                images_per_second=job.speed(self.throughput(job)),
                **_place(message),
            )
        )

    def _changed(self, job: Job, message: Message) -> None:
        made, taken = message["changes"], message["wanted"] or {}
        left = {name: value for name, value in job.wanted.items() if taken.get(name) != value}
        job = replace(job, wanted=left)
        if made:
            place = {name: message[name] for name in ("step", "epoch", "batch")}
            change = place | {name: pair["to"] for name, pair in made.items()}
            job = replace(job, changes=(*job.changes, change), last_seq=job.last_seq + 1)
            event = TrainingChanged(**common(job), **place, changes=made)
            self._store.save(job, event)
            self._bus.publish(event)
        else:  # all was so already
            self._store.save(job)
        self.controlled(job)

    def controlled(self, job: Job) -> None:
        """Tell all who show the job what was asked of it and what holds now."""
        settings = job.settings
        self._bus.publish(
            TrainingControlled(
                **whose(job),
                state=str(job.state),
                pace=job.pace,
                learning_rate=settings.learning_rate,
                momentum=settings.momentum,
                mini_batch_size=settings.mini_batch_size,
                pending_changes=job.wanted,
                pause_requested=job.pause_requested,
                pause_at=job.pause_at,
                cancel_requested=job.cancel_requested,
            )
        )

    def _paused(self, job: Job, message: Message) -> None:
        job = self.rest(job, message)
        if job.cancel_requested:
            self._finish(job)

    def rest(self, job: Job, message: Message | None = None, **changes: Any) -> Job:
        """Pause a job, where the message says or where it was last; return it."""
        place = _under_way(message) | {"elapsed": message["elapsed"]} if message else {}
        job = job.after("pause", updated_at=now(), pause_requested=False, pause_at=None, **place, **changes)
        self._store.save(job)
        self._bus.publish(
            TrainingPaused(
                **whose(job),
                epoch=message["epoch"] if message else job.epoch + 1,
                batch=job.batch,
                batches=job.batches,
                step=job.step,
                loss=job.loss_so_far,
            )
        )
        return job

    def _epoch_done(self, job: Job, message: Message) -> None:
        epoch, elapsed, moment = message["epoch"], message["elapsed_time"], now()
        job = replace(
            job,
            epoch=epoch,
            accuracy=message["accuracy"],
            loss=message["loss"],
            loss_so_far=None,
            elapsed=elapsed,
            updated_at=moment,
            last_seq=job.last_seq + 1,
            **({"batch": 0, "batches": None} | _place(message)),
        )
        event = TrainingUpdate(
            **common(job),
            epoch=epoch,
            total_epochs=job.config.epochs,
            accuracy=message["accuracy"],
            progress=job.progress,
            elapsed_time=elapsed,
            correct=message["test_accuracy"],
            total=message["test_total"],
            validation_accuracy=message["validation_accuracy"],
            validation_correct=round(message["validation_accuracy"] * message["validation_total"]),
            validation_total=message["validation_total"],
            loss=message["loss"],
            training_accuracy=message["training_accuracy"],
            validation_loss=message["validation_loss"],
            test_loss=message["test_loss"],
            learning_rate=message["learning_rate"],
            gradient_norm=message["gradient_norm"],
            neurons=message.get("neurons", []),  # a run that an older version began did not look
            images_per_second=message["images_per_second"],
            eta_seconds=job.eta_at(moment, self.throughput(job)) or 0.0,
            attempt=job.attempt,
        )
        self._store.save(job, event)
        self._bus.publish(event)

    def cancel(self, job: Job) -> Job:
        """End a job that no worker can speak for any more; return the job."""
        self._under_way.pop(job.job_id, None)
        self._throughput.pop(job.job_id, None)
        return self._endings.cancel(job)

    def _interrupted(self, job: Job, message: Message) -> None:
        if job.pause_requested:
            self.rest(job, message)
        else:
            self.interrupt(job, elapsed=message["elapsed"], **_under_way(message))

    def interrupt(self, job: Job, **changes: Any) -> Job:
        """Note that a running job has no worker any more since the server stops or was killed; return it.

        It will go on by itself, or rest where it was to be paused.
        """
        if job.pause_requested:
            return self.rest(job, **changes)
        job = job.after("interrupt", updated_at=now(), **changes)
        self._store.save(job)
        return job

    def _lost(self, job: Job, message: Message) -> None:
        if job.cancel_requested:
            self.cancel(job)
        elif self._stopping:
            if job.state is JobState.RUNNING:
                self.interrupt(job)
        elif job.attempt >= MAX_ATTEMPTS:
            text = f"The worker died {MAX_ATTEMPTS} times under this job; the last time {message['reason']}."
            self._endings.fail(as_running(job), text)
        else:
            anew: dict[str, Any] = {"attempt": job.attempt + 1, "epoch": 0, "batch": 0, "step": 0, "loss_so_far": None}
            if job.pause_requested:
                self.rest(as_running(job), **anew)
                return
            job = as_running(job).after("retry", updated_at=now(), priority=self._store.front(), **anew)
            log.warning("Job %s starts again (attempt %d): its worker died", job.job_id, job.attempt)
            self._store.save(job)
            self._retry(job)


def _under_way(message: Message) -> dict[str, Any]:
    """Return where in its epoch the run is, and the mean loss since that began."""
    return _place(message) | {"loss_so_far": message.get("loss")}


def _place(message: Message) -> dict[str, Any]:
    """Return where in its epoch the run is, as far as the message says it."""
    return {name: message[name] for name in ("batch", "batches", "step") if name in message}
