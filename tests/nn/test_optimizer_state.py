"""What all optimizers share: steps in place and in pieces, without memory of their own, and going on elsewhere."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hippo.nn import (
    SGD,
    Adam,
    AdamW,
    Array,
    Linear,
    Module,
    Optimizer,
    QuadraticLoss,
    Sequential,
    Sigmoid,
    optimizers,
)
from hippo.nn.optimizers import PIECE
from tests.nn.made import case

#: Every variant of every optimizer.
OPTIMIZERS: dict[str, Callable[[Module], Optimizer]] = {
    "SGD": lambda m: SGD(m, 0.1),
    "SGD, decay": lambda m: SGD(m, 0.1, weight_decay=0.1),
    "momentum": lambda m: SGD(m, 0.1, momentum=0.9),
    "momentum, decay": lambda m: SGD(m, 0.1, momentum=0.9, weight_decay=0.1),
    "Nesterov": lambda m: SGD(m, 0.1, momentum=0.9, nesterov=True),
    "Nesterov, decay": lambda m: SGD(m, 0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda m: Adam(m, 0.1),
    "Adam, decay": lambda m: Adam(m, 0.1, weight_decay=0.1),
    "AdamW": lambda m: AdamW(m, 0.1),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


@every_optimizer
def test_a_step_leaves_the_gradients_as_they_are(make: Callable[[Module], Optimizer]) -> None:
    layer = Linear(3, 4, rng=np.random.default_rng(1), dtype=np.float64)
    for gradient in layer.gradients.values():
        gradient[:] = np.random.default_rng(2).standard_normal(gradient.shape)
    before = {name: gradient.copy() for name, gradient in layer.gradients.items()}
    optimizer = make(layer)
    for _ in range(3):
        optimizer.step()
    for name, gradient in before.items():
        np.testing.assert_array_equal(layer.gradients[name], gradient)


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_are_changed_in_place_and_keep_their_dtype(make: Callable[[Module], Optimizer], dtype: Any) -> None:
    model, x, y = case([4, 3, 2], Sigmoid, rows=3, seed=1, dtype=dtype)
    arrays, loss = dict(model.parameters), QuadraticLoss()
    before = {name: array.copy() for name, array in arrays.items()}
    loss.forward(model.forward(x), y)
    model.backward(loss.backward())
    optimizer = make(model)
    optimizer.step()
    for name, array in arrays.items():
        assert model.parameters[name] is array
        assert array.dtype == dtype
        assert (array != before[name]).any(), name
    assert all(array.dtype == dtype for array in optimizer.state.values())


@every_optimizer
def test_steps_go_downhill(make: Callable[[Module], Optimizer]) -> None:
    model, x, y = case([4, 5, 3], Sigmoid, rows=8, seed=2)
    loss, optimizer = QuadraticLoss(), make(model)
    optimizer.lr = 0.001  # momentum would overshoot with more
    values = [_step(model, loss, optimizer, x, y) for _ in range(20)]
    assert values == sorted(values, reverse=True)


def _step(model: Module, loss: QuadraticLoss, optimizer: Optimizer, x: Array, y: Array) -> float:
    value = loss.forward(model.forward(x), y)
    model.backward(loss.backward())
    optimizer.step()
    return value


@every_optimizer
def test_another_one_goes_on_where_the_first_was(make: Callable[[Module], Optimizer]) -> None:
    loss = QuadraticLoss()
    model, x, y = case([4, 5, 3], Sigmoid, rows=8, seed=2)
    straight = make(model)
    for _ in range(3):
        _step(model, loss, straight, x, y)
    steps, state = straight.steps, {name: array.copy() for name, array in straight.state.items()}
    other, _, _ = case([4, 5, 3], Sigmoid, rows=8, seed=3)
    for name, array in model.parameters.items():
        other.parameters[name][:] = array
    resumed = make(other)
    kept = dict(resumed.state)
    resumed.restore(steps, state)
    for _ in range(3):
        assert _step(model, loss, straight, x, y) == _step(other, loss, resumed, x, y)
    assert resumed.steps == 6
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], array)
    for name, array in kept.items():
        assert resumed.state[name] is array
        assert state[name] is not array


@pytest.mark.parametrize("model", ["another kind", "another shape"])
def test_a_state_that_does_not_belong_is_refused_and_changes_nothing(model: str) -> None:
    optimizer = Adam(Linear(3, 2))
    foreign = SGD(Linear(3, 2), 0.1, momentum=0.9) if model == "another kind" else Adam(Linear(2, 3))
    with pytest.raises(ValueError, match="does not belong to Adam"):
        optimizer.restore(7, foreign.state)
    assert optimizer.steps == 0


def test_momentum_is_gained_and_lost_between_steps() -> None:
    """A velocity begins at zero, as that of a new optimizer does, and the dict of what is remembered stays the same."""
    loss = QuadraticLoss()
    (model, x, y), (other, _, _) = case([4, 5, 3], Sigmoid, rows=8, seed=2), case([4, 5, 3], Sigmoid, rows=8, seed=2)
    changed = SGD(model, 0.1)
    state = changed.state
    for momentum in (0.0, 0.9, 0.0, 0.5):
        changed.momentum = momentum
        new = SGD(other, 0.1, momentum)
        assert changed.state is state
        assert state.keys() == new.state.keys()
        for _ in range(3):
            assert _step(model, loss, changed, x, y) == _step(other, loss, new, x, y)
    velocity = {name: array.copy() for name, array in state.items()}
    changed.momentum = 0.6  # it keeps its velocity
    assert all(np.array_equal(state[name], array) for name, array in velocity.items())


def test_a_momentum_out_of_range_changes_nothing() -> None:
    optimizer = SGD(Linear(3, 2), 0.1, momentum=0.5, nesterov=True)
    for momentum in (-0.1, 1.0, float("nan"), 0.0):
        with pytest.raises(ValueError, match="momentum"):
            optimizer.momentum = momentum
    assert optimizer.momentum == 0.5
    assert len(optimizer.state) == 2


def test_names_of_what_is_remembered() -> None:
    layer = Sequential([Linear(3, 2)])
    assert SGD(layer, 0.1).state == {}
    assert list(SGD(layer, 0.1, momentum=0.5).state) == ["v.0.weights", "v.0.bias"]
    assert list(Adam(layer).state) == ["m.0.weights", "m.0.bias", "v.0.weights", "v.0.bias"]


# ---- Pieces and memory


@every_optimizer
@pytest.mark.parametrize("piece", [1, 5, 6, 7])
def test_steps_in_pieces_are_those_in_one(
    make: Callable[[Module], Optimizer], piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_three_steps() -> dict[str, Array]:
        layer = Linear(3, 4, rng=np.random.default_rng(1), dtype=np.float64)
        optimizer = make(layer)
        for seed in range(3):
            for gradient in layer.gradients.values():
                gradient[:] = np.random.default_rng(seed).standard_normal(gradient.shape)
            optimizer.step()
        return layer.parameters

    whole = after_three_steps()
    monkeypatch.setattr(optimizers, "PIECE", piece)
    for name, array in after_three_steps().items():
        np.testing.assert_array_equal(array, whole[name])


def test_a_layer_too_large_for_one_piece() -> None:
    layer = Linear(300, PIECE // 200, "normal", np.random.default_rng(0))
    for name, gradient in layer.gradients.items():
        gradient[:] = np.random.default_rng(1).standard_normal(gradient.shape)
        assert name != "weights" or PIECE < gradient.size < 2 * PIECE
    expected = {name: array - np.float32(0.3) * layer.gradients[name] for name, array in layer.parameters.items()}
    SGD(layer, 0.3).step()
    for name, array in layer.parameters.items():
        np.testing.assert_array_equal(array, expected[name])


@every_optimizer
def test_a_step_needs_no_memory(make: Callable[[Module], Optimizer]) -> None:
    layer = Linear(50, 1000)
    optimizer = make(layer)
    optimizer.step()
    tracemalloc.start()
    try:
        optimizer.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2000, "the few numbers of the step itself, and no array: one of the bias alone has 4,000 bytes"


def test_parameters_that_do_not_lie_in_a_row_are_refused() -> None:
    layer = Linear(3, 2)
    layer.parameters["weights"] = np.zeros((2, 3), np.float32).T
    with pytest.raises(ValueError, match="copy"):
        SGD(layer, 0.1)


def test_a_model_without_parameters_has_nothing_to_learn() -> None:
    optimizer = Adam(Sigmoid())
    optimizer.step()
    assert (optimizer.steps, optimizer.state) == (1, {})
