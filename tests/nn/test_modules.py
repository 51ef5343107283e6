"""What all modules and losses share: shapes, batches, memory; and each one's values by hand and at the extremes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hippo.nn import (
    Array,
    CrossEntropyLoss,
    Linear,
    Loss,
    Module,
    QuadraticLoss,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    softmax,
)
from hippo.nn.losses import output_probabilities
from tests.nn.made import ACTIVATIONS, LOSSES, network, targets

IN = 5


def _linear(dtype: Any) -> Linear:
    layer = Linear(IN, 3, rng=np.random.default_rng(1), dtype=dtype)
    layer.parameters["bias"][:] = [0.5, -1.0, 2.0]
    return layer


#: Every module of ``nn``, taking (batch, 5); a new one is tested by adding its line.
MODULES: dict[str, Callable[[Any], Module]] = {
    "Linear": _linear,
    "Sigmoid": lambda _: Sigmoid(),
    "Tanh": lambda _: Tanh(),
    "ReLU": lambda _: ReLU(),
    "Sequential": lambda dtype: network([IN, 4, 3], Tanh, np.random.default_rng(2), dtype),
}

every_module = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _batch(rows: int, columns: int = IN, dtype: Any = np.float64, seed: int = 3) -> Array:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(dtype)


def _passes(module: Module, x: Array) -> tuple[Array, Array, dict[str, Array]]:
    """y, dL/dx for L = sum of y², and copies of the gradients."""
    y = module.forward(x)
    dx = module.backward(2 * y)
    return y, dx, {name: gradient.copy() for name, gradient in module.gradients.items()}


def test_the_table_of_modules_is_complete() -> None:
    def kinds(of: type) -> set[type]:
        return {of}.union(*(kinds(kind) for kind in of.__subclasses__()))

    own = {kind.__name__ for kind in kinds(Module) if kind.__module__.startswith("hippo.nn.")} - {"Module"}
    assert own == MODULES.keys()


@both_dtypes
@every_module
def test_shapes_and_dtype_are_kept(make: Callable[[Any], Module], dtype: Any) -> None:
    module, x = make(dtype), _batch(4, dtype=dtype)
    y, dx, gradients = _passes(module, x)
    assert y.shape[0] == 4
    assert y.dtype == dtype
    assert dx.shape == x.shape
    assert dx.dtype == dtype
    assert gradients.keys() == module.parameters.keys()
    for name, gradient in gradients.items():
        assert gradient.shape == module.parameters[name].shape
        assert gradient.dtype == dtype


@every_module
def test_a_batch_gives_what_its_rows_give_one_by_one(make: Callable[[Any], Module]) -> None:
    module, x = make(np.float64), _batch(6)
    y, dx, gradients = _passes(module, x)
    sums = {name: np.zeros_like(gradient) for name, gradient in gradients.items()}
    for row in range(len(x)):
        y_row, dx_row, gradients_row = _passes(module, x[row : row + 1])
        np.testing.assert_allclose(y_row[0], y[row], rtol=1e-13)
        np.testing.assert_allclose(dx_row[0], dx[row], rtol=1e-12, atol=1e-14)
        for name, gradient in gradients_row.items():
            sums[name] += gradient
    for name, gradient in gradients.items():
        np.testing.assert_allclose(sums[name], gradient, rtol=1e-12)


@both_dtypes
@every_module
def test_kept_arrays_hold_the_same_numbers(make: Callable[[Any], Module], dtype: Any) -> None:
    fresh, keeping = make(dtype), make(dtype)
    keeping.keeps_arrays = True
    assert (fresh.keeps_arrays, keeping.keeps_arrays) == (False, True)
    for seed, rows in enumerate([4, 1, 4, 7, 4]):
        x = _batch(rows, dtype=dtype, seed=seed)
        y, dx, gradients = _passes(fresh, x)
        y_kept, dx_kept, gradients_kept = _passes(keeping, x)
        np.testing.assert_array_equal(y_kept, y)
        np.testing.assert_array_equal(dx_kept, dx)
        for name, gradient in gradients.items():
            np.testing.assert_array_equal(gradients_kept[name], gradient)


@every_module
def test_results_are_not_overwritten_unless_kept(make: Callable[[Any], Module]) -> None:
    module = make(np.float64)
    y, dx, _ = _passes(module, _batch(4))
    before = y.copy(), dx.copy()
    module.forward(_batch(4, seed=4))
    module.backward(np.ones_like(y))
    np.testing.assert_array_equal(y, before[0])
    np.testing.assert_array_equal(dx, before[1])

    module.keeps_arrays = True
    first, dx_first, _ = _passes(module, _batch(4))
    second, dx_second, _ = _passes(module, _batch(4, seed=4))
    assert first is second
    assert dx_first is dx_second
    module.keeps_arrays = False
    assert module.forward(_batch(4)) is not second


@every_module
def test_the_input_is_not_changed(make: Callable[[Any], Module]) -> None:
    x = _batch(4)
    _passes(make(np.float64), x)
    np.testing.assert_array_equal(x, _batch(4))


def test_a_first_layer_whose_input_gradient_nobody_reads_learns_the_same() -> None:
    wanted, unwanted = _linear(np.float64), _linear(np.float64)
    unwanted.wants_input_gradient = False
    x = _batch(4)
    _, dx, gradients = _passes(wanted, x)
    _, dx_unwanted, gradients_unwanted = _passes(unwanted, x)
    assert dx.shape == dx_unwanted.shape == x.shape
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradients_unwanted[name], gradient)

    # And it does save the product: kept memory stays as it was.
    unwanted.keeps_arrays = True
    kept = unwanted.backward(np.ones((4, 3)))
    kept[:] = 7
    assert (unwanted.backward(np.ones((4, 3))) == 7).all()


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


def test_sequential_names_and_shares_the_parameters_of_its_modules() -> None:
    model = network([4, 3, 2], ReLU, np.random.default_rng(1))
    assert list(model.parameters) == ["0.weights", "0.bias", "2.weights", "2.bias"]
    assert list(model.gradients) == list(model.parameters)
    last = model.modules[2]
    assert model.parameters["2.weights"] is last.parameters["weights"]
    model.backward(np.ones_like(model.forward(_batch(3, 4))))
    assert model.gradients["2.bias"] is last.gradients["bias"]
    np.testing.assert_array_equal(model.gradients["2.bias"], [3, 3])


def test_sequential_keeps_arrays_when_all_its_modules_do() -> None:
    model = network([4, 3, 2], ReLU, np.random.default_rng(1))
    model.keeps_arrays = True
    assert all(module.keeps_arrays for module in model.modules)
    model.modules[1].keeps_arrays = False
    assert not model.keeps_arrays


def test_sequential_needs_a_module() -> None:
    with pytest.raises(ValueError, match="at least one module"):
        Sequential([])


# ---- Activations


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        (Sigmoid, lambda z: 1 / (1 + np.exp(-z))),
        (Tanh, lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
        (ReLU, lambda z: np.where(z > 0, z, 0)),
    ],
)
def test_activations_are_their_textbook_formulas(activation: type[Module], expected: Callable[[Array], Array]) -> None:
    z = np.linspace(-8, 8, 41).reshape(1, -1)
    np.testing.assert_allclose(activation().forward(z), expected(z), rtol=1e-12, atol=1e-15)


@both_dtypes
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_at_the_extremes(activation: type[Module], dtype: Any) -> None:
    big = np.finfo(dtype).max
    module = activation()
    a = module.forward(np.array([[-big, -1000, 0, 1000, big]], dtype))
    low, middle, high = {Sigmoid: (0, 0.5, 1), Tanh: (-1, 0, 1), ReLU: (0, 0, big)}[activation]
    np.testing.assert_array_equal(a[0, [0, 2, 4]], np.array([low, middle, high], dtype))
    np.testing.assert_array_equal(a[0, [1, 3]], np.array([low, 1000 if activation is ReLU else 1], dtype))
    slope = module.backward(np.ones((1, 5), dtype))
    np.testing.assert_array_equal(
        slope, {Sigmoid: [[0, 0, 0.25, 0, 0]], Tanh: [[0, 0, 1, 0, 0]], ReLU: [[0, 0, 0, 1, 1]]}[activation]
    )


# ---- Losses


def test_quadratic_loss_by_hand() -> None:
    loss = QuadraticLoss()
    assert loss.forward(np.array([[1.0, 0.5], [0, 0]]), np.array([[0.0, 1], [0, 1]])) == (1 + 0.25 + 1) / 4
    np.testing.assert_array_equal(loss.backward(), [[0.5, -0.25], [0, -0.5]])


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


@both_dtypes
@every_loss
def test_a_loss_keeps_its_dtype_and_its_arguments(loss: type[Loss], dtype: Any) -> None:
    outputs, y = _batch(4, 3, dtype), targets(4, 3, np.random.default_rng(1), dtype)
    one = loss()
    assert isinstance(one.forward(outputs, y), float)
    assert one.backward().dtype == dtype
    np.testing.assert_array_equal(outputs, _batch(4, 3, dtype))
    np.testing.assert_array_equal(y, targets(4, 3, np.random.default_rng(1), dtype))


@every_loss
def test_a_loss_with_kept_arrays_gives_the_same_numbers(loss: type[Loss]) -> None:
    fresh, keeping = loss(), loss()
    keeping.keeps_arrays = True
    for seed, rows in enumerate([4, 2, 4]):
        outputs, y = _batch(rows, 3, np.float32, seed), targets(rows, 3, np.random.default_rng(seed), np.float32)
        assert keeping.forward(outputs, y) == fresh.forward(outputs, y)
        np.testing.assert_array_equal(keeping.backward(), fresh.backward())


@every_loss
def test_a_gradient_of_a_loss_is_not_overwritten_unless_kept(loss: type[Loss]) -> None:
    one, y = loss(), targets(4, 3, np.random.default_rng(1))
    one.forward(_batch(4, 3), y)
    gradient = one.backward()
    before = gradient.copy()
    np.testing.assert_array_equal(one.backward(), before)  # asked twice, told twice
    one.forward(_batch(4, 3, seed=4), y)
    one.backward()
    np.testing.assert_array_equal(gradient, before)

    one.keeps_arrays = True
    one.forward(_batch(4, 3), y)
    kept = one.backward()
    one.forward(_batch(4, 3, seed=4), y)
    assert one.backward() is kept


def test_answers_are_probabilities_where_the_loss_takes_logits() -> None:
    outputs = _batch(4, 3)
    assert output_probabilities(QuadraticLoss(), outputs) is outputs
    np.testing.assert_array_equal(output_probabilities(CrossEntropyLoss(), outputs), softmax(outputs))


# ---- Softmax


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.floats(-1000, 1000, width=32), min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([np.float32, np.float64]),
)
def test_softmax_is_a_distribution_that_keeps_the_order(rows: list[list[float]], dtype: Any) -> None:
    logits = np.array(rows, dtype)
    p = softmax(logits)
    assert p.dtype == dtype
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(p.max(axis=1), np.take_along_axis(p, logits.argmax(axis=1)[:, None], 1)[:, 0])
    np.testing.assert_array_equal(logits, np.array(rows, dtype))


def test_softmax_by_hand_and_in_place() -> None:
    logits = np.log([[1.0, 2, 5], [3, 3, 2]])
    expected = [[0.125, 0.25, 0.625], [0.375, 0.375, 0.25]]
    np.testing.assert_allclose(softmax(logits), expected, rtol=1e-14)
    np.testing.assert_allclose(softmax(logits + 1000), expected, rtol=1e-12)  # a shift changes nothing
    assert softmax(logits, out=logits) is logits
    np.testing.assert_allclose(logits, expected, rtol=1e-14)
