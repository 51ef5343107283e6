"""A real server that can be killed in the middle of its work and started again.

It comes back at the same address with the same folders, as a server does after a power cut. How it is started is in
`tests/serving.py`.
"""

from __future__ import annotations

import signal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests import serving

_LEAVE_SECONDS = 15


class Server:
    """`python src/api_server.py` at a port chosen by the system, with everything it keeps below `folder`."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self._variables = {"HIPPO_WORKERS": "2", "HIPPO_AUTH": "off", **variables}
        self._running: serving.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, at the same port as before; return when it is ready."""
        self._running = serving.start(self._folder, **self._variables, PORT=str(self.port))
        line = self._running.wait_for_line(r"ready at http://")
        self._running.url = line[line.index("http://") :].split()[0].split("/#")[0]
        self.port = self._running.port

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to stop; return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        running, self._running = self._running, None
        assert running is not None
        workers = psutil.Process(running.process.pid).children(recursive=True)
        try:
            code = running.stop(how)
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()
            if running.reader is not None:
                running.reader.join(_LEAVE_SECONDS)
            _, left = psutil.wait_procs(workers, timeout=_LEAVE_SECONDS)
            for worker in left:
                worker.kill()
        assert not left, f"workers were left: {left}\n{running.output}"
        assert how is signal.SIGKILL or code == 0, running.output
        return code

    def get(self, path: str) -> Any:
        """Ask the API, past the page."""
        assert self._running is not None
        return self._running.get(path).json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON to the API, past the page."""
        assert self._running is not None
        answer = self._running.post(path, json=body)
        assert answer.ok, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        """Delete something over the API, past the page."""
        assert self._running is not None
        answer = self._running.delete(path)
        assert answer.ok, answer.text

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self.stop()
