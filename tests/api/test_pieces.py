"""Numbers as JSON, a piece at a time: what the standard module writes, and never much at once."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from hippo.api import pieces as module
from hippo.api.pieces import NUMBERS_AT_ONCE, pieces

SHAPES = [(0,), (1,), (10_000,), (0, 5), (10, 10_000), (10_000, 1), (1, 10_000), (784, 30), (3, 2), (2, 3, 5_000)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turned", [False, True])
def test_pieces_make_up_the_array(shape: tuple[int, ...], turned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=turns.append))
    array = np.random.default_rng(1).random(shape, np.float32)
    array = array.T if turned else array
    written = list(pieces(array))
    assert json.loads("".join(written)) == array.tolist()
    assert max(piece.count(".") for piece in written) <= NUMBERS_AT_ONCE
    assert len(turns) >= array.size / NUMBERS_AT_ONCE
