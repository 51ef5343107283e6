"""POST /predict in each async mode beside a bare FastAPI endpoint of the same network: latency and throughput.

All servers run at the same time and take turns, so that all of them meet the same machine: in each round every one
answers some requests while the others are idle, in an order drawn anew. The client writes prepared bytes to kept
connections; its own time is part of every number, the same for all.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from benchmarks.report import Table, median, percentile, spread, verdict
from benchmarks.running import HOST, Client, running, wait_until
from hippo.datasets import MNISTLoader
from hippo.persistence.model_persistence import read_model
from hippo.settings import PROJECT_DIR
from tests.serving import Server

MODES = ("eventlet", "gevent", "threading")
BARE = "FastAPI + NumPy, uvicorn"
ROUNDS, REQUESTS = 7, 300
CONNECTIONS, SECONDS = 8, 1.5
IMAGES = 100


class Connection:
    """A kept connection over which prepared requests go."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of its reply, which must be a 200."""
        self._socket.sendall(request)
        reply = b""
        while b"\r\n\r\n" not in reply:
            reply += self._receive()
        head, _, body = reply.partition(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(reply.decode())
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        return body

    def _receive(self) -> bytes:
        part = self._socket.recv(65_536)
        if not part:
            raise RuntimeError("The server closed the connection.")
        return part

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def run() -> list[Table]:
    """Measure all, in turns."""
    requests = _requests()
    with contextlib.ExitStack() as servers:
        ports, weights = {}, None
        for mode in MODES:
            server, client = servers.enter_context(running(mode, workers=1))
            weights = _train(server, client)
            ports[f"Hippo, {mode}"] = server.port
        assert weights is not None
        ports[BARE] = servers.enter_context(_bare(weights))
        _compare(ports, requests[0])
        return _measure(ports, requests)


def _measure(ports: dict[str, int], requests: list[bytes]) -> list[Table]:
    times: dict[str, list[float]] = {name: [] for name in ports}
    rates: dict[str, list[float]] = {name: [] for name in ports}
    names = list(ports)
    for round_ in range(ROUNDS + 1):  # the first one warms up
        random.shuffle(names)
        for name in names:
            taken = _latencies(ports[name], requests)
            rate = _throughput(ports[name], requests)
            if round_:
                times[name] += taken
                rates[name].append(rate)
    table = Table(
        f"POST /predict, one image, 784-30-10: {ROUNDS} rounds in turns, {REQUESTS} requests each",
        ["", "p50, ms", "p95, ms", "budget, p50", "requests/s", "range", "budget"],
        notes=[
            "Latency over one connection; requests per second over "
            f"{CONNECTIONS} connections, {SECONDS} s a round: the median and the range of the rounds.",
            f"The bodies have {len(requests[0]):,} bytes or so: numbers as MNIST's pixels / 255 are written in full.",
        ],
    )
    for name in ports:
        p50, p95 = (1e3 * percentile(times[name], percent) for percent in (50, 95))
        rate = median(rates[name])
        enough = "" if name == BARE else f"> 400: {'met' if rate > 400 else 'MISSED'}"
        row = [name, p50, p95, "" if name == BARE else verdict(p50, 3), rate, spread(rates[name]), enough]
        table.rows.append(row)
    return [table]


def _latencies(port: int, requests: list[bytes]) -> list[float]:
    connection, taken = Connection(port), []
    for number in range(REQUESTS):
        began = time.perf_counter()
        connection.ask(requests[number % len(requests)])
        taken.append(time.perf_counter() - began)
    connection.close()
    return taken


def _throughput(port: int, requests: list[bytes]) -> float:
    """Return the requests per second that are answered over several connections."""
    counts = [0] * CONNECTIONS
    end = time.perf_counter() + SECONDS

    def ask(place: int) -> None:
        connection = Connection(port)
        while time.perf_counter() < end:
            connection.ask(requests[(place + counts[place]) % len(requests)])
            counts[place] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def _requests() -> list[bytes]:
    test_data = MNISTLoader(PROJECT_DIR / "data").load_data().test_data
    bodies = [json.dumps({"pixels": (row / 255).tolist()}).encode() for row in test_data.pixels[:IMAGES].astype(float)]
    head = f"POST /predict HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: "
    return [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]


def _train(server: Server, client: Client) -> Path:
    """Train the network that answers, the same in every server; return its file."""
    network_id = client.create()
    job_id = client.train(network_id, epochs=1)
    wait_until(lambda: client.expect(200, "GET", f"/api/training/{job_id}")["finished_at"] is not None)
    folder = psutil.Process(server.process.pid).environ()["HIPPO_MODELS_DIR"]
    return Path(folder) / f"{network_id}.safetensors"


@contextlib.contextmanager
def _bare(weights: Path) -> Iterator[int]:
    """Serve the bare endpoint with these weights; give its port."""
    parameters = read_model(weights)[0].model.parameters
    kinds = {"w": "weights", "b": "bias"}
    arrays = {
        f"{letter}{place}": parameters[name]
        for letter, kind in kinds.items()
        for place, name in enumerate(name for name in parameters if name.endswith(kind))
    }
    with tempfile.TemporaryDirectory(prefix="hippo-bench-") as folder, socket.create_server((HOST, 0)) as listener:
        file = Path(folder) / "weights.npz"
        np.savez(file, **arrays)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare_endpoint", str(file), str(listener.fileno())],
            pass_fds=[listener.fileno()],
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            yield listener.getsockname()[1]
        finally:
            process.terminate()
            process.wait(10)


def _compare(ports: dict[str, int], request: bytes) -> None:
    """Raise unless all say the same."""
    answers = []
    for port in ports.values():
        connection = Connection(port)
        answers.append(json.loads(connection.ask(request))["probabilities"])
        connection.close()
    if not np.allclose(answers, answers[-1], atol=1e-5):
        raise RuntimeError(f"The servers do not agree: {answers}")
