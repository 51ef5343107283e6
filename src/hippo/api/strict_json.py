"""JSON as the standard has it, in and out, for Flask and Socket.IO alike.

Python's own module reads and writes `NaN` and `Infinity`, turns `1e999` into infinity and stumbles over a hundred
thousand nested brackets. Here each of these is a `JsonError`. `dumps` and `loads` have the signatures of the standard
module, as Socket.IO expects of a replacement.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 64
#: Digits that the integers read here may have: far above anything meant, far below what takes time to convert.
MAX_DIGITS = 400

# Strings are matched whole so that brackets inside them do not count; an unterminated one reaches to the end, which
# keeps the search linear.
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


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
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"line {error.lineno}, column {error.colno} is not what JSON expects there") from None


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


def _refuse_deep_nesting(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _MARKS.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError(f"it is nested deeper than {MAX_DEPTH} levels")
        elif mark in "]}":
            depth -= 1


def _constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not a JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise JsonError("a number is too large to hold")
    return value


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise JsonError("a number has too many digits")
    return int(digits)


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int)
