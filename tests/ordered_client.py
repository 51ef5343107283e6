"""A Socket.IO client that handles messages one after the other, as they arrive.

python-socketio gives each message a thread of its own. Under load the bytes of a frame can then overtake the message
that announces them, and one event another.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import engineio
import socketio


class OrderedClient(socketio.Client):
    """A client for one connection. A handler that waits holds up all that comes after it, also replies."""

    def __init__(self) -> None:
        super().__init__(reconnection=False)

    def _engineio_client_class(self) -> type[engineio.Client]:
        return _InOrder

    def disconnect(self) -> None:
        super().disconnect()
        self.eio.messages.put(None)


class _InOrder(engineio.Client):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.messages: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._handle_messages, daemon=True).start()

    def start_background_task(self, target: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if target != self.handlers.get("message"):
            return super().start_background_task(target, *args, **options)
        return self.messages.put(lambda: target(*args, **options))

    def _handle_messages(self) -> None:
        while handle := self.messages.get():
            handle()
