"""Writing a file so that nobody ever sees half of it, whenever the power goes.

A temporary file beside the target is written, flushed to the disk and renamed; then the folder is flushed, so that the
name is as durable as the content. What a kill leaves behind is a temporary file, which `sweep` removes.
"""

import os
import uuid
from pathlib import Path

_MARK = ".unfinished-"


def write_atomically(path: Path, content: bytes) -> None:
    """Put a file that holds `content` in the place of `path`.

    Raises
    ------
    OSError
        When the disk is full or fails; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{_MARK}{uuid.uuid4().hex}"
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def remove(path: Path) -> bool:
    """Delete `path` for good; return whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    _flush_folder(path.parent)
    return True


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed process left in `folder`. To be called while nobody writes there."""
    for orphan in folder.glob(f"{_MARK}*"):
        orphan.unlink(missing_ok=True)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
