"""Networks as npz, in the two layouts that other programs use; nothing in a file is ever executed.

Layout ``npz``: ``sizes``, ``activation``, ``num_layers``, ``weight_0``.. (out, in), ``bias_0``.. (out, 1).
Layout ``npz-layers``: ``layers``, ``activation``, ``W0``.., ``b0``.., whose weights are (in, out) or (out, in): their
shapes tell. A square matrix, which could be either, is taken as the others of its file are; there always are others,
because a network goes from 784 to 10. A file whose matrices disagree is refused.

Neither layout names the outputs. What Hippo writes adds ``loss``; without it a sigmoid network has sigmoid outputs with
the quadratic cost and any other a softmax with cross-entropy. The largest output is the same with either.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from hippo.errors import ImportRefused
from hippo.network import INPUTS, LOSSES, NeuralNetwork
from hippo.nn import Array
from hippo.persistence.untrusted import Announced, Layer, kept_facts, make_spec, read_network

Layout = Literal["npz", "npz-layers"]

#: More than any network of ours needs; the directory of a zip file may have so many bytes, and no more is read at once.
MAX_MEMBERS, MAX_READ = 256, 2**20
#: Elements of a list of sizes, and characters of a word.
_SMALL = 64
#: What the reader of zip files raises for a damaged one; NotImplementedError is a RuntimeError.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, OSError, RuntimeError, KeyError, IndexError, OverflowError),
)
_DESCRIPTION = re.compile(
    r"\{'descr': '([<>|=]?[A-Za-z]\d*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,100})\),? ?\}[ \n]*"
)
_ALIASES = {"leakyrelu": "leaky_relu", "logistic": "sigmoid"}
_PICKLED = "A pickle can run any program while it is read, so Hippo reads none. Save plain arrays of numbers."


class _Sparing:
    """A file that gives no more than a megabyte at once, whatever its headers talk a reader into."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.seek, self.tell = source.seek, source.tell

    def seekable(self) -> bool:
        """Say that the place can be chosen."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; raises BadZipFile for more than a megabyte."""
        if size > MAX_READ:
            raise zipfile.BadZipFile("more at once than any part of such a file has")
        return self._source.read(MAX_READ if size < 0 else size)


def member_names(source: BinaryIO, file: str) -> list[str]:
    """Return what is in a zip file; raises ImportRefused where that cannot be told."""
    with _archive(source, file) as archive:
        return [info.filename for info in archive.infolist()[:MAX_MEMBERS]]


def read(source: BinaryIO, file: str) -> tuple[NeuralNetwork, dict[str, Any], Layout]:
    """Return the network in an npz file, what the file says about it, and the layout it is in.

    Raises
    ------
    ImportRefused
        When the file is in neither layout, is damaged, lies, or holds a pickle or a network this server cannot have.
    """
    with _archive(source, file) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS or len({info.filename for info in infos}) < len(infos):
            raise ImportRefused(f"{file} holds too many arrays, or two of one name; a network does not.")
        arrays = {}
        for info in infos:
            if info.filename.endswith(".npy"):
                name = info.filename.removesuffix(".npy")
                arrays[name] = _announced(archive, info, file, name[:100])
        layout, layers, sizes = _layers(arrays, file)
        loss = _word(arrays["loss"], file) if "loss" in arrays else None
        spec = make_spec(file, sizes, _activation(arrays, file), loss if loss in LOSSES else None, seed=0)
        facts = {}
        if "final_accuracy" in arrays:
            facts = {"final_accuracy": next(iter(_numbers(arrays["final_accuracy"], file)), None)}
        return read_network(file, spec, layers), kept_facts(facts), layout


def to_npz(network: NeuralNetwork, facts: Mapping[str, Any], layout: Layout = "npz") -> bytes:
    """Return the network as npz; the same network gives the same bytes.

    Parameters
    ----------
    network : NeuralNetwork
    facts : mapping
        Its ``accuracy``, 0-1, is written as ``final_accuracy`` where there is one.
    layout : {"npz", "npz-layers"}
        ``W0``.. of ``npz-layers`` are written as (in, out).
    """
    sizes, parameters = network.spec.layer_sizes, list(network.model.parameters.values())
    weights, biases = parameters[::2], parameters[1::2]
    arrays: dict[str, Any] = {"activation": network.spec.activation, "loss": network.spec.loss}
    if facts.get("accuracy") is not None:
        arrays["final_accuracy"] = float(facts["accuracy"])
    if layout == "npz":
        arrays |= {"sizes": sizes, "num_layers": len(sizes)}
        arrays |= {f"weight_{n}": array.T for n, array in enumerate(weights)}
        arrays |= {f"bias_{n}": array[:, np.newaxis] for n, array in enumerate(biases)}
    else:
        arrays |= {"layers": sizes}
        arrays |= {f"W{n}": array for n, array in enumerate(weights)}
        arrays |= {f"b{n}": array for n, array in enumerate(biases)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, value in arrays.items():
            # Not `np.savez`, which writes the time of day into the file.
            info = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(info, "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(value).reshape(np.shape(value)), (1, 0), False)
    return made.getvalue()


def companion(facts: Mapping[str, Any]) -> bytes:
    """Return the JSON that stands beside an npz: how the network was trained, and how good it is, as far as known."""
    config = facts.get("training_config") or {}
    names = ("epochs", "learning_rate", "mini_batch_size", "seed")
    said = {name: config.get(name) for name in names}
    accuracy = facts.get("accuracy", facts.get("claimed_accuracy"))
    return json.dumps({"training_config": said, "final_accuracy": accuracy}, indent=2, allow_nan=False).encode() + b"\n"


@contextmanager
def _archive(source: BinaryIO, file: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(cast("BinaryIO", _Sparing(source))) as archive:
            yield archive
    except _BROKEN as error:
        raise ImportRefused(f"{file} is cut off or damaged: it cannot be unpacked. Fetch it again.") from error


def _announced(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: str, name: str) -> Announced:
    """Return what the header of one member says, after holding it against the directory of the archive."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise ImportRefused(f"{file}: {name} is encrypted or packed in an unusual way. Save it with numpy.savez.")
    with archive.open(info) as member:
        start = member.read(10)
        if start[:6] != b"\x93NUMPY" or len(start) < 10:
            raise ImportRefused(f"{file}: {name} is not an array of NumPy.")
        if start[6:8] != b"\x01\x00":
            raise ImportRefused(f"{file}: {name} is written in an unusual version of the npy format. Save it anew.")
        length = int.from_bytes(start[8:10], "little")
        text = member.read(length).decode("latin-1")
    if re.search(r"'descr': *'[|<>=]?O", text):
        raise ImportRefused(f"{file}: {name} is an array of objects, which is a pickle. {_PICKLED}")
    found = _DESCRIPTION.fullmatch(text)
    dtype = _dtype(found[1]) if found else None
    if found is None or dtype is None:
        raise ImportRefused(f"{file}: {name} is not a plain array of numbers or a word.")
    shape = tuple(int(number[:20]) for number in found[3].replace(" ", "").split(",") if number)
    array = Announced(name, shape, dtype, found[2] == "True", _opener(archive, info, 10 + length))
    if array.dtype.kind not in "fiuUSb" or array.size != info.file_size - 10 - length:
        raise ImportRefused(f"{file} is damaged: {name} has a header that does not fit its size or type.")
    return array


def _dtype(text: str) -> np.dtype[Any] | None:
    try:
        return np.dtype(text)
    except (TypeError, ValueError, OverflowError):
        return None


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo, skip: int) -> Any:
    @contextmanager
    def opened() -> Iterator[Any]:
        with archive.open(info) as member:
            member.read(skip)
            yield member

    return opened


def _layers(arrays: dict[str, Announced], file: str) -> tuple[Layout, list[Layer], list[int]]:
    """Return the layout, the layers in their order, and the sizes of a file's network."""
    layout: Layout = "npz" if "sizes" in arrays else "npz-layers"
    weight, bias = ("weight_", "bias_") if layout == "npz" else ("W", "b")
    count = next(n for n in range(MAX_MEMBERS + 1) if f"{weight}{n}" not in arrays)
    stated = arrays.get("sizes") or arrays.get("layers")
    if stated is None or not count:
        shown = ", ".join(sorted(arrays)[:8])[:200] or "none"
        raise ImportRefused(
            f"{file} is an npz of another kind. A network has the arrays sizes, activation, weight_0, bias_0 and so "
            f"on, or layers, activation, W0, b0 and so on; these are there: {shown}."
        )
    missing = [f"{bias}{n}" for n in range(count) if f"{bias}{n}" not in arrays]
    if missing:
        raise ImportRefused(f"{file} lacks {missing[0]}, the bias of a layer.")
    weights, biases = ([arrays[f"{letter}{n}"] for n in range(count)] for letter in (weight, bias))
    sizes = [int(number) for number in _numbers(stated, file)]
    if stated.shape == () and layout == "npz-layers":  # how many there are; the biases say how wide
        sizes = [INPUTS, *(max((*array.shape, 0)) for array in biases)]
    transposed = True if layout == "npz" else _transposed(weights, sizes, file)
    return layout, [Layer(w, b, transposed) for w, b in zip(weights, biases, strict=True)], sizes


def _transposed(weights: list[Announced], sizes: list[int], file: str) -> bool:
    """Say whether the matrices are (out, in); the square ones do not count."""
    pairs = zip(weights, pairwise(sizes), strict=False)
    told = {array.shape == (o, i) for array, (i, o) in pairs if i != o}
    if len(told) > 1:
        raise ImportRefused(f"{file}: some of its matrices are (in, out) and some (out, in), or they do not fit.")
    return told == {True}


def _activation(arrays: dict[str, Announced], file: str) -> str:
    if "activation" not in arrays:
        raise ImportRefused(f"{file} does not say which activation its network has: it lacks the array activation.")
    word = _word(arrays["activation"], file).strip().lower().replace("-", "_")
    return _ALIASES.get(word, word)


def _word(array: Announced, file: str) -> str:
    """Return a word. Not by way of NumPy, which fails on characters that Unicode does not have."""
    if array.dtype.kind not in "US" or not 0 < array.size <= 4 * _SMALL or array.size != array.dtype.itemsize:
        raise ImportRefused(f"{file}: {array.name} is not a word.")
    with array.open() as source:
        data = source.read(array.size)
    wide = "utf-32-be" if array.dtype.str[0] == ">" else "utf-32-le"
    return data.decode(wide if array.dtype.kind == "U" else "latin-1", "replace").rstrip("\0")


def _numbers(array: Announced, file: str) -> list[int | float]:
    """Return a short list of numbers."""
    if array.dtype.kind not in "iuf" or array.size > 8 * _SMALL:
        raise ImportRefused(f"{file}: {array.name} is not a short list of numbers.")
    with array.open() as source:
        made: Array = np.frombuffer(source.read(array.size), array.dtype)
    if not np.isfinite(made).all():
        raise ImportRefused(f"{file}: {array.name} holds numbers that are not finite.")
    return cast("list[int | float]", made.astype(float if made.dtype.kind == "f" else made.dtype).tolist())
