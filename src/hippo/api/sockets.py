"""Socket.IO: every event of every job goes to every client, and a client that was away asks for what it missed.

The events come from the engine's bus and are sent in the order in which they come. The other half of this file keeps
clients from costing more than they should: how many there may be, how large what they send, how far one may fall
behind before it is dropped (it reconnects and asks for what it missed).
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs

from flask import request
from flask_socketio import SocketIO
from pydantic import Field
from socketio.exceptions import ConnectionRefusedError as Refused
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from hippo import strict_json
from hippo.api.checked import Allowed, Checked, Whole
from hippo.api.errors import WebError, describe, error_body
from hippo.api.live_view import add_live_view
from hippo.api.security import SOCKET_PREFIX, OriginPolicy, bearer_token, token_matches
from hippo.api.watching import add_watching
from hippo.api.websockets import bound, engine_io, packets_waiting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from hippo.engine import Engine
    from hippo.settings import Settings

#: Bytes of one message or one polling body of a client; all that is expected are some dozens.
MAX_MESSAGE_BYTES = 65_536
MAX_CLIENTS = 1_000
#: The largest number that JavaScript counts to without a gap.
MAX_SEQ = 2**53 - 1
#: Packets that may wait for a client before it is dropped.
MAX_BEHIND = 1_000
#: Packets that may wait for a client that asks for more, which may be large.
MAX_UNREAD_REPLIES = 50

_WEBSOCKET_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


class SubscribeMessage(Checked):
    """The job to hear about, and the `seq` of its last event that the client has."""

    job_id: Annotated[str, Field(max_length=64), Allowed("the id of a training job")]
    after: Annotated[Whole, Field(ge=0, le=MAX_SEQ), Allowed(f"a whole number from 0 to {MAX_SEQ}")] = 0


class TextPacket(Packet):  # type: ignore[misc]  # python-socketio has no types
    """A packet of Socket.IO as clients here send them: an event is a list with a name in front; nothing is binary."""

    def decode(self, encoded_packet: object) -> int:
        """Read a packet.

        Raises
        ------
        ValueError
            For binary packets, whose attachments would have to be held, and for events of another form.
        """
        if not isinstance(encoded_packet, str) or encoded_packet[:1] in (str(BINARY_EVENT), str(BINARY_ACK)):
            raise ValueError("binary packets are not accepted")
        super().decode(encoded_packet)
        if self.packet_type == EVENT and not _is_event(self.data):
            raise ValueError("not an event")
        return 0


def _is_event(data: object) -> bool:
    # "connect" and "disconnect" are the server's own; as events they would call its handlers.
    return (
        isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in ("connect", "disconnect")
    )


def create_socketio(app: Flask, engine: Engine, settings: Settings, origins: OriginPolicy) -> SocketIO:
    """Serve Socket.IO under /socket.io/ beside the app, and send it the engine's events."""
    log = _quiet_logger()
    options: dict[str, Any] = {
        "async_mode": settings.async_mode,
        "async_handlers": False,  # in the order in which a client sends, and no thread for each message
        "cors_allowed_origins": origins.allows,
        "cors_credentials": False,
        "json": strict_json,
        "serializer": TextPacket,
        "manage_session": False,
        "max_http_buffer_size": MAX_MESSAGE_BYTES,
        "logger": log,
        "engineio_logger": log,
    }
    socketio = SocketIO(app, **options)
    bound(socketio, MAX_MESSAGE_BYTES)
    _add_handlers(socketio, engine, settings)
    add_watching(socketio, engine)
    add_live_view(socketio, engine)

    def broadcast(name: str, payload: dict[str, Any]) -> None:
        drop_laggards(socketio)
        socketio.emit(name, payload)

    engine.jobs.bus.subscribe(broadcast)
    return socketio


def _add_handlers(socketio: SocketIO, engine: Engine, settings: Settings) -> None:
    @socketio.on("connect")
    def connect(auth: object = None) -> None:
        """Let a client in that has the token, where one is wanted."""
        given = auth.get("token") if isinstance(auth, dict) else None
        if settings.wants_token and not token_matches(settings, given or bearer_token(request.environ)):
            text = "This server wants its token: connect with auth: {token: TOKEN}."
            raise Refused(text, error_body("unauthorized", text))

    @socketio.on("disconnect")
    def disconnect(*_: object) -> None:
        """Forget that this client watched, and end what is trained for it alone."""
        engine.jobs.viewers.leave(request.sid)  # type: ignore[attr-defined]  # Socket.IO's
        engine.live_view.leave(request.sid)  # type: ignore[attr-defined]

    @socketio.on("keepalive")
    def keepalive(*_: object) -> None:
        """Accept the sign of life; Engine.IO has its own."""

    @socketio.on("subscribe")
    def subscribe(*arguments: object) -> dict[str, Any]:
        """Acknowledge with the events of a job that the client has not seen, each once, in order."""
        message = SubscribeMessage.model_validate(arguments[0] if arguments else {})
        if packets_waiting(socketio, request.sid) > MAX_UNREAD_REPLIES:  # type: ignore[attr-defined]  # Socket.IO's
            text = "You have not read what was sent to you. Read it, then ask again."
            raise WebError(429, "too_many_requests", text)
        events, last_seq = engine.jobs.history(message.job_id, message.after)
        return {"events": events, "last_seq": last_seq}

    @socketio.on_error_default
    def acknowledge_error(error: BaseException) -> dict[str, Any]:
        """Acknowledge with the shape that all errors have."""
        return describe(error)[1]


def drop_laggards(socketio: SocketIO) -> None:
    """Drop every client for which too many packets wait."""
    for client in list(engine_io(socketio).sockets.values()):
        if client.queue.qsize() > MAX_BEHIND and not client.closed:
            client.close(wait=False, abort=True, reason="too far behind")


def tell_stopping(socketio: SocketIO) -> None:
    """Tell every client that the server goes away, so that none takes it for a fault."""
    socketio.emit("server_stopping", {"message": "The server is stopping; it goes on where it was when it is back."})


def disconnect_all(socketio: SocketIO) -> None:
    """End every connection. Clients take it for a lost one and come back by themselves."""
    for client in list(engine_io(socketio).sockets.values()):
        client.close(wait=False)


class SocketGate:
    """What the guard asks about a request to /socket.io/ before Engine.IO sees it, and the shape of its refusals."""

    def __init__(self, application: WSGIApplication, socketio: SocketIO) -> None:
        self._application = application
        self._engine = engine_io(socketio)

    def check(self, environ: WSGIEnvironment) -> None:
        """Raise unless the request is one that Engine.IO can take without harm."""
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)  # a compressed frame can grow a thousandfold
        if environ.get("HTTP_TRANSFER_ENCODING"):
            raise WebError(411, "length_required", "Send the header Content-Length.", headers={"Connection": "close"})
        if int(environ.get("CONTENT_LENGTH") or 0) > MAX_MESSAGE_BYTES:
            text = f"A message has at most {MAX_MESSAGE_BYTES:,} bytes."
            raise WebError(413, "too_large", text, headers={"Connection": "close"})
        if environ.get("HTTP_UPGRADE") and not _is_websocket(environ):
            raise WebError(400, "bad_request", "Only websockets of version 13 are served here.")
        is_new = "sid" not in parse_qs(environ.get("QUERY_STRING", ""))
        if is_new and len(self._engine.sockets) >= MAX_CLIENTS:
            raise WebError(503, "too_many_clients", "Too many clients are connected; try again a little later.")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; give Engine.IO's refusals the shape of all errors."""
        if not environ.get("PATH_INFO", "").startswith(SOCKET_PREFIX):
            return self._application(environ, start_response)
        refusals: list[int] = []

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            if int(status[:3]) < HTTPStatus.BAD_REQUEST:
                return start_response(status, headers, *exc_info)
            refusals.append(int(status[:3]))
            return lambda _: None

        result = self._application(environ, start)
        if refusals:
            text = b"".join(result).decode(errors="replace").strip('"')
            raise WebError(refusals[0], "bad_request", text or "The request is not one of Engine.IO.")
        return result


def _is_websocket(environ: WSGIEnvironment) -> bool:
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ["HTTP_UPGRADE"].lower() == "websocket"
        and environ.get("HTTP_SEC_WEBSOCKET_VERSION") == "13"
        and _WEBSOCKET_KEY.fullmatch(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")) is not None
    )


def _quiet_logger() -> logging.Logger:
    """Return the logger for what clients do wrong: of interest to who debugs, and never a traceback."""

    def only_for_debugging(record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = record.exc_text = None
        return logging.getLogger("hippo").isEnabledFor(logging.DEBUG)

    log = logging.getLogger("hippo.sockets")
    log.setLevel(logging.WARNING)
    if not log.filters:
        log.addFilter(only_for_debugging)
    return log
