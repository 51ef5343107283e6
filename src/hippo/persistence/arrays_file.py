"""One safetensors file: arrays behind a JSON header, which no reading can make execute anything.

The header's one metadata key ``hippo`` holds everything that is no array, as JSON. Files are written whole or not at
all. What the arrays mean is the matter of ``model_persistence``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hippo.atomic_files import write_atomically
from hippo.errors import DataError
from hippo.nn import Array

log = logging.getLogger(__name__)


def write(path: Path, arrays: Mapping[str, Array], header: Mapping[str, Any]) -> None:
    """Write arrays and a header of values of JSON; raises OSError when the disk is full or fails."""
    # safetensors writes the memory of an array as it lies, strides ignored: a transposed view would be saved wrong.
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"hippo": json.dumps(header, allow_nan=False)}
    # Not `save_file`: it names a temporary file of its own, which nobody would sweep, and a full disk is no OSError to
    # it. The price is a copy in memory.
    write_atomically(path, save(whole, metadata=metadata))


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays; raises DataError for a file that is missing, damaged or not ours."""
    with _opened(path) as file:
        header = _header(file, path)
        try:
            # `get_tensor` copies: nothing refers to the file once it is closed.
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (AttributeError, TypeError, SafetensorError):  # of numbers that NumPy does not know, such as bfloat16
            raise _foreign(path) from None
    # It knows them once a process has written a network as ONNX, whose package brings them.
    if any(array.dtype.isbuiltin != 1 for array in arrays.values()):
        raise _foreign(path)
    return header, arrays


def _foreign(path: Path) -> DataError:
    return DataError(f"{path.name} holds an array of a type that Hippo does not write.")


def read_header(path: Path) -> dict[str, Any]:
    """Return the header alone; raises DataError as `read` does."""
    with _opened(path) as file:
        return _header(file, path)


def _header(file: Any, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(file.metadata()["hippo"])
    except (KeyError, TypeError, ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise DataError(f"{path.name} was not written by Hippo: its header lacks the description.")
    return header


def _opened(path: Path) -> Any:
    try:
        return safe_open(path, framework="np")
    except FileNotFoundError:
        at = f" from the folder {path.parent.name}" if path.parent.name else ""
        raise DataError(f"{path.name} is missing{at}.") from None
    except PermissionError:
        raise DataError(f"{path.name} may not be read: permission denied.") from None
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: Exception) -> DataError:
    """Return what to say of a file that is not as it should be; what a library says of it goes to the log."""
    log.warning("%s cannot be read: %s: %s", path, type(error).__name__, error)
    return DataError(f"{path.name} is damaged, or no file that Hippo wrote.")
