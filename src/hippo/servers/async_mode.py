"""The async mode: how the server does many things at once, chosen and prepared before anything else is imported.

Therefore this file itself imports nothing but the standard library until it is asked to. How each mode serves is in the
file that `server_of` imports.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import socket


class Server(Protocol):
    """Serves a WSGI application on a listening socket, to so many connections at a time."""

    def __init__(self, listener: socket.socket, application: Any, max_connections: int) -> None: ...

    def start(self) -> None:
        """Begin to accept connections, and return."""

    def stop(self, seconds: float) -> None:
        """Accept nothing more and wait so long for requests to end."""


def chosen_mode(dotenv: Path) -> str:
    """Read HIPPO_ASYNC_MODE, or else that file, without the packages that must not be imported yet."""
    mode = os.environ.get("HIPPO_ASYNC_MODE", "")
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


def server_of(mode: str) -> type[Server]:
    """Return what serves in this mode, for which Python has been patched."""
    if mode == "eventlet":
        from hippo.servers.eventlet_server import EventletServer

        return EventletServer
    if mode == "gevent":
        from hippo.servers.gevent_server import GeventServer

        return GeventServer
    from hippo.servers.threaded_server import ThreadedServer

    return ThreadedServer
