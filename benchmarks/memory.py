"""The memory that one worker more adds: private bytes of a real worker process while it trains beside another one.

Private is what would be free again without that process (USS). With two workers training, the pictures do not count:
they are memory-mapped, and all workers share one copy in the page cache. The largest of many samples is taken, because
memory for an evaluation or a checkpoint is held for a moment only.
"""

from __future__ import annotations

import time

import psutil

from benchmarks.report import Table, verdict
from benchmarks.running import running, worker_processes

WORKERS = 2
SECONDS, PAUSE = 6.0, 0.02
BUDGET = 100.0  # MB
RUNS = (
    ("784-30-10, batch 10", [784, 30, 10], 10),
    ("784-30-10, batch 50,000 (full)", [784, 30, 10], 50_000),
    ("784-1000-1000-10, batch 100", [784, 1000, 1000, 10], 100),
)


def run() -> list[Table]:
    """Measure workers that wait, and that train, for each of `RUNS`."""
    table = Table(
        "Memory of one worker, MB",
        ["", "private", "budget", "private + shared"],
        notes=[
            f"The largest of samples of {WORKERS} workers every {PAUSE * 1e3:.0f} ms for {SECONDS:.0f} s.",
            "Shared is mostly MNIST itself and libraries: one copy for all processes.",
            "784-1000-1000-10 has 1.8 million parameters, of 4 bytes; a run holds them about four times.",
        ],
    )
    for name, sizes, batch in RUNS:
        # A new server each time: a worker keeps what it once allocated.
        with running("threading", workers=WORKERS) as (server, client):
            workers = worker_processes(server)
            if not table.rows:
                table.rows.append(_row("waiting for a first task", [_memory(worker) for worker in workers], None))
            # From the second epoch on: until then a page of the pictures may have been read by one worker only.
            with client.all_workers_training(sizes, mini_batch_size=batch, learning_rate=0.5):
                samples = []
                end = time.monotonic() + SECONDS
                while time.monotonic() < end:
                    samples += [_memory(worker) for worker in workers]
                    time.sleep(PAUSE)
        table.rows.append(_row(name, samples, BUDGET if batch == 10 else None))
    return [table]


def _memory(process: psutil.Process) -> tuple[float, float]:
    """Return private and total bytes."""
    memory = process.memory_full_info()
    return memory.uss, memory.rss


def _row(name: str, samples: list[tuple[float, float]], budget: float | None) -> list[str | float | None]:
    private, total = (max(column) / 1e6 for column in zip(*samples, strict=True))
    return [name, private, None if budget is None else verdict(private, budget), total]
