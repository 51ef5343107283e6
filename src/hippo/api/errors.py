"""Every error of the server in one shape, whoever raises it: a view, the engine, Flask, or the guard in front of both.

The shape serves three kinds of clients at once: `error`, `message` and `detail` carry the same text, of which each
reads one; `code` is for programs. Which status an error of the engine becomes is the table `STATUS`. What nobody
expected is logged with its traceback under a short id, and the client sees the id alone.
"""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, has_request_context, request
from werkzeug.exceptions import HTTPException

from hippo import errors as engine
from hippo import strict_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse

log = logging.getLogger("hippo.api")

#: The status of each error that the engine raises on purpose.
STATUS: dict[type[engine.HippoError], int] = {
    engine.UnknownNetwork: 404,
    engine.UnknownJob: 404,
    engine.UnknownModel: 404,
    engine.NoSuchExample: 404,
    engine.TrainingInProgress: 409,
    engine.JobEnded: 409,
    engine.WrongState: 409,
    engine.InvalidValue: 422,
    engine.ImportRefused: 422,
    engine.PictureError: 422,
    engine.PictureTooLarge: 413,
    engine.TooManyJobs: 429,
    engine.TooManyViews: 429,
    engine.NotReady: 503,
    engine.NoModel: 503,
    engine.DataError: 503,
}

_HTTP_ERRORS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be understood."),
    404: ("not_found", "There is nothing at this address. The routes are listed at /docs."),
    405: ("method_not_allowed", "This address does not answer to this method; the header Allow lists those it does."),
    413: ("too_large", "The body is larger than this route takes."),
    414: ("request_uri_too_long", "The address is too long; send data in the body of the request."),
    415: ("unsupported_media_type", "Send the body as JSON, with the header Content-Type: application/json."),
    429: ("too_many_requests", "Too many requests; try again a little later."),
    431: ("request_header_fields_too_large", "The headers are too long or too many; send fewer and shorter ones."),
    503: ("not_ready", "The server is not ready; try again a little later."),
    505: ("http_version_not_supported", "The server speaks HTTP/1.1 and HTTP/1.0."),
}
_RETRY_AFTER = {429: "5", 503: "5"}


class WebError(Exception):
    """An error that only the web knows, such as a body that is not JSON."""

    def __init__(
        self, status: int, code: str, message: str, *, detail: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})


def error_body(code: str, message: str, detail: Any = None, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Put an error into the shape that all clients read."""
    fields = {"error": message, "message": message, "detail": message if detail is None else detail, "code": code}
    return {**(extra or {}), **fields}


def http_error(status: int) -> tuple[str, str]:
    """Return the code and the text of an error of HTTP itself."""
    phrase = HTTPStatus(status).phrase
    return _HTTP_ERRORS.get(status, (phrase.lower().replace(" ", "_").replace("-", "_"), f"{phrase}."))


def describe(error: BaseException) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return the status, the body and the headers that tell a client about an error."""
    if isinstance(error, WebError):
        return error.status, error_body(error.code, error.message, error.detail), _headers(error.status, error.headers)
    if isinstance(error, engine.HippoError):
        status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
        if status is not None:
            return status, _engine_body(error), _headers(status)
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return _describe_http(error)
    return _describe_surprise(error)


def _engine_body(error: engine.HippoError) -> dict[str, Any]:
    """Put an error of the engine into the shape; one about a field of the request names it as a wrong field."""
    extra = dict(error.extra)
    field = extra.pop("field", None)
    detail = None if field is None else [{"field": field, "message": error.message, "allowed": ""}]
    return error_body(error.code, error.message, detail, extra)


def _describe_http(error: HTTPException) -> tuple[int, dict[str, Any], dict[str, str]]:
    status = error.code or 400
    code, message = http_error(status)
    if status == 413 and has_request_context():
        message = getattr(request, "too_large", message)  # which knows the limit of the route
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Content-Range", "Retry-After")}
    return status, error_body(code, message), _headers(status, kept)


def _describe_surprise(error: BaseException) -> tuple[int, dict[str, Any], dict[str, str]]:
    error = getattr(error, "original_exception", None) or error
    error_id = secrets.token_hex(4)
    log.error("Unexpected error %s", error_id, exc_info=error)
    message = f"Something went wrong inside the server. Its log says more, under the error id {error_id}."
    return 500, error_body("internal_error", message, extra={"error_id": error_id}), {}


def _headers(status: int, more: Mapping[str, str] | None = None) -> dict[str, str]:
    retry = {"Retry-After": _RETRY_AFTER[status]} if status in _RETRY_AFTER else {}
    return {**retry, **(more or {})}


def to_response(error: BaseException) -> Response:
    """Turn an error into Flask's response."""
    status, body, headers = describe(error)
    return Response(strict_json.dumps(body), status=status, headers=headers, mimetype="application/json")


def to_wsgi(error: BaseException, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a WSGI request with an error, where there is no Flask around."""
    status, body, headers = describe(error)
    content = strict_json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [content]


def register(app: Flask) -> None:
    """Make the app answer with the one shape, whatever is raised."""
    app.register_error_handler(Exception, to_response)
