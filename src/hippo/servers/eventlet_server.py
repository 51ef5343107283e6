"""What serves the async mode `eventlet`: eventlet's WSGI server, kept within our limits and with our words for errors.

Python must have been patched before this is imported (see `async_mode`).
"""

from __future__ import annotations

import socket
from typing import Any

import eventlet
import eventlet.wsgi

from hippo.servers.http_limits import IDLE_SECONDS, ShortLines, ends_unclearly, length_error, linger, not_http


class EventletServer:
    """Serves with a green thread for each connection."""

    def __init__(self, listener: socket.socket, application: Any, max_connections: int) -> None:
        self._listener, self._application = listener, application
        self._pool = eventlet.GreenPool(max_connections)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread = eventlet.spawn(
            eventlet.wsgi.server,
            self._listener,
            self._application,
            custom_pool=self._pool,
            protocol=_Connection,
            keepalive=IDLE_SECONDS,
            socket_timeout=IDLE_SECONDS,
            log_output=False,
            debug=False,
        )

    def stop(self, seconds: float) -> None:
        """Accept nothing more and wait so long for requests to end."""
        self._thread.kill()
        with eventlet.Timeout(seconds, False):
            self._pool.waitall()


class _Connection(eventlet.wsgi.HttpProtocol):  # type: ignore[misc]  # eventlet has no types
    """One connection: request after request, each handed to the application."""

    minimum_chunk_size = 1  # else events would wait in the server until there are 4 kB of them

    def _read_request_line(self) -> bytes | str:
        line: bytes | str = super()._read_request_line()
        if len(line) < self.server.url_length_limit:
            return line
        self.send_error(414)
        return ""

    def parse_request(self) -> bool:
        """Read the head of a request; refuse one that is too long or does not say where its body ends."""
        try:
            if not super().parse_request():
                return False
        except (eventlet.wsgi.HeaderLineTooLong, eventlet.wsgi.HeadersTooLarge):
            self.send_error(431)
            return False
        error = length_error(self.headers)
        if error:
            self._refuse(400, error)
        return error is None

    def get_environ(self) -> dict[str, Any]:
        """Describe the request to the application; the connection ends after a body that is long or unclear."""
        environ: dict[str, Any] = super().get_environ()
        self.unsure = ends_unclearly(environ)
        if self.unsure:
            self.close_connection = 1  # eventlet would read the rest of the body, however long
        environ["wsgi.input"].rfile = ShortLines(self.rfile)
        return environ

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP with our words, not those of the standard library."""
        self._refuse(code)

    def finish(self) -> None:
        """Close the connection, after a moment in which a client can read why."""
        if getattr(self, "unsure", False) and not self.wfile.closed:
            self.wfile.flush()
            linger(self.connection)
        super().finish()

    def _refuse(self, code: int, text: str | None = None) -> None:
        self.close_connection = self.unsure = True
        self.wfile.write(not_http(code, text))
