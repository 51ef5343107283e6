"""What all modules share, by their table: shapes, batches, memory, modes, saving; and Sequential."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.nn import Array, BatchNorm, Dropout, Module, ReLU, Sequential
from tests.nn.made import ACTIVATIONS, MODULES, WIDTH, batch, network

Make = Callable[[Any, int], Module]
every_module = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _passes(module: Module, x: Array) -> tuple[Array, Array, dict[str, Array]]:
    """y, dL/dx for L = sum of y², and copies of the gradients."""
    y = module.forward(x)
    dx = module.backward(2 * y)
    return y, dx, {name: gradient.copy() for name, gradient in module.gradients.items()}


def _kinds(of: type) -> set[type]:
    return {of}.union(*(_kinds(kind) for kind in of.__subclasses__()))


def test_the_table_of_modules_is_complete() -> None:
    own = {kind for kind in _kinds(Module) if kind.__module__.startswith("hippo.nn.")} - {Module}
    assert {kind.__name__ for kind in own} == MODULES.keys()
    assert {kind for kind in own if kind.__module__ == "hippo.nn.activations"} == set(ACTIVATIONS)
    for name, make in MODULES.items():
        assert type(make(np.float32, 1)).__name__ == name


@both_dtypes
@every_module
def test_shapes_and_dtype_are_kept(make: Make, dtype: Any) -> None:
    module, x = make(dtype, 1), batch(4, dtype=dtype)
    y, dx, gradients = _passes(module, x)
    assert y.shape[0] == 4
    assert y.dtype == dtype
    assert dx.shape == x.shape
    assert dx.dtype == dtype
    assert gradients.keys() == module.parameters.keys()
    for name, gradient in gradients.items():
        assert gradient.shape == module.parameters[name].shape
        assert gradient.dtype == module.parameters[name].dtype == dtype
    for buffer in module.buffers.values():
        assert buffer.dtype == dtype


@every_module
def test_a_batch_gives_what_its_rows_give_one_by_one(make: Make) -> None:
    module, x = make(np.float64, 1).eval(), batch(6)
    y, dx, gradients = _passes(module, x)
    sums = {name: np.zeros_like(gradient) for name, gradient in gradients.items()}
    for row in range(len(x)):
        y_row, dx_row, gradients_row = _passes(module, x[row : row + 1])
        np.testing.assert_allclose(y_row[0], y[row], rtol=1e-13)
        np.testing.assert_allclose(dx_row[0], dx[row], rtol=1e-12, atol=1e-14)
        for name, gradient in gradients_row.items():
            sums[name] += gradient
    for name, gradient in gradients.items():
        np.testing.assert_allclose(sums[name], gradient, rtol=1e-12, atol=1e-14)


@both_dtypes
@every_module
def test_kept_arrays_hold_the_same_numbers(make: Make, dtype: Any) -> None:
    fresh, keeping = make(dtype, 1), make(dtype, 1)
    keeping.keeps_arrays = True
    assert (fresh.keeps_arrays, keeping.keeps_arrays) == (False, True)
    for training in (True, False):
        fresh.train(training)
        keeping.train(training)
        for seed, rows in enumerate([4, 2, 4, 7, 4]):
            x = batch(rows, dtype=dtype, seed=seed)
            y, dx, gradients = _passes(fresh, x)
            y_kept, dx_kept, gradients_kept = _passes(keeping, x)
            np.testing.assert_array_equal(y_kept, y)
            np.testing.assert_array_equal(dx_kept, dx)
            for name, gradient in gradients.items():
                np.testing.assert_array_equal(gradients_kept[name], gradient)
    for name, buffer in fresh.buffers.items():
        np.testing.assert_array_equal(keeping.buffers[name], buffer)


@every_module
def test_results_are_not_overwritten_unless_kept(make: Make) -> None:
    module = make(np.float64, 1)
    y, dx, _ = _passes(module, batch(4))
    before = y.copy(), dx.copy()
    module.forward(batch(4, seed=4))
    module.backward(np.ones_like(y))
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(dx, before[1])

    module.keeps_arrays = True
    first, dx_first, _ = _passes(module, batch(4))
    second, dx_second, _ = _passes(module, batch(4, seed=4))
    assert first is second
    assert dx_first is dx_second
    module.keeps_arrays = False
    assert module.forward(batch(4)) is not second


@pytest.mark.parametrize("training", [True, False])
@every_module
def test_neither_input_nor_gradient_is_changed(make: Make, training: bool) -> None:
    module, x = make(np.float64, 1).train(training), batch(4)
    gradient = batch(4, module.forward(x).shape[1], seed=5)
    module.backward(gradient)
    np.testing.assert_array_equal(x, batch(4))
    np.testing.assert_array_equal(gradient, batch(*gradient.shape, seed=5))


@both_dtypes
@every_module
def test_what_is_saved_and_loaded_answers_the_same(make: Make, dtype: Any, tmp_path: Path) -> None:
    trained, other, x = make(dtype, 1), make(dtype, 2).eval(), batch(6, dtype=dtype)
    for seed in range(3):
        _passes(trained, batch(8, dtype=dtype, seed=seed))  # running statistics move
    arrays = trained.parameters | trained.buffers
    assert len(arrays) == len(trained.parameters) + len(trained.buffers), "no name stands for two arrays"
    answer = trained.eval().forward(x)
    assert not arrays or (other.forward(x) != answer).any()

    np.savez(tmp_path / "module.npz", **arrays)
    with np.load(tmp_path / "module.npz", allow_pickle=False) as saved:
        assert set(saved) == set(arrays)
        for name, array in (other.parameters | other.buffers).items():
            array[:] = saved[name]
    np.testing.assert_array_equal(other.forward(x), answer)


@every_module
def test_the_mode_is_what_was_chosen(make: Make) -> None:
    module = make(np.float64, 1)
    assert module.training
    assert module.eval() is module
    assert not any(one.training for one in module.within())
    assert module.train() is module
    assert all(one.training for one in module.within())
    with module.mode(False):
        assert not any(one.training for one in module.within())
    assert all(one.training for one in module.within())
    with pytest.raises(KeyError), module.mode(False):
        raise KeyError
    assert module.training


@every_module
def test_in_eval_mode_nothing_is_random_and_nothing_is_counted(make: Make) -> None:
    module, x = make(np.float64, 1).eval(), batch(4)
    before = {name: buffer.copy() for name, buffer in module.buffers.items()}
    np.testing.assert_array_equal(module.forward(x), module.forward(x).copy())
    for name, buffer in before.items():
        np.testing.assert_array_equal(module.buffers[name], buffer)


# ---- Sequential


def test_sequential_names_and_shares_the_parameters_of_its_modules() -> None:
    model = network([4, 3, 2], ReLU, np.random.default_rng(1))
    assert list(model.parameters) == ["0.weights", "0.bias", "2.weights", "2.bias"]
    assert list(model.gradients) == list(model.parameters)
    last = model.modules[2]
    assert model.parameters["2.weights"] is last.parameters["weights"]
    model.backward(np.ones_like(model.forward(batch(3, 4))))
    assert model.gradients["2.bias"] is last.gradients["bias"]
    np.testing.assert_array_equal(model.gradients["2.bias"], [3, 3])


def test_sequential_within_sequential() -> None:
    inner = Sequential([BatchNorm(2), Dropout()])
    outer = Sequential([ReLU(), inner])
    assert list(outer.parameters) == ["1.0.gamma", "1.0.beta"]
    assert outer.buffers["1.0.mean"] is inner.modules[0].buffers["mean"]
    assert [type(one) for one in outer.within()] == [Sequential, ReLU, Sequential, BatchNorm, Dropout]
    outer.eval()
    assert not inner.modules[1].training


def test_a_module_that_stays_in_eval_mode_by_choice_still_does_after_a_with_block() -> None:
    frozen = BatchNorm(WIDTH).eval()
    model = Sequential([frozen, ReLU()])
    with model.mode(True):
        assert frozen.training
    assert not frozen.training
    assert model.training


def test_sequential_keeps_arrays_when_all_its_modules_do() -> None:
    model = network([4, 3, 2], ReLU, np.random.default_rng(1))
    model.keeps_arrays = True
    assert all(module.keeps_arrays for module in model.modules)
    model.modules[1].keeps_arrays = False
    assert not model.keeps_arrays


def test_sequential_needs_a_module() -> None:
    with pytest.raises(ValueError, match="at least one module"):
        Sequential([])


def test_one_module_in_two_places_would_learn_wrong_and_is_refused() -> None:
    shared = ReLU()
    with pytest.raises(ValueError, match="only once"):
        Sequential([shared, BatchNorm(2), shared])
    with pytest.raises(ValueError, match="only once"):
        Sequential([shared, Sequential([BatchNorm(2), shared])])
