"""What serves the async mode `gevent`: gevent's WSGI server, kept within our limits and with our words for errors.

Python must have been patched before this is imported (see `async_mode`).
"""

from __future__ import annotations

import socket
from http.client import HTTPException
from typing import Any

import gevent
from gevent import pywsgi
from gevent.pool import Pool

from hippo.servers.http_limits import IDLE_SECONDS, ends_unclearly, length_error, linger, not_http


class GeventServer:
    """Serves with a greenlet for each connection."""

    def __init__(self, listener: socket.socket, application: Any, max_connections: int) -> None:
        self._server = _Connections(
            listener, application, log=None, error_log=None, handler_class=_Connection, spawn=Pool(max_connections)
        )
        # What a client's lost connection makes the hub say is no news.
        gevent.get_hub().NOT_ERROR = (*gevent.get_hub().NOT_ERROR, OSError)

    def start(self) -> None:
        """Begin to accept connections."""
        self._server.start()

    def stop(self, seconds: float) -> None:
        """Accept nothing more, close idle connections, and wait so long for requests to end."""
        self._server.close()
        for connection in list(self._server.idle):
            connection.shutdown(socket.SHUT_RDWR)
        self._server.stop(timeout=seconds)


class _Connections(pywsgi.WSGIServer):
    """All connections, and which of them are between requests."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.idle: set[Any] = set()


class _Connection(pywsgi.WSGIHandler):
    """One connection: request after request, each handed to the application."""

    server: _Connections

    def read_requestline(self) -> str:
        """Wait for the next request."""
        self.socket.settimeout(IDLE_SECONDS)
        self.server.idle.add(self.socket)
        try:
            return str(super().read_requestline())
        finally:
            self.server.idle.discard(self.socket)

    def handle_one_request(self) -> Any:
        """Read one request and answer it, or refuse it."""
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
        return "400", length_error(headers)

    def get_environ(self) -> dict[str, Any]:
        """Describe the request to the application; the connection ends after a body that is long or unclear."""
        environ: dict[str, Any] = super().get_environ()
        self.unsure = ends_unclearly(environ)
        if self.unsure and environ["wsgi.input"] is self.wsgi_input:
            whole = self.wsgi_input
            self.wsgi_input = environ["wsgi.input"] = _UnreadInput(
                self.rfile, whole.content_length, whole.socket, whole.chunked_input
            )
        return environ

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        """Take the status and the headers, and say where this is the last reply of the connection."""
        more = [("Connection", "close")] if self.unsure else []
        return super().start_response(status, [*headers, *more], exc_info)

    def handle_one_response(self) -> None:
        """Let the application answer; then end the connection if nobody knows where the next request begins."""
        super().handle_one_response()
        if self.unsure:
            self.close_connection = True
            linger(self.socket)


class _UnreadInput(pywsgi.Input):
    """A body that the connection is closed after."""

    def _discard(self) -> None:
        """Leave the rest of it alone."""
