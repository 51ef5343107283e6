"""What a PNG says of itself to be sure that it is whole, looked at before its pixels are believed.

A decoder that is after the pixels does not look: it takes a damaged stream for as long as it makes some picture, and
the network then reads a digit that nobody drew. JPEG has no such sums.
"""

from __future__ import annotations

import struct
import zlib

from hippo.errors import PictureError

_PIECE = 1 << 20
_DAMAGED = "The picture is damaged: its checksums do not fit. Save or send it anew."


def check_png(data: bytes, width: int, height: int) -> None:
    """Check the sum of each chunk, and that the pixels unpack to their end (PNG specification, 5.3 and 10.1).

    Nothing that is unpacked is kept, and no more of it than so many pixels can have.

    Raises
    ------
    PictureError
        For a sum that does not fit, a stream that is none, or one that breaks off.
    """
    most = height * (8 * width + 16) + _PIECE  # 16 bits in four channels, and a byte for each row of each pass
    stream, place = zlib.decompressobj(), 8
    while place < len(data):
        if place + 12 > len(data):
            raise PictureError(_DAMAGED)
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[place + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise PictureError(_DAMAGED)
        if kind == b"IDAT":
            most -= _unpacked(stream, data[place + 8 : end], most)
        place = end + 4
    if most > 0 and not stream.eof:
        raise PictureError(_DAMAGED)


def _unpacked(stream: zlib._Decompress, packed: bytes, most: int) -> int:
    """Unpack, at most so much, and return how much it was."""
    total = 0
    try:
        while packed and total < most and not stream.eof:
            total += len(stream.decompress(packed, _PIECE))
            packed = stream.unconsumed_tail
    except zlib.error:
        raise PictureError(_DAMAGED) from None
    return total
