"""A step of gradient descent, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.nn import SGD, Linear, QuadraticLoss, Sequential, Sigmoid, optimizers
from hippo.nn.optimizers import PIECE
from tests.nn.made import case


def test_a_step_by_hand() -> None:
    layer = Linear(2, 2, "zeros", dtype=np.float64)
    layer.parameters["weights"][:] = [[1, 2], [3, 4]]
    layer.parameters["bias"][:] = [5, 6]
    layer.gradients["weights"][:] = [[1, 0], [-2, 4]]
    layer.gradients["bias"][:] = [10, -10]
    optimizer = SGD(Sequential([layer]), lr=0.5)
    optimizer.step()
    np.testing.assert_array_equal(layer.parameters["weights"], [[0.5, 2], [4, 2]])
    np.testing.assert_array_equal(layer.parameters["bias"], [0, 11])
    np.testing.assert_array_equal(layer.gradients["weights"], [[1, 0], [-2, 4]])

    optimizer.lr = 0.1
    optimizer.step()
    np.testing.assert_allclose(layer.parameters["bias"], [-1, 12])


def test_parameters_are_changed_in_place_and_keep_their_dtype() -> None:
    model, x, y = case([4, 3, 2], Sigmoid, rows=3, seed=1, dtype=np.float32)
    arrays, loss = dict(model.parameters), QuadraticLoss()
    before = {name: array.copy() for name, array in arrays.items()}
    loss.forward(model.forward(x), y)
    model.backward(loss.backward())
    SGD(model, 0.1).step()
    for name, array in arrays.items():
        assert model.parameters[name] is array
        assert array.dtype == np.float32
        assert (array != before[name]).any(), name


def test_a_layer_too_large_for_one_piece() -> None:
    layer = Linear(300, PIECE // 200, "normal", np.random.default_rng(0))
    for name, gradient in layer.gradients.items():
        gradient[:] = np.random.default_rng(1).standard_normal(gradient.shape)
        assert name != "weights" or PIECE < gradient.size < 2 * PIECE
    expected = {name: array - np.float32(0.3) * layer.gradients[name] for name, array in layer.parameters.items()}
    SGD(layer, 0.3).step()
    for name, array in layer.parameters.items():
        np.testing.assert_array_equal(array, expected[name])


def test_parameters_that_do_not_lie_in_a_row_are_refused() -> None:
    layer = Linear(3, 2)
    layer.parameters["weights"] = np.zeros((2, 3), np.float32).T
    with pytest.raises(ValueError, match="copy"):
        SGD(layer, 0.1)


def test_steps_go_downhill() -> None:
    model, x, y = case([4, 5, 3], Sigmoid, rows=8, seed=2)
    loss, optimizer = QuadraticLoss(), SGD(model, 0.1)
    values = []
    for _ in range(20):
        values.append(loss.forward(model.forward(x), y))
        model.backward(loss.backward())
        optimizer.step()
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_cannot_be(rate: float) -> None:
    with pytest.raises(ValueError, match="finite number above 0"):
        SGD(Sequential([Linear(1, 1)]), rate)


@pytest.mark.parametrize("piece", [1, 5, 6, 7, 1000])
def test_a_step_in_pieces_changes_every_number_once(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizers, "PIECE", piece)
    layer = Linear(3, 4, rng=np.random.default_rng(1), dtype=np.float64)
    before = {name: array.copy() for name, array in layer.parameters.items()}
    for gradient in layer.gradients.values():
        gradient[:] = np.random.default_rng(2).standard_normal(gradient.shape)
    SGD(Sequential([layer]), 0.1).step()
    for name, array in layer.parameters.items():
        np.testing.assert_array_equal(array, before[name] - 0.1 * layer.gradients[name])
