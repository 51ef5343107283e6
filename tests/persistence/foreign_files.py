"""Model files as other programs write them, made here byte by byte, and files that only pretend to be such."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hippo.network import NeuralNetwork
from hippo.nn import Array


def network(sizes: tuple[int, ...] = (784, 4, 10), activation: str = "sigmoid", **options: Any) -> NeuralNetwork:
    """Return a network whose biases are not 0 either."""
    made = NeuralNetwork(sizes, activation, seed=5, **options)
    for array in made.model.parameters.values():
        array += np.random.default_rng(1).standard_normal(array.shape).astype(np.float32) / 8
    return made


def columns(made: NeuralNetwork, **changes: Any) -> dict[str, Any]:
    """Return the arrays of the layout with `sizes`: weights (out, in), biases (out, 1); `...` leaves one out."""
    weights, biases = parts(made)
    arrays: dict[str, Any] = {"sizes": np.array(made.sizes), "activation": np.array(made.spec.activation)}
    arrays |= {"num_layers": np.array(len(made.sizes))}
    arrays |= {f"weight_{n}": array.T.astype(np.float64) for n, array in enumerate(weights)}
    arrays |= {f"bias_{n}": array[:, None].astype(np.float64) for n, array in enumerate(biases)}
    return {name: value for name, value in (arrays | changes).items() if value is not ...}


def rows(made: NeuralNetwork, transposed: bool = False, **changes: Any) -> dict[str, Any]:
    """Return the arrays of the layout with `layers`."""
    weights, biases = parts(made)
    arrays: dict[str, Any] = {"layers": np.array(made.sizes), "activation": np.array(made.spec.activation)}
    arrays |= {f"W{n}": array.T if transposed else array for n, array in enumerate(weights)}
    arrays |= {f"b{n}": array for n, array in enumerate(biases)}
    return {name: value for name, value in (arrays | changes).items() if value is not ...}


def parts(made: NeuralNetwork) -> tuple[list[Array], list[Array]]:
    arrays = list(made.model.parameters.values())
    return arrays[::2], arrays[1::2]


def npz(arrays: dict[str, Any], packed: bool = False) -> bytes:
    """Return what numpy.savez writes."""
    file = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    return file.getvalue()


def npz_of(members: dict[str, bytes], **options: Any) -> bytes:
    """Return a zip file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", options.pop("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(shape: tuple[int, ...], content: bytes, descr: str = "<f4", version: bytes = b"\x01\x00") -> bytes:
    """Return an array's file whose header says `shape`, whatever comes after it."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    return b"\x93NUMPY" + version + length + header + content


def safetensors(header: Any, content: bytes) -> bytes:
    """Return a safetensors file with this header, true or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


def taken_apart(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and content of a safetensors file."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def pickle_that_writes(path: Path, protocol: int) -> bytes:
    """Return a pickle that makes a folder at `path` when it is read."""

    class Making:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(path),)

    return pickle.dumps(Making(), protocol)
