"""Every derivative in ``nn`` against a difference quotient: alone, in networks of every depth, and in all shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hippo.nn import Linear, Module, QuadraticLoss, Sequential, Sigmoid, check_gradients
from hippo.nn.gradient_check import LIMIT, ZERO_LIMIT
from tests.nn.cases import CASES, Case, Measured, gradients, measure, of_all, of_module
from tests.nn.made import ACTIVATIONS, HIDDEN, LOSSES, MODULES, Redrawn, batch, batch_norm, case, has_margin, targets

WIDTHS = [[3, 4], [4, 5, 3], [3, 6, 5, 4], [4, 5, 5, 5, 5, 3]]

every_loss = pytest.mark.parametrize("loss", LOSSES)


def is_right(measured: Measured) -> bool:
    return measured.relative < LIMIT and (measured.absolute is None or measured.absolute < ZERO_LIMIT)


def test_the_limits_are_those_that_are_promised() -> None:
    assert (LIMIT, ZERO_LIMIT) == (1e-7, 1e-8)


@pytest.mark.parametrize("name", CASES)
def test_every_case(name: str) -> None:
    measured = measure(CASES[name]())
    assert is_right(measured), measured


@every_loss
@pytest.mark.parametrize("name", MODULES)
def test_every_module_under_every_loss(name: str, loss: str) -> None:
    for training in (True, False):
        measured = measure(of_module(name, training, LOSSES[loss]))
        assert is_right(measured), measured


@every_loss
@pytest.mark.parametrize("activation", HIDDEN)
@pytest.mark.parametrize("widths", WIDTHS, ids=lambda widths: "-".join(map(str, widths)))
def test_networks_of_every_depth(widths: list[int], activation: type[Module], loss: str) -> None:
    model, x, y = case(widths, activation, rows=6, seed=1)
    errors = check_gradients(model, LOSSES[loss](), x, y)
    assert len(errors) == 1 + 2 * (len(widths) - 1)  # the input; weights and bias of every layer
    assert max(errors.values()) < LIMIT, errors


@every_loss
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_deep_networks_of_all_modules(seed: int, training: bool, loss: str) -> None:
    made = of_all(seed, training, loss)
    kinds = {type(module) for module in made.model.within()}
    assert set(ACTIVATIONS) < kinds
    assert len(kinds) == len(MODULES) + 1  # Redrawn is a Sequential
    measured = measure(made)
    assert is_right(measured), measured
    assert (measured.absolute is not None) is training  # a bias before BatchNorm has no effect in train mode


def test_the_bias_before_batch_normalisation_has_a_gradient_of_zero() -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Linear(5, 4, rng=rng, dtype=np.float64), batch_norm(4, rng)])
    pairs = gradients(Case(model, QuadraticLoss(), batch(6), targets(6, 4, rng)))
    for gradient in pairs["0.bias"]:
        np.testing.assert_allclose(gradient, 0, atol=ZERO_LIMIT)
    for name in pairs.keys() - {"0.bias"}:
        assert np.abs(pairs[name][0]).max() > 1e-3


def test_a_sigmoid_at_the_output_as_the_classic_network_has_it() -> None:
    model, x, y = case([5, 4, 3], Sigmoid, rows=7, seed=3)
    errors = check_gradients(Sequential([*model.modules, Sigmoid()]), QuadraticLoss(), x, y)
    assert max(errors.values()) < LIMIT, errors


@every_loss
def test_targets_may_be_any_distribution(loss: str) -> None:
    model, x, y = case([4, 3], Sigmoid, rows=5, seed=4)
    errors = check_gradients(model, LOSSES[loss](), x, 0.8 * y + 0.2 / 3)
    assert max(errors.values()) < LIMIT, errors


@every_loss
def test_chunks_add_up_to_their_batch(loss: str) -> None:
    model, x, y = case([4, 5, 3], Sigmoid, rows=7, seed=5)
    one = LOSSES[loss]()
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


# ---- Over shapes, batches and seeds


def assert_gradients_agree(made: Case) -> None:
    """Hold |a - b| below 1e-7 of |a| + |b| and what a difference quotient rounds: a gradient may be all but 0."""
    rounding = 1e-9 * max(1.0, made.loss.forward(made.model.forward(made.x), made.targets))
    for name, (a, b) in gradients(made).items():
        assert np.linalg.norm(a - b) < LIMIT * (np.linalg.norm(a) + np.linalg.norm(b)) + rounding, name


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    activation=st.sampled_from(HIDDEN),
    loss=st.sampled_from(list(LOSSES)),
    rows=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_any_small_network(widths: list[int], activation: type[Module], loss: str, rows: int, seed: int) -> None:
    model, x, y = case(widths, activation, rows, seed)
    assert_gradients_agree(Case(model, LOSSES[loss](), x, y))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    names=st.lists(st.sampled_from([name for name in MODULES if name not in ("Linear", "Sequential")]), max_size=4),
    loss=st.sampled_from(list(LOSSES)),
    rows=st.integers(3, 6),
    seed=st.integers(0, 2**32),
    training=st.booleans(),
)
def test_any_sequence_of_modules(names: list[str], loss: str, rows: int, seed: int, training: bool) -> None:
    rng = np.random.default_rng(seed)
    modules: list[Module] = []
    for place, name in enumerate(names):
        # Between any two a rotation of the features: no module is fed zeros or numbers that are all alike.
        rotation = Linear(5, 5, "zeros", dtype=np.float64)
        rotation.parameters["weights"][:] = np.linalg.qr(rng.standard_normal((5, 5)))[0]
        rotation.parameters["bias"][:] = rng.standard_normal(5)
        modules += [rotation, MODULES[name](np.float64, seed + place)]
    model = Redrawn([*modules, Linear(5, 3, rng=rng, dtype=np.float64)]).train(training)
    x = rng.standard_normal((rows, 5))
    assume(has_margin(model, x))
    assert_gradients_agree(Case(model, LOSSES[loss](), x, targets(rows, 3, rng)))
