"""The thread of a worker that hears the server: what it cannot understand is logged, and changes nothing."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hippo.jobs import worker
from hippo.jobs.frames import send_message
from hippo.jobs.watching import NOTHING
from hippo.jobs.worker import WorkerContext
from hippo.training.snapshots import Wish

SPEC = {"job_id": "job", "pace": None, "wanted": None, "cancelled": False}
TASK = {"type": "train", "job_id": "job", "spec": SPEC}
WATCH = {"type": "watch", "job_id": "job", "wishes": [{"example": 3}], "rate": 2.0}


@dataclass
class Hearing:
    """A worker's control thread, the server's end of its socket, and what comes of both."""

    server: socket.socket
    context: WorkerContext
    tasks: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    exits: list[int] = field(default_factory=list)

    def hear(self, *messages: Any) -> None:
        """Send messages, and wait until all of them were taken."""
        for message in (*messages, {"type": "read", "job_id": "the last one"}):
            content = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.server.sendall(struct.pack(">IB", len(content), 0) + content)
        while self.tasks.get(timeout=10)["job_id"] != "the last one":
            pass


@pytest.fixture
def hearing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hearing]:
    ours, theirs = socket.socketpair()
    hearing = Hearing(ours, WorkerContext(theirs, tmp_path, tmp_path))

    def leave(code: int) -> None:
        hearing.exits.append(code)
        raise SystemExit

    def listen() -> None:
        with contextlib.suppress(SystemExit):
            worker._control(theirs, hearing.context, hearing.tasks)

    monkeypatch.setattr(os, "_exit", leave)
    thread = threading.Thread(target=listen)
    thread.start()
    with ours, theirs:
        yield hearing
        ours.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert hearing.exits == [0]  # it was there to the end


@pytest.mark.parametrize(
    "message",
    [
        b"{",
        b"\xff\xfe",
        b"[1, 2]",
        b"null",
        {},
        {"type": ["watch"]},
        {"type": "watch"},
        {"type": "pause"},
        WATCH | {"wishes": None},
        WATCH | {"wishes": [{"mood": "good"}]},
        WATCH | {"wishes": [7]},
        *(WATCH | {"rate": rate} for rate in (0, -1, None, "often", 1e400)),
        {"type": "pace", "job_id": "job"},
        *({"type": "pace", "job_id": "job", "batches_per_second": pace} for pace in (0, -1, "slow", [1])),
        {"type": "change", "job_id": "job"},
        *({"type": "change", "job_id": "job", "settings": settings} for settings in (None, 7, {"epochs": 3})),
    ],
    ids=str,
)
def test_a_malformed_message_is_logged_and_changes_nothing(
    hearing: Hearing, caplog: pytest.LogCaptureFixture, message: Any
) -> None:
    context = hearing.context
    context.job_id = "job"
    with caplog.at_level(logging.ERROR):
        hearing.hear(TASK, message)
    assert [record.getMessage() for record in caplog.records] == ["A message of the server could not be understood"]
    assert context.wanted() is NOTHING
    assert context.orders.is_quiet
    hearing.hear(WATCH, {"type": "pace", "job_id": "job", "batches_per_second": 5})
    assert (context.wanted().wishes, context.wanted().rate, context.orders.pace) == ((Wish(3),), 2.0, 5)


@pytest.mark.parametrize("task", [TASK | {"spec": None}, TASK | {"spec": {}}, TASK | {"watch": {"rate": 0}}], ids=str)
def test_a_malformed_task_is_handed_on_for_its_sender_waits_for_an_answer(hearing: Hearing, task: Any) -> None:
    send_message(hearing.server, task)
    assert hearing.tasks.get(timeout=10) == task
    hearing.hear()


def test_a_task_whose_watch_is_malformed_is_under_control(hearing: Hearing) -> None:
    hearing.hear(TASK | {"watch": 7}, {"type": "pause", "job_id": "job"})
    assert hearing.context.orders.pause_asked
