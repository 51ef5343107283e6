"""The check of a live network finds right gradients right and a wrong one wrong, and leaves the network as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from hippo.datasets import MNIST
from hippo.network import NeuralNetwork
from hippo.nn import Array, Linear, Sequential
from hippo.training.gradient_report import LIMIT, LayerCheck, check_layers
from tests.jobs.made_data import made_mnist


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist()


def trained(data: MNIST, activation: str, loss: str, dropout: float = 0.0) -> NeuralNetwork:
    network = NeuralNetwork([784, 12, 9, 10], activation, loss, seed=1, dropout=dropout)
    network.train(data.training_data, 2, 10, 0.1, seed=1)
    return network


def check(network: NeuralNetwork, data: MNIST, per_layer: int = 40) -> list[LayerCheck]:
    return check_layers(network.model, network.loss, data.training_data, per_layer, np.random.default_rng(3))


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu"])
def test_every_layer_agrees(activation: str, loss: str, dropout: float, data: MNIST) -> None:
    network = trained(data, activation, loss, dropout)
    before = copy.deepcopy([vars(module) for module in network.model.modules])
    checks = check(network, data)
    assert [one.layer for one in checks] == [1, 2, 3]
    assert [one.parameters for one in checks] == [784 * 12 + 12, 12 * 9 + 9, 9 * 10 + 10]
    assert all(9 <= one.checked <= 40 and one.ok and one.relative_error < LIMIT for one in checks), checks
    for module, was in zip(network.model.modules, before, strict=True):
        assert vars(module).keys() == was.keys()
        for name, array in module.parameters.items():
            np.testing.assert_array_equal(array, was["parameters"][name])


def test_what_is_compared_has_gradients_to_compare(data: MNIST) -> None:
    for one in check(trained(data, "sigmoid", "quadratic"), data):
        assert one.worst.analytic != 0
        assert one.worst.numerical == pytest.approx(one.worst.analytic, rel=1e-3)


class ForgetsAShare(Linear):
    """Its weights' gradient is 0.1 % too small."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["weights"] *= 0.999
        return dx


class ForgetsTheBias(Linear):
    """Its bias has no gradient."""

    def backward(self, gradient: Array) -> Array:
        dx = super().backward(gradient)
        self.gradients["bias"][...] = 0
        return dx


@pytest.mark.parametrize("wrong", [ForgetsAShare, ForgetsTheBias])
def test_a_wrong_layer_is_found(wrong: type[Linear], data: MNIST) -> None:
    network = trained(data, "tanh", "cross_entropy")
    modules = network.model.modules
    second = wrong(12, 9)
    second.parameters = modules[2].parameters
    network.model = Sequential([*modules[:2], second, *modules[3:]])
    checks = check(network, data, 117)
    assert [one.ok for one in checks] == [True, False, True]
    assert abs(checks[1].worst.analytic - checks[1].worst.numerical) > checks[1].rounding


def test_all_of_a_small_layer_are_compared(data: MNIST) -> None:
    checks = check(trained(data, "sigmoid", "quadratic"), data, 200)
    assert [one.checked for one in checks] == [200, 117, 100]


def test_a_kink_within_the_step_is_left_out(data: MNIST) -> None:
    network = NeuralNetwork([784, 4, 10], "relu", seed=1)
    linear = network.model.modules[0]
    linear.parameters["weights"][...] = 0  # every hidden neuron stands at its kink, whichever weight is moved
    linear.parameters["bias"][...] = 0
    checks = check(network, data)
    assert (checks[0].checked, checks[0].relative_error) == (0, 0)
    assert checks[1].ok


def test_of_a_network_that_has_blown_up_rounding_is_larger_than_the_difference(data: MNIST) -> None:
    network = trained(data, "relu", "cross_entropy")
    for module in network.model.modules:
        for array in module.parameters.values():
            array *= 1e9
    for one in check(network, data):
        assert one.ok or abs(one.worst.analytic - one.worst.numerical) < one.rounding
