"""Images in requests: 784 numbers each, or a list of such lists, checked number by number and made arrays.

A request can hold 784,000 numbers. Types are looked at by Python's fastest means and ranges by NumPy; a model of a
field for each number would take twenty times as long. Between images others have their turn.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, WithJsonSchema

from hippo.api.checked import Allowed, refusal, shown
from hippo.network import INPUTS

MOST_IMAGES = 1_000
_AT_ONCE = 16
_NUMBERS = {int, float}
_RANGE = "a number from 0 to 1"
_IMAGE = f"{INPUTS} numbers from 0 to 1"
_IMAGES = f"{_IMAGE}, or a list of 1 to {MOST_IMAGES:,} such lists"


@dataclass(frozen=True)
class Images:
    """The images of a request.

    Attributes
    ----------
    rows : ndarray of float32 (N, 784)
        0 is paper, 1 is ink.
    is_list : bool
        Whether the request was a list of images, to be answered with a list.
    """

    rows: NDArray[np.float32]
    is_list: bool


def read_image(value: object) -> Images:
    """Return the one image that a list of 784 numbers is; raises WebError 422."""
    rows = np.empty((1, INPUTS), np.float32)
    _read_row(value, "pixels", rows[0], _IMAGE)
    return Images(rows, is_list=False)


def read_images(value: object) -> Images:
    """Return the image, or the images, of a request; raises WebError 422."""
    if not (isinstance(value, list) and value and isinstance(value[0], list)):
        rows = np.empty((1, INPUTS), np.float32)
        _read_row(value, "pixels", rows[0], _IMAGES)
        return Images(rows, is_list=False)
    if len(value) > MOST_IMAGES:
        raise _wrong("pixels", f"{len(value):,} images are too many", _IMAGES)
    rows = np.empty((len(value), INPUTS), np.float32)
    for place, row in enumerate(value):
        if place % _AT_ONCE == _AT_ONCE - 1:
            time.sleep(0)
        _read_row(row, f"pixels[{place}]", rows[place], _IMAGE)
    return Images(rows, is_list=True)


def _read_row(value: object, name: str, row: NDArray[np.float32], allowed: str) -> None:
    if not isinstance(value, list):
        raise _wrong(name, f"{shown(value)} cannot be used", allowed)
    if len(value) != INPUTS:
        raise _wrong(name, f"a list of length {len(value):,} cannot be used", allowed)
    if not _NUMBERS.issuperset(map(type, value)):
        place = next(place for place, number in enumerate(value) if type(number) not in _NUMBERS)
        raise _wrong(f"{name}[{place}]", f"{shown(value[place])} cannot be used", _RANGE)
    try:
        numbers = np.array(value, np.float64)
    except OverflowError:
        numbers = np.array([min(max(number, -1), 2) for number in value], np.float64)  # too large, in either direction
    if not (numbers.min() >= 0 and numbers.max() <= 1):
        place = int(np.flatnonzero(~((numbers >= 0) & (numbers <= 1)))[0])
        raise _wrong(f"{name}[{place}]", f"{shown(value[place])} cannot be used", _RANGE)
    row[:] = numbers


def _wrong(field: str, message: str, allowed: str) -> Exception:
    return refusal([{"field": field, "message": message, "allowed": allowed}])


_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "maximum": 1},
    "minItems": INPUTS,
    "maxItems": INPUTS,
}
_LIST_SCHEMA = {"type": "array", "items": _SCHEMA, "minItems": 1, "maxItems": MOST_IMAGES}

OneImage = Annotated[Any, BeforeValidator(read_image), WithJsonSchema(_SCHEMA), Allowed(_IMAGE)]
OneOrMoreImages = Annotated[
    Any, BeforeValidator(read_images), WithJsonSchema({"anyOf": [_SCHEMA, _LIST_SCHEMA]}), Allowed(_IMAGES)
]
