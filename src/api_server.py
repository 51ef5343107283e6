"""The server: `python src/api_server.py`. Settings come from the environment and `.env` (see `.env.example`).

Nothing but the standard library is imported before the async mode is chosen and Python is patched for it; this file
is the only one that names eventlet and gevent. From the first line on SIGTERM and Ctrl-C are only noted: the main
loop looks every quarter of a second, for nothing that a signal handler does would wake a sleeping hub. Then the server
stops in order: it takes no new jobs and is not ready, tells its clients, lets the workers save and stop, finishes
requests, disconnects. A second signal ends it at once.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

    from hippo.settings import Settings

PROJECT_DIR = Path(__file__).resolve().parents[1]
WORKER_SECONDS = 10.0
REQUEST_SECONDS = 3.0
IDLE_SECONDS = 60.0
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


def chosen_mode() -> str:
    """Read HIPPO_ASYNC_MODE, without the packages that must not be imported yet."""
    mode = os.environ.get("HIPPO_ASYNC_MODE", "")
    dotenv = PROJECT_DIR / ".env"
    if not mode and dotenv.is_file():
        found = re.findall(r"^\s*(?:export\s+)?HIPPO_ASYNC_MODE\s*=\s*[\"']?(\w+)", dotenv.read_text(), re.MULTILINE)
        mode = found[-1] if found else ""
    return mode.lower() or "eventlet"


def patch(mode: str) -> None:
    """Make Python's blocking calls those of the async mode."""
    if mode == "eventlet":
        os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")  # names are looked up at most once, at the start
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*Eventlet is deprecated")
            import eventlet

        eventlet.monkey_patch()
    elif mode == "gevent":
        from gevent import monkey

        monkey.patch_all()


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
    server = SERVERS[settings.async_mode](listener, app, allowed_connections())
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


class EventletServer:
    """Serves with eventlet's WSGI server, a green thread for each connection."""

    def __init__(self, listener: socket.socket, application: Any, max_connections: int) -> None:
        import eventlet
        import eventlet.wsgi

        from hippo.api.http_limits import ShortLines, ends_unclearly, length_error, linger, not_http

        class Protocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]  # eventlet has no types
            minimum_chunk_size = 1  # else events would wait in the server until there are 4 kB of them

            def _read_request_line(self) -> bytes | str:
                line: bytes | str = super()._read_request_line()
                if len(line) < self.server.url_length_limit:
                    return line
                self.send_error(414)
                return ""

            def parse_request(self) -> bool:
                try:
                    if not super().parse_request():
                        return False
                except (eventlet.wsgi.HeaderLineTooLong, eventlet.wsgi.HeadersTooLarge):
                    self.send_error(431)
                    return False
                error = length_error(self.headers.get("content-length"), self.headers.get("transfer-encoding"))
                if error:
                    self.refuse(400, error)
                return error is None

            def get_environ(self) -> dict[str, Any]:
                environ: dict[str, Any] = super().get_environ()
                self.unsure = ends_unclearly(environ)
                if self.unsure:
                    self.close_connection = 1  # eventlet would read the rest of the body, however long
                environ["wsgi.input"].rfile = ShortLines(self.rfile)
                return environ

            def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
                self.refuse(code)  # with our words, not those of the standard library

            def refuse(self, code: int, text: str | None = None) -> None:
                self.close_connection = self.unsure = True
                self.wfile.write(not_http(code, text))

            def finish(self) -> None:
                if getattr(self, "unsure", False) and not self.wfile.closed:
                    self.wfile.flush()
                    linger(self.connection)
                super().finish()

        self._eventlet = eventlet
        self._listener, self._application = listener, application
        self._options = {
            "custom_pool": eventlet.GreenPool(max_connections),
            "protocol": Protocol,
            "keepalive": IDLE_SECONDS,
            "socket_timeout": IDLE_SECONDS,
            "log_output": False,
            "debug": False,
        }

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread = self._eventlet.spawn(
            self._eventlet.wsgi.server, self._listener, self._application, **self._options
        )

    def stop(self, seconds: float) -> None:
        """Accept nothing more and wait so long for requests to end."""
        self._thread.kill()
        with self._eventlet.Timeout(seconds, False):
            self._options["custom_pool"].waitall()


class GeventServer:
    """Serves with gevent's WSGI server, a greenlet for each connection."""

    def __init__(self, listener: socket.socket, application: Any, max_connections: int) -> None:
        from http.client import HTTPException

        import gevent
        from gevent import pywsgi
        from gevent.pool import Pool

        from hippo.api.http_limits import ends_unclearly, length_error, linger, not_http

        idle: set[Any] = set()

        class Input(pywsgi.Input):
            def _discard(self) -> None:
                """Leave the rest of a body alone; the connection is closed after it."""

        class Handler(pywsgi.WSGIHandler):
            def read_requestline(self) -> str:
                self.socket.settimeout(IDLE_SECONDS)
                idle.add(self.socket)
                try:
                    return str(super().read_requestline())
                finally:
                    idle.discard(self.socket)

            def handle_one_request(self) -> Any:
                refusal = super().handle_one_request()
                if not isinstance(refusal, tuple):
                    return refusal
                code, text = refusal
                self.socket.sendall(not_http(int(code), text if isinstance(text, str) else None))
                linger(self.socket)
                return None

            def _handle_client_error(self, ex: Exception) -> tuple[str, str | None]:
                headers: Any = getattr(self, "headers", None)
                if isinstance(ex, HTTPException) or (headers is not None and headers.status):  # too many, or too long
                    return "431", None
                if headers is None:
                    return "400", None
                return "400", length_error(headers.get("content-length"), headers.get("transfer-encoding"))

            def get_environ(self) -> dict[str, Any]:
                environ: dict[str, Any] = super().get_environ()
                self.unsure = ends_unclearly(environ)
                if self.unsure and environ["wsgi.input"] is self.wsgi_input:
                    whole = self.wsgi_input
                    self.wsgi_input = environ["wsgi.input"] = Input(
                        self.rfile, whole.content_length, whole.socket, whole.chunked_input
                    )
                return environ

            def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
                more = [("Connection", "close")] if self.unsure else []
                return super().start_response(status, [*headers, *more], exc_info)

            def handle_one_response(self) -> None:
                super().handle_one_response()
                if self.unsure:
                    self.close_connection = True
                    linger(self.socket)

        self._idle = idle
        self._server = pywsgi.WSGIServer(
            listener, application, log=None, error_log=None, handler_class=Handler, spawn=Pool(max_connections)
        )
        # What a client's lost connection makes the hub say is no news.
        gevent.get_hub().NOT_ERROR = (*gevent.get_hub().NOT_ERROR, OSError)

    def start(self) -> None:
        """Begin to accept connections."""
        self._server.start()

    def stop(self, seconds: float) -> None:
        """Accept nothing more, close idle connections, and wait so long for requests to end."""
        import socket

        self._server.close()
        for connection in list(self._idle):
            connection.shutdown(socket.SHUT_RDWR)
        self._server.stop(timeout=seconds)


def threaded_server(listener: socket.socket, application: Any, max_connections: int) -> Any:
    """Serve with a thread for each connection."""
    from hippo.api.threaded_server import ThreadedServer

    return ThreadedServer(listener, application, max_connections)


SERVERS: dict[str, Any] = {"eventlet": EventletServer, "gevent": GeventServer, "threading": threaded_server}


if __name__ == "__main__":
    asked_to_stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked_to_stop)
    patch(chosen_mode())
    code = main(asked_to_stop)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that still wait for silent clients are of no use to anybody
