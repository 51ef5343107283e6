"""A set of labelled digits, as every part of Hippo takes it: for training, validation or testing.

Pixels stay the bytes they are on disk, possibly memory-mapped, until somebody asks for numbers. Where the sets come
from and how they are split is not known here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Self, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from hippo.errors import InvalidValue

Floats = npt.NDArray[np.float32]
Pair = tuple[Floats, Floats]


class Dataset(Sequence[Pair]):
    """Digits and their labels; iterates as pairs of columns `(784, 1)` and one-hot `(10, 1)`, both float32.

    Indexing with a number gives such a pair, slicing gives a smaller Dataset over the same memory.

    Parameters
    ----------
    pixels
        (N, 784) uint8, 0 is paper and 255 is ink; a memory map is not copied.
    labels
        (N,) uint8, each below `classes`.
    classes
        The height of the one-hot columns.

    Raises
    ------
    InvalidValue
        If the arrays have other types or shapes, or a label is out of range.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], *, classes: int = 10) -> None:
        if pixels.ndim != 2 or pixels.dtype != np.uint8:
            raise InvalidValue(f"Pixels must be (N, 784) bytes, not {pixels.shape} {pixels.dtype}.")
        if labels.shape != (len(pixels),) or labels.dtype != np.uint8:
            raise InvalidValue(f"{len(pixels)} images need as many labels in bytes, not {labels.shape} {labels.dtype}.")
        if len(labels) and int(labels.max()) >= classes:
            raise InvalidValue(f"Labels must lie between 0 and {classes - 1}; one is {int(labels.max())}.")
        self.pixels = pixels
        self.labels = labels
        self.classes = classes
        self._images: Floats | None = None
        self._exact: Floats | None = None

    @classmethod
    def from_pairs(cls, pairs: Sequence[tuple[Any, Any]]) -> Self:
        """Make a set of `(x, y)` pairs as the older code has them.

        Parameters
        ----------
        pairs
            x is a column of finite numbers, all of one length; y a one-hot column or the bare label. `images` then
            holds exactly these numbers, `pixels` the nearest bytes.

        Raises
        ------
        InvalidValue
            If a pair has another form; the text gives its index.
        """
        columns: list[Floats] = []
        labels: list[int] = []
        classes = 0
        for index, pair in enumerate(pairs):
            try:
                x, y = pair
                column = np.asarray(x, dtype=np.float32).reshape(-1)
                target = np.asarray(y, dtype=np.float64).reshape(-1)
            except (TypeError, ValueError) as error:
                raise InvalidValue(f"Example {index} is not a pair of columns of numbers.") from error
            if columns and column.shape != columns[0].shape:
                raise InvalidValue(f"Example {index} has {column.size} inputs, the first has {columns[0].size}.")
            if not np.isfinite(column).all():
                raise InvalidValue(f"Example {index} has an input that is not finite.")
            label, height = _label(target, index)
            columns.append(column)
            labels.append(label)
            classes = max(classes, height)
        images = np.stack(columns) if columns else np.zeros((0, 784), np.float32)
        pixels = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
        made = cls(pixels, np.array(labels, np.uint8), classes=classes or 10)
        images.flags.writeable = False
        made._images = made._exact = images
        return made

    def with_classes(self, classes: int) -> Dataset:
        """Return the same examples, over the same memory, with one-hot columns of another height.

        Raises
        ------
        InvalidValue
            If a label is out of range.
        """
        made = Dataset(self.pixels, self.labels, classes=classes)
        made._images, made._exact = self._images, self._exact
        return made

    @property
    def inputs(self) -> npt.NDArray[np.uint8] | Floats:
        """What training reads, (N, 784): the bytes of `pixels`, or the exact float32 numbers of a set made of pairs."""
        return self.pixels if self._exact is None else self._exact

    @property
    def images(self) -> Floats:
        """(N, 784) float32 in 0-1, pixels / 255: computed on first use, kept, and not writable."""
        if self._images is None:
            images = _scaled(self.pixels)
            images.flags.writeable = False
            self._images = images
        return self._images

    def __len__(self) -> int:
        return len(self.labels)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Pair | Dataset:
        if isinstance(index, slice):
            part = Dataset(self.pixels[index], self.labels[index], classes=self.classes)
            part._images = None if self._images is None else self._images[index]
            part._exact = None if self._exact is None else self._exact[index]
            return part
        position = operator.index(index)
        # One row is computed alone: a walk over the set must not fill memory with all of `images`.
        row = _scaled(self.pixels[position]) if self._images is None else self._images[position]
        target = np.zeros((self.classes, 1), np.float32)
        target[self.labels[position]] = 1
        return row.reshape(-1, 1), target

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Dataset({len(self)} examples of {self.pixels.shape[1]} pixels)"


def as_dataset(data: Dataset | Sequence[tuple[Any, Any]]) -> Dataset:
    """Give `data` itself if it is a Dataset, else the Dataset of its pairs (see `Dataset.from_pairs`)."""
    return data if isinstance(data, Dataset) else Dataset.from_pairs(data)


def _scaled(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Give pixels / 255 in float32; an ordinary array even where the pixels are memory-mapped."""
    return np.divide(np.asarray(pixels), np.float32(255), dtype=np.float32)


def _label(target: npt.NDArray[np.float64], index: int) -> tuple[int, int]:
    """Give the label that a one-hot column or a bare label stands for, and the number of classes it implies."""
    if target.size == 1 and target[0] in range(256):
        return int(target[0]), max(10, int(target[0]) + 1)
    if 1 < target.size <= 256 and np.count_nonzero(target) == 1 and target.max() == 1:
        return int(target.argmax()), target.size
    raise InvalidValue(f"The label of example {index} is neither a one-hot column nor a whole number from 0 to 255.")
