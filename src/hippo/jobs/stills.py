"""Frames of jobs that rest, for those who watch them: asked of the assistant, one question for each job at a time.

Somebody who goes from neuron to neuron asks more quickly than a large network is read. Wishes that come while a
question is under way wait for its end and are then asked together.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hippo.errors import HippoError, InvalidValue
from hippo.jobs.frames import Message
from hippo.jobs.job import Job
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.worker_keeper import Task
from hippo.network_spec import NetworkSpec
from hippo.training.snapshots import Wish

log = logging.getLogger(__name__)


class Stills:
    """Asks for frames, and hands them on.

    Parameters
    ----------
    store : Store
    backend : ProcessBackend
        Whose assistant is asked.
    take : callable
        Called with the job's id and each message ``frame``.
    """

    def __init__(self, store: Store, backend: ProcessBackend, take: Callable[[str, Message], None]) -> None:
        self._store = store
        self._backend = backend
        self._take = take
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Wish]] = {}

    def ask(self, job_id: str, wishes: Iterable[Wish]) -> None:
        """Ask for a frame of a job for each wish; the frames come later."""
        with self._lock:
            if job_id in self._waiting:
                self._waiting[job_id] += wishes
                return
            self._waiting[job_id] = []
        self._send(job_id, list(wishes))

    def _send(self, job_id: str, wishes: list[Wish]) -> None:
        try:
            job = self._store.job(job_id)
            question = still_question(self._store.network(job.network_id), job, wishes)
        except (HippoError, SQLAlchemyError) as error:  # deleted meanwhile, or the disk is full
            log.warning("Job %s cannot be shown: %s", job_id, error)
            self._go_on(job_id)
            return

        def report(message: Message) -> None:
            if message["type"] == "frame":
                self._take(job_id, message)
                return
            if message["type"] != "done":
                log.warning("Job %s cannot be shown: %s", job_id, message.get("error") or message.get("reason"))
            self._go_on(job_id)

        task_id = str(uuid.uuid4())
        self._backend.submit_short(Task(task_id, question | {"job_id": task_id}, report))

    def _go_on(self, job_id: str) -> None:
        """Ask for what was wished for meanwhile."""
        with self._lock:
            wishes = list(dict.fromkeys(self._waiting.pop(job_id)))
            if wishes:
                self._waiting[job_id] = []
        if wishes:
            self._send(job_id, wishes)


def still_question(network: StoredNetwork, job: Job | None, wishes: Iterable[Wish]) -> dict[str, Any]:
    """Return the message that asks the assistant for frames; `job`: the network's run that is not over, if any."""
    run = {"job_id": job.job_id, "config": job.config.to_dict()} if job else None
    return {"type": "stills", "network": network.for_worker(), "job": run, "wishes": [asdict(wish) for wish in wishes]}


def check_neuron(wish: Wish, spec: NetworkSpec) -> None:
    """Raise InvalidValue unless a network has the neuron that is wished for."""
    sizes = spec.layer_sizes
    if (wish.layer is None) != (wish.neuron is None):
        raise InvalidValue("layer and neuron go together: give both, or neither.")
    if wish.layer is None or wish.neuron is None:
        return
    if not 1 <= wish.layer < len(sizes):
        raise InvalidValue(f"layer must be from 1 to {len(sizes) - 1} for this network, not {wish.layer}.")
    if not 0 <= wish.neuron < sizes[wish.layer]:
        raise InvalidValue(
            f"neuron must be from 0 to {sizes[wish.layer] - 1} in layer {wish.layer}, not {wish.neuron}."
        )
