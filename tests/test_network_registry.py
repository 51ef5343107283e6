"""The registry: what was acknowledged is there after a restart, deletions are whole, examples are exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hippo.clock import now
from hippo.datasets.dataset import Dataset
from hippo.errors import NoSuchExample, NotReady, TrainingInProgress, UnknownNetwork
from hippo.jobs.store import Store
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.network_registry import NetworkRegistry
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingConfig

SPEC = NetworkSpec.make([784, 12, 10], seed=1)
LABELS = np.arange(100, dtype=np.uint8) % 10
TEST_DATA = Dataset(np.tile(np.arange(100, dtype=np.uint8)[:, None], 784), LABELS)
WEIGHTS = np.arange(120, dtype=np.float32).reshape(12, 10)


def answers(wrong: list[int]) -> np.ndarray:
    """Outputs that are right for every test digit but those in `wrong`."""
    predicted = LABELS.astype(int)
    predicted[wrong] = (predicted[wrong] + 1) % 10
    return np.eye(10, dtype=np.float32)[predicted]


class Registry(NetworkRegistry):
    """A registry over a temporary folder; passes over the test set are counted and give `outputs`."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hippo.sqlite3")
        self.files = ModelFiles(folder)
        self.active: dict[str, str] = {}
        self.outputs = answers([3])
        self.passes: list[str] = []
        super().__init__(self.store, self.files, lambda: self.active, self._pass, lambda: TEST_DATA)
        self.start()

    def _pass(self, network_id: str) -> None:
        self.passes.append(network_id)
        revision = self.store.network(network_id).revision or "initial"
        self.files.save_outputs(network_id, self.outputs, WEIGHTS, revision)

    def finish_training(self, network_id: str, revision: str = "job") -> None:
        self.files.save_model(network_id, NeuralNetwork(SPEC), revision, {"accuracy": 0.75, "epochs_trained": 3})
        self.store.change_network(network_id, revision=revision, accuracy=0.75, trained_at=now(), epochs_trained=3)


@pytest.fixture
def open_registry(tmp_path: Path) -> Callable[[], Registry]:
    return lambda: Registry(tmp_path)


@pytest.fixture
def registry(open_registry: Callable[[], Registry]) -> Registry:
    return open_registry()


def test_a_network_is_found_again_after_a_restart(registry: Registry, open_registry: Callable[[], Registry]) -> None:
    fresh, trained = registry.create(SPEC, "one"), registry.create(SPEC)
    registry.finish_training(trained["network_id"])
    assert fresh["status"] == "in_memory"
    assert registry.count_in_memory() == 2

    again = open_registry()
    assert again.count_in_memory() == 0
    records = {record["network_id"]: record for record in again.list()}
    assert records[fresh["network_id"]] == fresh | {"status": "saved"}
    record = records[trained["network_id"]]
    assert (record["trained"], record["accuracy"], record["epochs_trained"]) == (True, 0.75, 3)
    assert again.load(fresh["network_id"]) == "loaded"
    assert again.load(fresh["network_id"]) == "already_loaded"
    assert again.get(fresh["network_id"]) == fresh
    assert again.count_in_memory() == 1


def test_delete_says_what_was_deleted_from_where(
    registry: Registry, open_registry: Callable[[], Registry], tmp_path: Path
) -> None:
    ids = [registry.create(SPEC)["network_id"] for _ in range(3)]
    for network_id in ids[1:]:
        registry.finish_training(network_id)
        registry._pass(network_id)
    assert registry.delete(ids[0]) == {"network_id": ids[0], "deleted_from_memory": True, "deleted_from_disk": False}
    assert registry.delete(ids[1]) == {"network_id": ids[1], "deleted_from_memory": True, "deleted_from_disk": True}
    again = open_registry()
    assert again.delete(ids[2]) == {"network_id": ids[2], "deleted_from_memory": False, "deleted_from_disk": True}
    with pytest.raises(UnknownNetwork):
        again.delete(ids[2])
    assert list(tmp_path.glob("*.safetensors")) == []


def test_delete_all_and_cleanup_keep_what_is_in_training(registry: Registry) -> None:
    old, new, busy = (registry.create(SPEC)["network_id"] for _ in range(3))
    registry.store.change_network(old, created_at=now() - 3 * 86_400)
    registry.store.add_job("job", busy, TrainingConfig())
    with pytest.raises(TrainingInProgress):
        registry.delete(busy)
    assert registry.cleanup(days=2) == {
        "deleted_count": 1,
        "deleted_from_memory": 1,
        "deleted_from_disk": 0,
        "kept": [],
    }
    assert registry.delete_all()["kept"] == [busy]
    assert [record["network_id"] for record in registry.list()] == [busy]
    assert new not in [record["network_id"] for record in registry.list()]


def test_a_deletion_cut_short_is_finished_at_the_next_start(
    registry: Registry, open_registry: Callable[[], Registry]
) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.finish_training(network_id)
    registry.store.mark_deleted(network_id)  # killed here
    again = open_registry()
    assert again.list() == []
    assert not again.files.model_path(network_id).exists()
    assert again.store.deleted_networks() == []


def test_a_file_without_a_row_is_taken_in(registry: Registry, open_registry: Callable[[], Registry]) -> None:
    registry.files.save_model("from-elsewhere", NeuralNetwork(SPEC), "r", {"accuracy": 0.5, "epochs_trained": 4})
    (registry.files.folder / "strange.safetensors").write_bytes(b"not a network")
    again = open_registry()
    [record] = again.list()
    assert (record["network_id"], record["accuracy"], record["epochs_trained"]) == ("from-elsewhere", 0.5, 4)
    assert (registry.files.folder / "strange.safetensors").exists()


def test_answers_without_a_network_are_removed(registry: Registry, open_registry: Callable[[], Registry]) -> None:
    kept = registry.create(SPEC)["network_id"]
    registry._pass(kept)
    registry.files.save_outputs("deleted-meanwhile", registry.outputs, WEIGHTS, "initial")
    again = open_registry()
    assert again.files.outputs_path(kept).exists()
    assert not again.files.outputs_path("deleted-meanwhile").exists()


def test_a_network_whose_file_is_gone_is_not_listed_as_trained(
    registry: Registry, open_registry: Callable[[], Registry]
) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.finish_training(network_id)
    registry.files.delete_model(network_id)
    record = open_registry().get(network_id)
    assert (record["trained"], record["accuracy"], record["epochs_trained"]) == (False, None, 0)


def test_examples_are_exact_and_even(registry: Registry) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.outputs = answers([3, 41])
    drawn = Counter(registry.example(network_id, correct=False).index for _ in range(200))
    assert drawn.keys() == {3, 41}
    assert min(drawn.values()) > 60  # an even draw falls below in 1 of 10^8 runs
    for _ in range(50):
        example = registry.example(network_id, correct=True)
        assert example.index not in (3, 41)
        assert example.correct
        assert example.predicted == example.actual == LABELS[example.index]
    example = registry.example(network_id, correct=False)
    assert not example.correct
    assert example.predicted == (example.actual + 1) % 10
    assert np.array_equal(example.pixels, TEST_DATA.pixels[example.index])
    assert np.array_equal(example.output_weights, WEIGHTS.T)
    assert example.network_output == registry.outputs[example.index].tolist()
    assert registry.passes == [network_id]  # one pass, however many examples


@pytest.mark.parametrize(("wrong", "correct"), [([], False), (list(range(100)), True)])
def test_no_such_example(registry: Registry, wrong: list[int], correct: bool) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.outputs = answers(wrong)
    with pytest.raises(NoSuchExample, match="none of the 100"):
        registry.example(network_id, correct)


def test_examples_follow_the_current_weights(registry: Registry) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.example(network_id, correct=True)
    registry.finish_training(network_id, "later")
    registry.outputs = answers([50])
    assert registry.example(network_id, correct=False).index == 50
    assert registry.passes == [network_id] * 2


def test_damaged_answers_are_made_again(registry: Registry) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.files.outputs_path(network_id).write_bytes(b"\x00" * 10)
    assert registry.example(network_id, correct=False).index == 3


def test_a_pass_that_brings_nothing_is_not_asked_for_ever(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    network_id = registry.create(SPEC)["network_id"]
    monkeypatch.setattr(registry, "_compute_outputs", lambda _: None)
    with pytest.raises(NotReady):
        registry.example(network_id, correct=True)
    with pytest.raises(UnknownNetwork):
        registry.example("no", correct=True)
