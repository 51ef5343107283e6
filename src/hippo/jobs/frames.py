"""Messages between the server and a worker: length, type, content, over a socket.

A frame is 4 bytes of length (big-endian, of what follows the type), 1 byte of type and the content: JSON, or JSON and
then bytes as they are, with 4 bytes before them for the length of the JSON. The bytes of a message are its `payload`.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_HEADER = struct.Struct(">IB")
_LENGTH = struct.Struct(">I")
JSON_FRAME, BINARY_FRAME = 0, 1
#: No message of ours comes near; a longer one means that the two ends have lost each other.
MAX_LENGTH = 64 * 2**20

Message = dict[str, Any]


def send_message(sock: socket.socket, message: Message) -> None:
    """Send `message`, values of JSON, with bytes under ``payload`` or none; raises OSError when the other end is gone.

    Raises
    ------
    TimeoutError
        When the other end reads nothing for as long as the socket waits; only a part has been sent.
    ValueError
        For a message that is too long to be received.
    """
    payload = message.get("payload")
    if payload is None:
        content = json.dumps(message, allow_nan=False).encode()
        frame = _HEADER.pack(len(content), JSON_FRAME) + content
    else:
        rest = {name: value for name, value in message.items() if name != "payload"}
        content = json.dumps(rest, allow_nan=False).encode()
        length = _LENGTH.size + len(content) + len(payload)
        frame = b"".join((_HEADER.pack(length, BINARY_FRAME), _LENGTH.pack(len(content)), content, payload))
    if len(frame) > MAX_LENGTH:
        raise ValueError(f"A message of {len(frame)} bytes is too long.")
    sock.sendall(frame)


def receive_message(sock: socket.socket) -> Message | None:
    """Wait for the next message, however long that takes; None when the other end is gone, however it went.

    Raises
    ------
    ValueError
        For a message that is no JSON object. The next one can be received.
    """
    try:
        header = _receive_exactly(sock, _HEADER.size)
        if header is None:
            return None
        length, kind = _HEADER.unpack(header)
        if kind not in (JSON_FRAME, BINARY_FRAME) or length > MAX_LENGTH:
            return None
        content = _receive_exactly(sock, length)
    except OSError:
        return None
    if content is None:
        return None
    return _fields(content) if kind == JSON_FRAME else _with_payload(content)


def _fields(content: bytes) -> Message:
    fields = json.loads(content)
    if not isinstance(fields, dict):
        raise ValueError("A message must be an object.")
    return fields


def _with_payload(content: bytes) -> Message | None:
    if len(content) < _LENGTH.size:
        return None
    end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
    if end > len(content):
        return None
    return _fields(content[_LENGTH.size : end]) | {"payload": content[end:]}


def _receive_exactly(sock: socket.socket, count: int) -> bytes | None:
    parts = []
    while count:
        try:
            part = sock.recv(min(count, 1 << 16))
        except TimeoutError:
            continue  # a limit there may be is for sending
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
