"""How Flask reads bodies and writes replies: with the strict JSON of this server, and no more than it should.

flask-openapi calls `get_json` of the request and takes whatever comes; this `get_json` raises instead, so that a
malformed body is 400 and a body that is not JSON is 415, before any schema is looked at.
"""

from __future__ import annotations

from typing import Any

from flask import Request, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import RequestEntityTooLarge

from hippo.api import strict_json
from hippo.api.errors import WebError

#: Bytes that a JSON body may have.
MAX_JSON_BYTES = 1_000_000


class StrictRequest(Request):
    """A request whose JSON is strict."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the parsed body; one that is absent counts as `{}`.

        Raises
        ------
        WebError
            415 for a body that is compressed or not declared as JSON, 400 for one that is not, or is JSON packed into
            a string.
        """
        raw = self.get_data(cache=cache)
        # Of a chunked body Werkzeug reads as much as is allowed, and does not look whether that was all.
        if len(raw) >= (self.max_content_length or 0) and self.content_length is None and self._has_more():
            raise RequestEntityTooLarge
        if not raw:
            return {}
        if self.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
            text = "Send the body as it is, not compressed, and without the header Content-Encoding."
            raise WebError(415, "unsupported_media_type", text, headers={"Accept-Encoding": "identity"})
        if not self.is_json:
            raise WebError(
                415, "unsupported_media_type", "Send the body as JSON, with the header Content-Type: application/json."
            )
        value = _parse(raw)
        if isinstance(value, str) and _is_json(value):
            raise WebError(400, "malformed_json", "The body is JSON packed into a string; send the JSON itself.")
        return value

    def _has_more(self) -> bool:
        return bool(self.environ["wsgi.input"].read(1))


def _parse(raw: bytes) -> Any:
    try:
        return strict_json.loads(raw)
    except strict_json.JsonError as error:
        raise WebError(400, "malformed_json", f"The body cannot be read as JSON: {error}.") from None


def _is_json(text: str) -> bool:
    try:
        strict_json.loads(text)
    except strict_json.JsonError:
        return False
    return True


def refuse_large_bodies() -> None:
    """Refuse a body by its declared length, also where no view would read it."""
    if (request.content_length or 0) > (request.max_content_length or 0):
        raise RequestEntityTooLarge


class StrictProvider(JSONProvider):
    """Flask's JSON, strict in both directions."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON."""
        return strict_json.dumps(obj)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON."""
        return strict_json.loads(s)
