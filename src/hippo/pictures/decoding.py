"""PNG and JPEG decoded to grey levels: upright, on opaque paper, and no larger than the finer work needs.

Pillow decodes, and no other format than these two. What it makes of the pixels is in ``preparing``.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hippo.errors import PictureError
from hippo.pictures.checksums import check_png
from hippo.pictures.headers import PNG, Header

if TYPE_CHECKING:
    from PIL.Image import Image

Grey = NDArray[np.float32]

#: The finer work is done on fewer than twice so many pixels a side.
FINE = 512
_ORIENTATION = 0x0112  # the tag of Exif
_UNREADABLE = "The picture is damaged, or of a kind that cannot be read. Save it anew as PNG or JPEG."


def decoded(header: Header) -> Grey:
    """Return the picture upright and without transparency, (H, W) of 0-255, at most twice `FINE` a side."""
    from PIL import Image  # the server starts sooner without

    if header.data.startswith(PNG):
        check_png(header.data, header.width, header.height)
    try:
        with Image.open(io.BytesIO(header.data), formats=("PNG", "JPEG")) as picture:
            if picture.size != (header.width, header.height):
                raise PictureError(_UNREADABLE)  # the two readers must not be of two minds about the size
            picture.draft("L", (FINE, FINE))  # a JPEG can be decoded at an eighth of its size
            picture.load()
            orientation = _orientation(picture)
            return _upright(_flat(_reduced(picture)), orientation)
    except PictureError:
        raise
    except MemoryError:
        raise PictureError("There is not enough memory for this picture at the moment. Send a smaller one.") from None
    except Exception as error:  # whatever a decoder stumbles over, the picture is to blame
        raise PictureError(_UNREADABLE) from error


def _orientation(picture: Image) -> int:
    """Return how the camera was held, 1-8, as Exif counts; 1 where nobody says, or not clearly."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - the picture may be whole although what is said about it is not
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _reduced(picture: Image) -> Image:
    """Return the picture in a mode that `_flat` knows, its longer side below twice `FINE` pixels."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip
        levels = np.asarray(picture)
        high = np.asarray(levels >> 8 if levels.max(initial=0) > 255 else levels)
        picture = Image.fromarray(high.astype(np.uint8))
    has_alpha = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    picture = picture.convert("RGBA" if has_alpha else "L")
    factor = max(1, max(picture.size) // FINE)
    return picture.reduce(factor) if factor > 1 else picture


def _flat(picture: Image) -> Grey:
    """Return grey levels, 0-255; where the picture is transparent, the paper is seen.

    Where most of it is opaque, paper is the most common tone there. Else what is opaque is taken for ink, and paper for
    its opposite.
    """
    if picture.mode == "L":
        return np.asarray(picture, np.float32)
    alpha = np.asarray(picture.getchannel("A"), np.float32) / 255
    grey = np.asarray(picture.convert("RGB").convert("L"), np.float32)
    seen = grey[alpha >= 0.5] if (alpha >= 0.5).any() else grey
    tone = float(np.median(seen))
    opposite = 0.0 if tone >= 128 else 255.0
    paper = tone if (alpha >= 0.5).mean() > 0.5 else opposite
    flat = paper + (grey - paper) * alpha
    return flat.astype(np.float32, copy=False)


def _upright(grey: Grey, orientation: int) -> Grey:
    """Turn and mirror the picture as Exif's `orientation` asks."""
    if orientation >= 5:
        grey = grey.T
    if orientation in (2, 3, 6, 7):
        grey = grey[:, ::-1]
    if orientation in (3, 4, 7, 8):
        grey = grey[::-1]
    return grey
