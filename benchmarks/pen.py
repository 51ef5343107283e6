"""A digit of MNIST as a person would write it: thinned to lines one pixel wide, followed as strokes of a pen.

What the pen then draws is not the picture it came from: its lines have one width, and no grey. Only NumPy and Pillow;
where the strokes are drawn is known to `drawing`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, ENLARGED = 28, 4
#: Branches shorter than this, in pixels of the enlarged picture, are frays of the thinning.
_FRAY = 8
#: One point of a stroke in so many pixels.
_STEP = 5

Place = tuple[int, int]
Mask = NDArray[np.bool_]


def strokes(pixels: NDArray[np.uint8]) -> list[list[tuple[float, float]]]:
    """Return the strokes of a digit (784,) uint8 as points (x, y); the longer side of their box goes from 0 to 1."""
    picture = Image.frombytes("L", (SIDE, SIDE), pixels.tobytes())
    grey = np.asarray(picture.resize((SIDE * ENLARGED,) * 2, Image.Resampling.BICUBIC))
    lines = [line for line in _followed(thinned(np.pad(grey > 110, 2))) if line]
    points = np.array([place for line in lines for place in line], float)
    low, size = points.min(axis=0), max(1.0, float(np.ptp(points, axis=0).max()))
    return [[((x - low[1]) / size, (y - low[0]) / size) for y, x in line] for line in lines]


def thinned(mask: Mask) -> Mask:
    """Return the skeleton of a figure (H, W) whose border is empty (Zhang and Suen 1984, CACM 27, 236)."""
    mask = mask.copy()
    while True:
        before = int(mask.sum())
        for first in (True, False):
            around = np.stack([np.roll(mask, shift, (0, 1)) for shift in _RING])  # P2 ... P9, clockwise from the north
            count = around.sum(axis=0)
            turns = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
            north, east, south, west = around[0], around[2], around[4], around[6]
            if first:
                open_ = ~(north & east & south) & ~(east & south & west)
            else:
                open_ = ~(north & east & west) & ~(north & south & west)
            mask &= ~((count >= 2) & (count <= 6) & (turns == 1) & open_)
        if int(mask.sum()) == before:
            return mask


#: Shifts that bring the neighbours to their pixel: north, north-east, east, ...
_RING = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]


def _followed(skeleton: Mask) -> list[list[Place]]:
    """Walk along the skeleton from end to end, going straight on at crossings; each line is one stroke."""
    left: set[Place] = {(int(y), int(x)) for y, x in np.argwhere(skeleton)}
    whole = frozenset(left)
    lines: list[list[Place]] = []
    while left:
        ends = [place for place in left if len(_next_to(place, left)) == 1]
        place = min(ends or left)
        line = [place]
        left.discard(place)
        while ways := _next_to(place, left):
            back = line[max(0, len(line) - 6)]
            ahead = (place[0] - back[0], place[1] - back[1])
            place = max(ways, key=lambda way: _along(ahead, (way[0] - line[-1][0], way[1] - line[-1][1])))
            line.append(place)
            left.discard(place)
        if len(line) > _FRAY or not lines:
            lines.append(_joined(line, whole))
    return [line[::_STEP] + ([line[-1]] if (len(line) - 1) % _STEP else []) for line in lines]


def _joined(line: list[Place], whole: frozenset[Place]) -> list[Place]:
    """Close a ring, and let a line that was cut off at a crossing reach it."""
    reached = [place for place in _next_to(line[-1], whole) if place not in line[-3:]]
    return [*line, reached[0]] if reached else line


def _next_to(place: Place, among: Any) -> list[Place]:
    y, x = place
    return [near for dy, dx in _RING if (near := (y + dy, x + dx)) in among]


def _along(ahead: Place, step: Place) -> float:
    """Return how well a step goes on in a direction: the cosine between them."""
    return float((ahead[0] * step[0] + ahead[1] * step[1]) / (np.hypot(*step) * max(1.0, np.hypot(*ahead))))
