"""Frames say what the network is: compared with a direct computation, for every activation, loss and shape."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.training import TrainingConfig, TrainingState
from hippo.training.frame import Frame, Parts
from hippo.training.health import layer_health, some_images
from hippo.training.snapshots import Snapshots, Wish, where
from tests.jobs.made_data import made_mnist
from tests.watched import arrays, split

DATA = made_mnist()
FACTS = {"step": 7}
KINDS = [
    (activation, loss)
    for activation in ("sigmoid", "tanh", "relu", "leaky_relu")
    for loss in ("quadratic", "cross_entropy")
]


def trained(*sizes: int, **options: Any) -> NeuralNetwork:
    """Return a network that has learned a little, with the gradients of its last mini-batch."""
    network = NeuralNetwork([784, *sizes, 10], seed=3, **options)
    rate = 1.0 if network.spec.loss == "quadratic" else 0.02
    network.train(DATA.training_data, epochs=1, learning_rate=rate)
    return network


def snapshots_of(network: NeuralNetwork) -> Snapshots:
    return Snapshots(network.model, network.loss, DATA.test_data, DATA.validation_data)


def frame_of(network: NeuralNetwork, wish: Wish | None = None, has_gradients: bool = True) -> Frame:
    (frame,) = snapshots_of(network).make([wish or Wish()], FACTS, has_gradients)
    json.dumps(frame.header, allow_nan=False)
    return frame


def computed(network: NeuralNetwork, example: int) -> tuple[list[Array], list[Array], list[Array]]:
    """Return z, a and delta of every layer, in float64, by the formulas of the textbook."""
    f: dict[str, tuple[Any, Any]] = {
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
        "tanh": (np.tanh, lambda z, a: 1 - a * a),
        "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
        "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z, a: np.where(z > 0, 1, 0.01)),
    }
    parameters = {name: array.astype(np.float64) for name, array in network.model.parameters.items()}
    weights = [array for name, array in parameters.items() if name.endswith("weights")]
    biases = [array for name, array in parameters.items() if name.endswith("bias")]
    function, slope = f[network.spec.activation]
    zs, activations = [], [DATA.test_data.images[example].astype(np.float64)]
    for w, b in zip(weights, biases, strict=True):
        zs.append(activations[-1] @ w + b)
        activations.append(function(zs[-1]))
    y = np.eye(10)[DATA.test_data.labels[example]]
    if network.spec.loss == "quadratic":
        activations[-1] = a = f["sigmoid"][0](zs[-1])
        deltas = [(a - y) * a * (1 - a)]
    else:
        activations[-1] = p = np.exp(zs[-1]) / np.exp(zs[-1]).sum()
        deltas = [p - y]
    for place in range(len(weights) - 2, -1, -1):
        deltas.insert(0, (deltas[0] @ weights[place + 1].T) * slope(zs[place], activations[place + 1]))
    return zs, activations[1:], deltas


@pytest.mark.parametrize(("activation", "loss"), KINDS)
@pytest.mark.parametrize("example", [0, 57])
def test_a_frame_is_what_the_textbook_computes(activation: str, loss: str, example: int) -> None:
    network = trained(12, 7, activation=activation, loss=loss, dropout=0.2)
    frame = frame_of(network, Wish(example))
    found = arrays(frame.header, frame.payload)
    for place, (z, a, delta) in enumerate(zip(*computed(network, example), strict=True), 1):
        assert np.allclose(found[f"z.{place}"], z, atol=1e-5)
        assert np.allclose(found[f"a.{place}"], a, atol=1e-5)
        assert np.allclose(found[f"delta.{place}"], delta, rtol=1e-3, atol=1e-6)
    assert np.array_equal(found["pixels"], DATA.test_data.pixels[example])
    last = found["a.3"]
    label = int(DATA.test_data.labels[example])
    assert frame.header["example"] == {"index": example, "label": label, "predicted": int(last.argmax())}
    names = [layer["activation"] for layer in frame.header["layers"]]
    assert names == [activation, activation, "sigmoid" if loss == "quadratic" else "softmax"]


def test_delta_is_the_slope_of_the_cost() -> None:
    """Checked against a difference quotient, too: the bias of a neuron is added to its z."""
    network = NeuralNetwork([784, 5, 10], "tanh", "cross_entropy", seed=1)
    frame = frame_of(network, Wish(3))
    delta = arrays(frame.header, frame.payload)["delta.1"]
    image, label = DATA.test_data.images[3:4], DATA.test_data.labels[3]
    bias = network.model.parameters["0.bias"]

    def cost(change: float, neuron: int) -> float:
        bias[neuron] += change
        answer = float(-np.log(network.predict(image)[0, label]))
        bias[neuron] -= change
        return answer

    slopes = [(cost(1e-2, j) - cost(-1e-2, j)) / 2e-2 for j in range(5)]
    assert np.allclose(delta, slopes, atol=1e-3)


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
def test_activations_and_errors_have_the_digits_of_their_z(loss: str) -> None:
    """Where a sigmoid in float32 is 0 or 1, and its error nothing."""
    network = NeuralNetwork([784, 6, 10], "sigmoid", loss, seed=1)
    network.model.parameters["0.bias"][1:3], network.model.parameters["2.bias"][4:6] = (-25, 19), (-40, 19)
    frame = frame_of(network, Wish(0, 2, 4))
    found = {name: array.astype(np.float64) for name, array in arrays(frame.header, frame.payload).items()}
    z, y = found["z.2"], np.eye(10)[frame.header["example"]["label"]]
    sigmoid = [np.array([1 / (1 + math.exp(-one)) for one in found[f"z.{place}"]]) for place in (1, 2)]
    a = sigmoid[1] if loss == "quadratic" else np.exp(z) / np.exp(z).sum()
    delta = (a - y) * a * (1 - a) if loss == "quadratic" else a - y
    assert np.allclose(found["a.1"], sigmoid[0], rtol=1e-6, atol=0)
    assert np.allclose(found["a.2"], a, rtol=1e-6, atol=0)
    assert np.allclose(found["delta.2"], delta, rtol=1e-5, atol=0)
    back = (delta @ network.model.parameters["2.weights"].T) * sigmoid[0] * (1 - sigmoid[0])
    assert np.allclose(found["delta.1"], back, rtol=1e-4, atol=0)
    assert found["a.1"][1] > 0
    assert frame.header["neuron"]["a"] == pytest.approx(a[4], rel=1e-7)


def test_weights_come_rounded_and_biases_exact() -> None:
    network = trained(12)
    frame = frame_of(network)
    found, parts = arrays(frame.header, frame.payload), {part["name"]: part for part in frame.header["parts"]}
    for place, name in enumerate(("0", "2"), 1):
        weights = network.model.parameters[f"{name}.weights"]
        scale = parts[f"weights.{place}"]["scale"]
        assert scale == pytest.approx(np.abs(weights).max() / 127)
        assert np.abs(found[f"weights.{place}"] - weights).max() <= scale * 0.501
        assert np.array_equal(found[f"bias.{place}"], network.model.parameters[f"{name}.bias"])
        assert np.array_equal(found[f"neurons.{place}"], np.arange(len(found[f"bias.{place}"])))


@pytest.mark.parametrize(("width", "shown"), [(200, 200), (201, 200), (999, 200), (10_000, 200), (1, 1)])
def test_of_wide_layers_some_neurons_are_shown_evenly_spaced(width: int, shown: int) -> None:
    network = NeuralNetwork([784, width, 17, 10], "relu", seed=2)
    frame = frame_of(network)
    found = arrays(frame.header, frame.payload)
    neurons = found["neurons.1"].astype(int)
    assert len(neurons) == shown
    assert neurons[0] == 0
    assert neurons[-1] < width
    assert set(np.diff(neurons)) <= {width // shown, width // shown + 1}
    z = computed(network, 0)[0]
    assert np.allclose(found["z.1"], z[0][neurons], atol=1e-4)
    assert np.allclose(found["z.2"], z[1], atol=1e-4)
    assert found["weights.1"].shape == (784, shown)
    second = network.model.parameters["2.weights"]
    assert np.allclose(found["weights.2"], second[neurons], atol=np.abs(second).max() / 250)
    assert frame.header["layers"][0]["size"] == width
    assert len(frame.payload) < 400_000


def test_two_wide_layers_are_thinned_on_both_sides() -> None:
    network = NeuralNetwork([784, 300, 450, 10], seed=2)
    found = arrays(*vars(frame_of(network)).values())
    weights = network.model.parameters["2.weights"]
    picked = weights[np.ix_(found["neurons.1"], found["neurons.2"])]
    assert np.allclose(found["weights.2"], picked, atol=np.abs(weights).max() / 250)
    assert np.array_equal(found["bias.2"], network.model.parameters["2.bias"][found["neurons.2"]])


@pytest.mark.parametrize(("layer", "neuron"), [(1, 0), (1, 249), (2, 6), (3, 9)])
def test_a_chosen_neuron_is_shown_with_all_that_comes_in(layer: int, neuron: int) -> None:
    network = trained(250, 7, activation="relu")
    frame = frame_of(network, Wish(5, layer, neuron))
    found = arrays(frame.header, frame.payload)
    name = ("0", "2", "4")[layer - 1]
    assert np.array_equal(found["incoming"], network.model.parameters[f"{name}.weights"][:, neuron])
    assert np.array_equal(found["incoming_gradient"], network.model.gradients[f"{name}.weights"][:, neuron])
    z, a, delta = (values[layer - 1][neuron] for values in computed(network, 5))
    bias = network.model.parameters[f"{name}.bias"][neuron]
    chosen = frame.header["neuron"]
    assert (chosen["layer"], chosen["index"]) == (layer, neuron)
    assert [chosen[n] for n in ("bias", "z", "a", "delta")] == pytest.approx([bias, z, a, delta], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("wish", [Wish(), Wish(3), Wish(3, 1, 5), Wish(3, 2, 0)])
def test_the_weights_of_the_labels_output_are_exact(wish: Wish) -> None:
    network = trained(12)
    frame = frame_of(network, wish)
    weights = network.model.parameters["2.weights"][:, frame.header["example"]["label"]]
    assert np.array_equal(arrays(frame.header, frame.payload)["label_weights"], weights)


def test_without_gradients_none_are_made_up() -> None:
    network = trained(12)
    frame = frame_of(network, Wish(0, 1, 3), has_gradients=False)
    assert [layer["gradient_norm"] for layer in frame.header["layers"]] == [None, None]
    names = {part["name"] for part in frame.header["parts"]}
    assert "incoming" in names
    assert "incoming_gradient" not in names


def test_layers_are_described() -> None:
    network = trained(12, 7, activation="tanh")
    layers = frame_of(network).header["layers"]
    health = layer_health(network.model, some_images(DATA.validation_data))
    for place, layer in enumerate(layers):
        weights, bias = (network.model.parameters[f"{2 * place}.{kind}"] for kind in ("weights", "bias"))
        gradients = [network.model.gradients[f"{2 * place}.{kind}"].astype(float) for kind in ("weights", "bias")]
        assert (layer["size"], layer["inputs"]) == (weights.shape[1], weights.shape[0])
        for name, array in (("weight", weights), ("bias", bias)):
            numbers = [array.mean(), array.std(), array.min(), array.max()]
            assert [layer[name][n] for n in ("mean", "std", "min", "max")] == pytest.approx(numbers, abs=1e-6)
        counts, edges = np.histogram(weights, 24)
        assert layer["histogram"]["counts"] == counts.tolist()
        assert [layer["histogram"][n] for n in ("low", "high")] == pytest.approx([edges[0], edges[-1]])
        norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
        assert layer["gradient_norm"] == pytest.approx(norm, rel=1e-5)
        if place < 2:
            assert [layer[n] for n in ("dead", "saturated", "alike")] == list(vars(health[place]).values())[:3]
    assert (layers[-1]["dead"], layers[-1]["saturated"]) == (0, 0)


@pytest.mark.parametrize(("activation", "loss"), KINDS)
def test_biases_and_activations_are_counted_in_bins(activation: str, loss: str) -> None:
    network = trained(12, 7, activation=activation, loss=loss)
    images = some_images(DATA.validation_data)
    bounds = {"sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1)}
    layers = frame_of(network).header["layers"]
    for place, (layer, a) in enumerate(zip(layers, network.activations(images)[1:], strict=True)):
        ends = bounds.get(layer["activation"])
        for name, array, limits in (
            ("bias_histogram", network.model.parameters[f"{2 * place}.bias"], None),
            ("activation_histogram", a, ends),
        ):
            # Other digits than float32's can be in the next bin, where they are at its end.
            counts, edges = np.histogram(array.astype(float), 24, limits)
            assert np.abs(np.cumsum(layer[name]["counts"]) - np.cumsum(counts)).max() <= 2, name
            assert sum(layer[name]["counts"]) == array.size
            assert [layer[name][n] for n in ("low", "high")] == pytest.approx([edges[0], edges[-1]], rel=1e-5)
    assert layers[-1]["activation"] == ("softmax" if loss == "cross_entropy" else "sigmoid")


def test_saturated_neurons_are_counted_at_the_ends_of_their_range() -> None:
    network = NeuralNetwork([784, 6, 10], seed=1)
    network.model.parameters["0.bias"][:] = [1e4, -1e4, 1e4, -1e4, 1e4, 1e4]
    found = frame_of(network).header["layers"][0]["activation_histogram"]
    shown = len(some_images(DATA.validation_data))
    assert (found["low"], found["high"]) == (0, 1)
    assert found["counts"] == [2 * shown, *[0] * 22, 4 * shown]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize(("activation", "loss"), KINDS)
def test_a_network_that_has_blown_up_is_shown_all_the_same(value: float, activation: str, loss: str) -> None:
    network = NeuralNetwork([784, 6, 5, 10], activation, loss, seed=1)
    for name in ("0.weights", "2.bias", "4.weights"):
        network.model.parameters[name][..., 3] = value
        network.model.gradients[name][..., 2] = value
    network.model.parameters["0.weights"][5, 0] = -3e38
    with np.errstate(all="raise", under="ignore"):
        frame = frame_of(network, Wish(0, 1, 3))
    found = arrays(frame.header, frame.payload)
    assert all(np.isfinite(array).all() for array in found.values())
    if not np.isfinite(value):
        assert frame.header["layers"][0]["weight"]["mean"] is None
        assert frame.header["neuron"]["z"] is None
        assert (found["weights.1"][:, 3] == 0).all()
        assert (found["incoming"] == 0).all()
        lost = {part["name"]: part["not_finite"] for part in frame.header["parts"] if "not_finite" in part}
        assert 3 in lost["z.1"]
        assert lost["bias.2"] == [3]
        assert lost["incoming"] == list(range(784))
    else:
        assert frame.header["layers"][0]["weight"]["std"] is not None


@pytest.mark.parametrize("value", [0.0, 1.5, -1e8, 3e38, np.nan])
def test_weights_that_are_all_equal_have_a_histogram(value: float) -> None:
    network = NeuralNetwork([784, 6, 10], seed=1)
    network.model.parameters["0.weights"][:] = value
    found = frame_of(network).header["layers"][0]["histogram"]
    middle = 0 if np.isnan(value) else 784 * 6
    assert found["counts"] == [0] * 12 + [middle] + [0] * 11
    assert found["low"] <= found["high"]


def test_weights_of_nothing_are_nothing() -> None:
    frame = frame_of(NeuralNetwork([784, 6, 10], initializer="zeros", seed=1))
    found = arrays(frame.header, frame.payload)
    assert not found["weights.1"].any()
    assert sum(frame.header["layers"][0]["histogram"]["counts"]) == 784 * 6


def test_parts_lie_one_after_the_other_at_multiples_of_four() -> None:
    network = NeuralNetwork([784, 33, 10], seed=1)
    frame = frame_of(network, Wish(0, 2, 1))
    end = 0
    for part in frame.header["parts"]:
        assert part["offset"] % 4 == 0
        assert end <= part["offset"] < end + 4
        end = part["offset"] + int(np.prod(part["shape"])) * int(part["dtype"][1])
    assert len(frame.payload) - end < 4


def test_header_and_payload_in_one() -> None:
    for text in ("", "a", "ab", "abc", "äöü"):
        frame = Frame({"text": text}, b"\1\2\3\4")
        content = frame.to_bytes()
        assert split(content) == (frame.header, frame.payload)
        assert (len(content) - len(frame.payload)) % 4 == 0


def test_parts_share_what_is_the_same() -> None:
    shared = Parts()
    shared.add("x", np.ones(3, np.uint8))
    one, other = shared.copy(), shared.copy()
    one.add("y", np.zeros(1, np.float32))
    assert [part["name"] for part in other.table] == ["x"]
    assert one.table[1]["offset"] == 4
    assert len(one.to_bytes()) == 8


def test_frames_for_several_wishes_are_those_for_each() -> None:
    network = trained(12)
    wishes = [Wish(0), Wish(9, 1, 2), Wish(9), Wish(0, 2, 2)]
    together = snapshots_of(network).make(wishes, FACTS, True)
    assert together == [frame_of(network, wish) for wish in wishes]


def test_looking_leaves_nothing_in_the_network() -> None:
    network = NeuralNetwork([784, 12, 10], "relu", seed=1, dropout=0.5)
    model, loss = network.model.train(), network.loss
    model.keeps_arrays = loss.keeps_arrays = True
    model.modules[0].wants_input_gradient = False
    x, y = DATA.training_data.images[:1], np.eye(10, dtype=np.float32)[:1]

    def step(look: bool) -> list[Array]:
        for module in model.modules:
            if hasattr(module, "rng"):
                module.rng = np.random.default_rng(5)
        outputs = model.forward(x)
        loss.forward(outputs, y)
        if look:
            snapshots_of(network).make([Wish(4, 1, 1)], FACTS, True)
        model.backward(loss.backward())
        return [gradient.copy() for gradient in model.gradients.values()]

    assert all(np.array_equal(one, other) for one, other in zip(step(False), step(True), strict=True))
    assert all(module.training for module in model.modules)


def test_where_a_run_is() -> None:
    config = TrainingConfig(epochs=3, mini_batch_size=32, learning_rate=0.5)
    assert set(where(None, None, 100).values()) == {None}
    begun = {"epoch": 1, "batch": 0, "batches": 4, "step": 0, "loss": None, "accuracy": None, "learning_rate": 0.5}
    assert where(TrainingState(), config, 100) == begun
    state = TrainingState(epoch=1, batch=2, steps=6, loss_sum=32.0, correct=48)
    within = {"epoch": 2, "batch": 2, "step": 6, "loss": 0.5, "accuracy": 0.75}
    assert where(state, config, 100) == begun | within
    assert where(state, config, 100, learning_rate=0.1)["learning_rate"] == 0.1
    whole = TrainingState(epoch=0, batch=4, steps=4, loss_sum=50.0, correct=100)
    assert where(whole, config, 100) == begun | {"batch": 4, "step": 4, "loss": 0.5, "accuracy": 1.0}
    done = TrainingState(epoch=3, steps=12, history=[{"loss": 0.1, "training_accuracy": 0.9}])
    ended = {"epoch": 3, "batch": 4, "step": 12, "loss": 0.1, "accuracy": 0.9}
    assert where(done, config, 100) == begun | ended


def test_the_rate_of_a_schedule_is_that_of_the_next_step() -> None:
    config = TrainingConfig(epochs=4, mini_batch_size=10, learning_rate=0.8, schedule="cosine")
    assert where(TrainingState(epoch=2), config, 100)["learning_rate"] == pytest.approx(0.4)


def test_statistics_are_made_anew_when_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("hippo.training.snapshots.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("hippo.training.snapshots.time.thread_time", lambda: 0.0)
    network = NeuralNetwork([784, 6, 10], seed=1)
    snapshots = snapshots_of(network)

    def seen(step: int, **options: bool) -> tuple[int, float]:
        network.model.parameters["0.bias"][:] = step
        snapshots.refresh(step, **options)
        header = snapshots.make([Wish()], {"step": step}, True)[0].header
        return header["statistics_step"], header["layers"][0]["bias"]["mean"]

    assert seen(1) == (1, 1.0)
    clock[0] += 0.49
    assert seen(2) == (1, 1.0)
    clock[0] += 0.02
    assert seen(3) == (3, 3.0)
    assert seen(4, at_once=True) == (4, 4.0)


def test_dear_statistics_come_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    clock = [0.0]
    monkeypatch.setattr("hippo.training.snapshots.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("hippo.training.snapshots.time.thread_time", lambda: next(ticks))
    snapshots = snapshots_of(NeuralNetwork([784, 6, 10], seed=1))
    steps = []
    for clock[0] in (0.0, 50.0, 99.0, 101.0):  # they take a second, and may take a hundredth of the time
        snapshots.refresh(int(clock[0]))
        steps.append(snapshots._statistics_step)
    assert steps == [0, 0, 0, 101]
