"""Watching over Socket.IO: `watch`, `unwatch`, and frames that a client acknowledges before it is sent the next one.

Who is sent which frame is decided in `hippo.jobs.viewers`; here is how it travels. A frame is one event with two
arguments, the header and the payload, and goes out as two packets of Engine.IO, the text and the bytes, between which
no other packet of Socket.IO may come.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Annotated, Any, cast

from flask import request
from pydantic import BeforeValidator, Field

from hippo.api.checked import Allowed, Checked, QueryNumber, Whole, unset
from hippo.network_spec import MAX_LAYERS, MAX_WIDTH
from hippo.training.snapshots import Wish

if TYPE_CHECKING:
    from flask_socketio import SocketIO

    from hippo.engine import Engine
    from hippo.training.frame import Frame

log = logging.getLogger("hippo.sockets")

#: Frames a second that may be asked for.
MIN_RATE, MAX_RATE, DEFAULT_RATE = 1, 20, 10.0
#: The last place in the test set.
LAST_EXAMPLE = 9_999


class WatchMessage(Checked):
    """What a client wants to see of a job, and how often at most."""

    job_id: Annotated[str, Field(max_length=64), Allowed("the id of a training job")]
    rate: Annotated[
        float, Field(ge=MIN_RATE, le=MAX_RATE), Allowed(f"frames a second, a number from {MIN_RATE} to {MAX_RATE}")
    ] = DEFAULT_RATE
    example: Annotated[Whole, Field(ge=0, le=LAST_EXAMPLE), Allowed(f"a whole number from 0 to {LAST_EXAMPLE}")] = 0
    layer: Annotated[
        Annotated[Whole, Field(ge=1, le=MAX_LAYERS - 1)] | None, Allowed("a layer of the network from 1, or null")
    ] = None
    neuron: Annotated[
        Annotated[Whole, Field(ge=0, le=MAX_WIDTH - 1)] | None, Allowed("a neuron of that layer from 0, or null")
    ] = None


class UnwatchMessage(Checked):
    """Nothing."""


class FrameQuery(Checked):
    """Which digit a network is shown, and which neuron is looked at closely."""

    example: Annotated[
        QueryNumber,
        Field(ge=0, le=LAST_EXAMPLE, description=f"Place of the digit in the test set: 0 to {LAST_EXAMPLE:,}."),
        Allowed(f"a whole number from 0 to {LAST_EXAMPLE:,}"),
    ] = 0
    layer: Annotated[
        Annotated[QueryNumber, Field(ge=1, le=MAX_LAYERS - 1)] | None,
        BeforeValidator(unset),
        Field(description="The layer of the neuron, from 1 to that of the outputs; none unless given."),
        Allowed("a layer of the network from 1"),
    ] = None
    neuron: Annotated[
        Annotated[QueryNumber, Field(ge=0, le=MAX_WIDTH - 1)] | None,
        BeforeValidator(unset),
        Field(description="The neuron, from 0, whose incoming weights are wanted; none unless given."),
        Allowed("a neuron of that layer from 0"),
    ] = None


def add_watching(socketio: SocketIO, engine: Engine) -> None:
    """Let clients of this Socket.IO server watch the engine's jobs."""
    server = cast("Any", socketio).server
    viewers = engine.jobs.viewers
    _keep_frames_whole(server)

    def send_to(sid: str, frame: Frame) -> None:
        try:
            server.emit("frame", (frame.header, frame.payload), to=sid, callback=lambda *_: viewers.acknowledged(sid))
        except Exception as error:  # noqa: BLE001 - a client that acknowledges nonsense must harm nobody else
            log.info("A frame for %s could not be sent: %r", sid, error)
            viewers.leave(sid)

    @socketio.on("watch")
    def watch(*arguments: object) -> dict[str, Any]:
        """Send this client frames of a job from now on, in place of what it watched before."""
        message = WatchMessage.model_validate(arguments[0] if arguments else {})
        sid = request.sid  # type: ignore[attr-defined]  # Socket.IO's
        wish = Wish(message.example, message.layer, message.neuron)
        viewers.watch(sid, message.job_id, wish, message.rate, lambda frame: send_to(sid, frame))
        return {"job_id": message.job_id, "rate": message.rate}

    @socketio.on("unwatch")
    def unwatch(*arguments: object) -> dict[str, Any]:
        """Send this client no more frames."""
        UnwatchMessage.model_validate(arguments[0] if arguments else {})
        viewers.unwatch(request.sid)  # type: ignore[attr-defined]
        return {}


def _keep_frames_whole(server: Any) -> None:
    """Let no thread send a client something between the text and the bytes of a frame."""
    lock = threading.RLock()
    send_packet, send_eio_packet = server._send_packet, server._send_eio_packet

    def one_after_the_other(eio_sid: str, packet: Any) -> None:
        with lock:
            send_packet(eio_sid, packet)

    def ready_made(eio_sid: str, packet: Any) -> None:
        with lock:
            send_eio_packet(eio_sid, packet)

    server._send_packet, server._send_eio_packet = one_after_the_other, ready_made
