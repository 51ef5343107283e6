"""Messages between the server and a worker: length, type, content, over a socket.

A frame is 4 bytes of length (big-endian, of what follows the type), 1 byte of type (JSON, for now the only one) and the
content.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct(">IB")
JSON_FRAME = 0
#: No message of ours comes near; a longer one means that the two ends have lost each other.
MAX_LENGTH = 64 * 2**20

Message = dict[str, Any]


def send_message(sock: socket.socket, message: Message) -> None:
    """Send `message`, values of JSON; raises OSError when the other end is gone."""
    content = json.dumps(message, allow_nan=False).encode()
    sock.sendall(_HEADER.pack(len(content), JSON_FRAME) + content)


def receive_message(sock: socket.socket) -> Message | None:
    """Wait for the next message; None when the other end is gone, however it went."""
    try:
        header = _receive_exactly(sock, _HEADER.size)
        if header is None:
            return None
        length, kind = _HEADER.unpack(header)
        if kind != JSON_FRAME or length > MAX_LENGTH:
            return None
        content = _receive_exactly(sock, length)
    except OSError:
        return None
    return None if content is None else json.loads(content)


def _receive_exactly(sock: socket.socket, count: int) -> bytes | None:
    parts = []
    while count:
        part = sock.recv(min(count, 1 << 16))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
