"""Writes digits in the formats of others, byte by byte where the writer is not at hand (Python 2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hippo.datasets.canonical import Bytes, idx_header

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def idx(array: Bytes) -> bytes:
    return idx_header(array.shape) + array.tobytes()


def csv(images: Bytes, labels: Bytes, header: str | None = None, end: bytes = b"\n") -> bytes:
    """One row per digit, label first; through a table of ready cells, as 60,000 rows take seconds otherwise."""
    cells = np.array([list(f"{value:>3},".encode()) for value in range(256)], np.uint8)
    rows = cells[np.column_stack([labels, images])]
    rows[:, -1, -1] = ord("\n")
    body = rows.tobytes().replace(b" ", b"").replace(b"\n", end)
    return (header.encode() + end if header else b"") + body


def keras(path: Path, train: Pair, test: Pair) -> None:
    (x_train, y_train), (x_test, y_test) = train, test
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def nielsen(pairs: Sequence[Pair]) -> bytes:
    """Write a pickle as Python 2 and its NumPy wrote mnist.pkl: protocol 2, array data as 8-bit strings."""
    # Joined once: the real one has 220 MB.
    pieces = [piece for x, y in pairs for piece in (*_python2_array(x), *_python2_array(y), b"\x86")]
    return b"".join([b"\x80\x02", *pieces, b"\x87."])


def _python2_array(array: npt.NDArray[Any]) -> list[bytes | memoryview]:
    code, data = array.dtype.str[1:].encode(), np.ascontiguousarray(array).data.cast("B")
    shape = b"".join(b"J" + struct.pack("<i", size) for size in array.shape)
    return [
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
        b"(K\x01(" + shape + b"t",
        b"cnumpy\ndtype\nU" + bytes([len(code)]) + code + b"K\x00K\x01\x87R",
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        b"\x89T" + struct.pack("<i", len(data)),
        data,
        b"tb",
    ]
