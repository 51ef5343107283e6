"""A client of server-sent events that reads the bare text, piece by piece as it arrives."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from tests.serving import Server


@dataclass(frozen=True)
class Sent:
    """One event as it was sent."""

    id: str
    data: dict[str, Any]

    @property
    def job_id(self) -> str:
        return self.id.rpartition(":")[0]

    @property
    def seq(self) -> int:
        return int(self.id.rpartition(":")[2])


def parsed(text: str) -> Sent | None:
    """Return the event of a block of lines, None for a comment; anything else is an error."""
    if text.startswith(":"):
        return None
    first, second = text.split("\n")
    assert first.startswith("id: ")
    assert second.startswith("data: ")
    return Sent(first.removeprefix("id: "), json.loads(second.removeprefix("data: ")))


def events(reply: requests.Response) -> Iterator[Sent]:
    """Yield the events of a stream as they arrive."""
    text = ""
    for piece in reply.iter_content(None):
        text += piece.decode()
        *blocks, text = text.split("\n\n")
        yield from (event for block in blocks if (event := parsed(block)))
    assert text == ""


@contextlib.contextmanager
def streaming(server: Server, last: str | None = None, **body: Any) -> Iterator[Iterator[Sent]]:
    """Train the current network, or go on behind the event `last`; leaving the block cuts the connection."""
    headers = {"Last-Event-ID": last} if last else {}
    with requests.post(server.url + "/network/train", json=body, headers=headers, stream=True, timeout=60) as reply:
        assert reply.status_code == 200, reply.text
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        yield events(reply)
