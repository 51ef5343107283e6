"""One blueprint per resource. A view parses, calls the engine and returns; its docstring says what the caller sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app

from hippo.api.replies import ErrorReply

if TYPE_CHECKING:
    from pydantic import BaseModel

    from hippo.engine import Engine

#: What every route may answer besides its own errors: no token, foreign host or origin, a bug.
_ALWAYS = (401, 403, 500)
#: What reading a JSON body adds.
BODY = (400, 413, 415, 422)


def current_engine() -> Engine:
    """Return the engine of the app that serves this request."""
    return cast("Engine", current_app.extensions["hippo"])


def replies(success: dict[int, type[BaseModel]], *errors: int) -> Any:
    """Document the replies of a route: its success, and every error it may answer with in the one shape."""
    return {**success, **dict.fromkeys(sorted({*errors, *_ALWAYS}), ErrorReply)}


def named_after_view(*, name: str, path: str, method: str) -> str:
    """Name an operation of the OpenAPI document after its view."""
    return name
