"""The live view of one kind of network, phase by phase: begun by a client with one message, and ending with it.

The client gets a network of 784-100-10 sigmoid neurons and a job that trains it slowly, one step of gradient descent
over all images at a time. Both are like all others, in every list; only that the job ends when its client is gone, and
that the client is shown the phases of each step (`hippo.training.phases`), is special. How the messages travel is the
matter of ``hippo.api.live_view``.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hippo.errors import HippoError, JobEnded, NotReady, UnknownJob
from hippo.jobs.inbox import RETRY, later
from hippo.jobs.manager import JobManager
from hippo.jobs.phases import Show
from hippo.network import NetworkSpec
from hippo.network_registry import NetworkRegistry
from hippo.training import TrainingConfig

log = logging.getLogger(__name__)

NAME = "Live view"
SIZES = (784, 100, 10)
#: A mini-batch of all images, so that an epoch is one step.
CONFIG = TrainingConfig(epochs=500, mini_batch_size=50_000, learning_rate=0.5)

_OVER = ("completed", "failed")


class LiveView:
    """Knows which client has which job, one at most. Safe to call from any thread.

    Parameters
    ----------
    jobs : JobManager
    networks : NetworkRegistry
    seconds : float
        From one phase to the next, at least.
    """

    def __init__(self, jobs: JobManager, networks: NetworkRegistry, seconds: float) -> None:
        self._jobs, self._networks, self._seconds = jobs, networks, seconds
        # A client may leave while events are told, under the lock of the jobs. So that nobody waits for that lock who
        # holds `_lock`, jobs are made under a lock of their own.
        self._lock, self._making = threading.Lock(), threading.Lock()
        self._running: dict[str, dict[str, str]] = {}
        self._closed = False

    def start(self, client_id: str, show: Show) -> dict[str, str]:
        """Train a new network for a client and show it the phases; does nothing while one is trained for it.

        Returns
        -------
        dict
            ``job_id`` and ``network_id`` of what is trained for it now.

        Raises
        ------
        NotReady
            When the server is stopping, or the database fails.
        TooManyJobs
            When a thousand jobs are waiting.
        DataError
            When MNIST is missing or wrong.
        """
        with self._making:
            running = self._running.get(client_id)
            if running is not None:
                if self._jobs.get(running["job_id"])["status"] not in _OVER:
                    return running
                self._forget(client_id)
            made = self._make()
            self._jobs.shows.begin(made["job_id"], show)
            with self._lock:
                self._running[client_id] = made
        self._jobs.release(made["job_id"])
        return made

    def stop(self, client_id: str) -> None:
        """End what is trained for a client, if anything is."""
        running = self._forget(client_id)
        if running is not None:
            self._cancel(running["job_id"])

    def leave(self, client_id: str) -> None:
        """End what is trained for a client that is gone; may be called from anywhere, and waits for nobody."""
        running = self._forget(client_id)
        if running is not None:
            later(0.0, self._cancel, running["job_id"])

    def close(self) -> None:
        """Leave all jobs to the next start of the server, which ends them: there, their clients are gone."""
        with self._lock:
            self._closed = True
            self._running.clear()

    def _make(self) -> dict[str, str]:
        network_id: str = self._networks.create(NetworkSpec.make(SIZES), NAME)["network_id"]
        try:
            job: dict[str, Any] = self._jobs.submit(network_id, CONFIG, self._seconds)
        except (HippoError, SQLAlchemyError):
            with contextlib.suppress(HippoError, SQLAlchemyError, OSError):
                self._networks.delete(network_id)
            raise
        return {"job_id": job["job_id"], "network_id": network_id}

    def _forget(self, client_id: str) -> dict[str, str] | None:
        with self._lock:
            running = self._running.pop(client_id, None)
        if running is not None:
            self._jobs.shows.end(running["job_id"])
        return running

    def _cancel(self, job_id: str) -> None:
        """Cancel a job; where that cannot be written down now, try again until it can."""
        if self._closed:
            return
        try:
            self._jobs.cancel(job_id)
        except (JobEnded, UnknownJob):
            pass
        except (NotReady, SQLAlchemyError) as error:
            log.warning("Job %s, whose client is gone, cannot be ended yet: %s", job_id, error)
            later(RETRY, self._cancel, job_id)
