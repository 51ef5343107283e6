"""Hippo's own safetensors files when they come from elsewhere: every number in the header is checked before it is used.

The server's own files are read by ``arrays_file``, which trusts the library with them; here a file may lie about its
sizes, and a checkpoint will do as well as a finished network.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from hippo.errors import ImportRefused, InvalidValue
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.untrusted import Announced, Layer, finite_json, kept_facts, read_network

#: Bytes that the header may have: the records of 10,000 epochs are smaller.
MAX_HEADER = 8 * 2**20
_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
#: Arrays of a checkpoint besides the weights.
_OF_CHECKPOINT = ("last_good.", "optimizer.")


def looks_like(head: bytes) -> bool:
    """Say whether a file that begins with these 16 bytes or more is a safetensors file, whole or not."""
    return len(head) > 8 and 2 <= int.from_bytes(head[:8], "little") <= 100_000_000 and head[8:9] == b"{"


def read(source: BinaryIO, file: str, size: int) -> tuple[NeuralNetwork, dict[str, Any]]:
    """Return the network in a file of `size` bytes, and the facts of its header that can be kept.

    Raises
    ------
    ImportRefused
        When Hippo did not write it, or not so.
    """
    length = int.from_bytes(source.read(8), "little")
    if length > MAX_HEADER:
        raise ImportRefused(f"{file} has a header of {length:,} bytes; at most {MAX_HEADER:,} are read.")
    if length > size - 8:
        raise ImportRefused(f"{file} is cut off: its header alone has {length:,} bytes, the file {size:,}.")
    header = finite_json(source.read(length), file)
    described = header.pop("__metadata__", None) if isinstance(header, dict) else None
    facts = described.get("hippo") if isinstance(described, dict) else None
    if not isinstance(facts, str):
        raise ImportRefused(
            f"{file} was not written by Hippo: its header lacks the description of the network. Of other programs' "
            "files, npz can be read."
        )
    facts = finite_json(facts, file)
    arrays = _arrays(source, file, header, 8 + length, size)
    spec = _spec(file, facts)
    names = [f"{place}.weights" for place in _places(spec)]
    wanted = {name for place in _places(spec) for name in (f"{place}.weights", f"{place}.bias")}
    if "state" in facts:
        arrays = {name: array for name, array in arrays.items() if not name.startswith(_OF_CHECKPOINT)}
    if wanted != arrays.keys():
        odd = ", ".join(sorted(wanted ^ arrays.keys(), key=str)[:4])[:200]
        raise ImportRefused(f"{file} does not hold the arrays of the network it describes; see {odd}.")
    layers = [Layer(arrays[name], arrays[name.replace("weights", "bias")], transposed=False) for name in names]
    return read_network(file, spec, layers), kept_facts(facts)


def _places(spec: NetworkSpec) -> list[int]:
    """Return the places of the linear layers among the modules, by which their arrays are named."""
    step = 3 if spec.dropout else 2
    return list(range(0, step * (len(spec.layer_sizes) - 1), step))


def _spec(file: str, facts: Any) -> NetworkSpec:
    try:
        values = facts["spec"]
        if not isinstance(values["layer_sizes"], list):
            raise TypeError("layer_sizes is no list")
        return NetworkSpec.from_dict(values)
    except InvalidValue as error:
        raise ImportRefused(f"{file} holds no network for this server: {error.message}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ImportRefused(f"{file} is damaged: its header does not describe a network.") from None


def _arrays(source: BinaryIO, file: str, header: dict[str, Any], start: int, size: int) -> dict[str, Announced]:
    """Return the arrays that the header announces, which must fill the rest of the file without gap or overlap."""
    spans = []
    arrays = {}
    for name, entry in header.items():
        try:
            shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
            dtype = np.dtype(_DTYPES[entry["dtype"]])
            numbers = [*shape, begin, end]
        except (KeyError, TypeError, ValueError):
            raise ImportRefused(f"{file}: its header describes {name[:100]!r} in a way that is not read.") from None
        if not all(isinstance(number, int) and 0 <= number <= size for number in numbers) or len(shape) > 8:
            raise ImportRefused(f"{file} is damaged: the header gives {name[:100]!r} a size that cannot be.")
        array = Announced(name[:100], shape, dtype, False, _opener(source, start + begin, end - begin))
        if array.size != end - begin:
            raise ImportRefused(f"{file} is damaged: the header gives {name[:100]!r} two different sizes.")
        spans.append((begin, end))
        arrays[name] = array
    edges = [0, *(edge for span in sorted(spans) for edge in span), size - start]
    if edges[::2] != edges[1::2]:
        raise ImportRefused(f"{file} is cut off or damaged: its arrays do not fill the file as the header says.")
    return arrays


def _opener(source: BinaryIO, begin: int, count: int) -> Any:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        source.seek(begin)
        yield _Part(source, count)  # type: ignore[misc]  # what is asked of it, `read`, it has

    return opened


class _Part(io.RawIOBase):
    """So many bytes of a file from where it stands, and no more."""

    def __init__(self, source: BinaryIO, count: int) -> None:
        self._source, self._left = source, count

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._source.read(min(size, self._left))
        self._left -= len(data)
        return data
