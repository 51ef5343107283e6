"""Linear, Dropout and BatchNorm by hand and by their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import BatchNorm, Dropout, Linear
from tests.nn.made import MODULES, batch, batch_norm

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


# ---- Linear


def test_linear_by_hand() -> None:
    layer = Linear(2, 3, "zeros", dtype=np.float64)
    layer.parameters["weights"][:] = [[1, 2, 3], [4, 5, 6]]
    layer.parameters["bias"][:] = [10, 20, 30]
    np.testing.assert_array_equal(layer.forward(np.array([[1.0, 0], [2, -1]])), [[11, 22, 33], [8, 19, 30]])
    dx = layer.backward(np.array([[1.0, 0, 0], [0, 1, 2]]))
    np.testing.assert_array_equal(dx, [[1, 4], [8, 17]])
    np.testing.assert_array_equal(layer.gradients["weights"], [[1, 2, 4], [0, -1, -2]])
    np.testing.assert_array_equal(layer.gradients["bias"], [1, 1, 2])


@pytest.mark.parametrize(("i", "o", "init"), [(0, 1, "xavier"), (1, 0, "xavier"), (-1, 1, "he"), (1, 1, "best")])
def test_a_linear_layer_that_cannot_be(i: int, o: int, init: str) -> None:
    with pytest.raises(ValueError, match=r"at least 1 input|no initializer 'best'"):
        Linear(i, o, init)


def test_a_first_layer_whose_input_gradient_nobody_reads_learns_the_same() -> None:
    wanted, unwanted = MODULES["Linear"](np.float64, 1), MODULES["Linear"](np.float64, 1)
    unwanted.wants_input_gradient = False
    x, gradient = batch(4), batch(4, 3, seed=5)
    for layer in (wanted, unwanted):
        layer.forward(x)
        assert layer.backward(gradient).shape == x.shape
    for name, expected in wanted.gradients.items():
        np.testing.assert_array_equal(unwanted.gradients[name], expected)

    # And it does save the product: kept memory stays as it was.
    unwanted.keeps_arrays = True
    kept = unwanted.backward(gradient)
    kept[:] = 7
    assert (unwanted.backward(gradient) == 7).all()


# ---- Dropout


@both_dtypes
@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_dropout_drops_its_fraction_and_keeps_the_mean(p: float, dtype: Any) -> None:
    y = Dropout(p, np.random.default_rng(1)).forward(np.ones((500, 400), dtype))
    n = y.size
    dropped = np.count_nonzero(y == 0) / n
    # Within 5 standard errors of a binomial count, and of the mean that follows from it.
    assert abs(dropped - p) < 5 * np.sqrt(p * (1 - p) / n)
    assert abs(y.mean(dtype=np.float64) - 1) < 5 * np.sqrt(p / (1 - p) / n)
    np.testing.assert_allclose(y[y != 0], 1 / (1 - p), rtol=2e-4)


@pytest.mark.parametrize("p", [1e-6, 0.1, 1 / 3, 0.9, 0.99999, 1 - 1e-9])
def test_dropout_has_the_exact_mean_for_any_fraction(p: float) -> None:
    class EveryNumberOnce:
        """A generator whose 65,536 numbers are each of the possible ones."""

        def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any) -> Any:
            return np.arange(low, high).astype(dtype).reshape(shape)

    y = Dropout(p, EveryNumberOnce()).forward(np.ones((256, 256)))  # type: ignore[arg-type]
    assert y.mean() == pytest.approx(1, rel=1e-12)
    assert np.mean(y == 0) == pytest.approx(p, abs=1 / 65_536)


def test_dropout_sends_the_gradient_back_through_the_same_mask() -> None:
    x, gradient = batch(50), batch(50, seed=4)
    layer = Dropout(0.4, np.random.default_rng(1))
    m = layer.forward(x) / x
    assert 0.3 < np.mean(m == 0) < 0.5
    np.testing.assert_allclose(layer.backward(gradient), gradient * m, rtol=1e-14)
    again = layer.forward(x) / x
    assert (again != m).any()
    np.testing.assert_allclose(layer.backward(gradient), gradient * again, rtol=1e-14)


@pytest.mark.parametrize("layer", [Dropout(0.7).eval(), Dropout(0.0)], ids=["eval mode", "p = 0"])
def test_dropout_that_does_nothing_changes_nothing(layer: Dropout) -> None:
    x = batch(4)
    layer.forward(x)
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_dropout_in_eval_mode_forgets_the_last_mask() -> None:
    layer, x = Dropout(0.7), batch(4)
    layer.forward(x)
    layer.eval().forward(x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_dropout_is_a_function_of_its_generator() -> None:
    x = batch(20)
    one, same, other = (Dropout(0.5, np.random.default_rng(seed)).forward(x) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (Dropout(0.5).forward(x) != Dropout(0.5).forward(x)).any()


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, float("nan")])
def test_a_dropout_that_cannot_be(p: float) -> None:
    with pytest.raises(ValueError, match="0 or more and below 1"):
        Dropout(p)


# ---- BatchNorm


def test_batch_norm_by_hand() -> None:
    layer = BatchNorm(2, epsilon=0.25, dtype=np.float64)
    layer.parameters["gamma"][:] = [3, 2]
    layer.parameters["beta"][:] = [1, -1]
    # Column 0: mean 2, variance 2 (+ 0.25 = 1.5²). Column 1 never changes: xhat is 0.
    x = np.array([[0, 5.0], [2, 5], [4, 5], [2, 5]])
    np.testing.assert_allclose(layer.forward(x), [[-3, -1], [1, -1], [5, -1], [1, -1]], rtol=1e-15)
    # Algorithm 1 of the paper: a tenth of the new, with the unbiased variance 8/3.
    np.testing.assert_allclose(layer.buffers["mean"], [0.2, 0.5], rtol=1e-15)
    np.testing.assert_allclose(layer.buffers["variance"], [0.9 + 0.1 * 8 / 3, 0.9], rtol=1e-15)

    dx = layer.backward(np.array([[1.0, 1], [0, 0], [0, 0], [0, 0]]))
    xhat = np.array([-4 / 3, 0, 4 / 3, 0])
    np.testing.assert_allclose(layer.gradients["gamma"], [-4 / 3, 0], rtol=1e-15)
    np.testing.assert_allclose(layer.gradients["beta"], [1, 1], rtol=1e-15)
    np.testing.assert_allclose(dx[:, 0], 2 * (np.array([1, 0, 0, 0]) - 1 / 4 + xhat * (4 / 3) / 4), rtol=1e-14)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(rows=st.integers(2, 50), features=st.integers(1, 6), seed=st.integers(0, 2**32), scale=st.floats(0.1, 100))
def test_batch_norm_in_train_mode_gives_mean_beta_and_deviation_gamma(
    rows: int, features: int, seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    layer, x = batch_norm(features, rng), rng.standard_normal((rows, features)) * scale + rng.standard_normal(features)
    y, variance = layer.forward(x), x.var(axis=0)
    shrunk = np.sqrt(variance / (variance + layer.epsilon))
    np.testing.assert_allclose(y.mean(axis=0), layer.parameters["beta"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(y.std(axis=0), np.abs(layer.parameters["gamma"]) * shrunk, rtol=1e-9)
    # A gradient that is equal for all examples, or proportional to xhat, moves nothing: mean and scale are taken out.
    np.testing.assert_allclose(layer.backward(np.ones_like(x)), 0, atol=1e-9 / np.sqrt(variance.min() + 1e-5))


def test_batch_norm_in_eval_mode_is_a_fixed_line() -> None:
    layer, x = batch_norm(5, np.random.default_rng(1)).eval(), batch(4)
    p, b = layer.parameters, layer.buffers
    slope = p["gamma"] / np.sqrt(b["variance"] + 1e-5)
    np.testing.assert_allclose(layer.forward(x), (x - b["mean"]) * slope + p["beta"], rtol=1e-12)
    np.testing.assert_allclose(layer.backward(np.ones((4, 5))), np.tile(slope, (4, 1)), rtol=1e-14)
    assert layer.forward(x[:1]).shape == (1, 5)  # a batch of one is no question here


def test_batch_norm_learns_the_statistics_of_its_data() -> None:
    layer, rng = BatchNorm(2, dtype=np.float64), np.random.default_rng(1)
    for _ in range(300):
        layer.forward(rng.standard_normal((100, 2)) * [3, 0.5] + [10, -4])
    np.testing.assert_allclose(layer.buffers["mean"], [10, -4], atol=0.5)
    np.testing.assert_allclose(layer.buffers["variance"], [9, 0.25], rtol=0.2)
    last = rng.standard_normal((100, 2))
    for momentum, expected in ((1.0, last.mean(axis=0)), (0.0, layer.buffers["mean"].copy())):
        layer.momentum = momentum
        before = layer.buffers["mean"].copy()
        layer.forward(last)
        np.testing.assert_allclose(layer.buffers["mean"], expected, rtol=1e-12)
        layer.buffers["mean"][:] = before


def test_batch_norm_needs_two_examples_in_train_mode() -> None:
    layer = batch_norm(3, np.random.default_rng(1))
    before = {name: buffer.copy() for name, buffer in layer.buffers.items()}
    with pytest.raises(ValueError, match="batch of one has no variance"):
        layer.forward(np.ones((1, 3)))
    for name, buffer in before.items():
        np.testing.assert_array_equal(layer.buffers[name], buffer)
    layer.forward(np.arange(6.0).reshape(2, 3))


def test_batch_norm_of_a_feature_that_never_changes() -> None:
    layer = batch_norm(2, np.random.default_rng(1))
    y = layer.forward(np.full((4, 2), 1e6))
    np.testing.assert_allclose(y, np.tile(layer.parameters["beta"], (4, 1)), rtol=1e-12)
    assert np.isfinite(layer.backward(batch(4, 2))).all()


@pytest.mark.parametrize(
    "wrong", [{"features": 0}, {"momentum": -0.1}, {"momentum": 1.1}, {"momentum": float("nan")}, {"epsilon": 0}]
)
def test_a_batch_norm_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="BatchNorm needs"):
        BatchNorm(**{"features": 3} | wrong)
