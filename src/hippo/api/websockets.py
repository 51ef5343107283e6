"""Limits on websockets, before anything is buffered: on messages, on fragments, on what waits unread.

Engine.IO looks at a message's length when all of it is in memory already, and takes binary messages that nobody here
sends. Its async modes bring two implementations: eventlet's own, which limits a frame but not the fragments of a
message; and simple-websocket, which limits messages if asked, but not how many of them wait, and which may send only
a part of what it is given. `bound` puts these right for whichever is in use. That frames are never compressed is the
doing of `sockets.py`, which drops the offer from the handshake.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import simple_websocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask_socketio import SocketIO

#: Messages of one client that may wait to be handled.
MAX_UNREAD = 256
#: Pieces in which one message may come.
MAX_FRAGMENTS = 256


def engine_io(socketio: SocketIO) -> Any:
    """Return the Engine.IO server below Socket.IO."""
    return cast("Any", socketio).server.eio


def packets_waiting(socketio: SocketIO, sid: str) -> int:
    """Return how many packets a client has not been sent yet, because it does not read."""
    eio_sid = cast("Any", socketio).server.manager.eio_sid_from_sid(sid, "/")
    client = engine_io(socketio).sockets.get(eio_sid)
    return client.queue.qsize() if client is not None else 0


def bound(socketio: SocketIO, max_bytes: int) -> None:
    """Replace the websocket implementation of this Socket.IO server by one with limits."""
    engine = engine_io(socketio)
    driver = engine._async["websocket"]
    make = _bounded_eventlet if hasattr(driver, "_handle_hybi_request") else _bounded_simple
    idle = engine.ping_interval + engine.ping_timeout
    engine._async = {**engine._async, "websocket": make(driver, max_bytes, idle)}


class _TextOnly:
    """A websocket that ends where a client sends anything but the text of an Engine.IO packet."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.socket = getattr(websocket, "socket", None)  # Engine.IO sets a timeout on it
        self.send = websocket.send
        self.close = websocket.close

    def wait(self) -> str | None:
        """Return the next message, or None at the end."""
        time.sleep(0)  # eventlet yields only when there is nothing to read: a flood would leave nobody else a turn
        message = self._websocket.wait()
        return message if isinstance(message, str) and message[:1] in tuple("0123456") else None


def _bounded_eventlet(driver: Any, max_bytes: int, _idle: float) -> type:
    class BoundedWebSocket(driver):  # type: ignore[misc]  # the driver has no types
        def __init__(self, handler: Callable[[Any], Any], server: Any) -> None:
            super().__init__(lambda websocket: handler(_TextOnly(websocket)), server)
            self.max_frame_length = max_bytes

        def _handle_hybi_request(self, environ: dict[str, Any]) -> Any:
            websocket = super()._handle_hybi_request(environ)
            websocket.Message = _counting(websocket.Message, max_bytes)
            return websocket

    return BoundedWebSocket


def _counting(message: Any, max_bytes: int) -> type:
    """Make eventlet's class of messages count what it collects."""

    class CountingMessage(message):  # type: ignore[misc]  # eventlet has no types
        length = fragments = 0

        def push(self, data: bytes, final: bool = False) -> None:
            self.length += len(data)
            self.fragments += 1
            if self.length > max_bytes or self.fragments > MAX_FRAGMENTS:
                raise ValueError("the message is too large")  # eventlet closes the connection on it
            super().push(data, final)

    return CountingMessage


def _bounded_simple(driver: Any, max_bytes: int, idle: float) -> type:
    class BoundedWebSocket(driver):  # type: ignore[misc]  # the driver has no types
        def __init__(self, handler: Callable[[Any], Any], server: Any) -> None:
            super().__init__(lambda websocket: handler(_TextOnly(websocket)), server)

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            self.ws = _BoundedServer(environ, max_message_size=max_bytes, **self.server_args)
            self.ws.sock.settimeout(idle)
            try:
                self.app(self)
            finally:
                self.ws.hang_up()
            # The connection has no HTTP left in it; servers take this for a client that is gone.
            raise BrokenPipeError(errno.EPIPE, "the connection was a websocket")

    return BoundedWebSocket


class _BoundedServer(simple_websocket.Server):  # type: ignore[misc]  # simple-websocket has no types
    pieces = 0

    @property
    def sock(self) -> Any:
        return self._whole

    @sock.setter
    def sock(self, connection: socket.socket) -> None:
        self._whole = _WholeSends(connection)

    def handshake(self) -> None:
        events = self.ws.events
        self.ws.events = lambda: self._counted(events())
        super().handshake()

    def _counted(self, events: Iterable[Any]) -> Iterator[Any]:
        for event in events:
            self.pieces = 0 if getattr(event, "message_finished", True) else self.pieces + 1
            if self.pieces > MAX_FRAGMENTS or len(self.input_buffer) > MAX_UNREAD:
                raise ValueError("too many pieces, or too many messages at once")
            yield event

    def _thread(self) -> None:
        try:
            super()._thread()
        except Exception:  # noqa: BLE001, S110 - whatever a client makes the parser say, its connection ends here
            pass
        finally:
            self.hang_up()

    def close(self, reason: int | None = None, message: str | None = None) -> None:
        """Close the websocket, and wake who waits for messages of it."""
        super().close(reason, message)
        self.event.set()

    def hang_up(self) -> None:
        """End the connection, so that nothing after the websocket is read as HTTP, and wake who waits for messages."""
        self.connected = False
        self.event.set()
        with contextlib.suppress(OSError):  # the client was first
            self.sock.shutdown(socket.SHUT_RDWR)


class _WholeSends:
    """A socket whose `send` sends all of it, one caller after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._connection.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
