"""The checker is checked: it catches every derivative that was made wrong on purpose, and says so readably."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.nn import (
    CrossEntropyLoss,
    QuadraticLoss,
    Sequential,
    Sigmoid,
    check_gradients,
    numerical_gradient,
    relative_error,
)
from hippo.nn.gradient_check import LIMIT, ROUNDING, report
from tests.nn.made import batch, batch_norm, case, targets
from tests.nn.wrong import ROWS, WRONG


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_gradient_is_caught(what: str) -> None:
    wrong, wrong_loss, right, right_loss, caught = WRONG[what]
    x, y = batch(ROWS, 4), targets(ROWS, 3, np.random.default_rng(7))
    errors = check_gradients(right, right_loss, x, y)
    assert max(errors.values()) < LIMIT, errors
    errors = check_gradients(wrong, wrong_loss, x, y)
    assert errors[caught] > 100 * LIMIT, errors
    assert "WRONG" in report(errors)


# ---- Its parts


def test_a_check_leaves_all_as_it_was() -> None:
    rng = np.random.default_rng(1)
    model, x, y = case([3, 4, 2], Sigmoid, rows=3, seed=8)
    model = Sequential([*model.modules, batch_norm(2, rng)])
    arrays = {"input": x} | model.parameters | model.buffers
    before = {name: array.copy() for name, array in arrays.items()}
    check_gradients(model, QuadraticLoss(), x, y)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("keep", [True, False])
def test_a_check_works_in_kept_memory_too(keep: bool) -> None:
    model, x, y = case([3, 4, 2], Sigmoid, rows=3, seed=8)
    loss = CrossEntropyLoss()
    model.keeps_arrays = loss.keeps_arrays = keep
    assert max(check_gradients(model, loss, x, y).values()) < LIMIT


def test_float32_is_refused() -> None:
    with pytest.raises(ValueError, match="float64, not float32"):
        numerical_gradient(lambda: 0.0, np.zeros(3, np.float32))


def test_the_numerical_gradient_of_a_known_function() -> None:
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    np.testing.assert_allclose(numerical_gradient(lambda: float((x**3).sum()), x), 3 * x**2, rtol=1e-8)


def test_relative_error() -> None:
    zero, one = np.zeros(2), np.array([3.0, 4.0])
    assert relative_error(zero, zero) == 0
    assert relative_error(one, one) == 0
    assert relative_error(zero, one) == 1
    assert relative_error(one, -one) == 1
    assert relative_error(one, one * 1.001) == pytest.approx(0.001 / 2.001)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_wrong_altogether(bad: float) -> None:
    good = np.array([3.0, 4.0])
    assert relative_error(np.array([bad, 4.0]), good) == 1
    assert relative_error(good, np.array([bad, 4.0])) == 1
    assert relative_error(np.array([bad]), np.array([bad])) == 1


def test_next_to_zero_the_absolute_error_counts() -> None:
    tiny = np.array([ROUNDING / 4])
    assert relative_error(tiny, -tiny) == 0
    assert relative_error(4 * tiny, -4 * tiny) == 1


def test_a_report_is_readable() -> None:
    assert report({"input": 3.4e-10, "0.weights": 0}).splitlines() == [
        "input      3.4e-10  ok",
        "0.weights  0.0e+00  ok",
        "all 2 below 1e-07",
    ]
    assert report({"input": 3.4e-10, "0.bias": 5e-4, "1.gamma": float("nan")}).splitlines() == [
        "input    3.4e-10  ok",
        "0.bias   5.0e-04  WRONG",
        "1.gamma  nan  WRONG",
        "2 of 3 above 1e-07",
    ]
    assert report({"input": 3e-5}, limit=1e-4).endswith("all 1 below 0.0001")
