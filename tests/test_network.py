"""NeuralNetwork and its spec: what may be asked for, what it answers, and that it learns MNIST as in the book."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNIST, MNISTLoader
from hippo.datasets.dataset import Dataset
from hippo.errors import InvalidValue
from hippo.network import MAX_PARAMETERS, ROWS_AT_ONCE, NetworkSpec, NeuralNetwork
from hippo.nn import Linear, Sigmoid, softmax
from hippo.training import Callback, TrainingConfig, TrainingRun
from tests.jobs.made_data import made_mnist

VALID: dict[str, Any] = {
    "layer_sizes": (784, 30, 10),
    "activation": "sigmoid",
    "loss": "quadratic",
    "initializer": "xavier",
    "seed": 0,
}


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist()


# ---- The spec


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer_sizes", (784, 10)),
        ("layer_sizes", (784, *[1] * 18, 10)),
        ("layer_sizes", (784, 10_000, 10)),
        ("layer_sizes", (784, 6500, 6500, 10)),
        ("activation", "tanh"),
        ("activation", "relu"),
        ("loss", "cross_entropy"),
        ("initializer", "he"),
        ("initializer", "normal"),
        ("initializer", "zeros"),
        ("seed", 2**53 - 1),
    ],
)
def test_a_spec_may_be(name: str, value: Any) -> None:
    spec = NetworkSpec(**(VALID | {name: value}))
    assert getattr(spec, name) == value
    assert NetworkSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("layer_sizes", (), "2 to 20 layers, not 0"),
        ("layer_sizes", (784,), "2 to 20 layers, not 1"),
        ("layer_sizes", (784, *[1] * 19, 10), "2 to 20 layers, not 21"),
        ("layer_sizes", (784, 0, 10), "from 1 to 10000, not 0"),
        ("layer_sizes", (784, -5, 10), "not -5"),
        ("layer_sizes", (784, 10_001, 10), "from 1 to 10000, not 10001"),
        ("layer_sizes", (784, 10**30, 10), "from 1 to 10000, not 1"),
        ("layer_sizes", (784, 30.0, 10), "whole numbers from 1 to 10000, not 30.0"),
        ("layer_sizes", (784, True, 10), "whole numbers from 1 to 10000, not True"),
        ("layer_sizes", (784, "30", 10), "whole numbers from 1 to 10000, not '30'"),
        ("layer_sizes", (784, None, 10), "not None"),
        ("layer_sizes", (784, float("nan"), 10), "not nan"),
        ("layer_sizes", (783, 30, 10), "begin with 784"),
        ("layer_sizes", (784, 30, 11), "end with 10"),
        ("layer_sizes", (10, 784), "begin with 784"),
        ("layer_sizes", (784, 10_000, 10_000, 10), "107,960,010 parameters; at most 50,000,000"),
        ("activation", "Sigmoid", "one of sigmoid, tanh, relu, leaky_relu, not 'Sigmoid'"),
        ("activation", None, "one of sigmoid, tanh, relu, leaky_relu, not None"),
        ("activation", ["relu"], "one of sigmoid, tanh, relu, leaky_relu"),
        ("loss", "mse", "one of quadratic, cross_entropy, not 'mse'"),
        ("loss", {}, "one of quadratic, cross_entropy"),
        ("initializer", "", "one of zeros, normal, xavier, xavier_uniform, he, not ''"),
        ("seed", -1, "from 0 to 9007199254740991, not -1"),
        ("seed", 2**53, "from 0 to 9007199254740991"),
        ("seed", 1.0, "whole number"),
        ("seed", True, "whole number"),
        ("seed", "1", "whole number"),
    ],
)
def test_a_spec_may_not_be(name: str, value: Any, text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidValue) as caught:
            NetworkSpec(**(VALID | {name: value}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.message.startswith(f"{name} ")
    assert text in caught.value.message
    assert peak < 100_000  # no weights were made


def test_the_limit_of_parameters_is_exact() -> None:
    def spec(hidden: tuple[int, ...]) -> NetworkSpec:
        return NetworkSpec(**(VALID | {"layer_sizes": (784, *hidden, 10)}))

    most = 9397  # 785 · 4900 + 4901 b + 10 (b + 1) for hidden layers of 4900 and b: with one more it is too many
    assert spec((4900, most)).parameter_count == 49_995_177 <= MAX_PARAMETERS
    with pytest.raises(InvalidValue, match="make 50,000,088 parameters; at most 50,000,000"):
        spec((4900, most + 1))


def test_a_network_that_is_refused_is_not_built() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidValue):
            NeuralNetwork([784, 10_000, 10_000, 10])
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_parameters_are_counted_as_they_are_made() -> None:
    network = NeuralNetwork([784, 20, 15, 10])
    assert network.spec.parameter_count == sum(array.size for array in network.model.parameters.values())
    assert NetworkSpec(**VALID).parameter_count == 784 * 30 + 30 + 30 * 10 + 10


@pytest.mark.parametrize(
    ("activation", "loss", "initializer"),
    [("sigmoid", "quadratic", "xavier"), ("tanh", "cross_entropy", "xavier"), ("relu", "cross_entropy", "he")],
)
def test_what_is_not_said_follows_the_activation(activation: str, loss: str, initializer: str) -> None:
    spec = NetworkSpec.make([784, 30, 10], activation)
    assert (spec.loss, spec.initializer) == (loss, initializer)
    assert spec.layer_sizes == (784, 30, 10)
    assert NeuralNetwork([784, 30, 10], activation, seed=spec.seed).spec == spec
    said = NetworkSpec.make([784, 30, 10], activation, "quadratic", "zeros", 0)
    assert (said.loss, said.initializer, said.seed) == ("quadratic", "zeros", 0)


def test_a_seed_that_is_not_said_is_drawn() -> None:
    assert len({NetworkSpec.make([784, 10]).seed for _ in range(5)}) == 5


# ---- The network


def test_weights_are_a_function_of_the_seed() -> None:
    one, two, other = (NeuralNetwork([784, 30, 10], seed=seed) for seed in (1, 1, 2))
    for name, array in one.model.parameters.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(two.model.parameters[name], array)
    assert (other.model.parameters["0.weights"] != one.model.parameters["0.weights"]).any()


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_layers_follow_the_spec(activation: str, loss: str) -> None:
    network = NeuralNetwork([784, 8, 6, 10], activation, loss)
    kinds = [type(module).__name__.lower() for module in network.model.modules]
    expected = ["linear", activation, "linear", activation, "linear"]
    assert kinds == (expected if loss == "cross_entropy" else [*expected, "sigmoid"])
    shapes = [array.shape for array in network.model.parameters.values()]
    assert shapes == [(784, 8), (8,), (8, 6), (6,), (6, 10), (10,)]


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_predict_and_activations(activation: str, loss: str, data: MNIST) -> None:
    network = NeuralNetwork([784, 8, 6, 10], activation, loss, seed=1)
    images = data.test_data.images[:7]
    answers = network.predict(images)
    assert answers.shape == (7, 10)
    assert answers.dtype == np.float32
    assert ((answers >= 0) & (answers <= 1)).all()
    if loss == "cross_entropy":
        np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_allclose(answers, softmax(network.model.forward(images)), rtol=1e-5)
    else:
        np.testing.assert_allclose(answers, network.model.forward(images), rtol=1e-5)

    layers = network.activations(images)
    assert [layer.shape for layer in layers] == [(7, 784), (7, 8), (7, 6), (7, 10)]
    np.testing.assert_array_equal(layers[0], images)
    np.testing.assert_array_equal(layers[-1], answers)
    low = {"sigmoid": 0, "tanh": -1, "relu": 0}[activation]
    assert all((layer >= low).all() for layer in layers[1:3])
    assert network.sizes == tuple(layer.shape[1] for layer in layers)


def test_a_single_picture_is_a_batch_of_one() -> None:
    network = NeuralNetwork([784, 8, 10], seed=1)
    picture = np.random.default_rng(1).random(784)
    np.testing.assert_array_equal(network.predict(picture), network.predict(picture.reshape(1, 784)))
    assert [layer.shape for layer in network.activations(picture)] == [(1, 784), (1, 8), (1, 10)]


@pytest.mark.parametrize(
    ("sizes", "images", "most"),
    [((784, 30, 10), 20_000, 30_000_000), ((784, *[10_000, 1] * 3, 10), 600, 140_000_000)],
    ids=["many images", "wide layers"],
)
def test_predict_keeps_little_in_memory(sizes: tuple[int, ...], images: int, most: int) -> None:
    network = NeuralNetwork(sizes, initializer="zeros")
    pictures = np.broadcast_to(np.float32(0.5), (images, 784))
    tracemalloc.start()
    try:
        network.predict(pictures)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # what is being computed, and in the second case 63 MB of weights in float64; every layer would be 130 and 210 MB
    assert peak < most


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_an_image_gets_the_same_answer_alone_and_among_many(activation: str) -> None:
    network = NeuralNetwork([784, 40, 10], activation, seed=1)
    pictures = np.random.default_rng(1).random((2 * ROWS_AT_ONCE + 1, 784), np.float32)
    together = network.predict(pictures)
    for place in (0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE - 1, 2 * ROWS_AT_ONCE):
        np.testing.assert_array_equal(together[place], network.predict(pictures[place])[0])
    np.testing.assert_array_equal(together, network.activations(pictures)[-1])
    assert network.predict(pictures[:0]).shape == (0, 10)


def test_from_parameters_copies() -> None:
    one = NeuralNetwork([784, 8, 10], "relu", seed=1)
    two = NeuralNetwork.from_parameters(one.spec, one.model.parameters)
    images = np.random.default_rng(1).random((5, 784))
    np.testing.assert_array_equal(two.predict(images), one.predict(images))
    assert two.spec == one.spec
    one.model.parameters["0.weights"][:] = 0
    assert two.model.parameters["0.weights"].any()


def test_from_parameters_refuses_what_does_not_fit() -> None:
    network = NeuralNetwork([784, 8, 10])
    own = network.model.parameters
    for parameters, text in (
        ({name: array for name, array in own.items() if name != "2.bias"}, "must be 0.weights, 0.bias, 2.weights, 2.b"),
        (own | {"4.bias": np.zeros(10)}, "not 0.weights, 0.bias, 2.weights, 2.bias, 4.bias"),
        (own | {"0.weights": own["0.weights"].T}, r"0.weights must have shape \(784, 8\), not \(8, 784\)"),
        (own | {"0.bias": np.zeros((8, 1))}, r"0.bias must have shape \(8,\), not \(8, 1\)"),
    ):
        with pytest.raises(InvalidValue, match=text):
            NeuralNetwork.from_parameters(network.spec, parameters)


# ---- Training and evaluation


def test_train_as_the_contract_says(data: MNIST) -> None:
    network = NeuralNetwork([784, 12, 10])
    history = network.train(
        data.training_data, epochs=2, mini_batch_size=10, learning_rate=3.0, test_data=data.test_data
    )
    assert [record["epoch"] for record in history] == [1, 2]
    for record in history:
        assert isinstance(record["test_accuracy"], int)
        assert record["test_total"] == 200
        assert record["accuracy"] == record["test_accuracy"] / 200
    assert network.evaluate(data.test_data) == history[-1]["test_accuracy"]
    assert len(network.train(data.training_data, 1, 10, 3.0)) == 1  # by position, and without a test set


def test_evaluate_counts(data: MNIST) -> None:
    network = NeuralNetwork([784, 12, 10], seed=1)
    expected = int((network.predict(data.test_data.images).argmax(axis=1) == data.test_data.labels).sum())
    count = network.evaluate(data.test_data)
    assert isinstance(count, int)
    assert count == expected


def test_columns_of_fewer_classes_are_learned_from_with_their_numbers(data: MNIST) -> None:
    few = data.training_data.pixels[:40], (np.arange(40) % 4).astype(np.uint8)
    pairs = list(Dataset(*few, classes=4))
    with_columns, with_set = (NeuralNetwork([784, 8, 10], seed=1) for _ in range(2))
    found = with_columns.train(pairs, 2, 10, 1.0, pairs)
    expected = with_set.train(Dataset(*few), 2, 10, 1.0, Dataset(*few))
    assert [record["loss"] for record in found] == pytest.approx([record["loss"] for record in expected], rel=1e-5)
    assert with_columns.evaluate(pairs) == found[-1]["test_accuracy"]


@pytest.mark.parametrize("one_hot", [True, False])
def test_a_list_of_column_pairs_is_a_set(one_hot: bool, data: MNIST) -> None:
    def pairs(of: Dataset) -> list[tuple[Any, Any]]:
        return [(x, y if one_hot else int(y.argmax())) for x, y in of]

    with_sets, with_pairs = (NeuralNetwork([784, 12, 10], seed=1) for _ in range(2))
    expected = with_sets.train(data.training_data, 2, 10, 1.0, data.test_data)
    found = with_pairs.train(pairs(data.training_data), 2, 10, 1.0, pairs(data.test_data))
    assert [record["test_accuracy"] for record in found] == [record["test_accuracy"] for record in expected]
    assert with_pairs.evaluate(pairs(data.test_data)) == with_sets.evaluate(data.test_data)
    for name, array in with_sets.model.parameters.items():
        np.testing.assert_array_equal(with_pairs.model.parameters[name], array)


WRONG_SETS = {
    "empty": [],
    "other pictures": [(np.zeros((100, 1)), 3)] * 5,
    "other classes": Dataset(np.zeros((5, 784), np.uint8), np.full(5, 11, np.uint8), classes=12),
}


@pytest.mark.parametrize("wrong", WRONG_SETS.values(), ids=WRONG_SETS)
def test_a_set_that_does_not_fit_is_refused(wrong: Any, data: MNIST) -> None:
    network = NeuralNetwork([784, 12, 10])
    text = "at least one picture, each of 784 pixels and labelled 0 to 9"
    with pytest.raises(InvalidValue, match=text):
        network.train(wrong)
    with pytest.raises(InvalidValue, match=text):
        network.train(data.training_data, test_data=wrong)
    with pytest.raises(InvalidValue, match=text):
        network.evaluate(wrong)


def test_a_setting_out_of_range_is_refused_before_anything_is_changed(data: MNIST) -> None:
    network = NeuralNetwork([784, 12, 10], seed=1)
    for wrong in ({"epochs": 0}, {"mini_batch_size": 0}, {"learning_rate": -1}, {"seed": -1}):
        with pytest.raises(InvalidValue, match=next(iter(wrong))):
            network.train(data.training_data, **wrong)
    expected = NeuralNetwork([784, 12, 10], seed=1)
    for name, array in expected.model.parameters.items():
        np.testing.assert_array_equal(network.model.parameters[name], array)


def test_defaults_of_train_are_those_of_the_config(data: MNIST) -> None:
    class Look(Callback):
        def on_train_begin(self, run: TrainingRun) -> None:
            configs.append(run.config)

    configs: list[TrainingConfig] = []
    NeuralNetwork([784, 10]).train(data.test_data, callbacks=[Look()])
    assert configs == [TrainingConfig()]


def test_hidden_layers_start_unlike_the_shuffle(data: MNIST) -> None:
    """Weights and order of one seed come from different streams: the same numbers would correlate the two."""

    class Look(Callback):
        def on_epoch_begin(self, run: TrainingRun) -> None:
            assert run.state.rng_state is not None
            states.append(run.state.rng_state["state"])

    states: list[Any] = []
    NeuralNetwork([784, 10], seed=7).train(data.test_data, 1, seed=7, callbacks=[Look()])
    assert states != [np.random.default_rng(7).bit_generator.state["state"]]


def test_the_classic_network_ends_in_a_sigmoid_layer() -> None:
    network = NeuralNetwork([784, 30, 10])
    assert [type(module) for module in network.model.modules] == [Linear, Sigmoid, Linear, Sigmoid]


# ---- MNIST itself


@pytest.fixture(scope="module")
def mnist() -> MNIST:
    return MNISTLoader().load_data()


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_classic_network_reads_19_digits_of_20_after_30_epochs(seed: int, mnist: MNIST) -> None:
    training_data, _, test_data = mnist
    network = NeuralNetwork([784, 30, 10], seed=seed)
    history = network.train(
        training_data, epochs=30, mini_batch_size=10, learning_rate=3.0, test_data=test_data, seed=seed
    )
    assert len(history) == 30
    assert history[-1]["test_total"] == 10_000
    assert history[-1]["accuracy"] >= 0.95
    assert network.evaluate(test_data) == history[-1]["test_accuracy"]
