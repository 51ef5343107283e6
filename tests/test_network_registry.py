"""The registry: what was acknowledged is there after a restart, deletions are whole, examples are exact."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.answers import Answers
from hippo.clock import now
from hippo.datasets.dataset import Dataset
from hippo.errors import (
    DataError,
    HippoError,
    ImportRefused,
    NoSuchExample,
    NotReady,
    TrainingInProgress,
    UnknownNetwork,
)
from hippo.jobs import conversions, transfers
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.transfers import MOST_INCOMING, Transfers
from hippo.jobs.worker_keeper import Task
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.network_registry import NetworkRegistry
from hippo.persistence.interchange import FORMATS, export, read_any
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


class Inline(Transfers):
    """Transfers whose assistant works within the test; `answer` is what it says instead, `late` lets it do nothing."""

    def __init__(self, files: ModelFiles) -> None:
        super().__init__(self, files, patience=0.0)  # type: ignore[arg-type]
        self.files = files
        self.answer: dict[str, Any] | None = None
        self.late: list[Task] | None = None

    def submit_short(self, task: Task) -> None:
        if self.late is not None:
            self.late.append(task)
            return
        task.report(self.answer or self.done(task))

    def withdraw_short(self, job_id: str) -> None:
        assert [task.job_id for task in self.late or []] == [job_id]

    def done(self, task: Task) -> dict[str, Any]:
        arguments = task.message["arguments"]
        try:
            if task.message["type"] == "import":
                return {"type": "done", **conversions.take_in(**arguments)}
            conversions.give_out(**arguments, files=self.files)
            return {"type": "done"}
        except HippoError as error:
            return {"type": "failed", "error": error.message, "code": error.code}


class Registry(NetworkRegistry):
    """A registry over a temporary folder; passes over the test set are counted and give `outputs`."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hippo.sqlite3")
        self.files = ModelFiles(folder)
        self.active: dict[str, str] = {}
        self.outputs = answers([3])
        self.passes: list[str] = []
        self.transfers = Inline(self.files)
        self.known = Answers(self.store, self.files, self._pass, lambda: TEST_DATA)
        super().__init__(self.store, self.files, lambda: self.active, self.known, self.transfers)
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


def test_a_network_that_is_deleted_while_it_is_loaded_is_not_in_memory(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    network_id = registry.create(SPEC)["network_id"]
    find = registry.store.network

    def found_and_deleted(asked: str) -> StoredNetwork:
        found = find(asked)
        registry.delete(asked)
        return found

    monkeypatch.setattr(registry.store, "network", found_and_deleted)
    registry.load(network_id)
    assert registry.count_in_memory() == 0
    with pytest.raises(UnknownNetwork):
        registry.load(network_id)
    assert registry.count_in_memory() == 0


def test_a_network_that_is_deleted_while_it_is_created_is_not_in_memory(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = registry.store.add_network

    def added_and_deleted(network: StoredNetwork) -> None:
        add(network)
        registry.delete(network.network_id)

    monkeypatch.setattr(registry.store, "add_network", added_and_deleted)
    registry.create(SPEC)
    assert registry.count_in_memory() == 0


def test_a_network_that_is_deleted_while_it_is_imported_is_not_ready(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.known, "_compute_outputs", registry.delete)
    with pytest.raises(NotReady, match="was deleted"):
        coming_in(registry, export(NeuralNetwork(SPEC), {}, "npz"))
    assert (registry.list(), registry.count_in_memory(), left(registry)) == ([], 0, [])
    assert registry.files.saved_networks() == []


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


def test_answers_of_only_so_many_networks_are_kept_in_memory(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hippo.answers.CACHED_OUTPUTS", 2)
    ids = [registry.create(SPEC)["network_id"] for _ in range(3)]
    for network_id in (ids[0], ids[1], ids[0], ids[2]):
        registry.answers(network_id)
    assert [network_id for network_id, _ in registry.known._outputs] == [ids[0], ids[2]]  # asked last


def test_answers_of_a_deleted_network_are_not_kept_in_memory(registry: Registry) -> None:
    kept, deleted = (registry.create(SPEC)["network_id"] for _ in range(2))
    for network_id in (kept, deleted):
        registry.answers(network_id)
    registry.delete(deleted)
    assert [network_id for network_id, _ in registry.known._outputs] == [kept]


def test_a_run_that_ends_during_the_pass_has_it_made_once_more(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    network_id = registry.create(SPEC)["network_id"]
    passes: list[str] = []

    def run_ends_first(asked: str) -> None:
        passes.append(asked)
        registry.files.save_outputs(asked, registry.outputs, WEIGHTS, "initial" if len(passes) > 1 else "older")

    monkeypatch.setattr(registry.known, "_compute_outputs", run_ends_first)
    assert np.array_equal(registry.answers(network_id)[0].outputs, registry.outputs)
    assert passes == [network_id, network_id]


def test_damaged_answers_are_made_again(registry: Registry) -> None:
    network_id = registry.create(SPEC)["network_id"]
    registry.files.outputs_path(network_id).write_bytes(b"\x00" * 10)
    assert registry.example(network_id, correct=False).index == 3


def test_a_pass_that_brings_nothing_is_not_asked_for_ever(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    network_id = registry.create(SPEC)["network_id"]
    monkeypatch.setattr(registry.known, "_compute_outputs", lambda _: None)
    with pytest.raises(NotReady):
        registry.example(network_id, correct=True)
    with pytest.raises(UnknownNetwork):
        registry.example("no", correct=True)


# ---- Files of other programs


def left(registry: Registry) -> list[str]:
    return [path.name for path in registry.files.transfers.iterdir()]


def coming_in(registry: Registry, data: bytes, name: str | None = None) -> dict[str, Any]:
    """Do what a request with this file does."""
    with registry.incoming() as path:
        path.write_bytes(data)
        return registry.adopt(path, name)


@pytest.mark.parametrize("form", ["safetensors", "npz", "npz-layers"])
def test_an_imported_network_is_one_of_ours(
    form: str, registry: Registry, open_registry: Callable[[], Registry]
) -> None:
    foreign = NeuralNetwork([784, 12, 10], "tanh", seed=8)
    registry.outputs = answers([1, 2, 3])
    record = coming_in(registry, export(foreign, {"accuracy": 0.99, "epochs_trained": 7}, form), "from afar")
    network_id = record["network_id"]
    assert (record["name"], record["trained"], record["activation"]) == ("from afar", True, "tanh")
    assert (record["accuracy"], record["claimed_accuracy"], record["format"]) == (0.97, 0.99, form)
    assert record["epochs_trained"] == (7 if form == "safetensors" else 0)
    assert registry.passes == [network_id]
    assert left(registry) == []
    assert registry.example(network_id, correct=False).index in (1, 2, 3)
    assert registry.passes == [network_id]

    again = open_registry()
    more = {name: record[name] for name in ("format", "claimed_accuracy")}
    assert again.get(network_id) | more == record | {"status": "saved"}
    loaded = again.files.load_model(network_id)
    np.testing.assert_array_equal(loaded.model.parameters["0.weights"], foreign.model.parameters["0.weights"])
    facts = again.files.read_facts(network_id)
    assert facts is not None
    assert (facts["claimed_accuracy"], "accuracy" in facts) == (0.99, False)
    assert again.delete(network_id)["deleted_from_disk"] is True


@pytest.mark.parametrize("failure", [NotReady("later"), DataError("no MNIST")])
def test_an_accuracy_that_cannot_be_measured_now_is_measured_later(
    failure: Exception, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise failure

    monkeypatch.setattr(registry.known, "_compute_outputs", fail)
    record = coming_in(registry, export(NeuralNetwork(SPEC), {"accuracy": 0.99}, "npz"))
    assert (record["accuracy"], record["claimed_accuracy"], record["trained"]) == (None, 0.99, True)
    monkeypatch.setattr(registry.known, "_compute_outputs", registry._pass)
    registry.example(record["network_id"], correct=True)
    assert registry.get(record["network_id"])["accuracy"] == 0.99  # 99 of the 100 made digits


def test_an_accuracy_of_older_weights_is_not_kept(registry: Registry) -> None:
    network_id = coming_in(registry, export(NeuralNetwork(SPEC), {}, "npz"))["network_id"]
    registry.finish_training(network_id, "job")
    registry.store.set_accuracy(network_id, "an older one", 0.1)
    assert registry.get(network_id)["accuracy"] == 0.75
    registry._pass(network_id)
    registry.example(network_id, correct=True)
    assert registry.get(network_id)["accuracy"] == 0.75
    untrained = registry.create(SPEC)["network_id"]
    registry.example(untrained, correct=True)
    assert registry.get(untrained)["accuracy"] is None


def test_what_is_refused_leaves_nothing(registry: Registry) -> None:
    with pytest.raises(ImportRefused, match=r"^The file is a pickle"):
        coming_in(registry, b"\x80\x04K\x01.")
    for answer, kind, words in (
        ({"type": "failed", "error": "The disk is full."}, NotReady, "disk is full"),
        ({"type": "lost", "reason": "it was killed, which often means that memory ran out"}, NotReady, "memory"),
    ):
        registry.transfers.answer = answer
        with pytest.raises(kind, match=words):
            coming_in(registry, export(NeuralNetwork(SPEC), {}, "npz"))
    assert (registry.list(), left(registry), registry.files.saved_networks()) == ([], [], [])


def test_a_network_whose_row_cannot_be_written_leaves_no_file(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise NotReady("The database is locked.")

    monkeypatch.setattr(registry.store, "add_network", fail)
    with pytest.raises(NotReady, match="could not be kept"):
        coming_in(registry, export(NeuralNetwork(SPEC), {}, "npz"))
    assert (registry.list(), left(registry), registry.files.saved_networks()) == ([], [], [])


def test_a_transfer_that_takes_too_long_is_given_up_and_leaves_nothing_however_it_ends(registry: Registry) -> None:
    registry.transfers.late = []
    with pytest.raises(NotReady, match="too long"):
        coming_in(registry, export(NeuralNetwork(SPEC), {}, "npz"))
    registry.transfers.late.clear()
    network_id = registry.create(SPEC)["network_id"]
    with pytest.raises(NotReady, match="too long"):
        registry.export(network_id, "onnx")
    [task] = registry.transfers.late
    task.report(registry.transfers.done(task))
    assert left(registry) == []


def test_only_so_many_files_come_in_at_a_time(registry: Registry) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_INCOMING):
            stack.enter_context(registry.incoming()).write_bytes(b"a part")
        with pytest.raises(NotReady, match="4 models are being imported"):
            stack.enter_context(registry.incoming())
        assert len(left(registry)) == MOST_INCOMING
    assert left(registry) == []
    with registry.incoming():
        pass


def test_a_file_that_does_not_come_in_loses_its_place(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "LONGEST_INCOMING", 0.0)
    with ExitStack() as stalled:
        for _ in range(MOST_INCOMING):
            stalled.enter_context(registry.incoming())
        for timer in threading.enumerate():
            if isinstance(timer, threading.Timer):
                timer.join(10)
        monkeypatch.setattr(transfers, "LONGEST_INCOMING", 60.0)
        with ExitStack() as others:
            for _ in range(MOST_INCOMING):
                others.enter_context(registry.incoming())
            stalled.close()  # gives back no place that is another's by now
            with pytest.raises(NotReady, match="4 models are being imported"):
                others.enter_context(registry.incoming())


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("form", FORMATS)
def test_a_network_is_exported(form: str, trained: bool, registry: Registry) -> None:
    network_id = registry.create(SPEC)["network_id"]
    if trained:
        registry.finish_training(network_id)
    with registry.export(network_id, form) as file:
        assert left(registry) == []
        data = file.read()
    facts = {"accuracy": 0.75, "epochs_trained": 3} if trained else {"accuracy": None}
    assert data == export(NeuralNetwork(SPEC), facts, form)
    if form != "onnx":
        found, said = read_any(data, "x")
        np.testing.assert_array_equal(
            found.model.parameters["0.weights"], NeuralNetwork(SPEC).model.parameters["0.weights"]
        )
        assert said["claimed_accuracy"] == (0.75 if trained else None)


def test_what_cannot_be_exported_is_named(registry: Registry) -> None:
    with pytest.raises(UnknownNetwork):
        registry.export("nobody", "npz")
    network_id = registry.create(SPEC)["network_id"]
    registry.finish_training(network_id)
    registry.files.model_path(network_id).write_bytes(b"damaged")
    with pytest.raises(DataError, match="is damaged"):
        registry.export(network_id, "npz")
    assert left(registry) == []


def test_files_of_requests_that_a_kill_cut_short_are_swept(registry: Registry) -> None:
    incoming = registry.incoming()
    incoming.__enter__().write_bytes(b"half")
    registry.files.sweep()
    assert left(registry) == []
