"""One epoch of training: Hippo beside PyTorch, JAX, scikit-learn and a per-sample loop, in turns in one run.

Every contender (see ``contenders``) is a process of its own, held to the same one core and to one thread. In each round
every one does an epoch, in an order drawn anew, while the others wait; so whatever else the machine does meets them
all alike. Ratios are taken within a round.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np

from benchmarks.contenders import CONTENDERS
from benchmarks.report import Table, median, spread

ROUNDS = 7
LONGEST_WAIT = 120.0
#: The per-sample loop would take most of the time here and tell nothing new.
LARGER, LARGER_ROUNDS, LEFT_OUT_OF_LARGER = [784, 128, 64, 10], 3, ("NumPy, per sample",)
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
#: How many times as long as Hippo's epoch the others' should take, at least (at most 1.5 times JAX's).
BUDGETS = {"JAX, jit + scan": 1 / 1.5, "PyTorch, eager": 4.0, "NumPy, per sample": 10.0}


@dataclass
class Process:
    """A contender at work: `seconds` of its epochs so far."""

    name: str
    popen: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)

    def ask(self, line: str) -> float:
        """Send a line and return the number that is answered."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        return float(self.hear())

    def hear(self) -> str:
        """Return the next line it prints."""
        assert self.popen.stdout is not None
        if not select.select([self.popen.stdout], [], [], LONGEST_WAIT)[0]:
            raise TimeoutError(f"{self.name} has said nothing for {LONGEST_WAIT:.0f} s.")
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit code {self.popen.wait()}.")
        return line.strip()

    def end(self) -> None:
        """Close its input, which ends it; kill it if that does not."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        try:
            self.popen.stdin.close()
            self.popen.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.popen.kill()
            self.popen.wait()
        self.popen.stdout.close()


def run() -> list[Table]:
    """Measure both networks."""
    return [
        compare([784, 30, 10], ROUNDS, ()),
        compare(LARGER, LARGER_ROUNDS, LEFT_OUT_OF_LARGER),
    ]


def compare(sizes: list[int], rounds: int, left_out: tuple[str, ...]) -> Table:
    """Let all contenders but those `left_out` do `rounds` epochs of a network in turns."""
    processes: list[Process] = []
    try:
        for name in CONTENDERS:
            if name not in left_out:
                processes.append(start(name, "benchmarks.contenders", name, ",".join(map(str, sizes))))
        accuracies = take_turns(processes, rounds)
    finally:
        for process in processes:
            process.end()
    return _table(sizes, rounds, processes, accuracies)


def take_turns(processes: list[Process], rounds: int) -> list[float]:
    """Let every process do an epoch in each round, in an order drawn anew; return what accuracies they end with."""
    rng = np.random.default_rng(1)
    for _ in range(rounds):
        for turn in rng.permutation(len(processes)):
            process = processes[turn]
            process.seconds.append(process.ask("epoch"))
    return [process.ask("accuracy") for process in processes]


def start(name: str, module: str, *arguments: str) -> Process:
    """Start a contender on its one core and wait until it is warm, so that no two warm up at the same time."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    popen = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process = Process(name, popen)
    try:
        if cores:
            # At once, before the child has counted its cores and started its threads.
            os.sched_setaffinity(popen.pid, {cores[-1]})
        if process.hear() != "ready":
            raise RuntimeError(f"{name} did not get ready.")
    except BaseException:
        process.end()
        raise
    return process


def _environment() -> dict[str, str]:
    # A choice of kernels that was made for this machine's NumPy would bind NumPy and none of the others.
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    return kept | ONE_THREAD


def _table(sizes: list[int], rounds: int, processes: list[Process], accuracies: list[float]) -> Table:
    hippo = processes[0]
    table = Table(
        f"One epoch of {'-'.join(map(str, sizes))}, batch 10, 50,000 images, one core: {rounds} rounds in turns",
        ["", "seconds", "spread", "times Hippo", "spread", "budget", "accuracy"],
        notes=[
            "Medians. 'times Hippo' is a time divided by Hippo's in the same round: above 1, Hippo is faster.",
            f"'accuracy' is the fraction of the test set that is right after {rounds + 1} epochs: all did learn.",
        ],
    )
    for process, accuracy in zip(processes, accuracies, strict=True):
        ratios = [own / its for own, its in zip(process.seconds, hippo.seconds, strict=True)]
        least = BUDGETS.get(process.name) if sizes == [784, 30, 10] else None
        budget = None if least is None else f"> {least:.2f}: {'met' if median(ratios) >= least else 'MISSED'}"
        row = [process.name, median(process.seconds), spread(process.seconds), median(ratios), spread(ratios), budget]
        table.rows.append([*row, f"{accuracy:.4f}"])
    return table
