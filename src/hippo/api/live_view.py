"""The live view over Socket.IO: `start_training` and `stop_training`, and the phases on their way to one client.

What is trained, and when it ends, is decided in `hippo.live_view`. The phases are sent without waiting for anything; a
client that does not read gets no more of them until it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import request

from hippo.api.checked import Checked
from hippo.api.websockets import packets_waiting

if TYPE_CHECKING:
    from flask_socketio import SocketIO

    from hippo.engine import Engine

#: Packets that may wait for a client before phases are left out.
MAX_PHASES_BEHIND = 20


class NothingMessage(Checked):
    """Nothing."""


def add_live_view(socketio: SocketIO, engine: Engine) -> None:
    """Let clients of this Socket.IO server have a network trained that they are shown phase by phase."""
    server = cast("Any", socketio).server

    def show_to(sid: str, name: str, payload: dict[str, Any]) -> None:
        if name == "validation_metrics":
            server.emit("validation_metrics", payload, to=sid)
        elif packets_waiting(socketio, sid) <= MAX_PHASES_BEHIND:
            server.emit("network_update", payload, to=sid)

    @socketio.on("start_training")
    def start_training(*arguments: object) -> dict[str, Any]:
        """Train a network for this client, unless one is trained for it already, and show it the phases."""
        NothingMessage.model_validate(arguments[0] if arguments else {})
        sid = request.sid  # type: ignore[attr-defined]  # Socket.IO's
        made = engine.live_view.start(sid, lambda name, payload: show_to(sid, name, payload))
        if not server.manager.is_connected(sid, "/"):  # it left meanwhile, perhaps before the job was known as its own
            engine.live_view.leave(sid)
        return dict(made)

    @socketio.on("stop_training")
    def stop_training(*arguments: object) -> dict[str, Any]:
        """End what is trained for this client."""
        NothingMessage.model_validate(arguments[0] if arguments else {})
        engine.live_view.stop(request.sid)  # type: ignore[attr-defined]
        return {}
