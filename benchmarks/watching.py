"""What it costs a run to be watched at 20 frames a second: the same runs watched and unwatched, in turns.

A real server with one worker trains a network without end, and a Socket.IO client that acknowledges every frame at once
watches it in every second slice of time. How fast it trains is read from `training_progress` and `training_update`,
which the run sends whether it is watched or not, and from the processor time of the worker. The client shares the
machine with both.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil
import socketio

from benchmarks.report import Table, verdict
from benchmarks.running import LONGEST_WAIT, NEVER, Client, running, wait_until, worker_processes
from tests.serving import Server

SIZES = ((784, 30, 10), (784, 100, 10), (784, 128, 64, 10))
RATE = 20
BATCH = 10
IMAGES = 50_000
#: Slices, each as long, watched and unwatched in turns; a first pair is not counted.
PAIRS, SECONDS = 12, 3.0


@dataclass(frozen=True)
class Place:
    """Images that a run has seen, when (seconds), and the processor time of its worker then (seconds)."""

    images: int
    moment: float
    processor: float


class Viewer:
    """A client that takes frames and acknowledges them at once, and notes how far the run is whenever it is told."""

    def __init__(self, server: Server, job_id: str, worker: psutil.Process) -> None:
        self.frames = self.payload = self.header = 0
        self._job_id, self._worker = job_id, worker
        self._news = threading.Condition()
        self._place: Place | None = None
        self.client = socketio.Client(reconnection=False, serializer=_Counting)
        self.client.on("frame", self._take)
        for name in ("training_update", "training_progress"):
            self.client.on(name, self._note)
        self.client.connect(server.url, transports=["websocket"], wait_timeout=10)

    def _take(self, _: dict[str, Any], payload: bytes) -> None:
        self.frames += 1
        self.payload, self.header = len(payload), _Counting.longest

    def _note(self, event: dict[str, Any]) -> None:
        times = self._worker.cpu_times()
        images = BATCH * event["step"] if "step" in event else IMAGES * event["epoch"]
        with self._news:
            self._place = Place(images, time.monotonic(), times.user + times.system)
            self._news.notify_all()

    def next_place(self) -> Place:
        """Wait until something is told of the run, and return where it is."""
        with self._news:
            self._place = None
            if not self._news.wait_for(lambda: self._place is not None, LONGEST_WAIT):
                raise TimeoutError(f"Nothing was heard of the run for {LONGEST_WAIT} s.")
            assert self._place is not None
            return self._place

    def slice(self, watched: bool) -> tuple[float, float, float]:
        """Watch the run for a while, or do not; return images a second, per second of processor time, and frames."""
        if watched:
            answer = self.client.call("watch", {"job_id": self._job_id, "rate": RATE}, timeout=10)
            if "error" in answer:
                raise RuntimeError(answer["error"])
        first, frames = self.next_place(), self.frames
        time.sleep(SECONDS)
        last, frames = self.next_place(), self.frames - frames
        if watched:
            self.client.call("unwatch", {}, timeout=10)
        images, seconds = last.images - first.images, last.moment - first.moment
        return images / seconds, images / (last.processor - first.processor), frames / seconds


class _Counting(socketio.packet.Packet):  # type: ignore[misc]  # python-socketio has no types
    """Remembers how long the text of the last frame was."""

    longest = 0

    def decode(self, encoded_packet: str) -> int:
        """Read a packet."""
        if encoded_packet.startswith("51-"):
            type(self).longest = len(encoded_packet)
        return int(super().decode(encoded_packet))


def run() -> list[Table]:
    """Measure every network."""
    table = Table(
        f"Watching a run at {RATE} frames a second: images a second, {PAIRS} slices of {SECONDS:g} s each, in turns",
        ["", "unwatched", "watched", "cost", "of processor time", "frames a second", "bytes a frame", "budget"],
        notes=[
            "Medians of slices; the cost is the median over pairs of neighbours. 'of processor time' is the same for "
            "images per second of the worker's processor time: what others do on the machine is left out of it.",
            "A frame is its header and its payload.",
        ],
    )
    for sizes in SIZES:
        with running("eventlet", workers=1) as (server, client):
            table.rows.append(_measure(sizes, server, client))
    return [table]


def _measure(sizes: tuple[int, ...], server: Server, client: Client) -> list[str]:
    job_id = client.train(client.create(sizes), epochs=NEVER, mini_batch_size=BATCH)
    wait_until(lambda: client.expect(200, "GET", f"/api/training/{job_id}")["epoch"] > 0)
    (worker,) = worker_processes(server)
    viewer = Viewer(server, job_id, worker)
    found: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
    try:
        for pair in range(PAIRS + 1):
            for watched in (True, False) if pair % 2 else (False, True):
                speeds = viewer.slice(watched)
                if pair:
                    found[watched].append(speeds)
    finally:
        viewer.client.disconnect()
        with contextlib.closing(Client(server)) as fresh:  # the other connection has been silent for too long
            fresh.cancel([job_id])
    cost, exact = (
        statistics.median(
            1 - seen[place] / unseen[place] for seen, unseen in zip(found[True], found[False], strict=True)
        )
        for place in (0, 1)
    )
    by_clock = {watched: statistics.median(speeds[0] for speeds in slices) for watched, slices in found.items()}
    frames = statistics.median(speeds[2] for speeds in found[True])
    return [
        "-".join(map(str, sizes)),
        f"{by_clock[False]:,.0f}",
        f"{by_clock[True]:,.0f}",
        f"{100 * cost:.1f} %",
        f"{100 * exact:.1f} %",
        f"{frames:.1f}",
        f"{viewer.header + viewer.payload:,}",
        verdict(100 * exact, 5.0),
    ]
