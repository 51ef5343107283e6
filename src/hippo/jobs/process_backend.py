"""The embedded engine: worker processes on this machine, fed from one queue, watched and replaced.

::

    JobManager --submit, cancel--> ProcessBackend --task--> Worker (thread) ==socket==> worker process
               <--reports, lost---                <--------

* **ProcessBackend** holds the queue, first in first out, and gives the oldest task to a worker that is free.
* **Worker**, one thread per process, starts it, reads its reports and hands them on in order. When the socket ends the
  process is dead: the thread reports what it was doing as lost and starts another one, waiting longer each time that
  fails at once.
* The **process** does one task at a time.

The backend is here, the Worker in ``worker_keeper``, what runs in the process in ``worker``.

One worker more than asked for, started when first needed, does the short tasks (a pass over the test set), so that a
person who looks at an example does not wait for somebody's training. The threads are those of `threading`, which a
green-threaded server has replaced by its own; nothing here knows that.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from hippo.jobs.frames import Message
from hippo.jobs.worker_keeper import Task, Worker


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

    def submit(self, task: Task, first: bool = False) -> None:
        """Queue a task; `first` puts it before all others."""
        with self._lock:
            self._queue.appendleft(task) if first else self._queue.append(task)
        for worker in self._workers:
            worker.feed()

    def submit_short(self, task: Task) -> None:
        """Queue a short task for the assistant; while the server stops, it is lost at once."""
        with self._lock:
            stopping = self._stopping
            if not stopping:
                self._short_tasks.append(task)
        if stopping:
            _lose(task)
            return
        self._assistant.start()
        self._assistant.feed()

    def withdraw_short(self, job_id: str) -> bool:
        """Forget a short task that nobody waits for any more; return False where the assistant has begun it."""
        return self.withdraw(job_id)

    def withdraw(self, job_id: str) -> bool:
        """Take the task of this job out of its queue; return whether it was there, and no worker had taken it yet."""
        with self._lock:
            before = len(self._queue) + len(self._short_tasks)
            self._queue = deque(task for task in self._queue if task.job_id != job_id)
            self._short_tasks = deque(task for task in self._short_tasks if task.job_id != job_id)
            return len(self._queue) + len(self._short_tasks) < before

    def amend(self, job_id: str, **changes: Any) -> None:
        """Change the description of a run that waits. One that a worker may have by now is to be told as well."""
        with self._lock:
            for task in (*self._queue, *self._short_tasks):
                if task.job_id == job_id:
                    task.message["spec"] = task.message["spec"] | changes

    def cancel(self, job_id: str) -> bool:
        """End the task of this job: taken out of the queue, or told to stop and in the end made to.

        Returns whether a worker has it, and so will still report how it ended.
        """
        self.withdraw(job_id)
        taken = [worker.cancel(job_id) for worker in (*self._workers, self._assistant)]
        return any(taken)

    def tell(self, job_id: str, message: Message) -> bool:
        """Send a message to the worker that has the task of this job, or the assistant; return whether one has it.

        Of a task that is just ending, nothing may come of it.
        """
        return any(worker.tell(job_id, message) for worker in (*self._workers, self._assistant))

    def stop(self, timeout: float) -> None:
        """Let every worker checkpoint and exit; end those that have not after `timeout` seconds.

        Short tasks that nobody has begun are lost; jobs are in the store, for the next start.
        """
        with self._lock:
            self._stopping = True
            self._queue.clear()
            lost, self._short_tasks = self._short_tasks, deque()
        for task in lost:
            _lose(task)
        workers = [*self._workers, self._assistant]
        deadline = time.monotonic() + timeout
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join(deadline)

    def _next_task(self) -> Task | None:
        with self._lock:
            return self._queue.popleft() if self._queue and not self._stopping else None

    def _next_short_task(self) -> Task | None:
        with self._lock:
            return self._short_tasks.popleft() if self._short_tasks and not self._stopping else None


def _lose(task: Task) -> None:
    text = "The server is stopping. Try again in a moment."
    task.report({"type": "lost", "reason": "the server is stopping", "error": text, "job_id": task.job_id})
