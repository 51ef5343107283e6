"""How Flask reads bodies and writes replies: with the strict JSON of this server, and no more than it should.

flask-openapi calls `get_json` of the request and takes whatever comes; this `get_json` raises instead, so that a
malformed body is 400 and a body that is not JSON is 415, before any schema is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, current_app, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge

from hippo import strict_json
from hippo.api.errors import WebError
from hippo.api.pixels import refuse
from hippo.persistence.interchange import MAX_MODEL_BYTES
from hippo.pictures import MAX_PICTURE_BYTES
from hippo.pixels import MalformedBody, WrongPixels

#: Bytes that a JSON body may have, and one with many images in it.
MAX_JSON_BYTES, MAX_IMAGES_BYTES = 1_000_000, 8_000_000
#: What to do about a body that is larger than one of these limits.
_WAYS_OUT = {
    MAX_JSON_BYTES: "Send less in one request.",
    MAX_IMAGES_BYTES: "Send fewer images at once, or round their numbers to 4 decimals.",
    MAX_PICTURE_BYTES: "Make the picture smaller, or save it as JPEG.",
    MAX_MODEL_BYTES: "No network that this server takes has a file of that size.",
}
#: Bytes from which on a body with images is read by the assistant; until there it takes a few milliseconds.
_LONG_BODY = 65_536
_View = TypeVar("_View", bound=Callable[..., Any])


class StrictRequest(Request):
    """A request whose JSON is strict."""

    @property
    def too_large(self) -> str:
        """What is said of a body that is larger than the route takes."""
        most = self.max_content_length or 0
        text = f"The body is larger than this route takes: at most {most / 1_000_000:g} MB ({most:,} bytes)."
        return f"{text} {_WAYS_OUT.get(most, '')}".strip()

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
        if len(raw) > _LONG_BODY and self.max_content_length == MAX_IMAGES_BYTES:
            return _read_elsewhere(raw)
        try:
            return strict_json.loads_body(raw)
        except strict_json.JsonError as error:
            raise WebError(400, "malformed_json", str(error)) from None

    def _has_more(self) -> bool:
        return bool(self.environ["wsgi.input"].read(1))


def _read_elsewhere(raw: bytes) -> dict[str, Any]:
    """Have the assistant read a body with many images: it would take the better part of a second."""
    try:
        fields, images = current_app.extensions["hippo"].questions.read(raw)
    except MalformedBody as error:
        raise WebError(400, "malformed_json", error.message) from None
    except WrongPixels as error:
        raise refuse(error) from None
    return fields if images is None else {**fields, "pixels": images}


def takes(most_bytes: int) -> Callable[[_View], _View]:
    """Mark a view whose bodies may have more, or less, than `MAX_JSON_BYTES`."""

    def mark(view: _View) -> _View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]  # read by `refuse_large_bodies`
        return view

    return mark


def refuse_large_bodies() -> None:
    """Refuse a body by its declared length, also where no view would read it."""
    view = current_app.view_functions.get(request.endpoint or "")
    most_bytes = getattr(view, "most_bytes", None)
    if most_bytes is not None:
        request.max_content_length = most_bytes
    if (request.content_length or 0) > (request.max_content_length or 0):
        raise RequestEntityTooLarge


def refuse_wrong_methods(app: Flask) -> None:
    """Have an address that answers to some methods only refuse the others, also where it could pass for an id.

    GET /api/networks/import is not the question for a network of the id "import".
    """
    fixed: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            fixed.setdefault(rule.rule, set()).update(rule.methods or ())

    def refuse() -> None:
        if request.view_args and request.path in fixed:
            raise MethodNotAllowed(sorted(fixed[request.path]))

    app.before_request(refuse)


class StrictProvider(JSONProvider):
    """Flask's JSON, strict in both directions."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON."""
        return strict_json.dumps(obj)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON."""
        return strict_json.loads(s)
