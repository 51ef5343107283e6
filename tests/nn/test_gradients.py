"""Every derivative in ``nn`` against a difference quotient, and proof that the check would notice a wrong one."""

from __future__ import annotations

from collections.abc import Callable

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
    Sequential,
    Sigmoid,
    check_gradients,
    numerical_gradient,
    relative_error,
)
from tests.nn.made import ACTIVATIONS, LOSSES, case

LIMIT = 1e-7

WIDTHS = [[3, 4], [4, 5, 3], [3, 6, 5, 4], [4, 5, 5, 5, 5, 3]]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", WIDTHS, ids=lambda widths: "-".join(map(str, widths)))
def test_networks_of_every_depth(widths: list[int], activation: type[Module], loss: type[Loss]) -> None:
    errors = check_gradients(*_arguments(case(widths, activation, rows=6, seed=1), loss()))
    assert len(errors) == 1 + 2 * (len(widths) - 1)  # the input; weights and bias of every layer
    assert max(errors.values()) < LIMIT, errors


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_alone(activation: type[Module], loss: type[Loss]) -> None:
    _, x, y = case([5, 5], activation, rows=4, seed=2)
    assert np.abs(x).min() > 1e-3  # by the choice of the seed: no kink of ReLU is near
    assert check_gradients(Sequential([activation()]), loss(), x, y)["input"] < LIMIT


def test_a_sigmoid_at_the_output_as_the_classic_network_has_it() -> None:
    model, x, y = case([5, 4, 3], Sigmoid, rows=7, seed=3)
    errors = check_gradients(Sequential([*model.modules, Sigmoid()]), QuadraticLoss(), x, y)
    assert max(errors.values()) < LIMIT, errors


@pytest.mark.parametrize("loss", LOSSES)
def test_targets_may_be_any_distribution(loss: type[Loss]) -> None:
    model, x, y = case([4, 3], Sigmoid, rows=5, seed=4)
    errors = check_gradients(model, loss(), x, 0.8 * y + 0.2 / 3)
    assert max(errors.values()) < LIMIT, errors


@pytest.mark.parametrize("loss", LOSSES)
def test_chunks_add_up_to_their_batch(loss: type[Loss]) -> None:
    model, x, y = case([4, 5, 3], Sigmoid, rows=7, seed=5)
    one = loss()
    whole = one.forward(model.forward(x), y)
    model.backward(one.backward())
    expected = {name: gradient.copy() for name, gradient in model.gradients.items()}

    value, sums = 0.0, {name: np.zeros_like(gradient) for name, gradient in expected.items()}
    for rows in (slice(0, 3), slice(3, 7)):
        value += one.forward(model.forward(x[rows]), y[rows], batch_size=7)
        model.backward(one.backward())
        for name, gradient in model.gradients.items():
            sums[name] += gradient
    assert value == pytest.approx(whole, rel=1e-12)
    for name, gradient in expected.items():
        np.testing.assert_allclose(sums[name], gradient, rtol=1e-12, atol=1e-15)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    activation=st.sampled_from(ACTIVATIONS),
    loss=st.sampled_from(LOSSES),
    rows=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_any_small_network(widths: list[int], activation: type[Module], loss: type[Loss], rows: int, seed: int) -> None:
    model, x, y = case(widths, activation, rows, seed)
    one = loss()
    one.forward(model.forward(x), y)
    analytic = {"input": model.backward(one.backward()).copy()}
    analytic |= {name: gradient.copy() for name, gradient in model.gradients.items()}
    for name, array in ({"input": x} | model.parameters).items():
        numerical = numerical_gradient(lambda: one.forward(model.forward(x), y), array)
        # Absolute, because a gradient may be all but 0 (a saturated neuron, a softmax over one class).
        np.testing.assert_allclose(analytic[name], numerical, rtol=1e-6, atol=1e-9, err_msg=name)


# ---- The checker itself


class _Scaled(Linear):
    """Its weights' gradient is wrong by 0.05 %."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["weights"] *= 1.0005
        return dx


class _WithoutBias(Linear):
    """Forgets dL/db."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["bias"][:] = 0
        return dx


class _ScaledInput(Linear):
    """Its dL/dx is wrong by 0.05 %."""

    def backward(self, gradient: Array) -> Array:
        return super().backward(gradient) * 1.0005


class _WithoutMean(QuadraticLoss):
    """Forgets to divide its gradient by the batch."""

    def backward(self) -> Array:
        return super().backward() * self._n


class _WithoutMeanToo(CrossEntropyLoss):
    """Forgets to divide its gradient by the batch."""

    def backward(self) -> Array:
        return super().backward() * self._n


class _WrongSigmoid(Sigmoid):
    """Takes f' for a instead of a (1 - a)."""

    def backward(self, gradient: Array) -> Array:
        return gradient * self._a


def _linear(kind: type[Linear]) -> Sequential:
    rng = np.random.default_rng(6)
    return Sequential([kind(4, 5, rng=rng, dtype=np.float64), Sigmoid(), Linear(5, 3, rng=rng, dtype=np.float64)])


def _wrong_sigmoid() -> Sequential:
    model = _linear(Linear)
    return Sequential([model.modules[0], _WrongSigmoid(), model.modules[2]])


@pytest.mark.parametrize(
    ("model", "loss", "caught"),
    [
        (lambda: _linear(_Scaled), QuadraticLoss, "0.weights"),
        (lambda: _linear(_WithoutBias), QuadraticLoss, "0.bias"),
        (lambda: _linear(_ScaledInput), CrossEntropyLoss, "input"),
        (lambda: _linear(Linear), _WithoutMean, "2.weights"),
        (lambda: _linear(Linear), _WithoutMeanToo, "2.bias"),
        (_wrong_sigmoid, CrossEntropyLoss, "0.weights"),
    ],
    ids=["0.05 % of weights", "no bias", "0.05 % of the input", "no 1/n", "no 1/n, cross-entropy", "wrong f'"],
)
def test_a_wrong_gradient_is_caught(model: Callable[[], Sequential], loss: type[Loss], caught: str) -> None:
    _, x, y = case([4, 3], Sigmoid, rows=6, seed=7)
    assert max(check_gradients(_linear(Linear), _right(loss)(), x, y).values()) < LIMIT
    assert check_gradients(model(), loss(), x, y)[caught] > 100 * LIMIT


def test_a_check_leaves_parameters_and_input_as_they_were() -> None:
    model, x, y = case([3, 4, 2], Sigmoid, rows=3, seed=8)
    arrays = {"input": x} | model.parameters
    before = {name: array.copy() for name, array in arrays.items()}
    check_gradients(model, QuadraticLoss(), x, y)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


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


def _arguments(made: tuple[Sequential, Array, Array], loss: Loss) -> tuple[Sequential, Loss, Array, Array]:
    model, x, y = made
    return model, loss, x, y


def _right(loss: type[Loss]) -> type[Loss]:
    return {_WithoutMean: QuadraticLoss, _WithoutMeanToo: CrossEntropyLoss}.get(loss, loss)
