"""Networks in the files of others: read whatever is a network, refuse the rest in words, write what others can read.

A file is data of unknown origin. Its format is told by its content, never by its name; nothing in it is executed; its
headers are checked before memory is taken. What a file claims about the accuracy of its network stays a claim. The
formats themselves are in `safetensors_format`, `npz_format` and `onnx_format`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from safetensors.numpy import save

from hippo.errors import ImportRefused
from hippo.network import NeuralNetwork
from hippo.persistence import npz_format, safetensors_format
from hippo.persistence.npz_format import Layout, to_npz
from hippo.persistence.onnx_format import to_onnx

__all__ = ["FORMATS", "MAX_MODEL_BYTES", "export", "read_any", "to_npz", "to_onnx"]

#: Bytes that a model file may have.
MAX_MODEL_BYTES = 256 * 10**6
#: The formats that can be written, and the ends of their files' names.
FORMATS = {"safetensors": ".safetensors", "npz": ".npz", "npz-layers": ".npz", "onnx": ".onnx"}
READABLE = "Hippo's .safetensors, or .npz with sizes or layers"

_WHY_NO_PICKLE = "A pickle can run any program while it is read, so Hippo reads none"
_HEAD = 64
#: How the pickles of protocol 2 and above begin, and those before; how a protocol buffer of a model does.
_PICKLE, _OLD_PICKLE = re.compile(rb"\x80[\x02-\x05]"), re.compile(rb"[()\]}cilIFSV]")
_ONNX = re.compile(rb"\x08.[\x12\x1a\x22\x2a\x32\x3a]", re.DOTALL)


def read_any(source: Path | bytes, name: str) -> tuple[NeuralNetwork, dict[str, Any]]:
    """Return the network in a file, and what is known of it.

    Parameters
    ----------
    source : Path or bytes
    name : str
        For messages.

    Returns
    -------
    network : NeuralNetwork
    facts : dict
        Values of JSON: ``format`` (a key of `FORMATS`), ``claimed_accuracy`` (a number or None), and where the file
        has them ``training_config``, ``history``, ``epochs_trained``, ``test_set_use``, ``experiment``.

    Raises
    ------
    ImportRefused
        With the reason, in words.
    OSError
        When the file cannot be read.
    """
    with ExitStack() as stack:
        file: BinaryIO = io.BytesIO(source) if isinstance(source, bytes) else stack.enter_context(source.open("rb"))
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if size > MAX_MODEL_BYTES:
            raise ImportRefused(f"{name} has {size:,} bytes; at most {MAX_MODEL_BYTES:,} are read.")
        head = file.read(_HEAD)
        file.seek(0)
        if safetensors_format.looks_like(head):
            network, facts = safetensors_format.read(file, name, size)
            return network, facts | {"format": "safetensors"}
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            _refuse_foreign_zip(npz_format.member_names(file, name), name)
            network, facts, layout = npz_format.read(file, name)
            return network, facts | {"format": layout}
        file.seek(max(0, size - 1))
        raise ImportRefused(f"{name} {_what_it_is(head, file.read(1))}")


def export(network: NeuralNetwork, facts: Mapping[str, Any], form: str) -> bytes:
    """Return the network as a file of a format, a key of `FORMATS`; the same network gives the same bytes."""
    if form == "onnx":
        return to_onnx(network)
    if form in ("npz", "npz-layers"):
        return to_npz(network, facts, cast("Layout", form))
    arrays = {name: np.ascontiguousarray(array) for name, array in network.model.parameters.items()}
    header = {"spec": network.spec.to_dict(), **facts}
    return bytes(save(arrays, metadata={"hippo": json.dumps(header, allow_nan=False)}))


def _refuse_foreign_zip(names: list[str], file: str) -> None:
    ends = {name.rpartition("/")[2] for name in names}
    if any(end.endswith((".pkl", ".pickle")) for end in ends):
        raise ImportRefused(
            f"{file} is a PyTorch file, a zip with a pickle inside. {_WHY_NO_PICKLE}. In the program it comes from, "
            "save the arrays with numpy.savez."
        )
    if any(end.endswith(".h5") for end in ends):
        raise ImportRefused(f"{file} is a Keras model, which is not read. Save its arrays with numpy.savez.")


def _what_it_is(head: bytes, last: bytes) -> str:
    """Say what a file is that cannot be read, by its first bytes and its last one."""
    if not head:
        return "is empty."
    if _PICKLE.match(head) or (_OLD_PICKLE.match(head) and last == b"."):
        return f"is a pickle. {_WHY_NO_PICKLE}. In the program it comes from, save the arrays with numpy.savez."
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "is a Keras or HDF5 file (.h5), which is not read. Save its arrays with numpy.savez."
    if head.startswith(b"\x93NUMPY"):
        return "is a single array (.npy); a network has several. Save them together with numpy.savez."
    if head[:2] == b"\x1f\x8b":
        return "is compressed with gzip. Unpack it first."
    if _ONNX.match(head):
        return f"is probably an ONNX model, which can be written but not read. What can be read: {READABLE}."
    if head.lstrip()[:1] in (b"{", b"["):
        return f"is text in JSON and holds no weights. What can be read: {READABLE}."
    return f"is in no format that can be read, or is cut off at its beginning. What can be read: {READABLE}."
