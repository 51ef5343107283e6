"""How a job ends: what it has learned is noted, its last event kept and told, its checkpoint removed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from hippo.clock import iso_time, now
from hippo.errors import DataError
from hippo.jobs.bus import EventBus
from hippo.jobs.events import TrainingComplete, TrainingError, TrainingEvent
from hippo.jobs.frames import Message
from hippo.jobs.job import Job, JobState
from hippo.jobs.store import Store
from hippo.persistence.model_persistence import ModelFiles

log = logging.getLogger(__name__)

#: The reports after which a job has ended.
ENDS = ("completed", "cancelled", "diverged", "failed")


class Endings:
    """Ends jobs.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    bus : EventBus
    """

    def __init__(self, store: Store, files: ModelFiles, bus: EventBus) -> None:
        self._store = store
        self._files = files
        self._bus = bus

    def take(self, job: Job, message: Message) -> Job:
        """Do what a worker's last report of a job asks for, one of `ENDS`; return the job."""
        handlers: dict[str, Callable[[Job, Message], Job]] = {
            "completed": self._completed,
            "cancelled": self._cancelled,
            "diverged": self._diverged,
            "failed": lambda job, message: self.fail(as_running(job), message["error"]),
        }
        return handlers[message["type"]](job, message)

    def _completed(self, job: Job, message: Message) -> Job:
        job = _ended(job, "complete", message)
        accuracy = message["accuracy"]
        text = f"Trained for {job.config.epochs} epochs: {accuracy:.2%} of the test set are right."
        event = TrainingComplete(**common(job), accuracy=accuracy, message=text)
        self._end(job, event, message)
        return job

    def cancel(self, job: Job) -> Job:
        """End a job that no worker can speak for any more; return the job.

        A worker that had written the network's file, and was gone before it could say so, is taken at that file's word.
        """
        try:
            facts = self._files.read_facts(job.network_id)
        except DataError:
            facts = None
        if facts is None or facts["revision"] != job.job_id:
            return self._cancelled(job, {})
        return self.take(as_running(job), facts["outcome"])

    def _cancelled(self, job: Job, message: Message) -> Job:
        kept = message.get("epochs")
        text = "The training was cancelled" + (
            f"; the network keeps what it learned in {kept} epoch{'s' if kept != 1 else ''}." if kept else "."
        )
        return self._end_without_success(job, "cancel", text, message)

    def _diverged(self, job: Job, message: Message) -> Job:
        epochs = message["epochs"]
        kept = f"its last good weights, those after epoch {epochs}" if epochs else "the weights it had before"
        text = f"{message['error']} The network keeps {kept}."
        return self._end_without_success(job, "diverge", text, message)

    def fail(self, job: Job, error: str) -> Job:
        """End a job that cannot be done."""
        return self._end_without_success(job, "fail", error, {})

    def _end_without_success(self, job: Job, action: str, text: str, message: Message) -> Job:
        job = _ended(job, action, message, error=text)
        event = TrainingError(**common(job), error=text, message=text, state=str(job.state))
        self._end(job, event, message)
        return job

    def _end(self, job: Job, event: TrainingEvent, message: Message) -> None:
        self._store.save(job, event, self._learned(job, message) if message.get("epochs") else None)
        self._bus.publish(event)
        try:
            self._files.delete_checkpoint(job.job_id)
        except OSError as error:
            log.warning("The checkpoint of job %s could not be removed: %s", job.job_id, error.strerror)

    def _learned(self, job: Job, message: Message) -> dict[str, Any]:
        """Return what the network's row says after this job has written its weights."""
        trained = self._store.network(job.network_id).epochs_trained
        return {
            "accuracy": message["accuracy"],
            "revision": job.job_id,
            "trained_at": now(),
            "epochs_trained": trained + message["epochs"],
        }


def _ended(job: Job, action: str, message: Message, **changes: Any) -> Job:
    moment = now()
    return job.after(
        action,
        finished_at=moment,
        updated_at=moment,
        elapsed=message.get("elapsed", job.elapsed_at(moment)),
        last_seq=job.last_seq + 1,
        pause_requested=False,  # it came too late, as did settings that were still wanted
        pause_at=None,
        wanted={},
        loss_so_far=None,
        **changes,
    )


def as_running(job: Job) -> Job:
    """Return the job as running, also when its worker failed before it could say so."""
    return job if job.state is JobState.RUNNING else job.after("start")


def whose(job: Job) -> dict[str, Any]:
    """Return the fields that every event of the job has."""
    return {"job_id": job.job_id, "network_id": job.network_id, "timestamp": iso_time(now())}


def common(job: Job) -> dict[str, Any]:
    """Return the fields that every event that is kept has."""
    return whose(job) | {"seq": job.last_seq}
