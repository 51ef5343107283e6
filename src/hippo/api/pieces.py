"""Replies with many numbers: their JSON is written a piece at a time, so that others have their turn in between.

To write a number takes about a microsecond, and the layers of a network can hold a million.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from hippo import strict_json
from hippo.nn import Array

#: Numbers that are written at a time.
NUMBERS_AT_ONCE = 4_000


def pieces(array: Array) -> Iterator[str]:
    """Yield the JSON of an array of one dimension or more, piece by piece, giving way before each."""
    numbers_per_row = array[0].size if len(array) else 1
    yield "["
    if numbers_per_row > NUMBERS_AT_ONCE:
        for place, row in enumerate(array):
            yield "," if place else ""
            yield from pieces(row)
    else:
        step = NUMBERS_AT_ONCE // max(1, numbers_per_row)
        for begin in range(0, len(array), step):
            time.sleep(0)
            yield ("," if begin else "") + strict_json.dumps(array[begin : begin + step].tolist())[1:-1]
    yield "]"
