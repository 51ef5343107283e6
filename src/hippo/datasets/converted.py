"""The converted copy of MNIST: four memory-mapped .npy files and a manifest in `data/mnist/`.

Written once, atomically, from arrays that are already known to be MNIST; opened by every process of the server. The
manifest is written last: while it is missing there is no converted copy, whatever else lies in the folder, so that a
conversion killed at any moment leaves nothing half visible. Two processes that convert at once write the same bytes
under their own temporary names, and each rename puts a whole file in place.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hippo.atomic_files import flush_folder, sweep, write_atomically
from hippo.datasets.canonical import PARTS, REPAIR, Bytes, Part, display, npy_header
from hippo.errors import DataError

MANIFEST = "manifest.json"
_ORPHAN_SECONDS = 600  # a conversion takes about a second, so that a temporary file this old belongs to nobody


def is_converted(folder: Path) -> bool:
    """Tell whether a conversion into this folder was ever finished; its files may have been damaged since."""
    return os.path.lexists(folder / MANIFEST)


def open_converted(folder: Path, verify: bool) -> dict[str, Bytes]:
    """Memory-map the four arrays, read-only, by their names in `PARTS`.

    Parameters
    ----------
    folder
        `data/mnist`.
    verify
        Whether to compare the SHA-256 of every file (0.1 s for all 55 MB); sizes and shapes are always checked.

    Raises
    ------
    DataError
        If a file is missing, cut off, swapped or altered; the text names it and says what to do.
    """
    _check_manifest(folder / MANIFEST)
    return {part.name: _open_part(folder / part.npy_name, part, verify) for part in PARTS}


def write_converted(folder: Path, arrays: Mapping[str, Bytes], source: str) -> None:
    """Write the four arrays and, when all of them are in place, the manifest.

    Parameters
    ----------
    folder
        `data/mnist`; made if it is missing.
    arrays
        The arrays by their names in `PARTS`, known to be canonical.
    source
        Where they come from, for people who read the manifest.

    Raises
    ------
    DataError
        If a file cannot be written, for example on a full disk. Nothing half written stays.
    """
    at = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flush_folder(folder.parent)
        sweep(folder, older_than=_ORPHAN_SECONDS)
        for part in PARTS:
            at = folder / part.npy_name
            array = np.ascontiguousarray(arrays[part.name])
            write_atomically(at, npy_header(part.shape), array.data)
        at = folder / MANIFEST
        text = json.dumps({"dataset": "MNIST", "source": source, "files": _expected_files()}, indent=2) + "\n"
        write_atomically(at, text.encode())
    except OSError as error:
        reason = error.strerror or "output error"
        raise DataError(
            f"{display(at)} could not be written: {reason}. It needs a folder that may be written to and 60 MB of room."
        ) from error


def _expected_files() -> dict[str, dict[str, int | str]]:
    return {part.npy_name: {"bytes": part.npy_bytes, "sha256": part.npy_sha256} for part in PARTS}


def _check_manifest(path: Path) -> None:
    try:
        with path.open("rb") as file:
            manifest: Any = json.loads(file.read(64 * 1024))
        files = manifest["files"] if isinstance(manifest, dict) else None
    except OSError as error:
        raise DataError(f"{display(path)} cannot be read: {error.strerror or 'input error'}. {REPAIR}") from error
    except (ValueError, KeyError, RecursionError):
        files = None
    # Compared with the constants and not with the files: files and manifest altered alike must not pass as MNIST.
    if files != _expected_files():
        raise DataError(f"{display(path)} is cut off or altered: it does not describe MNIST. {REPAIR}")


def _open_part(path: Path, part: Part, verify: bool) -> Bytes:
    name = display(path)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != part.npy_bytes:
                raise DataError(f"{name} has {size:,} bytes and should have {part.npy_bytes:,}. {REPAIR}")
            if verify and hashlib.file_digest(file, "sha256").hexdigest() != part.npy_sha256:
                raise DataError(f"{name} is altered: its SHA-256 is not that of MNIST. {REPAIR}")
        array: Bytes = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise DataError(f"{name} is missing. {REPAIR}") from error
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not an array"
        raise DataError(f"{name} cannot be read: {reason}. {REPAIR}") from error
    if array.shape != part.shape or array.dtype != np.uint8:
        raise DataError(f"{name} is altered: it does not hold {part.shape} bytes. {REPAIR}")
    return array
