"""A small HTTP/1.1 server with a thread for each connection: what serves the async mode `threading`.

Werkzeug's own would do, but closes the connection after each request and reads megabytes of what it refused. This
one keeps connections, limits how many there are and how long a silent client may hold one, and can stop: it accepts
nothing more, lets requests end, and closes what is idle. Eventlet and gevent bring servers of their own.
"""

from __future__ import annotations

import io
import logging
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import DechunkedInput
from werkzeug.wsgi import LimitedStream

from hippo.servers.http_limits import IDLE_SECONDS, ends_unclearly, length_error, linger, not_http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

log = logging.getLogger("hippo.server")

MAX_REQUEST_LINE = 8_192


class ThreadedServer:
    """Serves a WSGI application on a listening socket until it is stopped."""

    def __init__(self, listener: socket.socket, application: WSGIApplication, max_connections: int) -> None:
        self.application = application
        self.stopping = False
        self.address = listener.getsockname()
        self._listener = listener
        self._free = threading.BoundedSemaphore(max_connections)
        self._lock = threading.Lock()
        self._connections: dict[_Connection, bool] = {}

    def start(self) -> None:
        """Begin to accept connections, in a thread of their own."""
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def stop(self, seconds: float) -> None:
        """Accept nothing more, close idle connections, and wait so long for requests to end."""
        self.stopping = True
        _shut_down(self._listener)
        self._listener.close()
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                idle = [connection for connection, busy in self._connections.items() if not busy]
                left = len(self._connections)
            for connection in idle:
                _shut_down(connection.connection)
            if not left or time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def mark(self, connection: _Connection, *, busy: bool) -> None:
        """Note whether a connection is within a request."""
        with self._lock:
            self._connections[connection] = busy

    def forget(self, connection: _Connection) -> None:
        """Drop a connection that has ended."""
        with self._lock:
            self._connections.pop(connection, None)

    def _accept(self) -> None:
        while not self.stopping:
            try:
                connection, address = self._listener.accept()
            except OSError:
                if self.stopping:
                    return
                time.sleep(0.1)  # out of file descriptors, for example: others will close theirs
                continue
            if not self._free.acquire(blocking=False):
                connection.close()
                continue
            try:
                threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()
            except RuntimeError:  # the system grants no more threads: others will end
                connection.close()
                self._free.release()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            _Connection(connection, address, cast("Any", self))
        except OSError:
            pass  # the client is gone
        finally:
            connection.close()
            self._free.release()


class _Connection(BaseHTTPRequestHandler):
    """One connection: request after request, each handed to the application."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = 65_536  # head and body of a reply leave together
    disable_nagle_algorithm = True
    server: ThreadedServer  # type: ignore[assignment]  # not one of socketserver's, and only the handler sees it

    def handle(self) -> None:
        """Serve requests until one asks for the end."""
        try:
            super().handle()
        finally:
            self.server.forget(self)

    def handle_one_request(self) -> None:
        """Read one request and answer it."""
        self.server.mark(self, busy=False)
        if self.server.stopping:
            self.close_connection = True
            return
        try:
            self.raw_requestline = self.rfile.readline(MAX_REQUEST_LINE + 1)
            if len(self.raw_requestline) > MAX_REQUEST_LINE:
                self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
                self.send_error(414)
            elif not self.raw_requestline:
                self.close_connection = True
            elif self.parse_request() and self._ends_clearly():
                self.server.mark(self, busy=True)
                self._respond()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _respond(self) -> None:
        environ = self._environ()
        body = environ["wsgi.input"]
        unclear = ends_unclearly(environ)
        if unclear:
            self.close_connection = True
        reply = _Reply(self)
        result: Iterable[bytes] = ()
        try:
            result = self.server.application(environ, reply.start)
            for data in result:
                reply.write(data)
            reply.finish()
        finally:
            if hasattr(result, "close"):
                result.close()
        if unclear:
            linger(self.connection)
        elif not self.close_connection:
            try:
                body.exhaust()
            except ClientDisconnected:
                self.close_connection = True

    def _environ(self) -> WSGIEnvironment:
        path, _, query = self.path.partition("?")
        environ: WSGIEnvironment = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "werkzeug.socket": self.connection,  # where simple-websocket looks for it
            "SERVER_NAME": str(self.server.address[0]),
            "SERVER_PORT": str(self.server.address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": str(self.client_address[0]),
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
        }
        for name, value in self.headers.items():
            if "_" in name:
                continue  # would pass for another header
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ["wsgi.input"] = self._body(environ)
        return environ

    def _body(self, environ: WSGIEnvironment) -> io.RawIOBase:
        source = cast("IO[bytes]", self.rfile)
        if "HTTP_TRANSFER_ENCODING" in environ:
            return DechunkedInput(source)
        length = environ.get("CONTENT_LENGTH") or "0"
        return LimitedStream(source, int(length) if re.fullmatch("[0-9]{1,18}", length) else 0)

    def _ends_clearly(self) -> bool:
        error = length_error(self.headers)
        if error:
            self._refuse(400, error)
        return error is None

    def handle_expect_100(self) -> bool:
        """Let a client send the body that it asks leave for, now and not when the reply is written."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP, in the shape of all errors and our words for it."""
        self._refuse(code)

    def _refuse(self, code: int, text: str | None = None) -> None:
        self.close_connection = True
        self.wfile.write(not_http(code, text))
        self.wfile.flush()
        linger(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the app logs what is worth it."""


class _Reply:
    """What the application answers, written as HTTP."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._status = ""
        self._headers: list[tuple[str, str]] = []
        self._head_sent = False
        self._chunked = self._is_stream = False

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """Take the status and the headers; what PEP 3333 calls start_response."""
        if self._head_sent and exc_info:
            raise exc_info[1].with_traceback(exc_info[2])
        self._status, self._headers = status, headers
        return self.write

    def write(self, data: bytes) -> None:
        """Send a piece of the body, behind the head if it is the first."""
        if not self._head_sent:
            self._send_head()
        if not data or self._connection.command == "HEAD":
            return
        self._connection.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        if self._is_stream:
            self._connection.wfile.flush()

    def finish(self) -> None:
        """Send what is still to be sent."""
        self.write(b"")
        if self._chunked:
            self._connection.wfile.write(b"0\r\n\r\n")
        self._connection.wfile.flush()

    def _send_head(self) -> None:
        connection = self._connection
        names = {name.lower(): value for name, value in self._headers}
        self._is_stream = names.get("content-type", "").startswith("text/event-stream")
        has_body = connection.command != "HEAD" and self._status[:3] not in ("204", "304")
        self._chunked = has_body and "content-length" not in names and connection.request_version == "HTTP/1.1"
        if (
            names.get("connection", "").lower() == "close"
            or self.server_stops
            or (has_body and "content-length" not in names and not self._chunked)
        ):
            connection.close_connection = True
        head = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in self._headers)]
        head.append(f"Date: {connection.date_time_string()}")
        if self._chunked:
            head.append("Transfer-Encoding: chunked")
        if "connection" not in names:
            head.append(f"Connection: {'close' if connection.close_connection else 'keep-alive'}")
        connection.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1"))
        self._head_sent = True

    @property
    def server_stops(self) -> bool:
        """Whether this is the last reply of its connection because the server stops."""
        return self._connection.server.stopping


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
