"""JSON as the standard has it, both ways, and nothing that takes long or deep."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippo.strict_json import MAX_DEPTH, JsonError, dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=30,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert loads(dumps(value)) == value
    assert loads(dumps(value).encode()) == value


@given(st.text())
def test_any_text_is_read_as_the_standard_module_does_or_refused(text: str) -> None:
    try:
        value = loads(text)
    except JsonError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '{"rate": NaN}',
        "1e999",
        "-1e400",
        "[1E+500]",
        "1" * 400 + ".0",
        "9" * 5_000,
        "",
        " ",
        "{",
        "{'a': 1}",
        "[1,]",
        "01",
        '"\x01"',
        "\ufeff{}",
        "nul",
        "{} {}",
    ],
)
def test_what_is_not_json_here_is_refused(text: str) -> None:
    with pytest.raises(JsonError):
        loads(text)


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b'"\xff"', b'"\xed\xa0\x80"'])
def test_bytes_must_be_utf_8(raw: bytes) -> None:
    with pytest.raises(JsonError, match="UTF-8"):
        loads(raw)


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


def test_nesting_ends_at_the_limit() -> None:
    assert loads(nested(MAX_DEPTH)) is not None
    for deep in (nested(MAX_DEPTH + 1), nested(100_000), nested(1_000, '{"a":[', "]}"), "[" * 100_000, '["' * 100_000):
        with pytest.raises(JsonError):
            loads(deep)


def test_what_is_wrong_with_brackets_is_said() -> None:
    for text in (nested(65), nested(100_000), "[" * 100_000, "1" + "]" * 3 + "[" * 70):
        with pytest.raises(JsonError, match="nested too deeply; at most 64 levels"):
            loads(text)
    for text in ("[]," * 70 + "]", "[" + "[]," * 70, "[]," * 70 + "]["):
        with pytest.raises(JsonError, match="do not match"):
            loads(text)


def test_brackets_in_strings_do_not_count_and_cannot_hide_real_ones() -> None:
    assert loads(dumps(["[{" * 1_000, '\\"]' * 100])) == ["[{" * 1_000, '\\"]' * 100]
    with pytest.raises(JsonError):
        loads('["]",' * 100 + "1" + "]" * 100)


def test_wide_is_not_deep() -> None:
    assert len(loads("[" + "[]," * 10_000 + "{}]")) == 10_001


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"loss": [math.nan]}])
def test_numbers_that_json_does_not_have_are_not_written(value: object) -> None:
    with pytest.raises(JsonError):
        dumps(value)


def test_large_numbers_that_fit_are_read() -> None:
    assert loads("[1e308, 1e-999, 123456789012345678901234567890]") == [1e308, 0.0, 123456789012345678901234567890]


@pytest.mark.timeout(20)  # quadratic, the larger ones would take minutes
@pytest.mark.parametrize("text", ['{"x": 0.%s}', '{"x": "%s"}', '{"x": %s.5}', '{"x": -%s}', '["%s'])
def test_a_megabyte_of_digits_is_read_in_a_moment(text: str) -> None:
    with contextlib.suppress(JsonError):
        loads(text % ("1" * 900_000))
