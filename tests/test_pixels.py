"""Images in requests: what is taken, and what is refused, by place."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hippo.pixels import MalformedBody, WrongPixels, read_body, read_image, read_images

ROW = [0, 1] * 392


def test_numbers_become_an_array() -> None:
    images = read_image([*ROW[:783], 0.5])
    assert (images.rows.shape, images.rows.dtype, images.is_list) == ((1, 784), np.float32, False)
    assert images.rows[0, :3].tolist() == [0, 1, 0]
    assert images.rows[0, 783] == 0.5
    several = read_images([ROW, [0.25] * 784])
    assert (several.rows.shape, several.is_list) == ((2, 784), True)
    assert (several.rows[1] == 0.25).all()
    assert read_images([ROW]).is_list


@given(st.integers(0, 783), st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=3)))
def test_a_number_is_taken_exactly_if_it_is_one_from_0_to_1(place: int, value: object) -> None:
    row = [*ROW[:place], value, *ROW[place + 1 :]]
    if type(value) in (int, float) and 0 <= value <= 1:  # type: ignore[operator]
        assert read_image(row).rows[0, place] == np.float32(value)  # type: ignore[arg-type]
        return
    with pytest.raises(WrongPixels) as caught:
        read_image(row)
    assert caught.value.extra["field"] == f"pixels[{place}]"


def test_a_body_is_read_into_fields_and_images() -> None:
    fields, images = read_body(json.dumps({"model": "x", "pixels": [ROW, ROW], "more": 1}).encode())
    assert fields == {"model": "x", "more": 1}
    assert images is not None
    assert images.rows.shape == (2, 784)
    assert read_body(b'{"model": "x"}') == ({"model": "x"}, None)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}', b"\xff", b"{} {}", b"9" * 5_000, b'"{}"'],
)
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_body(raw)


@pytest.mark.parametrize(
    "raw", [b'{"a":' + b"[" * 100_000, b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", b"[" * 100_000 + b"]" * 100_000]
)
def test_deep_nesting_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_body(raw)


@pytest.mark.parametrize("body", [[], "text", 1, {"pixels": [ROW] * 1_001}, {"model": "x" * 100_000}, {"pixels": 1}])
def test_what_is_no_request_is_refused(body: object) -> None:
    with pytest.raises(WrongPixels):
        read_body(json.dumps(body).encode())
