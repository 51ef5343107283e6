"""What sheets have on them besides a digit: a frame around them, printed lines, the dark edges of a scan.

Only what can be told from a digit without knowing digits is taken away. Lines as dark as the ink, a frame that the
digit touches, writing beside it: these are left, and become part of the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hippo.pictures.decoding import Grey

#: Levels, of 255, that a frame differs from the paper at the least, and the share of a line it covers.
FRAME_CONTRAST, FRAME_COVERS = 60.0, 0.95
#: The share of the picture's side within which a frame, or what runs along the edge, lies.
EDGE = 0.1
#: What runs along an edge is so long, as a share of the side, and lies so much within it.
LONG, WITHIN = 0.9, 0.9
#: What is left besides must be so large, as a share of the picture's longer side: a digit, and not dust.
LEFT = 0.1
#: Ink is what has half of the usual; what has less than this, and no ink beside it, was not drawn by the same pen.
INK, MUCH_FAINTER = 0.5, 0.35


def without_frame(grey: Grey) -> Grey:
    """Return the picture without a frame at its very edge, on three sides at the least, (H', W') of 0-255.

    On fewer sides it could be the bar of a 7 or of a 5 that was cut out closely.
    """
    foreign = np.abs(grey - np.float32(np.median(grey))) > FRAME_CONTRAST
    tops = [_frame(side) for side in (foreign, foreign[::-1], foreign.T, foreign.T[::-1])]
    if sum(depth > 0 for depth in tops) < 3:
        return grey
    top, bottom, left, right = tops
    height, width = grey.shape
    return grey[top : height - bottom, left : width - right]


def _frame(foreign: NDArray[np.bool_]) -> int:
    """Return how many lines to cut off at the top: those of a frame, and one that is half of it."""
    most = int(EDGE * len(foreign))
    covered = foreign[: most + 2].mean(axis=1)
    depth = int((covered >= FRAME_COVERS).argmin())
    return depth + 1 if 0 < depth <= most else 0


def without_faint(ink: Grey) -> Grey:
    """Return the ink without printed lines, and other marks that are much fainter than it; (H, W) of any unit.

    The soft rim of a stroke is as faint, but stands beside it.
    """
    from PIL import Image, ImageFilter

    strong = ink[ink >= INK * ink.max()]
    usual = float(np.median(strong))
    reach = 2 * max(1, max(ink.shape) // 400) + 1
    drawn = Image.fromarray((ink >= INK * usual).astype(np.uint8)).filter(ImageFilter.MaxFilter(reach))
    kept: Grey = np.where((ink >= MUCH_FAINTER * usual) | (np.asarray(drawn) > 0), ink, np.float32(0))
    return kept


def along_the_edge(labels: NDArray[np.intp], amounts: Grey) -> NDArray[np.bool_]:
    """Say of each label whether what carries it runs along an edge of the picture, as the shadow of a scan does.

    Parameters
    ----------
    labels : ndarray of int (rows, columns)
        Cells that hang together carry the same number above 0.
    amounts : ndarray (rows, columns)
        How much ink is in each cell.

    Returns
    -------
    ndarray of bool
        For each number up to the largest; none at all where nothing else could be a digit.
    """
    rows, columns = labels.shape
    band = np.ones(labels.shape, bool)
    high, wide = max(1, round(EDGE * rows)), max(1, round(EDGE * columns))
    band[high : rows - high, wide : columns - wide] = False
    flat = labels.reshape(-1)
    total = np.bincount(flat, amounts.reshape(-1))
    within = np.bincount(flat, (amounts * band).reshape(-1), minlength=len(total))
    found = within >= WITHIN * np.maximum(total, np.finfo(np.float32).tiny)
    found[0] = False
    for label in np.flatnonzero(found):
        high, wide = _extent(labels == label)
        found[label] = high >= LONG * rows or wide >= LONG * columns
    left = (labels > 0) & ~found[labels]
    large = any(max(_extent(labels == label)) >= LEFT * max(rows, columns) for label in np.unique(labels[left]))
    return found & large


def _extent(cells: NDArray[np.bool_]) -> tuple[int, int]:
    at, across = np.nonzero(cells)
    return int(np.ptp(at)) + 1, int(np.ptp(across)) + 1
