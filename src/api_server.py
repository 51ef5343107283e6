"""The server: `python src/api_server.py`. Settings come from the environment and `.env` (see `.env.example`).

Nothing but the standard library is imported before the async mode is chosen and Python is patched for it; what serves
in each mode is in `hippo.servers`. From the first line on SIGTERM and Ctrl-C are only noted: the main loop looks every
quarter of a second, for nothing that a signal handler does would wake a sleeping hub. Then the server stops in order:
it takes no new jobs and is not ready, tells its clients, lets the workers save and stop, finishes requests,
disconnects. A second signal ends it at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hippo.servers import async_mode

if TYPE_CHECKING:
    import socket

    from hippo.settings import Settings

PROJECT_DIR = Path(__file__).resolve().parents[1]
WORKER_SECONDS = 10.0
REQUEST_SECONDS = 3.0
WRONG_SETTING = 2
#: One request may arrive twice: from whoever started the server, and through its process group.
ONE_SIGNAL_SECONDS = 0.1


class Stop:
    """Whether somebody asked the server to stop."""

    requested = False
    _first = 0.0

    def __call__(self, *_: object) -> None:
        """Note the first request; obey the second at once."""
        if not self.requested:
            self.requested, self._first = True, time.monotonic()
        elif time.monotonic() - self._first > ONE_SIGNAL_SECONDS:
            os._exit(1)


def main(stop: Stop) -> int:
    """Serve until asked to stop; return the exit code."""
    # Small products of matrices are all that is computed here; more threads would take turns with the workers'.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from hippo.api import logs
    from hippo.errors import CannotStart
    from hippo.settings import SettingsError, load_settings

    try:
        settings = load_settings()
        listener = listen(settings)
    except (SettingsError, OSError) as error:
        print(error, file=sys.stderr)
        return WRONG_SETTING
    logs.set_up(settings)
    try:
        return serve(settings, listener, stop)
    except CannotStart as error:
        print(error.message, file=sys.stderr)
        return WRONG_SETTING


def listen(settings: Settings) -> socket.socket:
    """Open the port; an OSError says in one line why that cannot be."""
    import socket

    host, port = settings.listen_host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; without it replies wait 40 ms
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        advice = "Choose another port with PORT, or stop what uses it." if error.errno == 98 else "See HOST and PORT."
        raise OSError(f"Cannot listen on {host} port {port}: {error.strerror or error}. {advice}") from None
    return listener


def serve(settings: Settings, listener: socket.socket, stop: Stop) -> int:
    """Put everything together, serve, and take it down again in order."""
    import logging

    from hippo.api.app import create_app
    from hippo.api.sockets import disconnect_all, tell_stopping
    from hippo.api.start_message import announce

    app = create_app(settings)
    engine, socketio = app.extensions["hippo"], app.extensions["socketio"]
    server = async_mode.server_of(settings.async_mode)(listener, app, allowed_connections())
    engine.start()
    server.start()
    announce(settings, listener.getsockname()[1])
    while not stop.requested:
        time.sleep(0.25)
    log = logging.getLogger("hippo.server")
    log.info("Stopping: no new jobs; the workers save what they have")
    tell_stopping(socketio)
    app.extensions["streams"].stop()
    engine.shutdown(WORKER_SECONDS)
    disconnect_all(socketio)
    server.stop(REQUEST_SECONDS)
    log.info("Stopped")
    return 0


def allowed_connections() -> int:
    """Say how many connections there may be, after asking the system for as many files as it grants."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(32, min(2_048, files - 256))


if __name__ == "__main__":
    asked_to_stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked_to_stop)
    async_mode.patch(async_mode.chosen_mode(PROJECT_DIR / ".env"))
    code = main(asked_to_stop)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that still wait for silent clients are of no use to anybody
