"""A process that saves a network over and over, to be killed: ``python -m tests.persistence.saver FOLDER WHERE``.

It saves two networks in turns under the id "net" and prints a line after each save. WHERE says at which point the third
save stops for ever, after printing ``here``:

half        half of the temporary file is written
written     all of it, but it is not flushed to the disk
renamed     it has the right name, but the folder is not flushed
plain-half  as half, in a program that writes straight into the file: to show what that leads to
never       it goes on until it is killed
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any

from hippo.network import NeuralNetwork
from hippo.persistence import arrays_file
from hippo.persistence.model_persistence import ModelFiles


def network(number: int) -> NeuralNetwork:
    """What save `number`, from 0, saves."""
    return NeuralNetwork([784, 500, 10], seed=number % 2)


def say(word: object) -> None:
    """Tell the test where we are."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def stop() -> None:
    """Say so, and wait for the end."""
    say("here")
    sys.stdin.read()


class HalfFile:
    """A file that stops after half of what is written into it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> HalfFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        stop()


def stop_next_save(where: str) -> None:
    """Make the save after this call stop at the point that `where` names."""
    real_open, real_fsync = Path.open, os.fsync
    flushes = itertools.count(1)

    def half_open(path: Path, *arguments: Any, **more: Any) -> HalfFile:
        return HalfFile(real_open(path, *arguments, **more))

    def fsync(descriptor: int) -> None:
        if next(flushes) == {"written": 1, "renamed": 2}[where]:
            stop()
        real_fsync(descriptor)

    place: Any
    if where in ("half", "plain-half"):
        place = Path
        place.open = half_open
    elif where in ("written", "renamed"):
        place = os
        place.fsync = fsync


def main() -> None:
    """Save until the end."""
    folder, where = Path(sys.argv[1]), sys.argv[2]
    files = ModelFiles(folder)
    if where == "plain-half":
        module: Any = arrays_file
        module.write_atomically = lambda path, content: path.write_bytes(content)
    both = [network(0), network(1)]
    for number in itertools.count():
        if number == 2:
            stop_next_save(where)
        files.save_model("net", both[number % 2], f"revision {number}", {})
        say(number)


if __name__ == "__main__":
    main()
