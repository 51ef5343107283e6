"""Networks, outputs and checkpoints come back bit for bit; whatever is damaged or foreign is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from hippo.errors import DataError
from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.persistence import arrays_file
from hippo.persistence.model_persistence import ModelFiles, read_model
from hippo.training import Callback, TrainingRun, TrainingState
from tests.jobs.made_data import made_mnist


@pytest.fixture
def files(tmp_path: Path) -> ModelFiles:
    return ModelFiles(tmp_path / "models")


def images(count: int = 5) -> Array:
    return np.random.default_rng(1).random((count, 784)).astype(np.float32)


def same(one: NeuralNetwork, other: NeuralNetwork) -> bool:
    mine, its = one.model.parameters, other.model.parameters
    return one.spec == other.spec and list(mine) == list(its) and all(np.array_equal(mine[n], its[n]) for n in mine)


# ---- There and back


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(
    "sizes", [[784, 10], [784, 1, 10], [784, 30, 10], [784, 9, 8, 7, 6, 5, 10], [784, *[3] * 18, 10]], ids=str
)
def test_a_network_answers_the_same_bit_for_bit(
    sizes: list[int], activation: str, loss: str, files: ModelFiles
) -> None:
    network = NeuralNetwork(sizes, activation, loss, seed=2**53 - 1)
    for array in network.model.parameters.values():
        array += np.random.default_rng(1).standard_normal(array.shape).astype(np.float32)  # biases too
    files.save_model("net", network, "r", {})
    loaded = files.load_model("net")
    assert same(loaded, network)
    assert loaded.predict(images()).tobytes() == network.predict(images()).tobytes()

    files.save_checkpoint("job", network, TrainingState(batch=1))
    checkpoint = files.load_checkpoint("job")
    assert checkpoint is not None
    assert same(checkpoint[0], network)
    assert checkpoint[1] == TrainingState(batch=1)


def test_facts_come_back(files: ModelFiles) -> None:
    network = NeuralNetwork([784, 10], seed=3)
    facts = {"accuracy": 0.9512, "epochs_trained": 30, "nested": {"a": [1, None, "ü"]}}
    files.save_model("net", network, "the revision", facts)
    assert files.read_facts("net") == {"spec": network.spec.to_dict(), "revision": "the revision", **facts}
    assert files.read_facts("other") is None


def test_a_file_is_safetensors_with_one_key_of_metadata(files: ModelFiles) -> None:
    network = NeuralNetwork([784, 3, 10], seed=3)
    files.save_model("net", network, "r", {"accuracy": 0.5})
    files.save_outputs("net", np.zeros((20, 10), np.float32), np.zeros((3, 10), np.float32), "r")
    files.save_checkpoint("job", network, TrainingState())
    for path in (files.model_path("net"), files.outputs_path("net"), files.checkpoint_path("job")):
        with safe_open(path, framework="np") as file:
            assert list(file.metadata()) == ["hippo"]
            assert isinstance(json.loads(file.metadata()["hippo"]), dict)
    arrays = load_file(files.model_path("net"))
    assert {name: array.shape for name, array in arrays.items()} == {
        "0.weights": (784, 3),
        "0.bias": (3,),
        "2.weights": (3, 10),
        "2.bias": (10,),
    }


def test_the_same_network_makes_the_same_file(files: ModelFiles) -> None:
    contents = set()
    for _ in range(5):
        files.save_model("net", NeuralNetwork([784, 3, 10], seed=3), "r", {"b": 1, "a": 2})
        contents.add(files.model_path("net").read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize(
    "view",
    [lambda a: a.T.copy().T, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a[::-1].copy()[::-1]],
    ids=["transposed", "every other", "backwards"],
)
def test_arrays_that_do_not_lie_in_one_piece_are_saved_right(view: Callable[[Array], Array], files: ModelFiles) -> None:
    network = NeuralNetwork([784, 6, 10], seed=1)
    scattered = NeuralNetwork([784, 6, 10], seed=1)
    for name, array in network.model.parameters.items():
        scattered.model.parameters[name] = view(array)
        np.testing.assert_array_equal(scattered.model.parameters[name], array)
    assert not scattered.model.parameters["0.weights"].flags.c_contiguous
    files.save_model("net", scattered, "r", {})
    assert same(files.load_model("net"), network)

    outputs, weights = np.random.default_rng(2).random((2, 20, 10)).astype(np.float32)
    files.save_outputs("net", view(outputs), view(weights), "r")
    found = files.load_outputs("net", "r")
    assert found is not None
    np.testing.assert_array_equal(found[0], outputs)
    np.testing.assert_array_equal(found[1], weights)


def test_outputs_belong_to_one_revision(files: ModelFiles) -> None:
    outputs, weights = np.random.default_rng(2).random((2, 20, 10)).astype(np.float32)
    assert files.load_outputs("net", "one") is None
    files.save_outputs("net", outputs, weights, "one")
    found = files.load_outputs("net", "one")
    assert found is not None
    assert found[0].tobytes() == outputs.tobytes()
    assert found[1].tobytes() == weights.tobytes()
    assert found.previous is None  # as in files of versions that did not keep them
    assert files.load_outputs("net", "two") is None
    assert files.load_outputs("other", "one") is None
    files.save_outputs("net", outputs, weights, "two")
    assert files.load_outputs("net", "one") is None


def test_what_was_answered_an_epoch_earlier_is_kept_beside_the_outputs(files: ModelFiles) -> None:
    outputs, weights = np.random.default_rng(2).random((2, 20, 10)).astype(np.float32)
    previous = np.arange(20, dtype=np.uint8) % 10
    files.save_outputs("net", outputs, weights, "one", previous)
    found = files.load_outputs("net", "one")
    assert found is not None
    assert found.previous is not None
    assert found.previous.tobytes() == previous.tobytes()
    assert found.outputs.tobytes() == outputs.tobytes()


def test_what_was_loaded_outlives_its_file(files: ModelFiles) -> None:
    network = NeuralNetwork([784, 3, 10], seed=3)
    files.save_model("net", network, "r", {})
    loaded = files.load_model("net")
    files.save_model("net", NeuralNetwork([784, 5, 10], seed=4), "r", {})
    files.delete_model("net")
    assert same(loaded, network)
    loaded.model.parameters["0.weights"] += 1  # and may be changed

    outputs = np.random.default_rng(2).random((20, 10)).astype(np.float32)
    files.save_outputs("net", outputs, outputs, "r")
    found = files.load_outputs("net", "r")
    assert found is not None
    with files.outputs_path("net").open("r+b") as file:  # in the same place, where a memory map would see it
        file.write(bytes(files.outputs_path("net").stat().st_size))
    np.testing.assert_array_equal(found[0], outputs)


class _StopWithinEpoch(Callback):
    def on_batch_end(self, run: TrainingRun) -> None:
        if (run.state.epoch, run.state.batch) == (1, 4):
            raise InterruptedError


def test_a_run_goes_on_from_its_checkpoint_bit_for_bit(files: ModelFiles) -> None:
    training_data, _, test_data = made_mnist(train=100, test=50)

    def learn(network: NeuralNetwork, state: TrainingState, *callbacks: Callback) -> list[dict[str, Any]]:
        return network.train(training_data, 3, 15, 0.5, test_data, seed=5, callbacks=callbacks, state=state)

    whole, stopped = NeuralNetwork([784, 8, 10], seed=1), NeuralNetwork([784, 8, 10], seed=1)
    history, state = learn(whole, TrainingState()), TrainingState()
    with pytest.raises(InterruptedError):
        learn(stopped, state, _StopWithinEpoch())
    files.save_checkpoint("job", stopped, state)

    loaded = files.load_checkpoint("job")
    assert loaded is not None
    assert [answers.tobytes() for answers in loaded[1].answers] == [answers.tobytes() for answers in state.answers]
    assert len(state.answers) == 1
    found = learn(loaded[0], loaded[1])
    assert same(loaded[0], whole)
    assert [record["loss"] for record in found] == [record["loss"] for record in history]
    files.delete_checkpoint("job")
    assert files.load_checkpoint("job") is None
    files.delete_checkpoint("job")  # twice is no error


def test_networks_are_listed_and_deleted(files: ModelFiles) -> None:
    assert files.saved_networks() == []
    network = NeuralNetwork([784, 10], seed=1)
    outputs = np.zeros((20, 10), np.float32)
    for network_id in ("a", "b"):
        files.save_model(network_id, network, "r", {})
        files.save_outputs(network_id, outputs, outputs, "r")
    files.save_outputs("untrained", outputs, outputs, "initial")
    files.save_checkpoint("job", network, TrainingState())
    (files.folder / ".unfinished-1").write_bytes(b"")
    (files.folder / "checkpoints" / ".unfinished-2").write_bytes(b"")
    assert sorted(files.saved_networks()) == ["a", "b"]

    assert files.delete_model("a") is True
    assert files.delete_model("a") is False
    assert files.delete_model("untrained") is False
    files.sweep()
    left = sorted(str(path.relative_to(files.folder)) for path in files.folder.rglob("*") if path.is_file())
    assert left == ["b.outputs.safetensors", "b.safetensors", "checkpoints/job.safetensors"]


def test_facts_that_json_cannot_hold_leave_the_old_file(files: ModelFiles) -> None:
    network = NeuralNetwork([784, 10], seed=1)
    files.save_model("net", network, "r", {})
    with pytest.raises(ValueError, match="JSON"):
        files.save_model("net", network, "r", {"accuracy": float("nan")})
    facts = files.read_facts("net")
    assert facts is not None
    assert "accuracy" not in facts


# ---- What is not as it should be


def _bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _grown(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def _described(metadata: dict[str, str] | None) -> Callable[[Path], object]:
    """Keep the arrays and put other metadata beside them."""
    return lambda path: save_file(load_file(path), path, metadata=metadata)


def _changed(**changes: Any) -> Callable[[Path], object]:
    """Keep arrays and description, but for these entries of the description."""

    def change(path: Path) -> None:
        with safe_open(path, framework="np") as file:
            header = json.loads(file.metadata()["hippo"]) | changes
        _described({"hippo": json.dumps(header)})(path)

    return change


def _with_arrays(change: Callable[[dict[str, Array]], dict[str, Array]]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata()
        save_file(change(load_file(path)), path, metadata=metadata)

    return write


SPEC = NeuralNetwork([784, 3, 10], seed=1).spec.to_dict()

DAMAGED: dict[str, Callable[[Path], object]] = {
    "empty": _bytes(b""),
    "text": _bytes(b"not a model at all, but long enough to have a header"),
    "zeros": _bytes(bytes(1000)),
    "a huge header": _bytes(b"\xff" * 1000),
    "a header that is no JSON": _bytes((8).to_bytes(8, "little") + b'{"a": 1,'),
    "cut off": _cut,
    "too long": _grown,
}

FOREIGN: dict[str, Callable[[Path], object]] = {
    "no metadata": _described(None),
    "other metadata": _described({"format": "pt"}),
    "a description that is no JSON": _described({"hippo": "{"}),
    "a description that is a list": _described({"hippo": "[]"}),
    "a description that is null": _described({"hippo": "null"}),
}

MISFITS: dict[str, Callable[[Path], object]] = {
    "no spec": _described({"hippo": "{}"}),
    "a spec that is a number": _changed(spec=5),
    "a spec with too much": _changed(spec=SPEC | {"colour": "red"}),
    "a spec with too little": _changed(spec={"layer_sizes": [784, 3, 10]}),
    "a spec out of range": _changed(spec=SPEC | {"layer_sizes": [784, 10**9, 10]}),
    "a spec of another shape": _changed(spec=SPEC | {"layer_sizes": [784, 4, 10]}),
    "an activation that is unknown": _changed(spec=SPEC | {"activation": "swish"}),
    "arrays missing": _with_arrays(lambda arrays: {"0.weights": arrays["0.weights"]}),
    "arrays too many": _with_arrays(lambda arrays: arrays | {"more": arrays["0.bias"]}),
    "arrays transposed": _with_arrays(lambda a: a | {"2.weights": np.ascontiguousarray(a["2.weights"].T)}),
    "arrays of complex numbers": _with_arrays(lambda a: a | {"0.bias": a["0.bias"].astype(np.complex64)}),
}


@pytest.mark.parametrize("spoil", (DAMAGED | FOREIGN | MISFITS).values(), ids=DAMAGED | FOREIGN | MISFITS)
def test_a_network_that_cannot_be_read_is_named(spoil: Callable[[Path], object], files: ModelFiles) -> None:
    network = NeuralNetwork([784, 3, 10], seed=1)
    files.save_model("net", network, "r", {})
    spoil(files.model_path("net"))
    with pytest.raises(DataError, match=r"^net\.safetensors ") as caught:
        files.load_model("net")
    assert str(files.folder) not in caught.value.message

    files.save_checkpoint("job", network, TrainingState())
    spoil(files.checkpoint_path("job"))
    with pytest.raises(DataError, match=r"^job\.safetensors "):
        files.load_checkpoint("job")


@pytest.mark.parametrize("spoil", (DAMAGED | FOREIGN).values(), ids=DAMAGED | FOREIGN)
def test_facts_and_outputs_that_cannot_be_read_are_named(spoil: Callable[[Path], object], files: ModelFiles) -> None:
    files.save_model("net", NeuralNetwork([784, 3, 10], seed=1), "r", {})
    files.save_outputs("net", np.ones((20, 10), np.float32), np.ones((3, 10), np.float32), "r")
    for path in (files.model_path("net"), files.outputs_path("net")):
        spoil(path)
    with pytest.raises(DataError, match=r"^net\.safetensors "):
        files.read_facts("net")
    with pytest.raises(DataError, match=r"^net\.outputs\.safetensors "):
        files.load_outputs("net", "r")


def test_a_network_that_is_missing_is_named(files: ModelFiles) -> None:
    with pytest.raises(DataError, match=r"^net\.safetensors is missing"):
        files.load_model("net")
    assert files.load_checkpoint("job") is None


def test_a_checkpoint_without_its_state_is_named(files: ModelFiles) -> None:
    files.save_checkpoint("job", NeuralNetwork([784, 3, 10], seed=1), TrainingState())
    _changed(state=None)(files.checkpoint_path("job"))
    with pytest.raises(DataError, match=r"^job\.safetensors "):
        files.load_checkpoint("job")
    files.save_model("net", NeuralNetwork([784, 3, 10], seed=1), "r", {})
    files.model_path("net").replace(files.checkpoint_path("job"))
    with pytest.raises(DataError, match=r"^job\.safetensors "):
        files.load_checkpoint("job")


@pytest.mark.parametrize("spec", [{"layer_sizes": [784, 10], "colour": 1}, {"layer_sizes": 5}, [1], None])
def test_a_description_of_no_network_is_not_explained_in_the_words_of_python(spec: object, tmp_path: Path) -> None:
    arrays_file.write(tmp_path / "a.safetensors", {"a": np.zeros(1)}, {"spec": spec})
    with pytest.raises(DataError) as caught:
        read_model(tmp_path / "a.safetensors")
    assert caught.value.message == "a.safetensors is damaged, or no file that Hippo wrote."


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    network = NeuralNetwork([784, 5, 10])
    arrays = network.model.parameters | {"0.bias": np.zeros(6, np.float32)}
    arrays_file.write(tmp_path / "a.safetensors", arrays, {"spec": network.spec.to_dict()})
    with pytest.raises(DataError, match=r"^a\.safetensors holds no network of Hippo: 0\.bias must have shape \(5,\)"):
        read_model(tmp_path / "a.safetensors")
