"""Files in bodies of requests: those of models on their way to the disk, never whole in memory, and small pictures.

Nothing here looks into them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO

from flask import request
from werkzeug.wsgi import LimitedStream

from hippo.api.errors import WebError
from hippo.errors import NotReady
from hippo.jobs.transfers import LONGEST_UPLOAD

FILE_TYPE = "application/octet-stream"
PICTURE_TYPES = ("image/png", "image/jpeg")
PIECE_BYTES = 65_536


def save_body(target: Path) -> None:
    """Write the body of this request to a file.

    Raises
    ------
    WebError
        415 for a body that is compressed, or declared as anything but bytes.
    RequestEntityTooLarge
        For one of more bytes than the view takes.
    NotReady
        When the disk is full, or the body takes longer than `LONGEST_UPLOAD` to come in.
    """
    _check_type("file", FILE_TYPE)
    deadline = time.monotonic() + LONGEST_UPLOAD
    with target.open("xb") as file:
        for piece in _pieces():
            _write(file, piece)
            if time.monotonic() > deadline:
                minutes = round(LONGEST_UPLOAD / 60)
                raise NotReady(f"The file comes in too slowly: it must be here within {minutes} minutes.")
        _write(file, b"")


def read_picture() -> bytes:
    """Return the body of this request, which is a picture; what it really is shows its content.

    Raises
    ------
    WebError
        415 for a body that is compressed, or declared as anything but a picture that can be taken, or bytes.
    RequestEntityTooLarge
        For one of more bytes than the view takes.
    """
    _check_type("picture", *PICTURE_TYPES)
    return b"".join(_pieces())


def _check_type(what: str, *types: str) -> None:
    if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        text = f"Send the {what} as it is, without the header Content-Encoding."
        raise WebError(415, "unsupported_media_type", text, headers={"Accept-Encoding": "identity"})
    if request.mimetype not in ("", FILE_TYPE, *types):
        text = f"Send the {what} itself as the body, with the header Content-Type: {' or '.join(types)}."
        raise WebError(415, "unsupported_media_type", text)


def _pieces() -> Iterator[bytes]:
    source: IO[bytes] | LimitedStream = request.stream
    if request.environ.get("wsgi.input_terminated"):
        # It would refuse a chunked body that just reaches the limit; one byte further, this does.
        source = LimitedStream(request.environ["wsgi.input"], (request.max_content_length or 0) + 1, is_max=True)
    while piece := source.read(PIECE_BYTES):
        yield piece


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece) if piece else file.flush()
    except OSError as error:
        raise NotReady(f"The file cannot be kept: {error.strerror}. Whoever runs the server can make room.") from error
