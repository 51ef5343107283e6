"""JSON as the standard has it, in and out, for Flask and Socket.IO and for the assistant, who reads long bodies.

Python's own module reads and writes `NaN` and `Infinity`, turns `1e999` into infinity and stumbles over a hundred
thousand nested brackets. Here each of these is a `JsonError`. `dumps` and `loads` have the signatures of the standard
module, as Socket.IO expects of a replacement.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from typing import Any, NoReturn

MAX_DEPTH = 64

# An unterminated string reaches to the end, which keeps the search linear.
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


class JsonError(ValueError):
    """The text is not JSON that this server reads; the message says why."""


def loads(text: str | bytes, **_: Any) -> Any:
    """Read one JSON value.

    Raises
    ------
    JsonError
        For malformed text, `NaN` and the like, numbers too large to hold, and nesting deeper than `MAX_DEPTH`.
    """
    if isinstance(text, bytes | bytearray):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            raise JsonError("it is not UTF-8") from None
    _refuse_deep_nesting(text)
    try:
        value = _DECODER.decode(text)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(f"line {error.lineno}, column {error.colno} is not what JSON expects there") from None
    except ValueError:
        raise JsonError("a number has too many digits") from None
    if _holds_infinity([value]):
        raise JsonError("a number is too large to hold")
    return value


def loads_body(raw: bytes) -> Any:
    """Read the body of a request, short or long.

    Raises
    ------
    JsonError
        In a whole sentence; also for a string that holds JSON.
    """
    try:
        value = loads(raw)
    except JsonError as error:
        raise JsonError(f"The body cannot be read as JSON: {error}.") from None
    if isinstance(value, str) and _is_json(value):
        raise JsonError("The body is JSON packed into a string; send the JSON itself.")
    return value


def dumps(value: Any, *, separators: tuple[str, str] = (",", ":"), **_: Any) -> str:
    """Write one JSON value, compactly.

    Raises
    ------
    JsonError
        For NaN and infinities: better no answer than one that no client can read.
    """
    try:
        return json.dumps(value, separators=separators, allow_nan=False)
    except ValueError as error:
        raise JsonError(str(error)) from error


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except JsonError:
        return False
    return True


def _refuse_deep_nesting(text: str) -> None:
    """Peel the brackets from the inside out, a level at a time; a megabyte of them takes some milliseconds."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    brackets = _STRINGS.sub(b"", text.encode(errors="replace")).translate(_BRACKETS, _OTHERS)
    for _ in range(MAX_DEPTH):
        outer = brackets.replace(b"[]", b"")
        if len(outer) == len(brackets):  # what is left of brackets that do not match is ]]]...[[[
            break
        brackets = outer
    if b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH:
        raise JsonError(f"it is nested too deeply; at most {MAX_DEPTH} levels of arrays and objects are read")
    if brackets:
        raise JsonError("its brackets do not match")


def _constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not a JSON number")


def _holds_infinity(values: Collection[Any]) -> bool:
    """Look into what was read, which is no deeper than `MAX_DEPTH`; most of it is compared at the speed of C."""
    if math.inf in values or -math.inf in values:
        return True
    if _CONTAINERS.isdisjoint(map(type, values)):
        return False
    return any(
        _holds_infinity(inner.values() if isinstance(inner, dict) else inner)
        for inner in values
        if isinstance(inner, list | dict)
    )


_CONTAINERS = {list, dict}
_DECODER = json.JSONDecoder(parse_constant=_constant)
