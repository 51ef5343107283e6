"""What learners type first works, or is refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hippo.nn import (
    CrossEntropyLoss,
    Linear,
    Loss,
    MSELoss,
    QuadraticLoss,
    ReLU,
    Sequential,
    clip_gradients,
    gradient_norm,
)


@pytest.mark.parametrize("x", [np.array([[0.0, 1.0]]), np.array([[0, 1]]), [[0, 1]], np.float32([[0, 1]])])
def test_numbers_of_any_type_may_come_in(x: Any) -> None:
    model = Sequential([Linear(2, 3, rng=np.random.default_rng(1)), ReLU()])
    y = model(x)
    assert (y.shape, y.dtype) == ((1, 3), np.float32)
    np.testing.assert_array_equal(y, model.forward(np.array([[0, 1]], np.float32)))
    assert model.backward(y).shape == (1, 2)


@pytest.mark.parametrize("x", [np.zeros(2), [0, 1], np.zeros((1, 3)), np.zeros((1, 1, 2)), np.float64(3)])
def test_what_is_no_batch_of_rows_is_refused(x: Any) -> None:
    with pytest.raises(ValueError, match=r"Linear takes \(batch, 2\), one example a row"):
        Linear(2, 3)(x)


@pytest.mark.parametrize("size", [1e-25, 1e20, 1e37])
def test_the_norm_of_very_large_and_small_gradients(size: float) -> None:
    layer = Linear(30, 20)
    for gradient in layer.gradients.values():
        gradient[:] = size
    assert gradient_norm(layer) == pytest.approx(size * 620**0.5, rel=1e-5)
    clip_gradients(layer, size)
    assert gradient_norm(layer) == pytest.approx(size, rel=1e-5)


@pytest.mark.parametrize("loss", [QuadraticLoss, MSELoss, CrossEntropyLoss])
@pytest.mark.parametrize("targets", [np.ones((5, 1)), np.ones((1, 3)), np.ones((3, 5)), np.ones(15), [0, 1, 2, 0, 1]])
def test_targets_of_another_shape_are_refused(loss: type[Loss], targets: Any) -> None:
    with pytest.raises(ValueError, match=r"Targets must have the shape of the outputs, \(5, 3\)"):
        loss().forward(np.zeros((5, 3)), targets)
