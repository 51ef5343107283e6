"""Activations: their textbook formulas, and their values where numbers are as large as they can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import Array, LeakyReLU, LogSoftmax, Module, ReLU, Sigmoid, Softmax, Tanh, softmax
from tests.nn.made import batch

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
logits_of_three = st.lists(st.lists(st.floats(-1000, 1000, width=32), min_size=3, max_size=3), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Sigmoid, lambda z: 1 / (1 + np.exp(-z))),
        (Tanh, lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
        (ReLU, lambda z: np.where(z > 0, z, 0)),
        (LeakyReLU, lambda z: np.where(z > 0, z, 0.01 * z)),
        (Softmax, lambda z: np.exp(z) / np.exp(z).sum()),
        (LogSoftmax, lambda z: z - np.log(np.exp(z).sum())),
    ],
)
def test_activations_are_their_textbook_formulas(activation: type[Module], expected: Callable[[Array], Array]) -> None:
    z = np.linspace(-8, 8, 41).reshape(1, -1)
    np.testing.assert_allclose(activation().forward(z), expected(z), rtol=1e-12, atol=1e-15)


#: For z = -big, -1000, 0, 1000, big: a, and f'(z).
EXTREMES: dict[type[Module], tuple[Callable[[Any], list[Any]], list[float]]] = {
    Sigmoid: (lambda big: [0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
    Tanh: (lambda big: [-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
    ReLU: (lambda big: [0, 0, 0, 1000, big], [0, 0, 0, 1, 1]),
    LeakyReLU: (lambda big: [big * -0.01, -10, 0, 1000, big], [0.01, 0.01, 0.01, 1, 1]),
}


@both_dtypes
@pytest.mark.parametrize("activation", EXTREMES)
def test_activations_at_the_extremes(activation: type[Module], dtype: Any) -> None:
    big = np.finfo(dtype).max
    values, slopes = EXTREMES[activation]
    module = activation()
    a = module.forward(np.array([[-big, -1000, 0, 1000, big]], dtype))
    np.testing.assert_array_equal(a[0], np.array(values(big), dtype))
    np.testing.assert_array_equal(module.backward(np.ones((1, 5), dtype))[0], np.array(slopes, dtype))


@pytest.mark.parametrize("slope", [0, 1, -0.1, 2, float("nan")])
def test_a_leaky_relu_that_cannot_be(slope: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        LeakyReLU(slope)


@pytest.mark.parametrize("activation", [ReLU, LeakyReLU])
def test_a_number_that_is_none_does_not_pass_for_one(activation: type[Module]) -> None:
    assert np.isnan(activation().forward(np.array([[np.nan, 1.0]]))[0, 0])


# ---- Softmax and its logarithm


@settings(derandomize=True, deadline=None, max_examples=50)
@given(logits_of_three, st.sampled_from([np.float32, np.float64]))
def test_softmax_is_a_distribution_that_keeps_the_order(rows: list[list[float]], dtype: Any) -> None:
    logits = np.array(rows, dtype)
    p = softmax(logits)
    assert p.dtype == dtype
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(p.max(axis=1), np.take_along_axis(p, logits.argmax(axis=1)[:, None], 1)[:, 0])
    np.testing.assert_array_equal(logits, np.array(rows, dtype))
    np.testing.assert_array_equal(Softmax().forward(logits), p)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(logits_of_three, st.sampled_from([np.float32, np.float64]))
def test_log_softmax_is_the_logarithm_of_softmax_where_that_has_one(rows: list[list[float]], dtype: Any) -> None:
    logits = np.array(rows, dtype)
    log_p, p = LogSoftmax().forward(logits), softmax(logits.astype(np.float64))
    assert log_p.dtype == dtype
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    sure = p > 1e-300
    np.testing.assert_allclose(log_p[sure], np.log(p[sure]), rtol=1e-6, atol=1e-6 if dtype == np.float32 else 1e-12)


@both_dtypes
def test_softmax_and_log_softmax_are_stable_at_large_logits(dtype: Any) -> None:
    z = np.array([[1000, -1000, 0], [-1000, 1000, 1000], [-1000, -1000, -1000]], dtype)
    p, log_p, gradient = Softmax(), LogSoftmax(), np.array([[1, 2, 3]] * 3, dtype)
    np.testing.assert_allclose(p.forward(z), [[1, 0, 0], [0, 0.5, 0.5], [1 / 3] * 3], rtol=1e-6)
    half, third = np.log(2), np.log(3)
    expected = [[0, -2000, -1000], [-2000 - half, -half, -half], [-third] * 3]
    np.testing.assert_allclose(log_p.forward(z), expected, rtol=1e-6)
    np.testing.assert_allclose(p.backward(gradient), [[0, 0, 0], [0, -0.25, 0.25], [-1 / 3, 0, 1 / 3]], atol=1e-6)
    np.testing.assert_allclose(log_p.backward(gradient), [[-5, 2, 3], [1, -1, 0], [-1, 0, 1]], atol=2e-6)


def test_softmax_by_hand_and_in_place() -> None:
    logits = np.log([[1.0, 2, 5], [3, 3, 2]])
    expected = [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]]
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-14)
    np.testing.assert_allclose(softmax(logits + 1000), expected, rtol=1e-12)  # a shift changes nothing
    assert softmax(logits, out=logits) is logits
    np.testing.assert_allclose(logits, expected, rtol=1e-14)


@pytest.mark.parametrize("activation", [Softmax, LogSoftmax])
def test_a_shift_of_all_logits_has_no_gradient(activation: type[Module]) -> None:
    module = activation()
    module.forward(batch(4))
    np.testing.assert_allclose(module.backward(batch(4, seed=5)).sum(axis=1), 0, atol=1e-14)
