"""Augmentation: a training picture is never shown twice alike, but moved, turned and bent a little each time.

Each picture gets its own transformation: for every pixel of the new picture a place in the old one. All kinds together
make one such map, and the picture is read once, by bilinear interpolation; around it there is paper (0). What is drawn
comes from the generator that is handed in. When pictures are augmented, and that only those of the training are, is
decided where the batches are made.
"""

import math
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.nn import Array
from hippo.training.config import AUGMENTATIONS

#: Pixels along each side of a picture.
SIDE = 28
#: Pictures that are transformed at once: what this takes in between, 1.5 MB, stays near the processor.
TILE = 50
#: A border of one pixel of paper: whatever is read from further out is read from there.
BORDER = 1
#: Pixels along each side of a picture with its border.
FRAMED = SIDE + 2 * BORDER


def _middle_out() -> Array:
    """Return rows and columns of the pixels, counted from the middle of the picture: (2, 784), -13.5 to 13.5."""
    steps = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
    return np.stack([np.repeat(steps, SIDE), np.tile(steps, SIDE)])


def bumps(smoothness: float) -> Array:
    """Return bell curves that add up, with random factors, to a smooth random field over the picture.

    A field of white noise smoothed by a Gaussian of standard deviation `smoothness` is the same as a sum of Gaussians
    with random heights. Neighbours that stand 1.25 standard deviations apart are dense enough: the correlation of two
    pixels d apart is exp(-d²/(4·smoothness²)) within 0.02, and for a smoothness of 5, 7·7 heights replace 28·28.

    Parameters
    ----------
    smoothness : float
        Standard deviation of each bell in pixels.

    Returns
    -------
    ndarray of float32 (bells, 784)
        The squares add up to 1 at every pixel, so that independent factors of variance 1 give a field of variance 1.
    """
    distance = 1.25 * smoothness
    count = math.ceil((SIDE - 1) / distance) + 2  # a bell and more beyond either edge, or the field would fade there
    centres = (np.arange(count) - (count - 1) / 2) * distance + (SIDE - 1) / 2
    bells: Array = np.exp(-0.5 * ((np.arange(SIDE) - centres[:, None]) / smoothness) ** 2)
    bells /= np.sqrt(np.sum(bells**2, axis=0))
    return np.kron(bells, bells).astype(np.float32)


class Warp:
    """Reads pictures at other places than where their pixels are; keeps its arrays from call to call.

    The place in the old picture where the pixel p of the new one is read is linear in a few coefficients: one for each
    row of `basis`, which are 1, the row and the column of p, counted from the middle of the picture, and the fields.

    Parameters
    ----------
    fields : ndarray of float32 (F, 784)
        Further fields, such as `bumps`.
    """

    def __init__(self, fields: Array) -> None:
        self.basis = np.concatenate([np.ones((1, SIDE**2), np.float32), _middle_out(), fields])
        self._places = np.empty((TILE, 2, SIDE**2), np.float32)
        self._whole = np.empty_like(self._places)
        self._index: NDArray[np.intp] = np.empty((TILE, SIDE**2), np.intp)
        self._corners = np.empty((4, TILE, SIDE**2), np.float32)
        frames = np.zeros((TILE, FRAMED, FRAMED), np.float32)
        self._inside = frames[:, BORDER : BORDER + SIDE, BORDER : BORDER + SIDE]
        # The pixels themselves and their neighbours to the right, below and below right, at the same index. Beyond the
        # border, these are pixels of the next row or picture, but paper too, and what they weigh there is 0.
        self._neighbours = [frames.reshape(-1)[offset:] for offset in (0, 1, FRAMED, FRAMED + 1)]
        self._starts = np.arange(TILE, dtype=np.float32)[:, None] * np.float32(FRAMED**2)

    def __call__(self, images: Array, coefficients: Array) -> None:
        """Replace each picture by what it shows at the places given.

        Parameters
        ----------
        images : ndarray of float32 (N, 784)
            At most `TILE` pictures, overwritten. Values 0-1 stay 0-1.
        coefficients : ndarray of float32 (N, 2, 3 + F)
            For rows and for columns of the old picture, counted from its middle in pixels. (0, 1, 0, 0, ...) for rows
            and (0, 0, 1, 0, ...) for columns leave it as it is, bit for bit.
        """
        count = len(images)
        places, whole, index = self._places[:count], self._whole[:count], self._index[:count]
        np.matmul(coefficients.reshape(2 * count, -1), self.basis, out=places.reshape(2 * count, -1))
        places += np.float32((SIDE - 1) / 2 + BORDER)
        np.clip(places, np.float32(0), np.float32(FRAMED - 1), out=places)
        np.floor(places, out=whole)
        places -= whole  # what is left is how far the place lies on the way to the next row and column
        row, column = whole[:, 0], whole[:, 1]
        row *= np.float32(FRAMED)
        row += column
        row += self._starts[:count]  # whole numbers below 2^24 are exact in float32
        np.copyto(index, row, casting="unsafe")

        self._inside[:count] = images.reshape(count, SIDE, SIDE)
        corners = self._corners[:, :count]
        for values, corner in zip(self._neighbours, corners, strict=True):
            np.take(values, index, out=corner, mode="clip")  # this mode writes straight into `out`
        upper_left, upper_right, lower_left, lower_right = corners
        down, right = places[:, 0], places[:, 1]
        # Between numbers of 0-1, a + w·(b - a) with 0 <= w < 1 never leaves 0-1, not even by rounding.
        upper = _between(upper_left, upper_right, right, out=upper_left)
        lower = _between(lower_left, lower_right, right, out=lower_left)
        _between(upper, lower, down, out=images)


def _between(first: Array, second: Array, weight: Array, out: Array) -> Array:
    """Return first + weight·(second - first) in `out`; `second` is overwritten."""
    second -= first
    second *= weight
    return np.add(first, second, out=out)


class Augmentation:
    """Gives every picture a new random transformation.

    All numbers are drawn evenly from minus to plus the strength. Each picture takes the same count of random numbers
    in turn, so that it does not matter in which portions pictures come. Shifts are not rounded to whole pixels.

    Source of the elastic kind: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied
    to Visual Document Analysis (2003), section 2. Their sigma = 4 and alpha = 34 are here a smoothness of 4 and a
    displacement of 34 / √3 / (2·√pi·4) = 1.4.

    Parameters
    ----------
    kinds : sequence of {"shift", "rotate", "elastic"}
        What is done, in any order; "rotate" also scales, stretches and shears.
    shift : float
        Greatest shift along rows and along columns, in pixels. MNIST is centred: more than 1 gains nothing there.
    rotation : float
        Greatest angle, in degrees.
    scale : float
        Greatest change of height and of width, each on its own: 0.1 is a tenth; below 1.
    shear : float
        Greatest slant: 0.1 moves a row by a tenth of its distance from the middle.
    displacement : float
        Standard deviation of the elastic displacement, at each pixel, along rows and along columns, in pixels.
    smoothness : float
        Standard deviation of the Gaussian that smooths the elastic displacement, in pixels, 1 or more. Small values
        take more time.

    Attributes
    ----------
    seconds : float
        Time spent in all calls so far.

    Raises
    ------
    InvalidValue
        For an unknown kind, or a strength that is no number from 0.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        *,
        shift: float = 1.0,
        rotation: float = 12.0,
        scale: float = 0.1,
        shear: float = 0.1,
        displacement: float = 1.2,
        smoothness: float = 5.0,
    ) -> None:
        for kind in kinds:
            if kind not in AUGMENTATIONS:
                raise InvalidValue(f"Augmentation must be of {', '.join(AUGMENTATIONS)}, not {kind!r}.")
        _check("shift", shift)
        _check("rotation", rotation)
        _check("scale", scale, below=1)
        _check("shear", shear)
        _check("displacement", displacement)
        _check("smoothness", smoothness, least=1)
        fields = bumps(smoothness) if "elastic" in kinds else np.empty((0, SIDE**2), np.float32)
        self.warp = Warp(fields)
        self._coefficients = np.empty((TILE, 2, len(self.warp.basis)), np.float32)
        # What the numbers drawn, -1 to 1, are multiplied by. An even number from -√3 to √3 has variance 1.
        self._strengths = np.zeros(self._coefficients.shape[1:], np.float32)
        if "shift" in kinds:
            self._strengths[:, 0] = shift
        if "rotate" in kinds:
            self._strengths[:, 1:3] = (math.radians(rotation), scale), (shear, scale)
        self._strengths[:, 3:] = displacement * math.sqrt(3)
        self.seconds = 0.0

    def __call__(self, images: Array, rng: np.random.Generator) -> None:
        """Replace each picture by a transformed one.

        Parameters
        ----------
        images : ndarray of float32 (N, 784), 0-1
            Overwritten; still 0-1 afterwards.
        rng : numpy.random.Generator
            Decides the transformations.
        """
        begin = perf_counter()
        for start in range(0, len(images), TILE):
            tile = images[start : start + TILE]
            self.warp(tile, self.draw(len(tile), rng))
        self.seconds += perf_counter() - begin

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Return the coefficients for `Warp` of new transformations, valid until the next call.

        Parameters
        ----------
        count : int
            Number of pictures, at most `TILE`.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of float32 (count, 2, 3 + F)
        """
        coefficients = self._coefficients[:count]
        rng.random(out=coefficients, dtype=np.float32)
        coefficients -= np.float32(0.5)
        coefficients *= 2 * self._strengths
        # The matrix is: stretch the height by h and the width by w, slant by s, then turn by a.
        #   ( cos a  -sin a )   ( 1  0 )   ( h  0 )
        #   ( sin a   cos a ) · ( s  1 ) · ( 0  w )
        angle, slant = coefficients[:, 0, 1].copy(), coefficients[:, 1, 1].copy()
        height, width = 1 + coefficients[:, 0, 2], 1 + coefficients[:, 1, 2]
        cosine, sine = np.cos(angle), np.sin(angle)
        coefficients[:, 0, 1] = (cosine - sine * slant) * height
        coefficients[:, 0, 2] = -sine * width
        coefficients[:, 1, 1] = (sine + cosine * slant) * height
        coefficients[:, 1, 2] = cosine * width
        return coefficients


def _check(name: str, value: float, least: float = 0, below: float = math.inf) -> None:
    if not least <= value < below:
        limit = "a finite number" if below == math.inf else f"below {below}"
        raise InvalidValue(f"The {name} of augmentation must be {limit}, {least} or more, not {value!r}.")
