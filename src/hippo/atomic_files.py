"""Writing a file so that nobody ever sees half of it, whenever the power goes.

A temporary file beside the target is written, flushed to the disk and renamed; then the folder is flushed, so that the
name is as durable as the content. What a kill leaves behind is a temporary file, which `sweep` removes.
"""

import os
import time
import uuid
from pathlib import Path

_MARK = ".unfinished-"


def write_atomically(path: Path, *pieces: bytes | memoryview) -> None:
    """Put a file that holds `pieces`, one after the other, in the place of `path`.

    Raises
    ------
    OSError
        When the disk is full or fails; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_path(path.parent)
    try:
        with temporary.open("xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def temporary_path(folder: Path) -> Path:
    """Return a new name in `folder`; a file of that name is removed by the next `sweep`."""
    return folder / f"{_MARK}{uuid.uuid4().hex}"


def remove(path: Path) -> bool:
    """Delete `path` for good; return whether it was there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    flush_folder(path.parent)
    return True


def sweep(folder: Path, older_than: float = 0.0) -> None:
    """Remove temporary files that killed processes left in `folder`.

    Parameters
    ----------
    folder : Path
    older_than : float
        Seconds: younger ones stay, because somebody may be writing them. 0 is for a folder that is known to be quiet.
    """
    for orphan in folder.glob(f"{_MARK}*"):
        try:
            if time.time() - orphan.stat().st_mtime >= older_than:
                orphan.unlink()
        except FileNotFoundError:
            continue  # somebody else swept it, or it was finished


def flush_folder(path: Path) -> None:
    """Make the names in a folder as durable as what they name."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
