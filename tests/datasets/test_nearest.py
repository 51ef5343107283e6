"""The nearest images are those that comparing all, number by number, finds."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.datasets.nearest import nearest, squared_lengths

PIXELS = np.random.default_rng(1).integers(0, 256, (2_345, 784)).astype(np.uint8)


@pytest.mark.parametrize("count", [0, 1, 5, 2_345])
def test_they_are_found_exactly(count: int) -> None:
    image = np.random.default_rng(2).integers(0, 256, 784).astype(np.uint8)
    places, distances = nearest(PIXELS, squared_lengths(PIXELS), image, count)
    squares = ((PIXELS.astype(np.int64) - image) ** 2).sum(axis=1)
    assert places.tolist() == np.argsort(squares, kind="stable")[:count].tolist()
    assert np.allclose(distances, np.sqrt(squares[places]) / 255)


def test_of_equals_the_first_goes_first() -> None:
    same = np.repeat(PIXELS[:3], 4, axis=0)
    places, distances = nearest(same, squared_lengths(same), PIXELS[1], 4)
    assert places.tolist() == [4, 5, 6, 7]
    assert distances.tolist() == [0, 0, 0, 0]


def test_black_and_white_are_28_apart() -> None:
    white = np.full((1, 784), 255, np.uint8)
    assert nearest(white, squared_lengths(white), np.zeros(784, np.uint8), 1)[1].tolist() == [28.0]


def test_rounding_of_what_is_compared_first_changes_no_order() -> None:
    # Squared lengths near 5 * 10^7, of which float32 knows multiples of 4 only; the distances differ by less.
    rng = np.random.default_rng(1)
    for _ in range(20):
        image = rng.integers(240, 256, 784).astype(np.uint8)
        near = np.tile(image, (8, 1))
        for number, row in enumerate(near):
            row[rng.choice(784, number + 1, replace=False)] -= np.uint8(1)
        near = near[rng.permutation(8)]
        squares = ((near.astype(np.int64) - image) ** 2).sum(axis=1)
        places, _ = nearest(near, squared_lengths(near), image, 1)
        assert places.tolist() == [squares.argmin()]
