"""The embedded engine: worker processes on this machine, fed from one queue, watched and replaced.

::

    JobManager --submit, cancel--> ProcessBackend --task--> Worker (thread) ==socket==> worker process
               <--reports, lost---                <--------

* **ProcessBackend** holds the queue, first in first out, and gives the oldest task to a worker that is free.
* **Worker**, one thread per process, starts it, reads its reports and hands them on in order. When the socket ends the
  process is dead: the thread reports what it was doing as lost and starts another one, waiting longer each time that
  fails at once.
* The **process** (see ``worker``) does one task at a time.

One worker more than asked for, started when first needed, does the short tasks (a pass over the test set), so that a
person who looks at an example does not wait for somebody's training. The threads are those of `threading`, which a
green-threaded server has replaced by its own; nothing here knows that.
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
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hippo.jobs.frames import Message, receive_message, send_message

log = logging.getLogger(__name__)

#: Seconds that a cancelled task may go on before its process is killed: asked first, then made to.
KILL_AFTER = 5.0
#: Seconds before a worker that died is replaced: the first, and the longest after repeated failure.
FIRST_BACKOFF, LONGEST_BACKOFF = 0.05, 5.0
#: A worker that lived this long was well; its death says nothing about the next one.
HEALTHY_AFTER = 10.0


@dataclass
class Task:
    """Something for a worker to do: `message` starts it, `report` is called with what it tells.

    `report` gets the worker's messages, and ``{"type": "lost", "reason": ...}`` when the worker died under the task.
    """

    job_id: str
    message: Message
    report: Callable[[Message], None]


class ProcessBackend:
    """Runs tasks in worker processes.

    Parameters
    ----------
    workers : int
        Processes for training, 1 or more.
    models_dir, data_dir : Path
        Where the workers read and write.
    """

    def __init__(self, workers: int, models_dir: Path, data_dir: Path) -> None:
        hello = {"type": "hello", "models_dir": str(models_dir.resolve()), "data_dir": str(data_dir.resolve())}
        self._lock = threading.RLock()
        self._queue: deque[Task] = deque()
        self._short_tasks: deque[Task] = deque()
        self._workers = [Worker(f"worker-{n + 1}", hello, self._next_task) for n in range(workers)]
        self._assistant = Worker("assistant", hello, self._next_short_task)
        self._stopping = False

    def start(self) -> None:
        """Start the workers; they become ready on their own."""
        for worker in self._workers:
            worker.start()

    @property
    def total(self) -> int:
        """How many workers there are for training."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        """How many of them have a task."""
        return sum(worker.task is not None for worker in self._workers)

    @property
    def ready(self) -> bool:
        """Whether at least one worker is up."""
        return any(worker.is_up for worker in self._workers) and not self._stopping

    def pids(self) -> list[int]:
        """Return the process ids of the workers that are alive, the assistant included."""
        return [worker.pid for worker in [*self._workers, self._assistant] if worker.pid is not None]

    def submit(self, task: Task, first: bool = False) -> None:
        """Queue a task; `first` puts it before all others."""
        with self._lock:
            self._queue.appendleft(task) if first else self._queue.append(task)
        for worker in self._workers:
            worker.feed()

    def submit_short(self, task: Task) -> None:
        """Queue a short task for the assistant."""
        with self._lock:
            self._short_tasks.append(task)
        self._assistant.start()
        self._assistant.feed()

    def cancel(self, job_id: str) -> bool:
        """End the task of this job: taken out of the queue, or told to stop and in the end made to.

        Returns whether a worker has it, and so will still report how it ended.
        """
        with self._lock:
            self._queue = deque(task for task in self._queue if task.job_id != job_id)
        taken = [worker.cancel(job_id) for worker in self._workers]
        return any(taken)

    def stop(self, timeout: float) -> None:
        """Let every worker checkpoint and exit; end those that have not after `timeout` seconds."""
        with self._lock:
            self._stopping = True
            self._queue.clear()
            self._short_tasks.clear()
        workers = [*self._workers, self._assistant]
        for worker in workers:
            worker.stop()
        deadline = time.monotonic() + timeout
        for worker in workers:
            worker.join(deadline)

    def _next_task(self) -> Task | None:
        with self._lock:
            return self._queue.popleft() if self._queue and not self._stopping else None

    def _next_short_task(self) -> Task | None:
        with self._lock:
            return self._short_tasks.popleft() if self._short_tasks and not self._stopping else None


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
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_filled, name=self.name, daemon=True)
                self._thread.start()

    def feed(self) -> None:
        """Give the process a task, if it is free and there is one."""
        with self._lock:
            if not self.is_up or self.task is not None or self._socket is None:
                return
            self.task = self.next_task()
            if self.task is not None:
                # A process that died meanwhile cannot be told; the thread is about to report the task as lost.
                with contextlib.suppress(OSError):
                    send_message(self._socket, self.task.message)

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

    def stop(self) -> None:
        """Let the process checkpoint and exit, and start no other."""
        self._stopping.set()
        with self._lock:
            self._tell({"type": "stop"})

    def join(self, deadline: float) -> None:
        """Wait for the process to be gone, and end it at `deadline` (`time.monotonic`)."""
        if self._thread is None:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join(5.0)

    def _tell(self, message: Message) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                send_message(self._socket, message)

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
        return self._bury(ours)

    def _receive(self, message: Message) -> None:
        if message["type"] == "ready":
            self.is_up = True
            self.feed()
            return
        task = self.task
        if task is None or task.job_id != message["job_id"]:
            return
        if message["type"] not in ("started", "epoch", "progress"):
            self.task = None
        task.report(message)
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
