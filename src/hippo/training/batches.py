"""Mini-batches: every epoch all examples once, in a new order or their own, as float32 between 0 and 1.

The pictures stay as they lie on disk (uint8, memory-mapped, shared by all workers); only the next rows are turned into
floats, up to `CHUNK` at a time, in memory that is used again and again. A larger batch comes in chunks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hippo.nn import Array, smooth_labels

#: Rows that are turned into floats, and may go through the network, at once. 1,000 rows of 784 floats are 3 MB: larger
#: chunks are no faster, only bigger.
CHUNK = 1_000
CLASSES = 10

#: Pictures, one a row: bytes, or float32 numbers that are taken as they are.
Pixels = NDArray[np.uint8] | NDArray[np.float32]
#: The class of each, from 0.
Labels = NDArray[np.integer[Any]]
#: Changes pictures (rows, 784) in place; the number of the chunk within the epoch decides what it draws.
Augment = Callable[[Array, int], None]


class Examples(Protocol):
    """What the loop can learn from and be measured on: a `Dataset` of digits, or any other table of numbers."""

    @property
    def inputs(self) -> Pixels:
        """One example a row, (N, features)."""

    @property
    def labels(self) -> Labels:
        """The class of each (N,), from 0 to below `classes`."""

    @property
    def classes(self) -> int:
        """How many there are, which is also the number of the network's outputs."""

    def __len__(self) -> int:
        """Return N."""
        ...


@dataclass(slots=True)
class Chunk:
    """The rows that go through the network at once: all of a mini-batch, or a part of a large one.

    Attributes
    ----------
    inputs : ndarray of float32 (rows, features); 0-1 where they are pixels
    targets : ndarray of float32 (rows, classes), one-hot, or smoothed
    labels : ndarray of int (rows,)
    batch_size : int
        Rows of the whole mini-batch.
    is_first, is_last : bool
        Place within the mini-batch.
    """

    inputs: Array
    targets: Array
    labels: NDArray[np.intp]
    batch_size: int
    is_first: bool
    is_last: bool


class Gather:
    """Turns rows of a data set, by index, into `Chunk` arrays that are reused from call to call.

    Parameters
    ----------
    pixels : ndarray of uint8, or of float32 (N, features)
        Bytes become numbers from 0 to 1; floats are taken as they are.
    labels : ndarray of integers (N,)
    smoothing : float
        What is taken from the certainty of the targets (see `hippo.nn.smooth_labels`).
    classes : int
        Width of the targets.
    """

    def __init__(self, pixels: Pixels, labels: Labels, smoothing: float = 0.0, classes: int = CLASSES) -> None:
        self._pixels = pixels
        self._labels = labels.astype(np.intp)  # the type of an index; any other is converted at each use
        self._targets = smooth_labels(np.eye(classes, dtype=np.float32), smoothing)
        self._buffers: dict[int, tuple[Pixels, NDArray[np.intp], Array, Array]] = {}

    def __call__(self, index: NDArray[np.int64]) -> tuple[Array, Array, NDArray[np.intp]]:
        """Return inputs (rows, features), targets (rows, classes) and labels (rows,).

        They are valid until the next call with as many rows.
        """
        rows = len(index)
        if rows not in self._buffers:
            inputs = np.empty((rows, self._pixels.shape[1]), np.float32)
            self._buffers[rows] = (
                inputs if self._pixels.dtype == inputs.dtype else np.empty(inputs.shape, np.uint8),
                np.empty(rows, np.intp),
                inputs,
                np.empty((rows, self._targets.shape[1]), np.float32),
            )
        raw, classes, inputs, targets = self._buffers[rows]
        # mode="clip" lets NumPy write straight into `out`; the indices are in range anyway.
        np.take(self._pixels, index, axis=0, out=raw, mode="clip")
        if raw is not inputs:
            np.copyto(inputs, raw)  # in two steps: dividing bytes into floats would take a buffer for the conversion
            np.divide(inputs, np.float32(255), out=inputs)
        np.take(self._labels, index, out=classes, mode="clip")
        np.take(self._targets, classes, axis=0, out=targets, mode="clip")
        return inputs, targets, classes


def minibatches(
    pixels: Pixels,
    labels: Labels,
    size: int,
    rng: np.random.Generator | None,
    start: int = 0,
    smoothing: float = 0.0,
    augment: Augment | None = None,
    classes: int = CLASSES,
) -> Iterator[Chunk]:
    """Yield one epoch of mini-batches: every example once, in an order drawn from `rng`, or in their own.

    Parameters
    ----------
    pixels : ndarray of uint8, or of float32 (N, features)
        Bytes become numbers from 0 to 1; floats are taken as they are.
    labels : ndarray of integers (N,)
    size : int
        Examples per mini-batch; the last one of the epoch may be smaller.
    rng : numpy.random.Generator or None
        Decides the order; one permutation is drawn from it. None for the order in which the examples lie.
    start : int
        Mini-batches of this epoch to leave out, because they were done before an interruption.
    smoothing : float
        Of the targets, 0 or more and below 1.
    augment : callable, optional
        Changes the pictures of every chunk.
    classes : int
        Width of the targets.

    Returns
    -------
    iterator of Chunk
        The arrays of each are overwritten by later ones.
    """
    gather = Gather(pixels, labels, smoothing, classes)
    order = np.arange(len(pixels)) if rng is None else rng.permutation(len(pixels))
    if size <= CHUNK:
        return _whole_batches(gather, order, size, start, augment)
    return _parts_of_batches(gather, order, size, start, augment)


def _whole_batches(
    gather: Gather, order: NDArray[np.int64], size: int, start: int, augment: Augment | None
) -> Iterator[Chunk]:
    """Yield mini-batches as slices of up to `CHUNK` rows that are turned into floats at once.

    Ten rows at a time, that would take twice as long, and most of it between the calls of NumPy.
    """
    per_chunk = CHUNK // size
    rows = per_chunk * size
    chunks: list[Chunk] = []
    # Chunks begin where they would without an interruption: what augmentation draws depends on their number.
    for number in range(start // per_chunk, -(-len(order) // rows)):
        inputs, targets, labels = gather(order[number * rows : (number + 1) * rows])
        if augment:
            augment(inputs, number)
        if not chunks or len(inputs) < rows:
            chunks = [
                Chunk(inputs[at], targets[at], labels[at], min(size, len(inputs) - at.start), True, True)
                for at in (slice(begin, begin + size) for begin in range(0, len(inputs), size))
            ]
        yield from chunks[max(0, start - number * per_chunk) :]


def _parts_of_batches(
    gather: Gather, order: NDArray[np.int64], size: int, start: int, augment: Augment | None
) -> Iterator[Chunk]:
    """Yield mini-batches in parts of up to `CHUNK` rows, all about as large."""
    parts = -(-size // CHUNK)
    rows = -(-size // parts)  # equal parts: one of a single row would have no variance for batch normalisation
    for number, begin in enumerate(range(0, len(order), size)):
        if number < start:
            continue
        batch = order[begin : begin + size]
        for part, offset in enumerate(range(0, len(batch), rows)):
            inputs, targets, labels = gather(batch[offset : offset + rows])
            if augment:
                augment(inputs, number * parts + part)
            yield Chunk(inputs, targets, labels, len(batch), part == 0, offset + rows >= len(batch))


class GradientSum:
    """Adds up the gradients of a mini-batch's chunks, so that one step follows their sum.

    Parameters
    ----------
    gradients : dict of str to ndarray
        A module's gradients, which every backward pass overwrites.
    """

    def __init__(self, gradients: dict[str, Array]) -> None:
        self._gradients = gradients
        self._sums: dict[str, Array] = {}

    def add(self, chunk: Chunk) -> None:
        """Take in the gradients of `chunk`; after the last one, leave the sum in the module's gradients."""
        if chunk.is_first and chunk.is_last:
            return
        if not self._sums:
            self._sums = {name: np.empty_like(gradient) for name, gradient in self._gradients.items()}
        for name, gradient in self._gradients.items():
            total = self._sums[name]
            if chunk.is_first:
                np.copyto(total, gradient)
            else:
                total += gradient
            if chunk.is_last:
                np.copyto(gradient, total)
