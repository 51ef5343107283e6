"""What the first bytes of a PNG or JPEG say, read without decoding anything, and what is refused because of it.

A file of some bytes can claim to be a picture of gigabytes, and text that nobody reads can unpack to megabytes. So the
size is looked at first, and of a PNG only the chunks that make the picture are handed on. Whether the pixels are there
and whole is found out by the decoder, in ``decoding``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hippo.errors import PictureError, PictureTooLarge

#: Bytes and pixels that a picture may have.
MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS = 2_000_000, 16_000_000

#: How every file of a PNG begins.
PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
#: The chunks of a PNG that make the picture; the others are text, colour profiles, further frames.
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}
#: Ancillary ones of those can be no longer than this.
_LONGEST_ANCILLARY = 65_536
#: Scans of a JPEG, each of which passes over the whole picture; a progressive one has some ten.
_MOST_SCANS = 50
#: The markers that begin a frame of a JPEG, and those that stand alone.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9
_SMALLER = "Reduce it first: a digit needs no more than some hundred pixels a side."
_NO_HEADER = "The picture is damaged: its header cannot be read."


@dataclass(frozen=True)
class Header:
    """What is known of a picture before it is decoded.

    Attributes
    ----------
    width, height : int
        Pixels, as the file says, 1 or more.
    data : bytes
        The file without what does not make the picture.
    """

    width: int
    height: int
    data: bytes


def read_header(data: bytes) -> Header:
    """Return what the header says.

    Raises
    ------
    PictureTooLarge
        For a file or a picture that is too large.
    PictureError
        For what is neither PNG nor JPEG, or has no proper header.
    """
    if len(data) > MAX_PICTURE_BYTES:
        raise PictureTooLarge(
            f"The picture has {len(data):,} bytes; at most {MAX_PICTURE_BYTES:,} are taken. {_SMALLER}"
        )
    if data.startswith(PNG):
        header = _read_png(data)
    elif data.startswith(_JPEG):
        header = _read_jpeg(data)
    else:
        raise PictureError("This is no picture in PNG or JPEG. Other formats are not taken; save it as one of the two.")
    if header.width < 1 or header.height < 1:
        raise PictureError("The picture is damaged: by its header it has no pixels.")
    if header.width * header.height > MAX_PICTURE_PIXELS:
        size = f"{header.width:,} x {header.height:,} pixels"
        raise PictureTooLarge(f"The picture has {size}; at most {MAX_PICTURE_PIXELS:,} are taken in all. {_SMALLER}")
    return header


def _read_png(data: bytes) -> Header:
    """Walk through the chunks: 4 bytes of length, 4 of type, the content, 4 of checksum (PNG specification, 5.3)."""
    kept, place, size = [PNG], len(PNG), (0, 0)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if place == len(PNG):
            if kind != b"IHDR" or length != 13 or end > len(data):
                raise PictureError(_NO_HEADER)
            size = struct.unpack_from(">II", data, place + 8)
        if kind in _PNG_CHUNKS and (length <= _LONGEST_ANCILLARY or kind == b"IDAT"):
            kept.append(data[place:end])
        place = end
    if len(kept) == 1:
        raise PictureError(_NO_HEADER)
    return Header(*size, b"".join(kept))


def _read_jpeg(data: bytes) -> Header:
    """Walk through the segments up to the frame, which says the size (ITU-T T.81, B.2.2)."""
    if data.count(bytes((0xFF, _SCAN))) > _MOST_SCANS:
        raise PictureError("The picture is a JPEG of too many scans. Save it anew.")
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in _FRAMES:
            if place + 9 > len(data):
                break
            height, width = struct.unpack_from(">HH", data, place + 5)
            return Header(width, height, data)
        elif marker in (_SCAN, _END):
            break
        else:
            length = int.from_bytes(data[place + 2 : place + 4], "big")
            if length < 2:
                break
            place += 2 + length
    raise PictureError(_NO_HEADER)
