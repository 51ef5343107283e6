"""Neurons that are dead, saturated or alike are counted, others are not, and looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.training.health import IMAGES, LayerHealth, alike, layer_health, layers_of, some_images
from tests.jobs.made_data import made_mnist

IMAGES_SHOWN = some_images(made_mnist(test=250).validation_data)


def made(activation: str, **options: object) -> NeuralNetwork:
    return NeuralNetwork([784, 12, 7, 10], activation, seed=3, **options)  # type: ignore[arg-type]


def first_health(network: NeuralNetwork) -> LayerHealth:
    return layer_health(network.model, IMAGES_SHOWN)[0]


def push(network: NeuralNetwork, neurons: list[int], bias: float) -> None:
    """Move what these neurons of the first layer add up to far to one side."""
    network.model.parameters["0.bias"][neurons] = bias


def test_the_images_are_always_the_same_and_as_a_network_takes_them() -> None:
    data = made_mnist(test=250).validation_data
    assert IMAGES_SHOWN.shape == (IMAGES, 784)
    assert IMAGES_SHOWN.dtype == np.float32
    assert np.array_equal(IMAGES_SHOWN, data.images[:IMAGES])
    assert np.array_equal(some_images(data), IMAGES_SHOWN)
    assert len(some_images(data, 7)) == 7


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_fresh_network_is_well_layer_by_layer(activation: str, dropout: float) -> None:
    network = made(activation, dropout=dropout)
    for name, array in network.model.parameters.items():
        array *= 0.1
        if name.endswith("bias"):
            array += 0.5
    assert layer_health(network.model, IMAGES_SHOWN) == [LayerHealth(0, 0, 0, 12), LayerHealth(0, 0, 0, 7)]


@pytest.mark.parametrize(("activation", "dead"), [("relu", 3), ("leaky_relu", 0), ("sigmoid", 0), ("tanh", 0)])
def test_rectifiers_that_never_answer_are_dead(activation: str, dead: int) -> None:
    network = made(activation)
    push(network, list(range(12)), 1e3)
    push(network, [0, 5, 11], -1e4)
    assert first_health(network).dead == dead


def test_a_rectifier_that_answers_once_is_not_dead() -> None:
    network = made("relu")
    push(network, list(range(12)), 1e3)
    z = IMAGES_SHOWN @ network.model.parameters["0.weights"][:, 4]
    push(network, [4], -float(np.sort(z)[-2:].mean()))  # above 0 for one image only
    assert first_health(network).dead == 0
    push(network, [4], -float(z.max()) - 1e-3)
    assert first_health(network).dead == 1


@pytest.mark.parametrize(("activation", "saturated"), [("relu", 0), ("leaky_relu", 0), ("sigmoid", 4), ("tanh", 4)])
@pytest.mark.parametrize("side", [-1, 1])
def test_neurons_in_the_flat_part_of_their_curve_are_saturated(activation: str, saturated: int, side: int) -> None:
    network = made(activation)
    network.model.parameters["0.weights"] *= 0.01
    push(network, [1, 2, 3, 9], side * 10.0)
    assert first_health(network).saturated == saturated


@pytest.mark.parametrize(("edge", "activation"), [(np.log(49), "sigmoid"), (np.arctanh(0.96), "tanh")])
def test_saturation_begins_where_it_is_said_to(edge: float, activation: str) -> None:
    network = made(activation)
    network.model.parameters["0.weights"][:] = 0
    push(network, [0, 1], float(edge) + 1e-3)
    push(network, [2, 3], float(edge) - 1e-3)
    assert first_health(network).saturated == 2


@pytest.mark.parametrize(("images", "saturated"), [(190, 1), (189, 0)])
def test_a_neuron_is_saturated_at_19_images_of_20(images: int, saturated: int) -> None:
    network = made("sigmoid")
    network.model.parameters["0.weights"][:] = 0
    network.model.parameters["0.weights"][0, 0] = 20
    shown = IMAGES_SHOWN.copy()
    shown[:, 0] = np.arange(IMAGES) < images
    assert layer_health(network.model, shown)[0].saturated == saturated


def test_neurons_alike_are_found_wherever_they_stand() -> None:
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(784, 40)).astype(np.float32), rng.normal(size=40).astype(np.float32)
    assert alike(weights, bias) == 0
    for one, other in ((0, 39), (7, 8), (7, 20)):
        weights[:, other], bias[other] = weights[:, one], bias[one]
    assert alike(weights, bias) == 5
    weights[:, 20] *= 1 + 1e-6  # rounding
    assert alike(weights, bias) == 5
    bias[39] += 0.1
    assert alike(weights, bias) == 3
    weights[300, 8] += 0.1
    assert alike(weights, bias) == 2


def test_neurons_that_others_have_outgrown_are_not_alike_for_that() -> None:
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(784, 30)).astype(np.float32), np.zeros(30, np.float32)
    weights[:, 10:] *= 1e6
    assert alike(weights, bias) == 0
    weights[:, 1] = weights[:, 2]
    weights[:, 11] = weights[:, 12] * (1 + 1e-6)
    assert alike(weights, bias) == 4


def test_one_neuron_has_no_other() -> None:
    assert alike(np.ones((784, 1), np.float32), np.ones(1, np.float32)) == 0


def test_weights_all_equal_stay_alike_while_they_learn() -> None:
    network = made("tanh", initializer="zeros")
    for array in network.model.parameters.values():
        array[:] = 0.01  # with zeros, nothing would pass back to the first layers
    network.train(made_mnist().training_data, epochs=2, learning_rate=0.1)
    assert [layer.alike for layer in layer_health(network.model, IMAGES_SHOWN)] == [12, 7]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_weights_that_are_no_numbers_are_counted_without_a_word(activation: str) -> None:
    network = made(activation)
    network.model.parameters["0.weights"][3, 4] = np.nan
    network.model.parameters["2.weights"][3, 4] = np.inf
    assert [layer.total for layer in layer_health(network.model, IMAGES_SHOWN)] == [12, 7]


def test_a_network_without_hidden_layers_has_nothing_to_count() -> None:
    assert layer_health(NeuralNetwork([784, 10], seed=1).model, IMAGES_SHOWN) == []


def test_looking_leaves_nothing_in_the_network() -> None:
    network = made("relu", dropout=0.3)
    model = network.model.train()
    model.keeps_arrays = True
    x = IMAGES_SHOWN[:10]
    kept: list[Array] = [model.forward(x), model.backward(np.ones((10, 10), np.float32))]
    before = [array.copy() for array in (*kept, *model.parameters.values(), *model.gradients.values())]
    layer_health(model, x)
    layer_health(model, IMAGES_SHOWN)
    after = (*kept, *model.parameters.values(), *model.gradients.values())
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(module.training and module.keeps_arrays for module in model.modules)


def test_layers_have_the_activation_behind_them() -> None:
    def names(network: NeuralNetwork) -> list[str]:
        return [type(activation).__name__ for _, activation in layers_of(network.model)]

    assert names(made("relu", dropout=0.5)) == ["ReLU", "ReLU", "NoneType"]
    assert names(made("sigmoid")) == ["Sigmoid", "Sigmoid", "Sigmoid"]
