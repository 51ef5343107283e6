"""Losses: values and gradients by hand, at large logits, with smoothed labels, in chunks and in kept memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import CrossEntropyLoss, LogSoftmax, Loss, MSELoss, QuadraticLoss, Softmax, losses, smooth_labels, softmax
from hippo.nn.losses import output_probabilities
from tests.nn.made import LOSSES, batch, targets

Make = Callable[[], Loss]
every_loss = pytest.mark.parametrize("make", LOSSES.values(), ids=LOSSES)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def test_the_table_of_losses_is_complete() -> None:
    own = {kind for kind in vars(losses).values() if isinstance(kind, type) and issubclass(kind, Loss)} - {Loss}
    assert {type(make()) for make in LOSSES.values()} == own


def test_quadratic_loss_by_hand() -> None:
    loss = QuadraticLoss()
    assert loss.forward(np.array([[1.0, 0.5], [0, 0]]), np.array([[0.0, 1], [0, 1]])) == (1 + 0.25 + 1) / 4
    np.testing.assert_array_equal(loss.backward(), [[0.5, -0.25], [0, -0.5]])


def test_mse_loss_by_hand() -> None:
    loss = MSELoss()
    assert loss.forward(np.array([[1.0, 0.5, 0], [0, 0, 2]]), np.array([[0.0, 1, 0], [0, 1, 0]])) == 6.25 / 6
    np.testing.assert_allclose(loss.backward(), np.array([[1, -0.5, 0], [0, -1, 2]]) / 3, rtol=1e-15)


def test_cross_entropy_loss_by_hand() -> None:
    loss = CrossEntropyLoss()
    value = loss.forward(np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]), np.array([[0.0, 1, 0], [0, 0, 1]]))
    assert value == pytest.approx(-(np.log(0.25) + np.log(0.8)) / 2, rel=1e-14)
    np.testing.assert_allclose(loss.backward(), np.array([[0.5, -0.75, 0.25], [0.1, 0.1, -0.2]]) / 2, rtol=1e-12)


@both_dtypes
def test_cross_entropy_is_stable_at_large_logits(dtype: Any) -> None:
    logits = np.array([[1000, -1000, 0], [-1000, 1000, 1000]], dtype)
    loss = CrossEntropyLoss()
    assert loss.forward(logits, np.array([[1, 0, 0], [0, 1, 0]], dtype)) == pytest.approx(np.log(2) / 2, rel=1e-6)
    np.testing.assert_allclose(loss.backward(), np.array([[0, 0, 0], [0, -0.5, 0.5]]) / 2, atol=1e-7)
    # Confidently wrong: the loss is as large as the logits say, and finite.
    assert loss.forward(logits[:1], np.array([[0, 1, 0]], dtype)) == pytest.approx(2000, rel=1e-6)
    np.testing.assert_allclose(loss.backward(), [[1, -1, 0]], atol=1e-7)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    rows=st.integers(1, 5),
    classes=st.integers(2, 6),
    seed=st.integers(0, 2**32),
    scale=st.sampled_from([0.1, 1.0, 30.0, 1000.0]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_cross_entropy_is_log_softmax_and_a_mean_in_one(
    rows: int, classes: int, seed: int, scale: float, dtype: Any
) -> None:
    rng = np.random.default_rng(seed)
    logits, y = (rng.uniform(-scale, scale, (rows, classes))).astype(dtype), targets(rows, classes, rng, dtype)
    loss, log_softmax = CrossEntropyLoss(), LogSoftmax()
    expected = -float((y * log_softmax.forward(logits)).sum()) / rows
    close = {"rel": 1e-5, "abs": 1e-5} if dtype == np.float32 else {"rel": 1e-12, "abs": 1e-12}
    assert loss.forward(logits, y) == pytest.approx(expected, **close)
    np.testing.assert_allclose(loss.backward(), log_softmax.backward(-y / rows), atol=close["abs"])


# ---- Smoothed labels


def test_smooth_labels_by_hand() -> None:
    y = np.array([[0.0, 1, 0, 0], [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(smooth_labels(y, 0.2), [[0.05, 0.85, 0.05, 0.05], [0.45, 0.45, 0.05, 0.05]], rtol=1e-15)
    np.testing.assert_array_equal(y[0], [0, 1, 0, 0])


def test_smoothed_labels_keep_their_precision_and_whole_numbers_become_fractions() -> None:
    for dtype, expected in ((np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)):
        smoothed = smooth_labels(np.eye(4, dtype=dtype), 0.2)
        assert smoothed.dtype == expected
        np.testing.assert_allclose(smoothed.sum(axis=1), 1, rtol=1e-6)
        assert smoothed[0, 0] == pytest.approx(0.85)


def test_cross_entropy_with_smoothed_labels_is_that_of_the_smoothed_targets() -> None:
    outputs, y = batch(4, 3), targets(4, 3, np.random.default_rng(1))
    smoothing, plain = CrossEntropyLoss(label_smoothing=0.1), CrossEntropyLoss()
    assert smoothing.forward(outputs, y) == plain.forward(outputs, smooth_labels(y, 0.1)) != plain.forward(outputs, y)
    plain.forward(outputs, smooth_labels(y, 0.1))
    np.testing.assert_array_equal(smoothing.backward(), plain.backward())
    # Where the network is as sure as the smoothed labels, nothing is left to learn.
    smoothing.forward(np.log(smooth_labels(y, 0.1)), y)
    np.testing.assert_allclose(smoothing.backward(), 0, atol=1e-16)


@pytest.mark.parametrize("fraction", [-0.1, 1, 2, float("nan")])
def test_a_smoothing_that_cannot_be(fraction: float) -> None:
    with pytest.raises(ValueError, match="0 or more and below 1"):
        CrossEntropyLoss(label_smoothing=fraction)


# ---- What all losses share


@both_dtypes
@every_loss
def test_a_loss_keeps_its_dtype_and_its_arguments(make: Make, dtype: Any) -> None:
    outputs, y = batch(4, 3, dtype), targets(4, 3, np.random.default_rng(1), dtype)
    loss = make()
    assert isinstance(loss.forward(outputs, y), float)
    assert loss.backward().dtype == dtype
    assert loss.backward().shape == outputs.shape
    np.testing.assert_array_equal(outputs, batch(4, 3, dtype))
    np.testing.assert_array_equal(y, targets(4, 3, np.random.default_rng(1), dtype))


@every_loss
def test_a_loss_is_the_mean_of_its_rows(make: Make) -> None:
    loss, outputs, y = make(), batch(6, 3), targets(6, 3, np.random.default_rng(1))
    value, gradient = loss.forward(outputs, y), loss.backward()
    values = []
    for row in range(6):
        values.append(loss.forward(outputs[row : row + 1], y[row : row + 1]))
        np.testing.assert_allclose(loss.backward()[0] / 6, gradient[row], rtol=1e-13, atol=1e-16)
    assert value == pytest.approx(np.mean(values), rel=1e-14)


@every_loss
def test_targets_may_be_whole_numbers(make: Make) -> None:
    whole, real, outputs, y = make(), make(), batch(4, 3), targets(4, 3, np.random.default_rng(1))
    assert whole.forward(outputs, y.astype(int)) == real.forward(outputs, y)
    np.testing.assert_array_equal(whole.backward(), real.backward())


@every_loss
def test_a_loss_with_kept_arrays_gives_the_same_numbers(make: Make) -> None:
    fresh, keeping = make(), make()
    keeping.keeps_arrays = True
    for seed, rows in enumerate([4, 2, 4]):
        outputs, y = batch(rows, 3, np.float32, seed), targets(rows, 3, np.random.default_rng(seed), np.float32)
        assert keeping.forward(outputs, y) == fresh.forward(outputs, y)
        np.testing.assert_array_equal(keeping.backward(), fresh.backward())


@every_loss
def test_a_gradient_of_a_loss_is_not_overwritten_unless_kept(make: Make) -> None:
    one, y = make(), targets(4, 3, np.random.default_rng(1))
    one.forward(batch(4, 3), y)
    gradient = one.backward()
    before = gradient.copy()
    np.testing.assert_array_equal(one.backward(), before)  # asked twice, told twice
    one.forward(batch(4, 3, seed=4), y)
    one.backward()
    np.testing.assert_array_equal(gradient, before)

    one.keeps_arrays = True
    one.forward(batch(4, 3), y)
    kept = one.backward()
    one.forward(batch(4, 3, seed=4), y)
    assert one.backward() is kept


def test_answers_are_probabilities_where_the_loss_takes_logits() -> None:
    outputs = batch(4, 3)
    assert output_probabilities(QuadraticLoss(), outputs) is outputs
    assert output_probabilities(MSELoss(), outputs) is outputs
    np.testing.assert_array_equal(output_probabilities(CrossEntropyLoss(), outputs), softmax(outputs))
    np.testing.assert_array_equal(output_probabilities(CrossEntropyLoss(), outputs), Softmax().forward(outputs))
