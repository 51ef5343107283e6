"""From grey levels to an image of MNIST: ink told from paper, cropped, fitted into 20x20 and centred in 28x28."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hippo.errors import PictureError
from hippo.pictures.decoding import Grey, decoded
from hippo.pictures.headers import read_header
from hippo.pictures.sheets import along_the_edge, without_faint, without_frame

if TYPE_CHECKING:
    from PIL.Image import Image

#: The side of an image of MNIST, and of the box within that the digit is fitted into.
SIDE, BOX = 28, 20
#: The place, counted from 0, that the centre of mass gets: in MNIST it is always within half a pixel of it.
CENTRE = 14
#: Larger pictures, in pixels or in bytes, take longer than a few milliseconds.
MOST_PIXELS_AT_ONCE, MOST_BYTES_AT_ONCE = 320 * 320, 100_000
#: Levels of grey, of 255, that ink differs from paper at the least, and how often the paper's own noise.
LEAST_CONTRAST, LEAST_OF_NOISE = 24.0, 6.0
#: What has less ink than this share of the darkest is noise.
FAINT = 0.12
#: What is apart and has less ink than this share of the main stroke's is dust.
SPECK = 0.04
#: A cell that is covered less than this shows grain; a line of one pixel covers a thirtieth at the least.
GRAIN = 0.02
_CELLS, _MOST_STEPS = 64, 300  # of the grid on which that is found, a side; cells that a stroke is followed
#: Widths of strokes in pixels of 28x28: no digit of MNIST is drawn thinner than the first; many are as the second.
THINNEST, NORMAL = 1.25, 2.0
_FINER = 4  # so many times as large as the result is what strokes are measured and thickened in
_BLANK = "There is no digit in the picture: it is blank, or what is drawn hardly differs from the paper."


@dataclass(frozen=True)
class Prepared:
    """An image that a network can be asked about.

    Attributes
    ----------
    pixels : ndarray of uint8 (784,)
        0 is paper, 255 ink, row by row.
    inverted : bool
        Whether the paper was light and the ink dark, as with a pen.
    width, height : int
        Pixels of the picture as it was sent.
    """

    pixels: NDArray[np.uint8]
    inverted: bool
    width: int
    height: int


def takes_long(data: bytes) -> bool:
    """Say whether to prepare this picture would hold others up; of few bytes, raises as `prepare` does for no picture.

    A file of many bytes is not looked into: to walk through 2 MB of the smallest segments takes a third of a second.
    """
    if len(data) > MOST_BYTES_AT_ONCE:
        return True
    header = read_header(data)
    return header.width * header.height > MOST_PIXELS_AT_ONCE


def prepare(data: bytes) -> Prepared:
    """Make an image as MNIST has them of a PNG or JPEG.

    Parameters
    ----------
    data : bytes
        The file, of at most 2 MB and 16 megapixels.

    Raises
    ------
    PictureTooLarge
        For more than that.
    PictureError
        For what is no PNG or JPEG, is damaged, or is blank.
    """
    header = read_header(data)
    grey = without_frame(decoded(header))
    ink, inverted = _ink(grey)
    fitted = _fitted(_cropped(_without_specks(ink)))
    return Prepared(_centred(fitted).reshape(-1), inverted, header.width, header.height)


def _ink(grey: Grey) -> tuple[Grey, bool]:
    """Return how much ink there is at each place, (H, W) of 0-1, and whether the paper is light.

    Paper is what most of the border is. Its tone may change over the picture, as a lamp or the shade of a hand makes
    it: a slope is taken away first, and the rest is followed by a closing, which fills in what is narrower than a third
    of the picture.
    """
    grey = np.clip(grey - _slope(grey), np.float32(0), np.float32(255))
    threshold = _threshold(grey)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    inverted = bool(np.mean(border > threshold) > 0.5)
    light = grey if inverted else 255 - grey  # from here on paper is light
    threshold = threshold if inverted else 255 - threshold
    paper = np.maximum(_closed(light), np.float32(threshold))
    ink: Grey = np.maximum(paper - light, np.float32(0))
    noise = 1.5 * float(np.median(ink[light > threshold])) if (light > threshold).any() else 0.0
    darkest = float(ink.max())
    if darkest < max(LEAST_CONTRAST, LEAST_OF_NOISE * noise):
        raise PictureError(_BLANK)
    ink[ink < max(FAINT * darkest, 3 * noise)] = 0
    return without_faint(ink) / np.float32(darkest), inverted


def _slope(grey: Grey) -> Grey:
    """Return how the light falls off over the picture, (H, W), 0 in the middle: a plane through most of the border.

    Most, and not all, of it: the plane has the least absolute differences, found by weighted least squares again and
    again, so that a stroke that reaches the border does not tilt it.
    """
    height, width = grey.shape
    if min(height, width) < 8:
        return np.zeros((1, 1), np.float32)
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    edge = max(1, min(height, width) // 12)
    step = max(1, max(height, width) // 64)
    border = np.ones(grey.shape, bool)
    border[edge:-edge, edge:-edge] = False
    border = border[::step, ::step]
    tones = grey[::step, ::step][border].astype(np.float64)
    places = np.stack([np.ones_like(tones), *(grid[border] for grid in np.meshgrid(x[::step], y[::step]))], axis=1)
    weights = np.ones_like(tones)
    for _ in range(12):
        plane = np.linalg.lstsq(places * weights[:, None], tones * weights, rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(tones - places @ plane), 1.0))
    slope: Grey = (plane[1] * x + plane[2] * y[:, None]).astype(np.float32)
    return slope


def _threshold(grey: Grey) -> float:
    """Return the level that parts two kinds of tones best (Otsu 1979, "A threshold selection method...")."""
    counts = np.bincount(grey.astype(np.uint8).reshape(-1), minlength=256).astype(np.float64)
    levels = np.arange(256)
    below, mass = np.cumsum(counts), np.cumsum(counts * levels)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    between = np.nan_to_num(between[:-1], nan=0.0, posinf=0.0)
    best = np.flatnonzero(between == between.max())  # many, where no tone lies in between
    return float(best.mean()) + 0.5


def _closed(light: Grey) -> Grey:
    """Return the tone of the paper at each place, (H, W) of 0-255."""
    from PIL import Image, ImageFilter

    height, width = light.shape
    small = Image.fromarray(light.astype(np.uint8))
    small.thumbnail((48, 48), Image.Resampling.BOX)
    window = max(3, max(small.size) // 3 | 1)
    closed = small.filter(ImageFilter.MaxFilter(window)).filter(ImageFilter.MinFilter(window))
    return np.asarray(closed.resize((width, height), Image.Resampling.BILINEAR), np.float32)


def _without_specks(ink: Grey) -> Grey:
    """Return the ink without what is apart from the strokes: dust and grain of a photo, and what runs along an edge.

    What hangs together is found on a coarse grid: each cell takes the largest number among its neighbours' until none
    changes.
    """
    height, width = ink.shape
    cell = -(-max(height, width) // _CELLS)
    padded = np.pad(ink, ((0, -height % cell), (0, -width % cell)))
    rows, columns = padded.shape[0] // cell, padded.shape[1] // cell
    amounts = padded.reshape(rows, cell, columns, cell).sum(axis=(1, 3))
    inked = amounts > GRAIN * cell * cell
    labels = np.where(inked, np.arange(1, inked.size + 1).reshape(inked.shape), 0)
    for _ in range(_MOST_STEPS):
        around = np.pad(labels, 1)
        across = np.maximum(np.maximum(around[:-2], around[1:-1]), around[2:])
        spread = np.maximum(np.maximum(across[:, :-2], across[:, 1:-1]), across[:, 2:]) * inked
        if (spread == labels).all():
            break
        labels = spread
    totals = np.bincount(labels.reshape(-1), weights=amounts.reshape(-1))
    if not totals[1:].any():
        raise PictureError(_BLANK)
    totals[0] = 0
    edges = along_the_edge(labels, amounts)
    totals[edges] = 0
    kept = ((totals >= SPECK * totals.max()) & ~edges)[labels] & inked
    mask = kept.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    left: Grey = np.where(mask, ink, np.float32(0))
    return left


def _cropped(ink: Grey) -> Grey:
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(ink: Grey) -> Grey:
    """Scale to 20 pixels on the longer side, each the mean of those it covers; (h, w) of 0-1, the darkest 1."""
    from PIL import Image

    height, width = ink.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    drawn = _thickened(Image.fromarray(ink), size) if scale < 1 else Image.fromarray(ink)
    fitted: Grey = np.asarray(drawn.resize(size, Image.Resampling.BOX), np.float32)
    return fitted / np.float32(fitted.max())


def _thickened(drawn: Image, size: tuple[int, int]) -> Image:
    """Draw strokes that would be thinner in `size` than any in MNIST, as those of a ballpoint are, with a broader pen.

    A stroke of length L and width w has the area L w and the outline 2 L.
    """
    from PIL import Image, ImageFilter

    large = drawn.resize((size[0] * _FINER, size[1] * _FINER), Image.Resampling.BOX)
    ink = np.pad(np.asarray(large, np.float32), 1)
    outline = float(np.hypot(*np.gradient(ink)).sum())
    width = 2 * float(ink.sum()) / outline / _FINER
    if width >= THINNEST:
        return drawn
    more = round((NORMAL - width) * _FINER / 2)
    if not more:
        return drawn
    padded = np.pad(ink[1:-1, 1:-1] * 255, more)  # a broader pen reaches further
    return Image.fromarray(padded.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * more + 1))


def _centred(ink: Grey) -> NDArray[np.uint8]:
    """Place the digit in 28x28 with its centre of mass in the middle, as far as it fits in."""
    image = np.zeros((SIDE, SIDE), np.uint8)
    height, width = ink.shape
    total = float(ink.sum())
    top = CENTRE - round(float(ink.sum(axis=1) @ np.arange(height)) / total)
    left = CENTRE - round(float(ink.sum(axis=0) @ np.arange(width)) / total)
    top, left = min(max(top, 0), SIDE - height), min(max(left, 0), SIDE - width)
    image[top : top + height, left : left + width] = np.rint(ink * 255)
    return image
