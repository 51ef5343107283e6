"""The server at work, in each async mode: how soon it is ready, answers, refuses, starts a job and tells of an epoch.

All is measured from outside, over HTTP and Socket.IO, with every worker training where that is said; the client shares
the machine with the server and its workers, and its own time is part of every number.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.report import Table, median, milliseconds, verdict
from benchmarks.running import Client, Listener, running, seconds_of, wait_until
from tests.serving import Server, serving

MODES = ("eventlet", "gevent", "threading")
REQUESTS = 2_000
STARTS = 3
SUBMISSIONS = 20
EVENTS = 300
#: Seconds to wait for so many events, at most.
EVENT_SECONDS = 30.0

UNKNOWN = "00000000-0000-4000-8000-000000000000"
BAD_REQUESTS = [
    ("POST", "/api/networks", '{"layer_sizes": [784, 10001, 10]}', 422),
    ("POST", "/api/networks", '{"layer_sizes": [784, 9000, 9000, 10]}', 422),
    ("POST", "/api/networks", '{"layer_sizes": [784, 30, 10', 400),
    ("POST", "/api/networks", "[" * 10_000, 400),
    ("POST", "/api/networks", '{"colour": "red"}', 422),
    ("POST", f"/api/networks/{UNKNOWN}/train", '{"learning_rate": NaN}', 400),
    ("POST", f"/api/networks/{UNKNOWN}/train", '{"epochs": 10001}', 422),
    ("POST", f"/api/networks/{UNKNOWN}/train", '{"epochs": 1}', 404),
    ("GET", f"/api/training/{UNKNOWN}", None, 404),
    ("GET", "/api/nowhere", None, 404),
]

TIMES = ["p50", "p95", "p99", "largest"]


def run() -> list[Table]:
    """Measure every mode; the modes stand side by side in each table."""
    tables = {
        "ready": Table(
            f"Start of the server, warm set-up: seconds, {STARTS} starts",
            ["", "first answer", "takes jobs", "slowest", "budget"],
            notes=["Medians. From the start of the process to GET /api/status, and to 200 from GET /readyz."],
        ),
        "status": Table(
            f"GET /api/status: milliseconds, {REQUESTS:,} requests",
            ["", *TIMES, "budget, p99"],
            notes=["One request after the other. 'new connections' opens one for each request."],
        ),
        "refusals": Table(
            f"Refusing bad input: milliseconds, {REQUESTS:,} requests of {len(BAD_REQUESTS)} kinds",
            ["", *TIMES, "budget"],
            notes=["The budget is for p95 while idle, for p99 while training."],
        ),
        "submit": Table(
            f"From submitting a job to its first mini-batch: milliseconds, {SUBMISSIONS} jobs, idle warm worker",
            ["", *TIMES, "first job", "budget, p95"],
            notes=[
                "From sending the request to the start of the run's clock, just before the first mini-batch is drawn:",
                "arrival of the first epoch's event, less that epoch's elapsed_time. It includes that event's way.",
                "'first job' is that of a worker that has not trained yet.",
            ],
        ),
        "events": Table(
            f"From an epoch's end to a Socket.IO client: milliseconds, {EVENTS} events, every worker training",
            ["", *TIMES, "budget, p95"],
            notes=[
                "'from the worker' begins when the worker has finished the epoch and its evaluation, before it saves a",
                "checkpoint or reports; 'from the store' begins at the event's timestamp, in the server.",
            ],
        ),
    }
    for mode in MODES:
        _measure(mode, tables)
    return list(tables.values())


def _measure(mode: str, tables: dict[str, Table]) -> None:
    answered, ready = zip(*(_start_once(mode) for _ in range(STARTS)), strict=True)
    tables["ready"].rows.append([mode, median(answered), median(ready), max(ready), verdict(max(ready), 2)])
    with running(mode) as (server, client):
        refused = milliseconds(_refusals(client))
        tables["refusals"].rows.append([f"{mode}, idle", *refused, verdict(refused[1], 10)])

        listener = Listener(server)
        first, *later = _submissions(client, listener)
        times = milliseconds(later)
        tables["submit"].rows.append([mode, *times, 1e3 * first, verdict(times[1], 100)])

        tables["status"].rows.append([f"{mode}, idle", *milliseconds(_answers(client)), None])
        with client.all_workers_training():
            for name, seconds in (("", _answers(client)), (", new connections", _answers_anew(server))):
                times = milliseconds(seconds)
                tables["status"].rows.append([f"{mode}, training{name}", *times, verdict(times[2], 25)])
            refused = milliseconds(_refusals(client))
            tables["refusals"].rows.append([f"{mode}, training", *refused, verdict(refused[2], 25)])
        with client.all_workers_training(mini_batch_size=200) as jobs:
            for name, seconds in _event_times(listener, jobs).items():
                times = milliseconds(seconds)
                budget = verdict(times[1], 20) if name == "from the worker" else None
                tables["events"].rows.append([f"{mode}, {name}", *times, budget])
        listener.close()


def _start_once(mode: str) -> tuple[float, float]:
    """Start and stop a server; return the seconds to its first answer and to its taking jobs."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="hippo-bench-") as folder,
        serving(Path(folder), HIPPO_ASYNC_MODE=mode) as server,
    ):
        client = Client(server)
        client.expect(200, "GET", "/api/status")
        answered = time.monotonic() - began
        wait_until(lambda: client.send("GET", "/readyz")[0] == 200)
        ready = time.monotonic() - began
        client.close()
    return answered, ready


def _answers(client: Client) -> list[float]:
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        client.expect(200, "GET", "/api/status")
        seconds.append(time.perf_counter() - began)
    return seconds


def _answers_anew(server: Server) -> list[float]:
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        client = Client(server)
        client.expect(200, "GET", "/api/status")
        client.close()
        seconds.append(time.perf_counter() - began)
    return seconds


def _refusals(client: Client) -> list[float]:
    seconds = []
    for number in range(REQUESTS):
        method, path, body, expected = BAD_REQUESTS[number % len(BAD_REQUESTS)]
        began = time.perf_counter()
        status, reply = client.send(method, path, body)
        seconds.append(time.perf_counter() - began)
        if status != expected:
            raise RuntimeError(f"{method} {path} {body}: {status}, not {expected}: {json.dumps(reply)}")
    return seconds


def _submissions(client: Client, listener: Listener) -> list[float]:
    """Train one short job after the other; return the time from each request to the start of the run's clock."""
    network_id, seconds = client.create(), []
    for _ in range(1 + SUBMISSIONS):
        sent = time.time()
        job_id = client.train(network_id, epochs=1, mini_batch_size=1_000)
        arrived, event = listener.wait_for("training_update", job_id)
        seconds.append(arrived - event["elapsed_time"] - sent)
        listener.wait_for("training_complete", job_id)
    return seconds


def _event_times(listener: Listener, jobs: list[str]) -> dict[str, list[float]]:
    """Listen to running jobs and return how long their events took.

    A worker's clock is told by `elapsed_time`, in seconds since its run began. When that was follows from the event
    that was the fastest from the worker to the server's clock: the earliest `timestamp - elapsed_time` of the run. That
    one way between processes, well under a millisecond, is left out; `timestamp`, cut to whole milliseconds, makes up
    for it.
    """
    listener.forget()
    end = time.monotonic() + EVENT_SECONDS
    wait_until(lambda: sum(map(len, map(listener.updates_of, jobs))) >= EVENTS or time.monotonic() > end, pause=0.1)
    found: dict[str, list[float]] = {"from the worker": [], "from the store": []}
    for job in jobs:
        updates = listener.updates_of(job)
        began = min(seconds_of(event["timestamp"]) - event["elapsed_time"] for _, event in updates)
        found["from the worker"] += [arrived - event["elapsed_time"] - began for arrived, event in updates]
        found["from the store"] += [arrived - seconds_of(event["timestamp"]) for arrived, event in updates]
    return found
