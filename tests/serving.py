"""A real server for tests: `python src/api_server.py` on a port that the system chooses, with folders of its own.

::

    with serving(tmp_path, HIPPO_ASYNC_MODE="gevent") as server:
        server.get("/api/status")

Leaving the block stops the server and asserts that neither it nor any process it started is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

PROJECT_DIR = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 30.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass
class Server:
    """A running server. `url` is its address on this machine; `lines` is all it has printed, on either stream."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    url: str = ""
    reader: threading.Thread | None = None
    _new: queue.Queue[str | None] = field(default_factory=queue.Queue)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def token(self) -> str | None:
        """The token it printed, where it made one."""
        found = re.search(r"#token=([\w-]+)", self.output)
        return found[1] if found else None

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=options.pop("timeout", 30), **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def connect(self) -> socket.socket:
        """Open a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def wait_for_line(self, pattern: str, seconds: float = START_SECONDS) -> str:
        """Wait until a line is printed that holds the pattern, and return it."""
        for line in self.lines:
            if re.search(pattern, line):
                return line
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._new.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{pattern!r} was not printed within {seconds} s:\n{self.output}") from None
            if line is None:
                raise AssertionError(f"The server ended before it printed {pattern!r}:\n{self.output}")
            if re.search(pattern, line):
                return line

    def children(self) -> list[psutil.Process]:
        """Return the processes that the server has started, of which there may be none any more."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def memory(self) -> int:
        """Return the bytes of memory of the web process itself."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(line.rstrip("\n"))
        self.process.stdout.close()
        self._new.put(None)


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a server that keeps everything in `folder` and knows nothing of this machine's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    own = {
        "PORT": "0",
        "HOST": "127.0.0.1",
        "HIPPO_MODELS_DIR": str(folder / "models"),
        "HIPPO_LOGS_DIR": str(folder / "logs"),
        "HIPPO_WORKERS": "1",
        "HIPPO_ASYNC_MODE": "eventlet",
        "HIPPO_AUTH": "on",
        "PYTHONUNBUFFERED": "1",
    }
    return {**kept, **own, **variables}


def start(folder: Path, **variables: str) -> Server:
    """Start a server without waiting for it; `serving` is what most tests want."""
    process = subprocess.Popen(
        [sys.executable, str(PROJECT_DIR / "src" / "api_server.py")],
        cwd=folder,
        env=environment(folder, **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process)
    server.reader = threading.Thread(target=server._read, daemon=True)
    server.reader.start()
    return server


@contextlib.contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Server]:
    """Start a server, wait until it is ready, and stop it at the end unless the test has done so."""
    server = start(folder, **variables)
    family: list[psutil.Process] = []
    try:
        line = server.wait_for_line(r"ready at http://")
        server.url = _address(line)
        server.wait_for_line("Networks are kept")  # the last line of the start message
        family = server.children()
        yield server
        family += server.children()
        if server.process.poll() is None:
            assert server.stop() == 0, server.output
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        if server.reader is not None:
            server.reader.join(10)
        _, left = psutil.wait_procs(family, timeout=10)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    assert not left, f"processes were left: {left}\n{server.output}"


def _address(line: str) -> str:
    text = json.loads(line)["message"] if line.startswith("{") else line
    found = re.search(r"http://[^/\s]+", text)
    assert found is not None, text
    return found[0]
