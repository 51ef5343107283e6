"""Turns the numbers in which files keep pixels and labels back into the bytes they once were, or refuses.

Only exact answers are given: a picture that is not made of 256 shades is not rounded into one that is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hippo.datasets.canonical import Bytes
from hippo.errors import DataError


def image_bytes(pixels: npt.NDArray[Any], name: str) -> Bytes:
    """Give (N, 784) bytes of (N, 784) or (N, 28, 28) pixels that are bytes, k/256 or k/255."""
    if pixels.shape[1:] not in ((784,), (28, 28)):
        raise DataError(f"{name} holds images of shape {pixels.shape}; Hippo takes (N, 28, 28) or (N, 784).")
    flat = pixels.reshape(-1, 784)
    if flat.dtype == np.uint8:
        return flat
    top = flat.max(initial=0)
    # In pieces that stay in the processor's cache; the whole set as float64 would take 440 MB.
    real = np.float32 if flat.dtype == np.float32 else np.float64
    for scale in (1,) if top > 1 else (256, 255):
        made = np.empty(flat.shape, np.uint8)
        for at in range(0, len(flat), 500):
            exact = flat[at : at + 500] * real(scale)
            near = np.clip(np.rint(exact), 0, 255)
            if not (np.abs(exact - near) < 1e-3).all():
                break
            made[at : at + 500] = near
        else:
            return made
    raise DataError(f"{name} holds pixels that are neither bytes nor k/255 or k/256 of one. Save them as bytes.")


def label_bytes(labels: npt.NDArray[Any], count: int, name: str) -> Bytes:
    """Give (N,) bytes of N labels from 0 to 9."""
    if labels.shape != (count,):
        raise DataError(f"{name} holds labels of shape {labels.shape} for {count} images; one for each is needed.")
    if not np.isin(labels, np.arange(10)).all():
        raise DataError(f"{name} holds labels that are not whole numbers from 0 to 9, so it is not a set of digits.")
    return labels.astype(np.uint8)
