"""Runs the commands as a shell does, or within the test, and makes digits for them that are learned in a moment."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from hippo.commands import run
from tests.datasets.made_files import keras
from tests.jobs.made_data import made_mnist

SRC = Path(__file__).resolve().parents[2] / "src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SRC), "OPENBLAS_NUM_THREADS": "1"}


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def made_digits(path: Path) -> Path:
    """Write 400 digits for training and validation and 100 for testing."""
    made = made_mnist(train=400, test=100)
    train, _, test = ((part.pixels.reshape(-1, 28, 28), part.labels) for part in made)
    keras(path, train, test)
    return path


def start(script: str, *arguments: object, cwd: Path, prepare: Callable[[], Any] = lambda: None) -> Any:
    """Start a command whose error output waits for its reader after 4 kB: it cannot end before that is read."""

    def begin() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that runs pytest in the background has it ignored
        prepare()

    process = subprocess.Popen(
        [sys.executable, str(SRC / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=cwd,
        env=ENVIRONMENT,
        preexec_fn=begin,
    )
    assert process.stderr is not None
    fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
    return process


def end(process: Any) -> Said:
    """Wait for the end of a command, at most a minute."""
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, out.decode(), err.decode())


def shell(script: str, *arguments: object, cwd: Path, prepare: Callable[[], Any] = lambda: None) -> Said:
    """Run a command in a process of its own."""
    return end(start(script, *arguments, cwd=cwd, prepare=prepare))


class Inline:
    """Runs a command within the test, in a folder of its own."""

    def __init__(
        self, command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._command, self._monkeypatch, self._capsys = command, monkeypatch, capsys

    def __call__(self, *arguments: object) -> Said:
        name = f"{self._command.__name__}.py"
        self._monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        self._capsys.readouterr()
        code = run(self._command.main)
        return Said(code, *self._capsys.readouterr())


def assert_refused(said: Said, script: str, *words: str) -> None:
    """Check that all it said is one line on standard error, and that the code is 2."""
    assert said.out == ""
    assert said.code == 2, said.err
    assert said.err.startswith(f"{script}: ")
    assert said.err.count("\n") == 1
    for word in words:
        assert word in said.err
