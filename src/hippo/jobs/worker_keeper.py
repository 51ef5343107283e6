"""One place for a worker process, and the thread that keeps it filled.

The thread starts the process, hands its reports on in order, and replaces it when it dies. What there is to do next it
asks of the queue, which is somebody else's: see ``process_backend`` for the whole.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hippo.jobs.frames import Message, receive_message, send_message

log = logging.getLogger(__name__)

#: Seconds that a cancelled task may go on before its process is killed, and with it what the run has learned. The
#: largest network takes a quarter of that for a pass over the test set, and it may have to end two of them.
KILL_AFTER = 60.0
#: Seconds in which a process must have read what it is told, which it does at once unless it is stuck.
HEAR_WITHIN = 15.0
#: Seconds to wait, when the server stops, for a message to a process that is not yet read.
STOP_WITHIN = 1.0
#: Seconds before a worker that died is replaced: the first, and the longest after repeated failure.
FIRST_BACKOFF, LONGEST_BACKOFF = 0.05, 5.0
#: A worker that lived this long was well; its death says nothing about the next one.
HEALTHY_AFTER = 10.0
#: Reports after which the task goes on; every other one is the last of its task.
GOES_ON = frozenset({"started", "epoch", "progress", "changed", "frame", "phase"})


@dataclass
class Task:
    """Something for a worker to do: `message` starts it, `report` is called with what it tells.

    `report` gets the worker's messages, and ``{"type": "lost", "reason": ...}`` when the worker died under the task;
    where none did, but the server stops, that has an ``error`` to be shown, too.
    """

    job_id: str
    message: Message
    report: Callable[[Message], None]


@dataclass
class Worker:
    """One place for a process, and the thread that keeps it filled.

    Attributes
    ----------
    task : Task or None
        What its process is doing.
    is_up : bool
        Whether the process has said that it is ready.
    """

    name: str
    hello: Message
    next_task: Callable[[], Task | None]
    task: Task | None = None
    is_up: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _socket: socket.socket | None = None
    _thread: threading.Thread | None = None
    _lock: Any = field(default_factory=threading.RLock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def pid(self) -> int | None:
        """Process id, while there is a process."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the thread, once."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_filled, name=self.name, daemon=True)
                self._thread.start()

    def feed(self) -> None:
        """Give the process a task, if it is free and there is one."""
        if self.task is not None:
            return  # without waiting until it has been told; it is fed again when it is done
        with self._lock:
            if not self.is_up or self.task is not None or self._socket is None:
                return
            self.task = self.next_task()
            if self.task is not None:
                self._tell(self.task.message)

    def cancel(self, job_id: str) -> bool:
        """Ask the process to end its task if it is of this job, then make it; return whether the task was."""
        with self._lock:
            task, process = self.task, self._process
            if task is None or task.job_id != job_id:
                return False
            self._tell({"type": "cancel", "job_id": job_id})
        timer = threading.Timer(KILL_AFTER, self._kill_if_still, args=(task, process))
        timer.daemon = True
        timer.start()
        return True

    def tell(self, job_id: str, message: Message) -> bool:
        """Send the process a message about its task if that is of this job; return whether it is."""
        with self._lock:
            if self.task is None or self.task.job_id != job_id:
                return False
            self._tell(message | {"job_id": job_id})
        return True

    def stop(self) -> None:
        """Let the process checkpoint and exit, and start no other."""
        self._stopping.set()
        if self._lock.acquire(timeout=STOP_WITHIN):  # else it is stuck over what it is being told, and ended by `join`
            try:
                self._tell({"type": "stop"})
            finally:
                self._lock.release()

    def join(self, deadline: float) -> None:
        """Wait for the process to be gone, and end it at `deadline` (`time.monotonic`)."""
        if self._thread is None:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join(5.0)

    def _tell(self, message: Message) -> None:
        """Send a message; a process that died cannot be told, and the thread is about to report its task as lost."""
        if self._socket is None:
            return
        try:
            send_message(self._socket, message)
        except TimeoutError:
            log.warning("%s does not hear; ending it", self.name)
            if self._process is not None:
                self._process.kill()  # it would take what is sent next for the rest of this message
        except OSError:
            pass

    def _kill_if_still(self, task: Task, process: subprocess.Popen[bytes] | None) -> None:
        with self._lock:
            if process is not None and self._process is process and self.task is task:
                process.kill()

    def _keep_filled(self) -> None:
        backoff = FIRST_BACKOFF
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._live()
            if self._stopping.is_set():
                return
            backoff = FIRST_BACKOFF if time.monotonic() - began > HEALTHY_AFTER else min(2 * backoff, LONGEST_BACKOFF)
            log.warning("%s died (%s); starting another in %.2f s", self.name, reason, backoff)
            self._stopping.wait(backoff)

    def _live(self) -> str:
        """Start a process, pass its reports on until it dies, and return how it died."""
        with self._lock:
            if self._stopping.is_set():
                return "stopping"
            ours, theirs = socket.socketpair()
            ours.settimeout(HEAR_WITHIN)
            try:
                self._process = _spawn(theirs.fileno())
            except OSError as error:
                ours.close()
                return f"could not be started: {error.strerror}"
            finally:
                # Kept open here it would hide the death of the process, whose end of the pair must be the only one.
                theirs.close()
            self._socket = ours
            self._tell(self.hello)
        while (message := receive_message(ours)) is not None:
            self._receive(message)
            time.sleep(0)  # a green thread gives way only when it waits, and a worker can have much to say at once
        return self._bury(ours)

    def _receive(self, message: Message) -> None:
        if message["type"] == "ready":
            self.is_up = True
            self.feed()
            return
        task = self.task
        if task is None or task.job_id != message["job_id"]:
            return
        task.report(message)
        if message["type"] not in GOES_ON:
            self.task = None  # only now: while it is there, a cancel is for the worker, and not for the queue
            self.feed()

    def _bury(self, ours: socket.socket) -> str:
        process = self._process
        assert process is not None  # set before the loop that led here
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)  # the socket may end a moment before the process
        process.kill()
        reason = _how_it_ended(process.wait())
        with self._lock:
            task, self.task = self.task, None
            self.is_up, self._process, self._socket = False, None, None
            ours.close()
        if task is not None:
            task.report({"type": "lost", "reason": reason, "job_id": task.job_id})
        return reason


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).resolve().parents[2])
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(  # noqa: S603 - our own module, run by our own interpreter
        [sys.executable, "-m", "hippo.jobs.worker", str(descriptor)],
        pass_fds=[descriptor],
        env=os.environ | threads | {"PYTHONPATH": source},
        stdin=subprocess.DEVNULL,
    )


def _how_it_ended(code: int) -> str:
    if code == -9:
        return "it was killed, which often means that memory ran out"
    return f"it was ended by signal {-code}" if code < 0 else f"it exited with code {code}"
