"""The models of one Hugging Face repository, as the server lists and loads them: always from this disk.

::

    web ---- models(), load() ---> ModelManager ---> cache (``hub_cache``)
                                     thread: starts a process (``hub_fetch``) that fetches what is missing,
                                             again with longer and longer pauses until nothing is

Which repository, at which revision, on which Hub and with which token is said when the manager is made. Nothing that a
request holds can change it, for the token goes there.
"""

from __future__ import annotations

import builtins
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hippo.errors import DataError, UnknownModel
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.arrays_file import read_header
from hippo.persistence.hub_cache import HubCache, HubModel
from hippo.persistence.hub_client import PUBLIC_ENDPOINT
from hippo.persistence.model_persistence import read_model

log = logging.getLogger(__name__)

#: Seconds before the next attempt, after the first, second, ... that left something to be fetched.
PAUSES = (5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0)


class ModelManager:
    """The models of one repository. Safe to call from any thread.

    Parameters
    ----------
    repo : str
        ``owner/name``.
    revision : str
        A branch, tag or commit; looked up once, and then pinned in the cache.
    cache_dir : Path
        Made when something is written.
    token : str or None
        For the Hub; appears in no text.
    endpoint : str, optional
        Address of the Hub.
    pauses : sequence of float
        Seconds between attempts; the last one goes on for ever.

    Raises
    ------
    InvalidValue
        For a repository or revision that cannot be one.
    """

    def __init__(
        self,
        repo: str,
        revision: str,
        cache_dir: Path,
        token: str | None,
        endpoint: str | None = None,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        endpoint = (endpoint or PUBLIC_ENDPOINT).rstrip("/")
        self.cache = HubCache(cache_dir, endpoint, repo, revision)
        self._order = {
            "cache_dir": str(cache_dir),
            "endpoint": endpoint,
            "repo": repo,
            "revision": revision,
            "token": token,
        }
        self._pauses = pauses
        self._lock = threading.Lock()
        self._records: dict[str, tuple[dict[str, Any], Path]] | None = None
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._told: set[str] = set()

    @property
    def names(self) -> builtins.list[str]:
        """The names of the models that can be loaded."""
        return [*self._known()]

    def models(self) -> builtins.list[dict[str, Any]]:
        """Return name, architecture, activation, accuracy (0-1 or None), source and created_at of each model."""
        return [dict(record) for record, _ in self._known().values()]

    def file(self, name: str) -> Path:
        """Return where the weights of a model are, another file for each revision; raises UnknownModel."""
        # No path is made of `name`: it is looked up among those that are there.
        found = self._known().get(name)
        if found is None:
            raise UnknownModel("The repository of models holds no model of this name. GET /models lists them all.")
        return found[1]

    def load(self, name: str) -> NeuralNetwork:
        """Return the network of a model; raises UnknownModel, or DataError when its file was damaged meanwhile."""
        return read_model(self.file(name))[0]

    def refresh(self) -> None:
        """Begin to fetch what is missing, in the background; a failure is logged and tried again later."""
        with self._lock:
            if not self._stopping.is_set() and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._keep_fetching, name="hub", daemon=True)
                self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait until nothing is left to be fetched; return whether that is so."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def close(self) -> None:
        """Stop fetching; what is half fetched is thrown away at the next start."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.kill()
        self.wait(5.0)

    @property
    def pid(self) -> int | None:
        """Id of the process that fetches, while there is one."""
        return self._process.pid if self._process is not None else None

    def fetch(self) -> bool:
        """Try once to fetch what is missing; return whether nothing is any more. Problems are logged, a line each."""
        complete = False
        for message in self._run_process():
            if "model" in message:
                log.info("Model %s of %s is here", message["model"], self.cache.repo)
                self._forget()
            elif "problem" in message:
                self._log(message["problem"])
            complete |= message.get("done", False)
        self._forget()
        return complete

    def _keep_fetching(self) -> None:
        for attempt in range(sys.maxsize):
            if self.fetch() or self._stopping.is_set():
                return
            self._stopping.wait(self._pauses[min(attempt, len(self._pauses) - 1)])
            if self._stopping.is_set():
                return

    def _log(self, problem: str) -> None:
        """Log a problem when it is new; one that comes again at each attempt is no news."""
        if len(self._told) > 100:
            self._told.clear()
        level = logging.DEBUG if problem in self._told else logging.WARNING
        self._told.add(problem)
        log.log(level, "Models of %s: %s", self.cache.repo, problem)

    def _run_process(self) -> Iterator[dict[str, Any]]:
        """Start the process and hand on what it says, until it ends."""
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with self._lock, theirs:
                    if self._stopping.is_set():
                        return
                    process = self._process = _spawn(theirs.fileno())
            except OSError as error:
                yield {"problem": f"The process that fetches them cannot be started: {error.strerror}."}
                return
            done = False
            with contextlib.suppress(OSError):  # it may be gone before it has heard
                ours.sendall(json.dumps(self._order).encode() + b"\n")
            for message in _lines(ours):
                done |= "done" in message
                yield message
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.kill()
        process.wait()
        with self._lock:
            self._process = None
        if not done and not self._stopping.is_set():
            yield {"problem": "The process that fetches them died."}

    def _known(self) -> dict[str, tuple[dict[str, Any], Path]]:
        """Return the models on this disk by name, with record and file."""
        with self._lock:
            if self._records is None:
                self._records = self._read()
            return self._records

    def _forget(self) -> None:
        """Look at the disk again when next asked."""
        with self._lock:
            self._records = None

    def _read(self) -> dict[str, tuple[dict[str, Any], Path]]:
        pin = self.cache.pin()
        found = {}
        for model, path in self.cache.present(pin) if pin else ():
            try:
                found[model.name] = (_record(model, read_header(path), pin.last_modified if pin else None), path)
            except (DataError, KeyError, TypeError, ValueError):
                log.warning("Models of %s: the file of %s is damaged", self.cache.repo, model.name)
        return found


def _record(model: HubModel, facts: dict[str, Any], last_modified: str | None) -> dict[str, Any]:
    spec = NetworkSpec.from_dict(facts["spec"])
    accuracy, created_at = facts.get("accuracy"), facts.get("created_at")
    right = isinstance(accuracy, int | float) and not isinstance(accuracy, bool) and 0 <= accuracy <= 1
    return {
        "name": model.name,
        "architecture": list(spec.layer_sizes),
        "activation": spec.activation,
        "accuracy": accuracy if right else None,
        "source": "hub",
        "created_at": created_at if _is_time(created_at) else last_modified,
    }


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _spawn(descriptor: int) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(  # noqa: S603 - our own module, run by our own interpreter
        [sys.executable, "-m", "hippo.persistence.hub_fetch", str(descriptor)],
        pass_fds=[descriptor],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": source},
        stdin=subprocess.DEVNULL,
    )


def _lines(sock: socket.socket) -> Iterator[dict[str, Any]]:
    """Return the messages that arrive, until the other end is closed."""
    waiting = b""
    while piece := _received(sock):
        *lines, waiting = (waiting + piece).split(b"\n")
        yield from map(json.loads, lines)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except OSError:
        return b""
