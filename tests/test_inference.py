"""Inference: which network answers, that it says a distribution, and what is kept in memory or computed elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo import inference
from hippo.errors import DataError, NoModel, UnknownModel
from hippo.inference import Inference, distribution
from hippo.jobs.store import Store, StoredNetwork
from hippo.network import ACTIVATIONS, NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles, read_model, write_model

IMAGES = np.random.default_rng(1).random((5, 784), np.float32)


class Away:
    """Stands in for the assistant: computes at once and keeps what it was asked."""

    def __init__(self, files: ModelFiles) -> None:
        self.files = files
        self.asked: list[tuple[str, int, bool]] = []

    def __call__(self, network: StoredNetwork, images: np.ndarray, every_layer: bool, file: Path | None) -> np.ndarray:
        self.asked.append((network.network_id, len(images), every_layer))
        if file is not None:
            whole = read_model(file)[0]
        else:
            whole = self.files.load_model(network.network_id) if network.revision else NeuralNetwork(network.spec)
        return np.concatenate(whole.activations(images), axis=1)[0] if every_layer else whole.predict(images).ravel()


@dataclass
class Hub:
    """A source of networks that counts what is asked of it."""

    networks: dict[str, NeuralNetwork] = field(default_factory=dict)
    accuracies: dict[str, float | None] = field(default_factory=dict)
    loaded: list[str] = field(default_factory=list)
    folder: Path = Path()

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    @property
    def names(self) -> list[str]:
        return list(self.networks)

    def models(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "architecture": list(network.sizes),
                "activation": network.spec.activation,
                "accuracy": self.accuracies.get(name),
                "created_at": "2026-11-21T09:30:00.000Z",
            }
            for name, network in self.networks.items()
        ]

    def load(self, name: str) -> NeuralNetwork:
        self.loaded.append(name)
        return self.networks[name]


class House:
    """A folder of networks and what answers with them."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hippo.sqlite3")
        self.files = ModelFiles(folder)
        self.away = Away(self.files)
        self.inference = self.with_default(None)

    def with_default(self, model: str | None) -> Inference:
        return Inference(self.store, self.files, self.away, model)

    def add(self, network_id: str, name: str | None = None, **options: Any) -> None:
        spec = NetworkSpec.make(options.pop("sizes", [784, 12, 10]), options.pop("activation", "sigmoid"), seed=1)
        self.store.add_network(StoredNetwork(network_id, name, spec, 1.0))
        if options:
            self.train(network_id, **options)

    def train(
        self, network_id: str, accuracy: float | None, at: float = 2.0, revision: str = "r1", seed: int = 2
    ) -> NeuralNetwork:
        spec = self.store.network(network_id).spec
        network = NeuralNetwork(spec.layer_sizes, spec.activation, seed=seed)
        self.files.save_model(network_id, network, revision, {})
        self.store.change_network(network_id, accuracy=accuracy, trained_at=at, revision=revision)
        return network


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_nobody_answers_before_anything_is_trained(house: House) -> None:
    house.add("new")
    assert not house.inference.ready
    assert house.inference.models() == []
    with pytest.raises(NoModel, match="No network has been trained yet"):
        house.inference.predict(IMAGES)


def test_the_best_trained_network_answers_and_of_equals_the_newest(house: House) -> None:
    house.add("unmeasured", accuracy=None, at=9.0)
    assert house.inference.predict(IMAGES).network_id == "unmeasured"
    house.add("good", accuracy=0.9)
    house.add("bad", accuracy=0.5, at=5.0)
    assert house.inference.predict(IMAGES).network_id == "good"
    house.add("as_good_and_newer", "name", accuracy=0.9, at=3.0)
    answer = house.inference.predict(IMAGES)
    assert (answer.model, answer.network_id) == ("name", "as_good_and_newer")
    assert [model["network_id"] for model in house.inference.models()] == [
        "as_good_and_newer",
        "good",
        "bad",
        "unmeasured",
    ]
    house.store.mark_deleted("as_good_and_newer")
    assert house.inference.predict(IMAGES).network_id == "good"
    assert len(house.inference.models()) == 3


def test_a_request_may_name_an_id_or_a_name(house: House) -> None:
    house.add("a", "twice", accuracy=0.5)
    house.add("b", "twice", accuracy=0.7)
    house.add("c", "fresh")
    house.add("twice", "other", accuracy=0.1)
    assert house.inference.predict(IMAGES, "a").network_id == "a"
    assert house.inference.predict(IMAGES, "twice").network_id == "twice"  # an id goes first
    house.store.mark_deleted("twice")
    assert house.inference.predict(IMAGES, "twice").network_id == "b"
    fresh = house.inference.predict(IMAGES, "c")  # by its id also one that was never trained
    assert np.allclose(fresh.probabilities, distribution(NeuralNetwork(house.store.network("c").spec).predict(IMAGES)))
    for name in ("fresh", "nobody", "", "twic", "Twice"):
        with pytest.raises(UnknownModel):
            house.inference.predict(IMAGES, name)


def test_the_default_answers_where_none_is_named(house: House) -> None:
    house.add("best", accuracy=0.9)
    house.add("id", "chosen", accuracy=0.5)
    for name in ("id", "chosen"):
        answers = house.with_default(name)
        assert answers.predict(IMAGES).network_id == "id"
        assert {model["network_id"]: model["default"] for model in answers.models()} == {"best": False, "id": True}
        assert answers.predict(IMAGES, "best").network_id == "best"
    gone = house.with_default("gone")
    assert not gone.ready
    assert [model["default"] for model in gone.models()] == [False, False]
    with pytest.raises(NoModel, match="DEFAULT_MODEL"):
        gone.predict(IMAGES)


def test_models_are_described(house: House) -> None:
    house.add("a", accuracy=0.9, activation="relu")
    house.add("b", "named", accuracy=0.8)
    assert house.inference.models() == [
        {
            "name": "a",
            "network_id": "a",
            "architecture": [784, 12, 10],
            "activation": "relu",
            "accuracy": 0.9,
            "source": "local",
            "created_at": "1970-01-01T00:00:01.000Z",
            "default": True,
        },
        {
            "name": "named",
            "network_id": "b",
            "architecture": [784, 12, 10],
            "activation": "sigmoid",
            "accuracy": 0.8,
            "source": "local",
            "created_at": "1970-01-01T00:00:01.000Z",
            "default": False,
        },
    ]


def test_networks_of_another_place_answer_too(house: House) -> None:
    hub = Hub({"x": NeuralNetwork([784, 5, 10]), "y": NeuralNetwork([784, 6, 10])}, {"x": 0.5, "y": 0.9})
    house.inference.add_source(hub)
    answer = house.inference.predict(IMAGES)  # nothing is trained here
    assert (answer.model, answer.network_id) == ("y", None)
    assert house.inference.ready
    for _ in range(3):
        assert house.inference.predict(IMAGES, "x").model == "x"
    assert hub.loaded == ["y", "x"]
    assert [(m["name"], m["source"], m["network_id"], m["default"]) for m in house.inference.models()] == [
        ("x", "hub", None, False),
        ("y", "hub", None, True),
    ]
    house.add("a", "x", accuracy=0.1)
    assert house.inference.predict(IMAGES).network_id == "a"  # what is here goes first
    assert house.inference.predict(IMAGES, "x").network_id == "a"
    assert [model["default"] for model in house.inference.models()] == [True, False, False]


def test_a_large_network_of_another_place_is_computed_elsewhere_and_a_new_file_is_seen(
    house: House, tmp_path: Path
) -> None:
    hub = Hub({"large": NeuralNetwork([784, 1000, 10]), "small": NeuralNetwork([784, 5, 10])}, folder=tmp_path)
    house.inference.add_source(hub)
    for name, network in hub.networks.items():
        write_model(hub.file(name), network, {})
    answer = house.inference.predict(IMAGES, "large")
    assert house.away.asked == [("hub:large", 5, False)]
    assert hub.loaded == []
    assert np.allclose(answer.probabilities, distribution(hub.networks["large"].predict(IMAGES)), atol=1e-6)
    before = house.inference.predict(IMAGES, "small").probabilities
    hub.networks["small"], hub.folder = NeuralNetwork([784, 5, 10]), tmp_path / "next"
    assert not np.allclose(house.inference.predict(IMAGES, "small").probabilities, before)
    assert len(house.inference._kept) == 1


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
def test_every_network_gives_a_distribution(house: House, activation: str, loss: str) -> None:
    network = NeuralNetwork([784, 12, 10], activation, loss, seed=3)
    house.inference.add_source(Hub({"one": network}))
    answer = house.inference.predict(IMAGES, "one")
    assert answer.probabilities.shape == (5, 10)
    assert np.allclose(answer.probabilities.sum(axis=1), 1, atol=1e-12)
    assert (answer.probabilities >= 0).all()
    assert (answer.digits == network.predict(IMAGES).argmax(axis=1)).all()


def test_outputs_become_a_distribution() -> None:
    nothing = np.zeros(10)
    tiny = np.full(10, 1e-44, np.float32)
    broken = np.array([np.nan] + [1.0] * 9)
    infinite = np.array([np.inf] + [1.0] * 9)
    sigmoid = np.array([0.2, 0.6] + [0.0] * 8, np.float32)
    rows = distribution(np.stack([nothing, tiny, broken, infinite, sigmoid]))
    assert np.allclose(rows[:4], 0.1)
    assert np.allclose(rows[4, :2], [0.25, 0.75])
    assert sigmoid[1] == np.float32(0.6)  # what was given is left as it is


def test_activations_are_those_of_the_network(house: House) -> None:
    house.add("a", "name", sizes=[784, 12, 11, 10], accuracy=0.9)
    layers, sizes, name = house.inference.activations(IMAGES[0])
    assert (sizes, name, [len(layer) for layer in layers]) == ([784, 12, 11, 10], "name", [784, 12, 11, 10])
    expected = house.files.load_model("a").activations(IMAGES[:1])
    assert all(np.allclose(layer, there[0]) for layer, there in zip(layers, expected, strict=True))


def test_a_finished_training_is_seen_at_once(house: House) -> None:
    house.add("a", accuracy=0.5)
    before = house.inference.predict(IMAGES).probabilities
    trained = house.train("a", accuracy=0.9, revision="r2", seed=9)
    after = house.inference.predict(IMAGES).probabilities
    assert not np.allclose(before, after)
    assert np.allclose(after, distribution(trained.predict(IMAGES)))
    assert list(house.inference._kept) == [("a", "r2")]


def test_a_network_is_read_once_and_few_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load = house.files.load_model
    monkeypatch.setattr(house.files, "load_model", lambda network_id: read.append(network_id) or load(network_id))
    monkeypatch.setattr(inference, "MOST_KEPT", 2)
    for name in "abc":
        house.add(name, accuracy=0.5)
    for name in "aabacab":
        house.inference.predict(IMAGES, name)
    assert read == ["a", "b", "c", "b"]
    parameters = house.store.network("a").spec.parameter_count
    monkeypatch.setattr(inference, "MOST_BYTES", parameters * inference.BYTES_PER_PARAMETER)
    house.inference.predict(IMAGES, "c")
    assert [key[0] for key in house.inference._kept] == ["c"]


def test_a_deleted_network_is_unknown_also_while_it_is_being_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.add("a", accuracy=0.5)

    def load(network_id: str) -> NeuralNetwork:
        house.store.mark_deleted(network_id)
        raise DataError("the file is missing")

    monkeypatch.setattr(house.files, "load_model", load)
    with pytest.raises(UnknownModel, match="just been deleted"):
        house.inference.predict(IMAGES, "a")
    with pytest.raises(UnknownModel):
        house.inference.predict(IMAGES, "a")


def test_a_damaged_file_is_said_to_be_damaged(house: House) -> None:
    house.add("a", accuracy=0.5)
    house.files.model_path("a").write_bytes(b"no network")
    with pytest.raises(DataError, match="damaged"):
        house.inference.predict(IMAGES, "a")


def test_what_takes_long_is_computed_elsewhere_with_the_same_answer(house: House) -> None:
    house.add("large", sizes=[784, 1000, 10], accuracy=0.5)
    house.add("small", accuracy=0.4)
    answer = house.inference.predict(IMAGES, "large")
    layers, sizes, _ = house.inference.activations(IMAGES[0], "large")
    assert house.away.asked == [("large", 5, False), ("large", 1, True)]
    here = house.files.load_model("large")
    assert np.allclose(answer.probabilities, distribution(here.predict(IMAGES)), atol=1e-6)
    assert [len(layer) for layer in layers] == sizes == [784, 1000, 10]
    assert np.allclose(layers[2], here.predict(IMAGES[:1])[0], atol=1e-6)
    many = np.tile(IMAGES, (4000, 1))
    assert house.inference.predict(IMAGES, "small").probabilities.shape == (5, 10)
    assert house.inference.predict(many, "small").probabilities.shape == (20_000, 10)
    assert house.away.asked[2:] == [("small", 20_000, False)]


def test_to_draw_a_network_anew_takes_longer_than_to_read_it(house: House) -> None:
    sizes = [784, 300, 10]
    parameters = NetworkSpec.make(sizes).parameter_count
    assert inference.READ * parameters < inference.LONGEST < inference.DRAW * parameters
    house.add("never trained", sizes=sizes)
    house.add("trained", sizes=sizes, accuracy=0.5)
    for network_id in ("never trained", "trained"):
        house.inference.predict(IMAGES[:1], network_id)
    assert house.away.asked == [("never trained", 1, False)]


def test_a_damaged_file_of_another_place_is_not_said_to_be_of_a_deleted_network(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub({"far": NeuralNetwork([784, 12, 10])})

    def load(name: str) -> NeuralNetwork:
        raise DataError("The file is damaged.")

    monkeypatch.setattr(hub, "load", load)
    house.inference.add_source(hub)
    with pytest.raises(DataError, match="damaged"):
        house.inference.predict(IMAGES, "far")


def test_callers_in_many_threads_do_not_disturb_each_other(house: House) -> None:
    house.add("a", sizes=[784, 64, 32, 10], accuracy=0.5)
    images = np.random.default_rng(2).random((8, 784), np.float32)
    expected = distribution(house.files.load_model("a").predict(images))
    wrong: list[int] = []

    def ask(index: int) -> None:
        for _ in range(200):
            _, network = house.inference.network("a")
            layers = network.activations(images[index])
            answer = house.inference.predict(images[index : index + 1]).probabilities
            if not (np.allclose(answer, expected[index]) and np.allclose(distribution(layers[-1]), expected[index])):
                wrong.append(index)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_two_callers_share_one_network_that_remembers_nothing_of_them(house: House) -> None:
    house.add("a", accuracy=0.5)
    (_, one), (_, other) = house.inference.network(), house.inference.network()
    before = [dict(vars(module)) for module in one.model.modules]
    one.predict(IMAGES[:1])
    assert one is other
    assert all(vars(module) == was for module, was in zip(one.model.modules, before, strict=True))
