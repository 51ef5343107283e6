"""Reads Nielsen's mnist.pkl.gz without trusting it: a pickle is a program, and this one gets nothing to run.

Only the few instructions that arrays need are accepted, counted before the first is obeyed, and every name that a
pickle may mention stands for an inert recorder of this module, not for the NumPy object of that name. The arrays are
then made here from the recorded type, shape and bytes. Pickles of anything else, models above all, are not read.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np
import numpy.typing as npt

from hippo.errors import DataError

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]

_MAX_STEPS = 2000  # Nielsen's file takes about 200
# None of them makes a dict: without one, a pickle cannot set attributes of what it is given.
_STEP_NAMES = (
    "PROTO FRAME STOP MARK POP TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_TUPLE EMPTY_LIST APPEND APPENDS GLOBAL STACK_GLOBAL "
    "REDUCE BUILD NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES "
    "BINBYTES8 BINUNICODE SHORT_BINUNICODE BINPUT LONG_BINPUT MEMOIZE BINGET LONG_BINGET"
)
_STEPS = frozenset(_STEP_NAMES.split())
_NUMBERS = frozenset({"u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"})


class _RefusedError(Exception):
    """The pickle does something that a pickle of arrays does not do."""


class _Dtype:
    """Stands for `numpy.dtype`: keeps the code, and the byte order out of the state."""

    def __init__(self, code: object, *_: object) -> None:
        self.code = code.decode("latin-1") if isinstance(code, bytes) else code
        self.order: object = b"<"

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1:
            self.order = state[1].encode() if isinstance(state[1], str) else state[1]

    def to_numpy(self) -> np.dtype[Any]:
        """Make the real type, if it is one of plain numbers."""
        if self.code not in _NUMBERS or self.order not in (b"<", b">", b"|"):
            raise _RefusedError
        return np.dtype((">" if self.order == b">" else "<") + str(self.code))


class _Array:
    """Stands for `numpy.ndarray` and the function that makes empty ones: keeps the state."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def to_numpy(self) -> npt.NDArray[Any]:
        """Make the real array, if type, shape and bytes agree."""
        match self.state:
            case (int(), tuple(shape), _Dtype() as kind, bool() | int() as fortran, bytes(data)):
                dtype = kind.to_numpy()
                whole = all(isinstance(size, int) and size >= 0 for size in shape)
                if whole and len(shape) <= 3 and math.prod(shape) * dtype.itemsize == len(data):
                    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
        raise _RefusedError


class _Encode:
    """Stands for `_codecs.encode`, with which Python 3 writes bytes into protocol 2."""

    def __new__(cls, text: object, encoding: object = None) -> Any:
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
            raise _RefusedError
        return text.encode("latin-1")


_STANDS_FOR: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("_codecs", "encode"): _Encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in _STANDS_FOR:
            raise _RefusedError
        return _STANDS_FOR[module_name, global_name]


def read(data: bytes, name: str) -> list[Pair]:
    """Read three pairs of images and labels: training, validation, test.

    Parameters
    ----------
    data
        The unpacked pickle, protocol 2 or newer.
    name
        The file, for messages.

    Raises
    ------
    DataError
        If it is cut off, holds anything but such arrays, or would call anything.
    """
    try:
        _check_steps(data)
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        match loaded:
            case ((_Array(), _Array()), (_Array(), _Array()), (_Array(), _Array())):
                return [(images.to_numpy(), labels.to_numpy()) for images, labels in loaded]
        raise _RefusedError
    except Exception as error:
        # A hostile pickle can make the unpickler raise nearly anything; all of it means the same to the user.
        raise DataError(
            f"{name} is a pickle, but not an intact mnist.pkl.gz: it is cut off, or holds something else than three "
            "pairs of arrays. Nothing in it was executed. Remove it, or fetch it again from where you trust it."
        ) from error


def _check_steps(data: bytes) -> None:
    """Refuse foreign instructions, endless ones, and places in the memo so high that keeping them takes gigabytes."""
    for count, (step, argument, _) in enumerate(pickletools.genops(data)):
        if count >= _MAX_STEPS or step.name not in _STEPS:
            raise _RefusedError
        if step.name == "LONG_BINPUT" and isinstance(argument, int) and argument > _MAX_STEPS:
            raise _RefusedError
