"""Images as programs send them: 784 numbers each, or a list of such lists, checked number by number and made arrays.

A request can hold 784,000 numbers. Types are looked at by Python's fastest means and ranges by NumPy; a model of a
field for each number would take twenty times as long. Where the request comes from is not known here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hippo import strict_json
from hippo.errors import InvalidValue
from hippo.network import INPUTS

MOST_IMAGES = 1_000
#: What is allowed, in words.
RANGE = "a number from 0 to 1"
IMAGE = f"{INPUTS} numbers from 0 to 1"
IMAGES = f"{IMAGE}, or a list of 1 to {MOST_IMAGES:,} such lists"

_NUMBERS = {int, float}
#: Characters that the other fields of a body with many images may take together.
_MOST_OTHERS = 10_000


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


class WrongPixels(InvalidValue):
    """A number or an image that cannot be used; `extra` has its ``field``, the ``problem`` and what is ``allowed``."""


class MalformedBody(InvalidValue):
    """The body of a request is not JSON as the standard has it."""


def read_image(value: object) -> Images:
    """Return the one image that a list of 784 numbers is; raises WrongPixels."""
    rows = np.empty((1, INPUTS), np.float32)
    _read_row(value, "pixels", rows[0], IMAGE)
    return Images(rows, is_list=False)


def read_images(value: object) -> Images:
    """Return the image, or the images, of a request; raises WrongPixels."""
    if not (isinstance(value, list) and value and isinstance(value[0], list)):
        rows = np.empty((1, INPUTS), np.float32)
        _read_row(value, "pixels", rows[0], IMAGES)
        return Images(rows, is_list=False)
    if len(value) > MOST_IMAGES:
        _refuse("pixels", f"{len(value):,} images are too many", IMAGES)
    rows = np.empty((len(value), INPUTS), np.float32)
    for place, row in enumerate(value):
        _read_row(row, f"pixels[{place}]", rows[place], IMAGE)
    return Images(rows, is_list=True)


def read_body(raw: bytes) -> tuple[dict[str, Any], Images | None]:
    """Return the fields of a long JSON object, without ``pixels``, and the images that those are.

    Raises
    ------
    MalformedBody
        For what is not strict JSON.
    WrongPixels
        For images that cannot be used, for what is not an object, and for other fields that are long.
    """
    try:
        fields = strict_json.loads_body(raw)
    except strict_json.JsonError as error:
        raise MalformedBody(str(error)) from None
    if not isinstance(fields, dict):
        _refuse("", "the body must be a JSON object", "an object")
    images = read_images(fields.pop("pixels")) if "pixels" in fields else None
    if len(repr(fields)) > _MOST_OTHERS:
        _refuse("", "the fields besides pixels are too long", f"{_MOST_OTHERS:,} characters")
    return fields, images


def _read_row(value: object, name: str, row: NDArray[np.float32], allowed: str) -> None:
    if not isinstance(value, list):
        _refuse(name, f"{_shown(value)} cannot be used", allowed)
    if len(value) != INPUTS:
        _refuse(name, f"a list of length {len(value):,} cannot be used", allowed)
    if not _NUMBERS.issuperset(map(type, value)):
        place = next(place for place, number in enumerate(value) if type(number) not in _NUMBERS)
        _refuse(f"{name}[{place}]", f"{_shown(value[place])} cannot be used", RANGE)
    try:
        numbers = np.array(value, np.float64)
    except OverflowError:  # a whole number of hundreds of digits
        numbers = np.array([min(max(number, -1), 2) for number in value], np.float64)
    if not (numbers.min() >= 0 and numbers.max() <= 1):
        place = int(np.flatnonzero(~((numbers >= 0) & (numbers <= 1)))[0])
        _refuse(f"{name}[{place}]", f"{_shown(value[place])} cannot be used", RANGE)
    row[:] = numbers


def _refuse(field: str, problem: str, allowed: str) -> NoReturn:
    raise WrongPixels(f"{field}: {problem} (allowed: {allowed}).", field=field, problem=problem, allowed=allowed)


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
