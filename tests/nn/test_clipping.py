"""Clipped gradients: by hand, and what holds for all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import (
    Linear,
    clip_gradients,
    gradient_norm,
)


def test_clipping_by_hand() -> None:
    layer = Linear(2, 1, "zeros", dtype=np.float64)
    layer.gradients["weights"][:] = [[3], [0]]
    layer.gradients["bias"][:] = -4
    assert gradient_norm(layer) == 5
    assert clip_gradients(layer, 5) == 5
    np.testing.assert_array_equal(layer.gradients["bias"], [-4])
    assert clip_gradients(layer, 2.5) == 5
    np.testing.assert_array_equal(layer.gradients["weights"], [[1.5], [0]])
    np.testing.assert_array_equal(layer.gradients["bias"], [-2])


@settings(derandomize=True, deadline=None, max_examples=50)
@given(size=st.floats(1e-6, 1e6), limit=st.floats(1e-3, 1e3), seed=st.integers(0, 2**32), dtype=st.sampled_from("fd"))
def test_clipped_gradients_are_short_and_point_where_they_did(size: float, limit: float, seed: int, dtype: str) -> None:
    layer = Linear(4, 3, dtype=dtype)
    for gradient in layer.gradients.values():
        gradient[:] = np.random.default_rng(seed).standard_normal(gradient.shape) * size
    arrays, before = dict(layer.gradients), np.concatenate([g.ravel() for g in layer.gradients.values()])
    norm = clip_gradients(layer, limit)
    after = np.concatenate([g.ravel() for g in layer.gradients.values()])
    close = 1e-5 if dtype == "f" else 1e-12
    assert norm == pytest.approx(float(np.linalg.norm(before)), rel=close)
    assert np.linalg.norm(after) == pytest.approx(min(norm, limit), rel=close)
    np.testing.assert_allclose(after / np.linalg.norm(after), before / np.linalg.norm(before), atol=close)
    for name, array in arrays.items():
        assert layer.gradients[name] is array
        assert array.dtype == dtype


def test_gradients_of_zero_stay_zero() -> None:
    layer = Linear(4, 3)
    assert clip_gradients(layer, 1.0) == 0
    assert not layer.gradients["weights"].any()


@pytest.mark.parametrize("limit", [0, -1, math.nan])
def test_a_limit_that_cannot_be(limit: float) -> None:
    with pytest.raises(ValueError, match="max_norm must be above 0"):
        clip_gradients(Linear(1, 1), limit)
