"""One frame of a network that is watched: a header of plain values, and arrays packed behind it.

What the numbers mean is the matter of ``snapshots``. Here is only how they are laid out, small enough to be sent twenty
times a second: weights as bytes with a scale, everything else as it is, each array at a multiple of 4 bytes, so that a
browser can look at it without copying. The header holds no number that JSON does not know, and the arrays hold none
that is not finite.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from hippo.nn import Array

#: The steps on either side of 0 that a weight is rounded to.
STEPS = 127
#: Below this a weight is 0 to whoever looks; its reciprocal would overflow.
_SMALLEST = 1e-30
_ALIGNMENT = 4
_LENGTH = struct.Struct("!I")
_NAMES = {"float32": "f4", "int8": "i1", "uint8": "u1", "uint16": "u2"}


@dataclass(frozen=True)
class Frame:
    """What somebody who watches is sent.

    Attributes
    ----------
    header : dict
        Values of JSON; ``parts`` says where each array begins in the payload, and its type and shape.
    payload : bytes
        The arrays, little-endian.
    """

    header: dict[str, Any]
    payload: bytes

    def to_bytes(self) -> bytes:
        """Return header and payload as one: 4 bytes of length (big-endian), the header's JSON, the payload.

        The JSON is padded with spaces so that the payload, too, begins at a multiple of 4.
        """
        text = json.dumps(self.header, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        return b"".join((_LENGTH.pack(len(text)), text, self.payload))


class Parts:
    """The arrays of a frame, laid out one after the other.

    Attributes
    ----------
    table : list of dict
        ``name``, ``dtype`` ("f4", "i1", "u1" or "u2"), ``shape``, ``offset`` (bytes) of each; of bytes that stand for
        weights, also ``scale``; of floats that are not all finite, ``not_finite``: the places where 0 stands for one.
    """

    def __init__(self) -> None:
        self.table: list[dict[str, Any]] = []
        self._pieces: list[bytes] = []
        self._length = 0

    def copy(self) -> Parts:
        """Return parts that begin with these, so that frames can share what is the same in all."""
        other = Parts()
        other.table, other._pieces, other._length = list(self.table), list(self._pieces), self._length
        return other

    def add(self, name: str, array: Array) -> None:
        """Add an array of float32, uint8 or uint16; a float that is not finite becomes 0, and its place is told."""
        if array.dtype == np.float32 and not (ok := np.isfinite(array)).all():
            self._append(name, finite(array), not_finite=np.flatnonzero(~ok).tolist())
        else:
            self._append(name, array)

    def add_rounded(self, name: str, weights: Array) -> None:
        """Add float32 weights as bytes from -127 to 127, of which each stands for ``scale`` times itself."""
        largest = largest_of(weights)
        if not math.isfinite(largest):
            weights = finite(weights)
            largest = largest_of(weights)
        if largest < _SMALLEST:
            self._append(name, np.zeros(weights.shape, np.int8), scale=0.0)
            return
        rounded = np.multiply(weights, np.float32(STEPS / largest))
        np.rint(rounded, out=rounded)
        self._append(name, rounded.astype(np.int8), scale=largest / STEPS)

    def to_bytes(self) -> bytes:
        """Return the arrays, one after the other."""
        return b"".join(self._pieces)

    def _append(self, name: str, array: Array, **more: float | list[int]) -> None:
        entry = {"name": name, "dtype": _NAMES[array.dtype.name], "shape": list(array.shape), "offset": self._length}
        self.table.append(entry | more)
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        padding = -len(raw) % _ALIGNMENT
        self._pieces += [raw, bytes(padding)] if padding else [raw]
        self._length += len(raw) + padding


def number(value: Any) -> float | None:
    """Return `value` for JSON, with the nine digits that tell any two float32 apart; None where it is not finite."""
    exact = float(value)
    return float(f"{exact:.9g}") if math.isfinite(exact) else None


def finite(array: Array) -> Array:
    """Return `array` with 0 for what is not finite; the same array where all of it is."""
    ok = np.isfinite(array)
    return array if ok.all() else np.where(ok, array, np.zeros((), array.dtype))


def largest_of(array: Array) -> float:
    """Return the largest magnitude in `array`; not finite where one number in it is not."""
    return float(max(array.max(), -array.min()))
