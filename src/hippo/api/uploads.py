"""Files in bodies of requests, on their way from the network to the disk: never whole in memory, never looked into."""

from __future__ import annotations

from pathlib import Path
from typing import IO, BinaryIO

from flask import request
from werkzeug.wsgi import LimitedStream

from hippo.api.errors import WebError
from hippo.errors import NotReady

FILE_TYPE = "application/octet-stream"
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
        When the disk is full.
    """
    if request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        text = "Send the file as it is, without the header Content-Encoding."
        raise WebError(415, "unsupported_media_type", text, headers={"Accept-Encoding": "identity"})
    if request.mimetype not in ("", FILE_TYPE):
        text = f"Send the file itself as the body, with the header Content-Type: {FILE_TYPE}."
        raise WebError(415, "unsupported_media_type", text)
    source: IO[bytes] | LimitedStream = request.stream
    if request.environ.get("wsgi.input_terminated"):
        # It would refuse a chunked body that just reaches the limit; one byte further, this does.
        source = LimitedStream(request.environ["wsgi.input"], (request.max_content_length or 0) + 1, is_max=True)
    with target.open("xb") as file:
        while piece := source.read(PIECE_BYTES):
            _write(file, piece)
        _write(file, b"")


def _write(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece) if piece else file.flush()
    except OSError as error:
        raise NotReady(f"The file cannot be kept: {error.strerror}. Whoever runs the server can make room.") from error
