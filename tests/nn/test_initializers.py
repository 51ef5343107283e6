"""Where weights start: their moments, and the same ones for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import INITIALIZERS, Linear

SHAPE = (300, 200)
DEVIATION = {
    "zeros": 0.0,
    "normal": 1.0,
    "xavier": math.sqrt(2 / 500),
    "xavier_uniform": math.sqrt(2 / 500),
    "he": math.sqrt(2 / 300),
}

every_initializer = pytest.mark.parametrize("name", INITIALIZERS)


@every_initializer
def test_mean_and_deviation(name: str) -> None:
    weights = INITIALIZERS[name](SHAPE, np.random.default_rng(1), np.float64)
    # 60,000 draws: the mean is within 5 standard errors of 0, the deviation within 5 of its own.
    assert abs(weights.mean()) <= 5 * DEVIATION[name] / math.sqrt(60_000)
    assert abs(weights.std() - DEVIATION[name]) <= 5 * DEVIATION[name] / math.sqrt(120_000)


@pytest.mark.parametrize("name", ["normal", "xavier", "he"])
def test_the_weights_are_normally_distributed(name: str) -> None:
    weights = INITIALIZERS[name](SHAPE, np.random.default_rng(1), np.float64) / DEVIATION[name]
    for width, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert np.mean(np.abs(weights) < width) == pytest.approx(share, abs=0.01)


def test_xavier_uniform_is_flat_up_to_its_limit() -> None:
    limit = math.sqrt(6 / 500)
    weights = INITIALIZERS["xavier_uniform"](SHAPE, np.random.default_rng(1), np.float64)
    assert 0.999 * limit < np.abs(weights).max() <= limit
    counts, _ = np.histogram(weights, bins=10, range=(-limit, limit))
    np.testing.assert_allclose(counts, 6000, atol=5 * math.sqrt(6000 * 0.9))
    drawn = np.random.default_rng(1).uniform(-1, 1, SHAPE) * limit  # row by row
    np.testing.assert_allclose(weights, drawn, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "keeps"),
    [("xavier", lambda i, o: 2 / (i + o)), ("xavier_uniform", lambda i, o: 2 / (i + o)), ("he", lambda i, _: 2 / i)],
)
@pytest.mark.parametrize("shape", [(784, 30), (30, 784), (100, 100)])
def test_the_variance_is_that_of_the_paper(
    name: str, keeps: Callable[[int, int], float], shape: tuple[int, int]
) -> None:
    weights = INITIALIZERS[name](shape, np.random.default_rng(2), np.float64)
    # 5 standard errors of a variance; those of a normal distribution are the largest of the three.
    assert weights.var() == pytest.approx(keeps(*shape), rel=5 * math.sqrt(2 / weights.size))


def test_zeros_are_zeros_and_the_generator_is_left_alone() -> None:
    rng = np.random.default_rng(1)
    assert not INITIALIZERS["zeros"](SHAPE, rng, np.float64).any()
    assert rng.random() == np.random.default_rng(1).random()


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    name=st.sampled_from(list(INITIALIZERS)),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 2**53 - 1),
)
def test_one_seed_means_one_set_of_weights_in_either_precision(name: str, shape: tuple[int, int], seed: int) -> None:
    double = INITIALIZERS[name](shape, np.random.default_rng(seed), np.float64)
    again = INITIALIZERS[name](shape, np.random.default_rng(seed), np.float64)
    single = INITIALIZERS[name](shape, np.random.default_rng(seed), np.float32)
    assert double.shape == single.shape == shape
    assert (double.dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_array_equal(again, double)
    np.testing.assert_allclose(single, double, rtol=3e-7)  # the draw and its scale are each rounded once


@pytest.mark.parametrize("name", ["normal", "xavier", "he"])
def test_the_weights_are_the_draws_of_the_generator_row_by_row(name: str) -> None:
    weights = INITIALIZERS[name](SHAPE, np.random.default_rng(1), np.float64)
    np.testing.assert_array_equal(weights, np.random.default_rng(1).standard_normal(SHAPE) * DEVIATION[name])


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_another_seed_means_other_weights(name: str) -> None:
    one, other = (INITIALIZERS[name]((4, 5), np.random.default_rng(seed)) for seed in (1, 2))
    assert (one != other).all()


@every_initializer
def test_a_layer_starts_from_its_initializer_with_bias_0(name: str) -> None:
    layer = Linear(30, 20, name, np.random.default_rng(1))
    np.testing.assert_array_equal(
        layer.parameters["weights"], INITIALIZERS[name]((30, 20), np.random.default_rng(1), np.float32)
    )
    assert not layer.parameters["bias"].any()


def test_without_a_generator_no_two_layers_are_alike() -> None:
    assert (Linear(5, 5).parameters["weights"] != Linear(5, 5).parameters["weights"]).any()
