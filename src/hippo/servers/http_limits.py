"""Limits on what comes in over HTTP that the servers of the async modes leave open."""

from __future__ import annotations

import re
import socket
import time
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from hippo import strict_json
from hippo.api.errors import error_body, http_error

if TYPE_CHECKING:
    from email.message import Message
    from wsgiref.types import WSGIEnvironment

#: Seconds a client may be silent, between requests or within one.
IDLE_SECONDS = 60.0
#: Bytes of an unwanted body that are read to keep the connection; before a larger one it is closed.
MAX_REST = 1_000_000
#: Bytes that the line with a chunk's length may have.
MAX_CHUNK_LINE = 256

NOT_HTTP = "The request is not well-formed HTTP: its first line or one of its headers cannot be read."
UNCLEAR_LENGTH = "Content-Length must be a whole number from 0, given once, and not beside Transfer-Encoding."


def linger(connection: socket.socket, seconds: float = 2.0, most: int = 8_000_000) -> None:
    """Read for a moment what a client still sends of a body that nobody wants, then let go.

    To close at once would reset the connection, and the client would lose the reply that says why.
    """
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(seconds)
        deadline = time.monotonic() + seconds
        while most > 0 and time.monotonic() < deadline:
            received = len(connection.recv(65_536))
            if not received:
                return
            most -= received
    except OSError:
        return


def not_http(code: int, text: str | None = None) -> bytes:
    """Answer what is not a request of HTTP, in the shape of all errors: `text`, or what this status means here."""
    status = HTTPStatus(code)
    name, usual = http_error(code)
    said = text or (NOT_HTTP if code == 400 else usual)
    content = strict_json.dumps(error_body(name, said)).encode()
    head = f"HTTP/1.1 {code} {status.phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + content


def ends_unclearly(environ: WSGIEnvironment) -> bool:
    """Say whether it is better to close the connection after this request than to look for the end of its body."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return "HTTP_TRANSFER_ENCODING" in environ or not re.fullmatch("[0-9]{1,18}", length) or int(length) > MAX_REST


def length_error(headers: Message) -> str | None:
    """Say what is wrong with the headers that tell where a body ends, if anything is."""
    length, transfer_encoding = headers.get("content-length"), headers.get("transfer-encoding")
    unclear = length is not None and (transfer_encoding is not None or not re.fullmatch("[0-9]{1,18}", length.strip()))
    return UNCLEAR_LENGTH if unclear else None


class ShortLines:
    """A connection's input that ends where a line is longer than any that belongs between chunks."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def readline(self, size: int = -1) -> bytes:
        """Read a line.

        Raises
        ------
        OSError
            For a line that does not end in time.
        """
        most = MAX_CHUNK_LINE if size < 0 else min(size, MAX_CHUNK_LINE)
        line = self._source.readline(most)
        if len(line) == MAX_CHUNK_LINE and not line.endswith(b"\n"):
            raise OSError("a line between chunks is too long")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
