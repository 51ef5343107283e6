"""Which images of a set look most like a given one: plain distances between pixels, nothing learned.

One product of all images with one vector. It reads every byte of the set, which for the 50,000 training images takes
some ten milliseconds, too long for the process that serves everybody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_AT_ONCE = 1_000  # images as float32 that fit into a processor's cache
_MORE = 16  # candidates beyond those asked for, among which rounding could have changed the order


def squared_lengths(pixels: Bytes) -> NDArray[np.float32]:
    """Return |t|^2 of each image (N,), which `nearest` needs each time, of `pixels` (N, D) of 0-255."""
    parts = (pixels[begin : begin + _AT_ONCE].astype(np.float32) for begin in range(0, len(pixels), _AT_ONCE))
    return np.concatenate([np.einsum("nd,nd->n", part, part) for part in parts])


def nearest(
    pixels: Bytes, lengths: NDArray[np.float32], image: Bytes, count: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the places of the `count` images that are nearest to `image`, nearest first, and their distances.

    Parameters
    ----------
    pixels : ndarray of uint8 (N, D)
    lengths : ndarray of float32 (N,)
        Their `squared_lengths`.
    image : ndarray of uint8 (D,)
    count : int
        0 to N.

    Returns
    -------
    places : ndarray of int (count,)
        Of equally near ones the first goes first.
    distances : ndarray of float64 (count,)
        Euclidean, in pixels of 0-1.

    Notes
    -----
    |x - t|^2 = |x|^2 + |t|^2 - 2 x.t, where |x|^2 changes no order.
    """
    x = image.astype(np.float32)
    products = [pixels[begin : begin + _AT_ONCE].astype(np.float32) @ x for begin in range(0, len(pixels), _AT_ONCE)]
    roughly = lengths - 2 * np.concatenate(products)
    some = min(count + _MORE, len(pixels))
    candidates = np.sort(np.argpartition(roughly, some - 1)[:some])
    difference = pixels[candidates].astype(np.int64) - image
    squares = np.einsum("nd,nd->n", difference, difference)
    order = np.argsort(squares, kind="stable")[:count]
    return candidates[order], np.sqrt(squares[order]) / 255
