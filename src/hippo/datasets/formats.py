"""Readers for the files in which people keep MNIST and data like it, told apart by content, never by name.

IDX, Keras' mnist.npz, Nielsen's mnist.pkl.gz and CSV, each plain or gzipped. A reader returns what the file holds, as
bytes; whether that is MNIST is decided elsewhere (`sources`). A file is data of unknown origin: sizes are capped and
headers checked before memory is taken, and nothing in a file is ever executed.
"""

from __future__ import annotations

import gzip
import io
import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from hippo.datasets import nielsen_pickle
from hippo.datasets.canonical import Bytes, display
from hippo.datasets.to_bytes import image_bytes, label_bytes
from hippo.errors import DataError

Format = Literal["IDX", "npz", "pickle", "CSV"]

MAX_BYTES = 320 * 2**20
"""What a file may unpack to: the largest format, Nielsen's pickle of float32, takes 220 MB."""

_HEAD_BYTES = 32 * 1024  # enough for the first line of a CSV, whose header may name 784 columns
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some spreadsheets put it before a CSV
_KERAS_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class FileContents:
    """What one file holds.

    Attributes
    ----------
    format
        Which reader understood it.
    images
        (N, 784) uint8 in the order of the file, training images first; None in an IDX file of labels.
    labels
        (N,) uint8 from 0 to 9; None in an IDX file of images.
    parts
        How the file itself divides its N examples: one size, or training and test, or training, validation and test.
    """

    format: Format
    images: Bytes | None
    labels: Bytes | None
    parts: tuple[int, ...]

    def split(self) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
        """Give (images, labels) for training, validation and testing.

        A file with three parts keeps them. With two, the last sixth of the training part becomes the validation set
        (60,000 give 50,000 and 10,000). With one, the split is 5 : 1 : 1 in file order, as in MNIST's 70,000; Kaggle's
        42,000 give 30,000, 6,000 and 6,000.

        Raises
        ------
        DataError
            If images or labels are missing, as in a single IDX file.
        """
        if self.images is None or self.labels is None:
            raise DataError(
                "An IDX file holds only images or only labels; both are needed to make training sets of it."
            )
        if len(self.parts) == 3:
            training, validation = self.parts[:2]
        else:
            development = self.parts[0] if len(self.parts) == 2 else self.parts[0] - self.parts[0] // 7
            validation = development // 6
            training = development - validation
        middle, end = training, training + validation
        return (
            (self.images[:middle], self.labels[:middle]),
            (self.images[middle:end], self.labels[middle:end]),
            (self.images[end:], self.labels[end:]),
        )


def read_file(path: Path | str) -> FileContents:
    """Read a file of digits in any format named above.

    Raises
    ------
    DataError
        If it cannot be read, is in no known format, is cut off, lies about its size or would unpack to more
        than `MAX_BYTES`; the text names the file and says what to do.
    """
    path = Path(path)
    name = display(path)
    try:
        with path.open("rb") as raw:
            return _read(raw, name)
    except OSError as error:
        reason = error.strerror or "input error"
        raise DataError(f"{name} cannot be read: {reason}. Check the file and try again.") from error


def read_bytes(data: bytes, name: str) -> FileContents:
    """Do the same for a file that is in memory; `name` is for messages."""
    return _read(io.BytesIO(data), name)


def _read(raw: BinaryIO, name: str) -> FileContents:
    try:
        stream = _unpacking(raw)
        head = stream.read(_HEAD_BYTES)
        found = _tell_apart(head)
        if found is None:
            raise DataError(f"{name} is in no format that Hippo reads; data/README.md lists them.")
        # Never far past the cap: a small .gz can unpack to any size.
        data = head + stream.read(MAX_BYTES + 1 - len(head))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name} is cut off or damaged: it cannot be unpacked. Fetch it again.") from error
    if len(data) > MAX_BYTES:
        raise DataError(f"{name} holds more than {MAX_BYTES // 2**20} MB, which no file of MNIST does. Remove it.")
    if found == "IDX":
        return _read_idx(data, name)
    if found == "npz":
        return _read_npz(data, name)
    if found == "CSV":
        return _read_csv(data, name)
    return _read_pickle(data, name)


def detect(path: Path) -> Format | None:
    """Tell the format of a file by its first bytes; None if it is none of ours or cannot be read."""
    try:
        with path.open("rb") as raw:
            return _tell_apart(_unpacking(raw).read(_HEAD_BYTES))
    except (OSError, EOFError, zlib.error):
        return None


def _unpacking(raw: BinaryIO) -> BinaryIO | gzip.GzipFile:
    """Give the file itself, or what unpacks it if it is gzipped."""
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if packed else raw


def _tell_apart(head: bytes) -> Format | None:
    if head[:3] == b"\0\0\x08" and head[3:4] in (b"\x01", b"\x03"):
        return "IDX"
    if head[:4] == b"PK\x03\x04":
        return "npz"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    line = head.removeprefix(_BYTE_ORDER_MARK).partition(b"\n")[0]
    return "CSV" if line.count(b",") >= 100 and line.isascii() and b"\0" not in line else None


def _read_idx(data: bytes, name: str) -> FileContents:
    dimensions = data[3]
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    if len(data) < start or len(data) != start + math.prod(shape):
        raise DataError(
            f"{name} is cut off or altered: its header announces {' x '.join(map(str, shape))} bytes, "
            f"it holds {max(0, len(data) - start):,}. Fetch it again."
        )
    array = np.frombuffer(data, np.uint8, offset=start)
    if dimensions == 1:
        return FileContents("IDX", None, label_bytes(array, len(array), name), shape)
    if shape[1:] != (28, 28):
        raise DataError(f"{name} holds images of {shape[1]} x {shape[2]} pixels; Hippo takes 28 x 28.")
    return FileContents("IDX", array.reshape(-1, 784), None, shape[:1])


def _read_npz(data: bytes, name: str) -> FileContents:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            if missing := [key for key in _KERAS_ARRAYS if f"{key}.npy" not in infos]:
                raise DataError(
                    f"{name} lacks {', '.join(missing)}; Keras' mnist.npz holds {', '.join(_KERAS_ARRAYS)}."
                )
            wanted = [infos[f"{key}.npy"] for key in _KERAS_ARRAYS]
            if sum(info.file_size for info in wanted) > MAX_BYTES:
                raise DataError(f"{name} unpacks to more than {MAX_BYTES // 2**20} MB, which no file of MNIST does.")
            arrays = [_read_member(archive, info, name) for info in wanted]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{name} is cut off or damaged: it cannot be unpacked. Fetch it again.") from error
    x_train, y_train, x_test, y_test = arrays
    images = np.concatenate([image_bytes(x_train, name), image_bytes(x_test, name)])
    labels = np.concatenate([label_bytes(y_train, len(x_train), name), label_bytes(y_test, len(x_test), name)])
    return FileContents("npz", images, labels, (len(x_train), len(x_test)))


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> npt.NDArray[Any]:
    """Read one array of an npz after checking that its header tells the truth about size and type."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise DataError(
                f"{name}: {info.filename} is written in an unusual version of the npy format. Save it anew."
            )
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype.kind not in "uif":
            raise DataError(
                f"{name}: {info.filename} holds objects, not numbers, and is not read. Fetch the file again."
            )
        size = math.prod(shape) * dtype.itemsize
        if size != info.file_size - member.tell():
            raise DataError(f"{name}: {info.filename} has a header that does not fit its size. Fetch the file again.")
        return np.frombuffer(member.read(), dtype).reshape(shape, order="F" if fortran else "C")


def _read_pickle(data: bytes, name: str) -> FileContents:
    pairs = nielsen_pickle.read(data, name)
    images = np.concatenate([image_bytes(x, name) for x, _ in pairs])
    labels = np.concatenate([label_bytes(y, len(x), name) for x, y in pairs])
    return FileContents("pickle", images, labels, tuple(len(x) for x, _ in pairs))


def _read_csv(data: bytes, name: str) -> FileContents:
    data = data.removeprefix(_BYTE_ORDER_MARK)
    first, _, rest = data.partition(b"\n")
    cells = [cell.strip().strip(b'"') for cell in first.split(b",")]
    header = not all(cell.isdigit() for cell in cells)
    if header and cells[0].lower() != b"label":
        raise DataError(
            f"{name} begins neither with a header whose first column is the label nor with a row of whole numbers (the "
            "label first, then 784 pixels from 0 to 255). "
            "Kaggle's test.csv has no labels: use its train.csv."
        )
    if len(cells) != 785:
        raise DataError(f"{name} has {len(cells)} columns; a label and 784 pixels are needed.")
    body = rest if header else data
    if not body.strip():
        raise DataError(f"{name} holds a header and no examples. Fetch it again.")
    try:
        table = np.loadtxt(io.BytesIO(body), np.uint8, delimiter=",", comments=None, ndmin=2)
        if table.shape[1] != 785:
            raise ValueError(table.shape)
    except ValueError as error:
        line = _first_bad_line(body) + (2 if header else 1)
        raise DataError(f"{name}: line {line} is not 785 whole numbers from 0 to 255. Fetch the file again.") from error
    labels = label_bytes(table[:, 0], len(table), name)
    return FileContents("CSV", np.ascontiguousarray(table[:, 1:]), labels, (len(table),))


def _first_bad_line(body: bytes) -> int:
    """Give the index of the first line that is not a full row, of the line after the last if there is none."""

    # No pattern for the whole row: one that can match a number in two ways tries all ways for all 785 of them.
    def full(line: bytes) -> bool:
        cells = [cell.strip() for cell in line.split(b",")]
        return len(cells) == 785 and all(cell.isdigit() and len(cell) <= 3 and int(cell) <= 255 for cell in cells)

    lines = body.split(b"\n")
    return next((at for at, line in enumerate(lines) if line.strip() and not full(line)), len(lines))
