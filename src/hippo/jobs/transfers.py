"""Networks on their way in and out as files of other programs, read and written by the assistant.

::

    request --file--> folder of transfers --> assistant: reads, checks --> network file --> registry moves it in
    request <--file-- folder of transfers <-- assistant: writes, from the network's file

A file of unknown origin is opened in the assistant only, never in the process that serves everybody. What is in the
folder belongs to a request under way; a start of the server sweeps it. What the assistant does is in ``conversions``.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hippo.atomic_files import temporary_path
from hippo.errors import DataError, HippoError, ImportRefused, NotReady
from hippo.jobs.frames import Message
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import StoredNetwork
from hippo.jobs.worker_keeper import Task
from hippo.persistence.model_persistence import ModelFiles

#: Seconds that a request waits; the largest network takes some ten.
PATIENCE = 60.0
#: Files that may come in at a time, each of up to 256 MB.
MOST_INCOMING = 4
#: Seconds that a file may take to come in, and with its place to be read and measured, too.
LONGEST_UPLOAD = 300.0
LONGEST_INCOMING = LONGEST_UPLOAD + 2 * PATIENCE
_ERRORS: dict[str, type[HippoError]] = {kind.code: kind for kind in (ImportRefused, DataError)}


class _Lent:
    """A place that is given back once, by whoever comes first."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._is_lent = True

    def give_back(self) -> None:
        with self._lock:
            was_lent, self._is_lent = self._is_lent, False
        if was_lent:
            self._places.release()


class Transfers:
    """The server's side.

    Parameters
    ----------
    backend : ProcessBackend
        Whose assistant does the work.
    files : ModelFiles
        Whose folder of transfers is used.
    patience : float
        Seconds to wait for the assistant.
    """

    def __init__(self, backend: ProcessBackend, files: ModelFiles, patience: float = PATIENCE) -> None:
        self._backend = backend
        self._folder = files.transfers
        self._patience = patience
        self._places = threading.BoundedSemaphore(MOST_INCOMING)
        self._lock = threading.Lock()

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """Give a place for a file that comes in; it is removed at the end.

        After `LONGEST_INCOMING` seconds another file may have the place.

        Raises
        ------
        NotReady
            While as many come in as may.
        """
        if not self._places.acquire(blocking=False):
            raise NotReady(f"{MOST_INCOMING} models are being imported at this moment. Try again a little later.")
        path = temporary_path(self._folder)
        lent = _Lent(self._places)
        taken_back = threading.Timer(LONGEST_INCOMING, lent.give_back)  # from a request that hangs in a read
        taken_back.daemon = True
        taken_back.start()
        try:
            yield path
        finally:
            taken_back.cancel()
            lent.give_back()
            path.unlink(missing_ok=True)

    def take_in(self, source: Path, label: str, revision: str) -> tuple[Path, Message]:
        """Have a file read; return the network's file made of it, and what is known: `spec`, and facts of the file.

        Parameters
        ----------
        source : Path
        label : str
            What messages call the file.
        revision : str
            Of the weights.

        Raises
        ------
        ImportRefused
            When it is no model.
        NotReady
            When that took too long, or the disk is full.
        """
        target = temporary_path(self._folder)
        arguments = {"source": str(source), "label": label, "target": str(target), "revision": revision}
        return target, self._ask({"type": "import", "arguments": arguments}, target)

    def give_out(self, network: StoredNetwork, form: str) -> Path:
        """Have a network written in a format of `interchange.FORMATS`; return the file, for the caller to remove.

        Raises
        ------
        DataError
            When the network's own file is missing or damaged.
        NotReady
            When that took too long, or the disk is full.
        """
        target = temporary_path(self._folder)
        arguments = network.for_worker() | {"accuracy": network.accuracy, "form": form, "target": str(target)}
        self._ask({"type": "export", "arguments": arguments}, target)
        return target

    def _ask(self, message: Message, target: Path) -> Message:
        answered = threading.Event()
        answer: Message = {}
        abandoned = False

        def report(message: Message) -> None:
            with self._lock:
                answer.update(message)
                answered.set()
            if abandoned:
                target.unlink(missing_ok=True)

        task_id = str(uuid.uuid4())
        task = Task(task_id, message | {"job_id": task_id}, report)
        self._backend.submit_short(task)
        if not answered.wait(self._patience):
            with self._lock:
                abandoned = not answered.is_set()
            if abandoned:
                self._backend.withdraw_short(task_id)
                raise NotReady("This takes too long: the server has much to do. Try again in a moment.")
        if answer["type"] == "done":
            return answer
        target.unlink(missing_ok=True)
        if answer["type"] == "failed":
            raise _ERRORS.get(answer.get("code", ""), NotReady)(answer["error"])
        raise NotReady(answer.get("error") or f"The process that did this died: {answer['reason']}. Try again.")
