"""JSON as the standard has it, in and out, for Flask and Socket.IO alike.

Python's own module reads and writes `NaN` and `Infinity`, turns `1e999` into infinity and stumbles over a hundred
thousand nested brackets. Here each of these is a `JsonError`. `dumps` and `loads` have the signatures of the standard
module, as Socket.IO expects of a replacement.
"""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any, NoReturn

MAX_DEPTH = 64
#: What `loads_in_pieces` takes: characters of one element, and elements of one array.
MAX_PIECE, MAX_PIECES = 65_536, 1_000
#: Elements after which it lets others have their turn; a picture takes a tenth of a millisecond.
_PIECES_AT_ONCE = 16

# An unterminated string reaches to the end, which keeps the search linear.
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
# Numbers that may be too large for a float: only where there are such is each float looked at.
_LARGE_EXPONENT = re.compile(r"[eE]\+?[0-9]{2}")
# Only the beginning of a run of digits is tried, which keeps the search linear.
_LONG_NUMBER = re.compile(r"(?<![0-9])[0-9]{300}")


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
    large = _LARGE_EXPONENT.search(text) or _LONG_NUMBER.search(text)
    decoder = _CAREFUL if large else _QUICK
    try:
        return decoder.decode(text)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(f"line {error.lineno}, column {error.colno} is not what JSON expects there") from None
    except ValueError:
        raise JsonError("a number has too many digits") from None


class TooLong(JsonError):
    """An array has too many elements, or one of them is too long, to be read in pieces."""


def loads_in_pieces(text: bytes) -> Any:
    """Read an object like `loads`, but let others have their turn every few milliseconds: for megabytes of numbers.

    Raises
    ------
    TooLong
        For an array of more than `MAX_PIECES` elements in the object, or one with an element longer than `MAX_PIECE`.
    JsonError
        As `loads` does.
    """
    try:
        return _Pieces(text.decode()).read()
    except UnicodeDecodeError:
        raise JsonError("it is not UTF-8") from None


class _Pieces:
    """A text that is read element by element: those of the outermost object, and of the arrays directly in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Any:
        if self._next() != "{":
            raise JsonError("it is not an object")
        self._at += 1
        value: dict[str, Any] = {}
        if self._next() == "}":
            self._at += 1
        else:
            self._members(value)
        if self._next():
            self._wrong()
        return value

    def _members(self, value: dict[str, Any]) -> None:
        while True:
            name = self._element()
            if not isinstance(name, str) or self._next() != ":":
                self._wrong()
            self._at += 1
            value[name] = self._array() if self._next() == "[" else self._element()
            if not self._goes_on("}"):
                return

    def _array(self) -> list[Any]:
        try:
            whole: list[Any] = self._element()  # most are short
        except TooLong:
            return self._long_array()
        return whole

    def _long_array(self) -> list[Any]:
        self._at += 1
        elements = []
        while True:
            elements.append(self._element())
            if len(elements) > MAX_PIECES:
                raise TooLong(f"an array has more than {MAX_PIECES:,} elements")
            if not len(elements) % _PIECES_AT_ONCE:
                time.sleep(0)
            if not self._goes_on("]"):
                return elements

    def _element(self) -> Any:
        self._next()
        piece = self._text[self._at : self._at + MAX_PIECE]
        try:
            value, length = _QUICK.raw_decode(piece)
        except JsonError:
            raise
        except (ValueError, RecursionError):
            if len(piece) == MAX_PIECE:
                raise TooLong(f"it has an element longer than {MAX_PIECE:,} characters") from None
            self._wrong()
        self._at += length
        _refuse_infinite(value)
        return value

    def _goes_on(self, end: str) -> bool:
        """Step over a comma, or over the end."""
        character = self._next()
        if character not in (",", end) or not character:
            self._wrong()
        self._at += 1
        return character == ","

    def _next(self) -> str:
        """Step over white space; return the next character, or nothing at the end."""
        found = _WHITE_SPACE.match(self._text, self._at)
        assert found is not None  # it may be empty
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _wrong(self) -> NoReturn:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        raise JsonError(f"line {line}, column {column} is not what JSON expects there")


def _refuse_infinite(value: Any) -> None:
    """Look for numbers too large to hold in a value, in a list, or in a list of lists.

    What lies deeper in a request of many numbers is refused for lying there.
    """
    if not isinstance(value, list):
        value = [value]
    for row in [value, *value] if value and isinstance(value[0], list) else [value]:
        if isinstance(row, list) and (math.inf in row or -math.inf in row):
            raise JsonError("a number is too large to hold")


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
    """Peel the brackets from the inside out, a level at a time; a megabyte of them takes some milliseconds."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    brackets = _STRINGS.sub(b"", text.encode(errors="replace")).translate(_BRACKETS, _OTHERS)
    for _ in range(MAX_DEPTH):
        outer = brackets.replace(b"[]", b"")
        if len(outer) == len(brackets):
            break
        brackets = outer
    if brackets:
        raise JsonError(f"its brackets do not match, or are nested deeper than {MAX_DEPTH} levels")


def _constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not a JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise JsonError("a number is too large to hold")
    return value


_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_QUICK = json.JSONDecoder(parse_constant=_constant)
_CAREFUL = json.JSONDecoder(parse_constant=_constant, parse_float=_float)
