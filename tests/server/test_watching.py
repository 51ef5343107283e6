"""A network is watched while it learns: a real server in every async mode, over websockets and over polling."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from tests.ordered_client import OrderedClient
from tests.serving import Server
from tests.watched import arrays, split

pytestmark = pytest.mark.process


class Viewer:
    """A client that acknowledges as it is told to, and keeps the headers of the frames."""

    def __init__(self, server: Server, transport: str = "websocket", gate: threading.Event | None = None) -> None:
        self.frames: list[tuple[dict[str, Any], bytes]] = []
        self._gate = gate
        self._changed = threading.Condition()
        self.client = OrderedClient()
        self.paused: list[int] = []
        self.client.on("frame", self._take)
        self.client.on("training_paused", self._note)
        self.client.connect(server.url, transports=[transport])

    def _take(self, header: dict[str, Any], payload: bytes) -> None:
        with self._changed:
            self.frames.append((header, payload))
            self._changed.notify_all()
        if self._gate is not None:
            self._gate.wait(60)  # the acknowledgement goes out when this returns

    def _note(self, event: dict[str, Any]) -> None:
        with self._changed:
            self.paused.append(event["step"])
            self._changed.notify_all()

    def ask(self, event: str, **message: Any) -> Any:
        return self.client.call(event, message, timeout=30)

    def leave(self) -> None:
        """Disconnect when nothing is left to be acknowledged: the reply comes after all frames."""
        self.ask("unwatch")
        self.client.disconnect()

    def wait(self, wanted: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until the headers are as wanted, and return them."""
        with self._changed:
            done = self._changed.wait_for(lambda: wanted([header for header, _ in self.frames]), 60)
            headers = [header for header, _ in self.frames]
        assert done, f"{len(headers)} frames, the last {headers[-1:]}"
        return headers


@pytest.fixture
def viewers() -> Iterator[list[Viewer]]:
    made: list[Viewer] = []
    yield made
    for viewer in made:
        viewer.leave()


@pytest.fixture
def job(server: Server) -> Iterator[tuple[str, str]]:
    """A long run: its id and its network's."""
    network = server.post("/api/networks", json={"layer_sizes": [784, 16, 10], "seed": 1}).json()["network_id"]
    body = {"epochs": 10_000, "mini_batch_size": 50, "seed": 1}
    job_id = server.post(f"/api/networks/{network}/train", json=body).json()["job_id"]
    yield job_id, network
    server.post(f"/api/training/{job_id}/cancel")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_frames_come_while_a_network_learns(
    server: Server, viewers: list[Viewer], job: tuple[str, str], transport: str
) -> None:
    job_id, network = job
    viewer = Viewer(server, transport)
    viewers.append(viewer)
    assert viewer.ask("watch", job_id=job_id, rate=20, example=3, layer=1, neuron=5) == {"job_id": job_id, "rate": 20}
    headers = viewer.wait(lambda headers: len(headers) >= 5)
    steps = [header["step"] for header in headers]
    assert steps == sorted(steps)
    header, payload = viewer.frames[-1]
    assert (header["job_id"], header["network_id"]) == (job_id, network)
    assert header["neuron"]["layer"] == 1
    found = arrays(header, payload)
    assert found["weights.1"].shape == (784, 16)
    scale = next(part["scale"] for part in header["parts"] if part["name"] == "weights.1")
    assert np.abs(found["weights.1"][:, 5] - found["incoming"]).max() <= 0.501 * scale

    assert viewer.ask("watch", job_id=job_id, example=7)["rate"] == 10
    viewer.wait(lambda headers: headers[-1]["example"]["index"] == 7)
    assert viewer.ask("unwatch") == {}
    assert viewer.ask("watch", job_id="nobody")["code"] == "unknown_job"
    assert viewer.ask("watch", job_id=job_id, rate=21)["code"] == "invalid_value"
    assert viewer.ask("watch", job_id=job_id, layer=1, neuron=16)["code"] == "invalid_value"


def test_a_slow_viewer_gets_the_latest_and_costs_nothing(
    server: Server, viewers: list[Viewer], job: tuple[str, str]
) -> None:
    job_id, _ = job
    gate = threading.Event()
    slow, quick = Viewer(server, gate=gate), Viewer(server)
    viewers += [slow, quick]
    slow.client.emit("watch", {"job_id": job_id, "rate": 20})  # its reply may have to wait behind the first frame
    quick.ask("watch", job_id=job_id, rate=20)
    process = psutil.Process(server.process.pid)
    quick.wait(lambda headers: len(headers) >= 5)
    before = process.memory_info().rss
    headers = quick.wait(lambda headers: len(headers) >= 45)
    assert len(slow.frames) == 1
    assert process.memory_info().rss - before < 8_000_000
    gate.set()
    seen = slow.wait(lambda headers: len(headers) >= 2)
    assert seen[1]["step"] >= headers[-2]["step"]  # not the second of all
    server.post(f"/api/training/{job_id}/cancel")
    end = quick.wait(lambda headers: True)  # it is still there, and was not dropped
    assert end
    assert quick.client.connected
    assert slow.client.connected


def test_a_job_that_waits_is_shown_and_then_goes_on(
    server: Server, viewers: list[Viewer], job: tuple[str, str]
) -> None:
    job_id, _ = job
    workers = server.get("/api/status").json()["workers_total"]
    others = []
    for _ in range(workers):
        other = server.post("/api/networks", json={"layer_sizes": [784, 10]}).json()["network_id"]
        others.append(server.post(f"/api/networks/{other}/train", json={"epochs": 2}).json()["job_id"])
    waiting = others[-1]
    viewer = Viewer(server)
    viewers.append(viewer)
    viewer.ask("watch", job_id=waiting, rate=20)
    first = viewer.wait(lambda headers: len(headers) >= 1)[0]
    assert (first["job_id"], first["epoch"]) == (waiting, 1)
    server.post(f"/api/training/{job_id}/cancel")
    last = viewer.wait(lambda headers: headers[-1]["epoch"] == 2 and headers[-1]["batch"] == 5000)[-1]
    assert last["step"] == 10_000
    assert viewer.ask("watch", job_id=job_id)["code"] == "job_ended"


def test_a_frame_over_http(server: Server, job: tuple[str, str]) -> None:
    _, network = job
    for query, status in (("", 200), ("?layer=2&neuron=9", 200), ("?layer=2&neuron=10", 422), ("?example=10000", 422)):
        reply = server.get(f"/api/networks/{network}/frame{query}")
        assert reply.status_code == status


def test_a_paused_job_is_shown_after_each_step_and_then_goes_on(
    server: Server, viewers: list[Viewer], job: tuple[str, str]
) -> None:
    job_id, network = job
    viewer, late = Viewer(server), Viewer(server)
    viewers += [viewer, late]
    viewer.ask("watch", job_id=job_id, rate=1, layer=2, neuron=3)
    viewer.wait(lambda headers: len(headers) >= 1)
    assert server.post(f"/api/training/{job_id}/pause").status_code == 202

    viewer.wait(lambda headers: headers[-1]["step"] in viewer.paused)
    (step,) = viewer.paused
    late.ask("watch", job_id=job_id, example=4)
    assert late.wait(lambda headers: len(headers) >= 1)[0]["step"] == step
    late.ask("watch", job_id=job_id, example=5, layer=1, neuron=2)
    header = late.wait(lambda headers: headers[-1]["example"]["index"] == 5)[-1]
    assert (header["step"], header["neuron"]["index"]) == (step, 2)

    for done in (step + 1, step + 2):
        assert server.post(f"/api/training/{job_id}/step", json={"unit": "batch"}).status_code == 202
        viewer.wait(lambda headers, done=done: headers[-1]["step"] == done and done in viewer.paused)  # type: ignore[misc]
        late.wait(lambda headers, done=done: headers[-1]["step"] == done)  # type: ignore[misc]
    header = viewer.frames[-1][0]
    assert header["layers"][0]["gradient_norm"] > 0  # of that very mini-batch
    over_http = split(server.get(f"/api/networks/{network}/frame?layer=2&neuron=3").content)[0]
    assert (over_http["step"], over_http["batch"]) == (step + 2, header["batch"])
    assert over_http["neuron"] == header["neuron"]

    assert server.post(f"/api/training/{job_id}/pace", json={"batches_per_second": 0.1}).status_code == 202
    assert server.post(f"/api/training/{job_id}/resume").status_code == 202
    late.ask("watch", job_id=job_id, rate=20, example=6)  # is shown although the next mini-batch is ten seconds away
    late.wait(lambda headers: headers[-1]["example"]["index"] == 6)
