"""Statistics and pictures of weights: true, the same each time, and the right way up."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from hippo.network import NeuralNetwork
from hippo.portraits import portrait, statistics


def drawn(network: NeuralNetwork) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(portrait(network))))


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ([784, 10], (928, 100)),
        ([784, 3, 10], (284, 112)),
        ([784, 150, 10], (928, 1048)),
        ([784, 12, 8, 10], (928, 192)),
    ],
)
def test_every_shape_is_drawn_and_described(sizes: list[int], size: tuple[int, int]) -> None:
    network = NeuralNetwork(sizes, seed=1)
    assert Image.open(io.BytesIO(portrait(network))).size == size
    assert portrait(network) == portrait(network)
    found = statistics(network)
    assert [one["shape"] for one in found["weight_stats"]] == [[b, a] for a, b in pairwise(sizes)]
    assert [one["layer"] for one in found["bias_stats"]] == list(range(1, len(sizes)))


def test_ink_that_excites_is_orange_and_ink_that_quiets_is_blue() -> None:
    network = NeuralNetwork([784, 1, 10], seed=1)
    weights = [array for name, array in network.model.parameters.items() if name.endswith(".weights")]
    for array in weights:
        array[...] = 0
    weights[0][2 * 28 + 5, 0], weights[0][20 * 28 + 7, 0], weights[1][0, 9] = 1, -1, 1
    picture = drawn(network)
    assert picture[8 + 3 * 2 + 1, 8 + 3 * 5 + 1].tolist() == [255, 140, 40]
    assert picture[8 + 3 * 20 + 1, 8 + 3 * 7 + 1].tolist() == [64, 132, 255]
    assert picture[8 + 84 + 6, 8 + 80].tolist() == [255, 140, 40]
    assert (picture[8 : 8 + 84, 8 : 8 + 84].reshape(-1, 3) == [8, 9, 12]).all(axis=1).sum() == 84 * 84 - 18
