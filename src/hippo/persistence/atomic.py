"""Writing a file so that nobody ever sees half of it, whenever the power goes.

A temporary file beside the target is written, flushed to the disk and renamed; then the folder is flushed, so that the
name is as durable as the content. What a kill leaves behind is a temporary file, which `sweep` removes.
"""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

_MARK = ".unfinished-"


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then put it in the place of `path`.

    Raises
    ------
    OSError
        When the disk is full or fails; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{_MARK}{uuid.uuid4().hex}"
    try:
        write(temporary)
        _flush(temporary, os.O_RDWR)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(path.parent, os.O_RDONLY)


def remove(path: Path) -> bool:
    """Delete `path` for good; return whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _flush(path.parent, os.O_RDONLY)
    return True


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left in `folder`. To be called while nobody writes there."""
    for orphan in folder.glob(f"{_MARK}*"):
        orphan.unlink(missing_ok=True)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
