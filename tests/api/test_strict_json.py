"""JSON as the standard has it, both ways, and nothing that takes long or deep."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippo.api import strict_json
from hippo.api.strict_json import MAX_DEPTH, JsonError, dumps, loads

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


SAMPLES = [
    "{}",
    " { } ",
    '{"a":1}',
    '{"a":[]}',
    '{"a":[1,[2,3],{"b":[4]}],"c":"[1,2]","a":null}',
    '{"é\\n":[-1e-5,1E3,0]}',
]


@pytest.mark.parametrize("text", SAMPLES)
def test_in_pieces_the_same_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert strict_json.loads_in_pieces(text.encode()) == strict_json.loads(text)
    monkeypatch.setattr(strict_json, "MAX_PIECE", 12)  # so that arrays are read element by element
    assert strict_json.loads_in_pieces(text.encode()) == strict_json.loads(text)


WRONG = [
    "",
    "[]",
    "1",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    "{1:2}",
    '{"a" 1}',
    '{"a":1 "b":2}',
    "{} x",
]
WRONG += ['{"a":[1', '{"a":[1,', '{"a":[1,]}', '{"a":[1 2]}', '{"a":NaN}', '{"a":1e999}', '{"a":[1,-1e999]}']
WRONG += ['{"a":[[1e999]]}', '{"a":' + "[" * 100_000, '{"a":01}', '{"a":[,1]}', "{,}", '{"a":"\n"}']


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20])
@pytest.mark.parametrize("most", [12, 65_536])
def test_in_pieces_the_same_is_refused(text: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_PIECE", most)
    with pytest.raises(strict_json.JsonError):
        strict_json.loads_in_pieces(text.encode())


def test_in_pieces_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    monkeypatch.setattr(strict_json.time, "sleep", turns.append)
    rows = [[0.25] * 784] * 160
    assert strict_json.loads_in_pieces(strict_json.dumps({"rows": rows}).encode()) == {"rows": rows}
    assert turns == [0] * 10


def test_too_much_in_pieces_is_refused_before_it_is_read() -> None:
    long = "[" + "0," * 100_000 + "0]"
    for text in (f'{{"a":{long}}}', f'{{"a":[{long}]}}', f'{{"a":[{",".join(["[0]"] * 40_000)}]}}'):
        with pytest.raises(strict_json.TooLong):
            strict_json.loads_in_pieces(text.encode())
