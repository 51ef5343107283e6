"""Where the reports of workers arrive: each is taken in order, and waits while the database cannot be written.

On a full disk, say, the workers go on; what they report is kept here and tried again, so that no job stays in a state
that it has left. What a report means is the matter of ``reports``.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from hippo.errors import NotReady
from hippo.jobs.frames import Message

log = logging.getLogger(__name__)

#: Seconds until what could not be written is tried again.
RETRY = 1.0


class Inbox:
    """Takes the reports of all jobs, those of one job in their order.

    Parameters
    ----------
    lock : RLock
        The manager's, which orders everything that changes a job.
    take : callable
        Does what a report of a job asks for.
    """

    def __init__(self, lock: threading.RLock, take: Callable[[str, Message], None]) -> None:
        self._lock = lock
        self._do = take
        self._waiting: dict[str, deque[Message]] = {}

    def put(self, job_id: str, message: Message) -> None:
        """Take a report, or keep it for later when the database cannot be written; later ones then wait behind it."""
        with self._lock:
            waiting = self._waiting.get(job_id)
            if waiting is not None:
                if message["type"] != "progress":
                    waiting.append(message)
            elif not self._take(job_id, message):
                self._waiting[job_id] = deque([message])
                later(RETRY, self._try_again, job_id)

    def _try_again(self, job_id: str) -> None:
        with self._lock:
            waiting = self._waiting[job_id]
            while waiting:
                if not self._take(job_id, waiting[0]):
                    later(RETRY, self._try_again, job_id)
                    return
                waiting.popleft()
            del self._waiting[job_id]

    def _take(self, job_id: str, message: Message) -> bool:
        """Return whether the report is done with."""
        try:
            self._do(job_id, message)
        except (SQLAlchemyError, NotReady):
            log.exception("Job %s: the report %s could not be written", job_id, message["type"])
            return False
        except Exception:
            # The thread that called serves its worker for ever; a fault with one job must not end it.
            log.exception("Job %s: the report %s could not be taken", job_id, message["type"])
        return True


def later(seconds: float, call: Callable[..., Any], *arguments: Any) -> threading.Timer:
    """Call a function after so many seconds, on a thread that keeps no process alive."""
    timer = threading.Timer(seconds, call, arguments)
    timer.daemon = True
    timer.start()
    return timer
