"""Pictures of digits as people make them, for the tests of their preparation."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def encoded(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def seven(width: int = 200, height: int = 150, paper: Any = 250, ink: Any = 30, mode: str = "L", pen: int = 12) -> Any:
    """Draw a 7, off the centre, on paper."""
    picture = Image.new(mode, (width, height), paper)
    x, y = width / 200, height / 150
    ImageDraw.Draw(picture).line([(60 * x, 30 * y), (120 * x, 30 * y), (80 * x, 120 * y)], fill=ink, width=pen)
    return picture


def redrawn(pixels: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Draw a digit of MNIST as a person would: 3 to 12 times as large, dark on light paper, anywhere on it."""
    side = int(28 * rng.uniform(3, 12))
    digit = Image.fromarray(pixels.reshape(28, 28)).resize((side, side), Image.Resampling.BICUBIC)
    width, height = side + rng.integers(0, 2 * side, 2)
    left, top = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
    paper, ink = rng.integers(200, 256), rng.integers(0, 60)
    drawn = np.full((height, width), float(paper))
    drawn[top : top + side, left : left + side] += (float(ink) - paper) * np.asarray(digit) / 255
    return Image.fromarray(np.rint(drawn).astype(np.uint8))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, data: bytes, *more: bytes, depth: int = 8, color: int = 0) -> bytes:
    """Write a PNG by hand, whatever its header says."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")
