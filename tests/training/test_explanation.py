"""What is said of the next step is what the next step does, number by number, for every network and optimizer."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNIST
from hippo.errors import InvalidValue
from hippo.network import NeuralNetwork, shuffling
from hippo.nn import Array, gradient_norm
from hippo.training import Control, Orders, Steering, TrainingConfig, TrainingState, train
from hippo.training.explanation import Explanation, explain_step
from hippo.training.one_step import MOST_EXAMPLES
from tests.jobs.made_data import made_mnist

SEED = 5


class Enough(Exception):
    """Ends a run after some mini-batches."""


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist()


def steps(network: NeuralNetwork, data: MNIST, config: TrainingConfig, state: TrainingState, count: int) -> None:
    """Let the run go on by `count` mini-batches."""
    end = state.steps + count

    def ask() -> Exception | None:
        return Enough() if state.steps >= end else None

    with pytest.raises(Enough):
        train(
            network.model,
            network.loss,
            data.training_data,
            config,
            shuffling(SEED),
            callbacks=[Control(ask)],
            state=state,
        )


def after(network: NeuralNetwork, data: MNIST, config: TrainingConfig, done: int) -> TrainingState:
    state = TrainingState()
    if done:
        steps(network, data, config, state, done)
    return state


def explained(
    network: NeuralNetwork, data: MNIST, config: TrainingConfig, state: TrainingState, layer: int, neuron: int
) -> Explanation:
    """Explain a step of a run on copies, so that the run itself can still take it."""
    net, at = copy.deepcopy((network, state))
    rng = shuffling(SEED)
    return explain_step(net.model, net.loss, data.training_data, config, rng, at, layer, neuron)


def column(network: NeuralNetwork, layer: int, neuron: int) -> tuple[Array, float]:
    names = [name for name in network.model.parameters if name.endswith("weights")]
    weights = network.model.parameters[names[layer - 1]]
    bias = network.model.parameters[names[layer - 1].replace("weights", "bias")]
    return weights[:, neuron].copy(), float(bias[neuron])


RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "classic": ({}, {"learning_rate": 3.0}),
    "momentum": ({"activation": "tanh"}, {"learning_rate": 0.1, "momentum": 0.9}),
    "nesterov": ({"activation": "relu"}, {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": ({"activation": "relu"}, {"learning_rate": 0.01, "optimizer": "adam", "weight_decay": 0.01}),
    "adamw": ({"activation": "tanh"}, {"learning_rate": 0.01, "optimizer": "adamw", "weight_decay": 0.1}),
    "decay": ({"activation": "relu"}, {"learning_rate": 0.1, "weight_decay": 0.1}),
    "nesterov and decay": (
        {"activation": "relu"},
        {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "dropout": ({"activation": "leaky_relu", "dropout": 0.3}, {"learning_rate": 0.1}),
    "changed pictures": ({"activation": "relu"}, {"learning_rate": 0.1, "augment": ("shift",)}),
    "in their own order": ({}, {"learning_rate": 3.0, "shuffle": False}),
    "clipped": ({"activation": "relu"}, {"learning_rate": 0.1, "clip_norm": 0.01, "schedule": "cosine"}),
}


@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("done", [0, 3, 70])
@pytest.mark.parametrize("run", RUNS)
def test_the_step_is_the_one_that_follows(run: str, done: int, layer: int, data: MNIST) -> None:
    spec, settings = RUNS[run]
    network = NeuralNetwork([784, 9, 8, 10], seed=1, **spec)
    config = TrainingConfig(3, 10, seed=SEED, **settings)
    state = after(network, data, config, done)
    said = explained(network, data, config, state, layer, 2)
    weights, bias = column(network, layer, 2)
    steps(network, data, config, state, 1)
    new_weights, new_bias = column(network, layer, 2)
    incoming = said.incoming
    np.testing.assert_array_equal(incoming.weights, weights)
    np.testing.assert_array_equal(incoming.after, new_weights)
    assert (incoming.bias, incoming.bias_after) == (bias, new_bias)
    # What is said to be added is what was added, but for the rounding of a weight, in AdamW three times, and of what
    # the optimizer keeps.
    change = np.append(incoming.changes, incoming.bias_change)
    before, now = np.append(weights, bias).astype(np.float64), np.append(new_weights, new_bias).astype(np.float64)
    np.testing.assert_allclose(change, now - before, rtol=3e-6, atol=float(2**-23 * np.abs(now).max()))
    assert (said.epoch, said.batch, said.batches, said.step) == (1 + done // 60, 1 + done % 60, 60, done)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
def test_the_numbers_make_each_other(activation: str, loss: str, layer: int, data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], activation, loss, seed=1)
    config = TrainingConfig(1, 10, 0.5, seed=SEED)
    state = after(network, data, config, 4)
    said = explained(network, data, config, state, layer, 3)
    incoming = said.incoming
    assert said.size == len(said.examples) == len(said.z) == 10
    images = data.training_data.images[said.examples]
    np.testing.assert_array_equal(said.labels, data.training_data.labels[said.examples])
    before = images if layer == 1 else network.activations(images)[1]
    np.testing.assert_allclose(said.inputs, before, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(said.z, said.inputs @ incoming.weights + incoming.bias, atol=1e-5)
    np.testing.assert_allclose(said.a, network.activations(images)[layer][:, 3], rtol=1e-5, atol=1e-6)
    # BP3 and BP4 of Nielsen, chapter 2: what a neuron's weights should do is what came in times its delta.
    np.testing.assert_allclose(incoming.gradients, said.inputs.T @ said.delta, atol=1e-6)
    assert incoming.bias_gradient == pytest.approx(said.delta.sum(), abs=1e-6)
    np.testing.assert_allclose(incoming.changes, -0.5 * incoming.gradients, atol=1e-6)
    assert said.learning_rate == 0.5
    assert said.loss == pytest.approx(
        network.loss.forward(network.model.forward(images), np.eye(10)[said.labels]), rel=1e-5
    )


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("layer", [1, 2, 3])
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize(("size", "chunk"), [(10, 1000), (30, 4)])
def test_a_delta_is_made_of_what_is_said(
    activation: str,
    loss: str,
    layer: int,
    dropout: float,
    size: int,
    chunk: int,
    data: MNIST,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", chunk)
    network = NeuralNetwork([784, 12, 8, 10], activation, loss, seed=1, dropout=dropout)
    config = TrainingConfig(1, size, 0.5, seed=SEED, label_smoothing=0.1 if loss == "cross_entropy" else 0.0)
    said = explained(network, data, config, TrainingState(), layer, 3)
    assert said.dropout == dropout
    if layer < 3:
        assert said.targets is None
        assert said.outgoing is not None
        assert said.slope is not None
        factors = said.outgoing.dropout
        assert (factors is None) == (dropout == 0)
        if factors is not None:
            assert set(factors.tolist()) == {0.0, 2.0}
        behind = said.outgoing.deltas.astype(np.float64) @ said.outgoing.weights
        delta = said.slope * (1 if factors is None else factors) * behind
        following = explained(network, data, config, TrainingState(), layer + 1, 0)
        handed_on = said.a * (1 if factors is None else factors)
        np.testing.assert_allclose(following.inputs[:, 3], handed_on, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(following.delta, said.outgoing.deltas[:, 0], rtol=1e-6)
        assert said.outgoing.weights[0] == following.incoming.weights[3]
    else:
        assert said.outgoing is None
        assert said.targets is not None
        certain = (0.91, 0.01) if loss == "cross_entropy" else (1.0, 0.0)
        np.testing.assert_allclose(said.targets, np.where(said.labels == 3, *certain), rtol=1e-6)
        delta = (said.a - said.targets) / said.size * (1 if said.slope is None else said.slope)
        assert (said.slope is None) == (loss == "cross_entropy")
    assert np.abs(said.delta).max() > 0
    np.testing.assert_allclose(said.delta, delta, rtol=1e-4, atol=1e-8)


def test_momentum_shows_what_it_remembers(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], "tanh", seed=1)
    config = TrainingConfig(1, 10, 0.1, seed=SEED, momentum=0.9)
    state = after(network, data, config, 4)
    incoming = explained(network, data, config, state, 1, 3).incoming
    velocity = 0.9 * incoming.memory["v"] + incoming.gradients
    np.testing.assert_allclose(incoming.changes, -0.1 * velocity, atol=1e-6)
    velocity_of_bias = 0.9 * incoming.bias_memory["v"] + incoming.bias_gradient
    assert incoming.bias_change == pytest.approx(-0.1 * velocity_of_bias, abs=1e-6)


def test_an_activation_has_the_digits_of_its_z(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    network.model.parameters["0.bias"][3], network.model.parameters["2.bias"][4] = -25, -60
    config = TrainingConfig(1, 10, 0.5, seed=SEED)
    for layer, neuron in ((1, 3), (2, 4)):
        said = explained(network, data, config, TrainingState(), layer, neuron)
        assert (said.a > 0).all()
        np.testing.assert_allclose(said.a, [1 / (1 + math.exp(-float(z))) for z in said.z], rtol=1e-14)
        assert said.activation == "sigmoid"
        assert said.logits is None


def test_a_softmax_is_made_of_the_z_of_all_outputs(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], "tanh", "cross_entropy", seed=1)
    network.model.parameters["2.bias"][4] = -60
    config = TrainingConfig(1, 25, 0.5, seed=SEED)
    said = explained(network, data, config, TrainingState(), 2, 4)
    assert said.activation == "softmax"
    assert said.logits is not None
    assert said.logits.shape == (MOST_EXAMPLES, 10)
    np.testing.assert_array_equal(said.logits[:, 4], said.z)
    for row, a in zip(said.logits.tolist(), said.a, strict=True):
        assert a == pytest.approx(math.exp(row[4]) / sum(map(math.exp, row)), rel=1e-13, abs=0)


def test_a_change_is_what_was_subtracted_also_where_it_is_lost_in_the_weight(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], "tanh", seed=1)
    config = TrainingConfig(1, 10, 1e-9, seed=SEED)
    said = explained(network, data, config, TrainingState(), 2, 3).incoming
    np.testing.assert_array_equal(said.after, said.weights)
    assert said.changes.all()
    np.testing.assert_allclose(said.changes, -1e-9 * said.gradients.astype(np.float64), rtol=1e-12)
    assert said.bias_change == pytest.approx(-1e-9 * said.bias_gradient, rel=1e-12)


@pytest.mark.parametrize(("longest", "is_shortened"), [(0.01, True), (1000.0, False)])
@pytest.mark.parametrize("size", [10, 600])
def test_a_gradient_is_said_to_be_shortened(
    longest: float, is_shortened: bool, size: int, data: MNIST, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 50)
    network = NeuralNetwork([784, 9, 10], seed=1)
    config = TrainingConfig(1, size, 0.5, seed=SEED, clip_norm=longest)
    said = explained(network, data, config, TrainingState(), 2, 3)
    images, labels = data.training_data.images, data.training_data.labels
    order = shuffling(SEED).permutation(len(images))[:size]
    network.loss.forward(network.model.forward(images[order]), np.eye(10, dtype=np.float32)[labels[order]])
    network.model.backward(network.loss.backward())
    norm = gradient_norm(network.model)
    assert said.clip_factor == (pytest.approx(longest / norm, rel=1e-5) if is_shortened else 1.0)
    whole = network.model.gradients["2.weights"][:, 3]
    np.testing.assert_allclose(said.incoming.gradients, said.clip_factor * whole, rtol=1e-4, atol=1e-9)


def test_adam_says_what_it_is_set_to(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    for optimizer, betas, epsilon in (("adam", (0.9, 0.999), 1e-8), ("sgd", None, None)):
        config = TrainingConfig(1, 10, 0.01, seed=SEED, optimizer=optimizer)
        said = explained(network, data, config, TrainingState(), 2, 3)
        assert (said.betas, said.epsilon) == (betas, epsilon)


@pytest.mark.parametrize("size", [70, 600])
def test_of_a_large_mini_batch_the_first_examples_are_shown_and_all_count(size: int, data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    config = TrainingConfig(2, size, 0.5, seed=SEED)
    state = after(network, data, config, 1)
    said = explained(network, data, config, state, 2, 3)
    assert said.size == size
    assert len(said.examples) == len(said.a) == len(said.delta) == len(said.inputs) == MOST_EXAMPLES
    steps(network, data, config, state, 1)
    np.testing.assert_array_equal(said.incoming.after, column(network, 2, 3)[0])


def test_a_mini_batch_in_parts_counts_as_one(data: MNIST, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 50)
    test_of_a_large_mini_batch_the_first_examples_are_shown_and_all_count(300, data)


def test_the_last_mini_batch_of_an_epoch_may_be_smaller(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    config = TrainingConfig(2, 70, 0.5, seed=SEED)
    said = explained(network, data, config, after(network, data, config, 8), 1, 0)
    assert (said.batch, said.batches, said.size) == (9, 9, 40)


def test_settings_that_were_changed_hold(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    config = TrainingConfig(2, 10, 0.5, seed=SEED)
    state = after(network, data, config, 4)
    net, at = copy.deepcopy((network, state))
    steering = Steering(Orders(wanted={"learning_rate": 2.0, "momentum": 0.5}))
    said = explain_step(net.model, net.loss, data.training_data, config, shuffling(SEED), at, 2, 0, [steering])
    assert (said.learning_rate, said.settings.momentum) == (2.0, 0.5)
    np.testing.assert_allclose(said.incoming.changes, -2 * said.incoming.gradients, atol=1e-6)  # it had no velocity yet


@pytest.mark.parametrize(
    ("layer", "neuron", "text"), [(0, 0, "layer"), (3, 0, "1 to 2"), (1, 9, "0 to 8"), (1, -1, "0 to 8")]
)
def test_a_neuron_that_is_not_there(layer: int, neuron: int, text: str, data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    with pytest.raises(InvalidValue, match=text):
        explained(network, data, TrainingConfig(1, 10, 0.5), TrainingState(), layer, neuron)


def test_a_run_that_is_over_has_no_step_left(data: MNIST) -> None:
    network = NeuralNetwork([784, 9, 10], seed=1)
    state = TrainingState()
    train(network.model, network.loss, data.training_data, TrainingConfig(1, 100, 0.5), shuffling(SEED), state=state)
    with pytest.raises(InvalidValue, match="no step left"):
        explained(network, data, TrainingConfig(1, 100, 0.5), state, 1, 0)
