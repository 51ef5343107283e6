"""Digits as pictures: what the JSON of examples carries."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 28


def png_base64(pixels: NDArray[np.uint8] | Any) -> str:
    """Draw the 784 grey values of a digit, row by row, as a bare base64 PNG of 28x28.

    Parameters
    ----------
    pixels
        (784,) uint8, 0 is black; no dtype but uint8 is meant, so nothing is scaled.
    """
    from PIL import Image  # only examples need it; the server starts sooner without

    picture = Image.frombytes("L", (SIDE, SIDE), bytes(pixels.tobytes()))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
