"""What a worker does with a run, called inline: every way to end, and that being started again changes nothing."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNIST
from hippo.jobs.run import Cancelled, Interrupted, compute_outputs, run_training
from hippo.jobs.training_spec import INITIAL, TrainingSpec
from hippo.jobs.watching import NOTHING, Wanted
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence import arrays_file
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import Orders
from hippo.training.health import layer_health, some_images
from tests.jobs.made_data import made_mnist

DATA = made_mnist()
BATCHES_PER_EPOCH = len(DATA.training_data) // 10


class CountingOrders(Orders):
    """Orders that end a run by what `interrupt` says after every mini-batch, given the count so far."""

    def __init__(self, interrupt: Callable[[int], Exception | None]) -> None:
        super().__init__()
        self._interrupt = interrupt
        self.batches = 0

    def check(self) -> None:
        self.batches += 1
        if (error := self._interrupt(self.batches)) is not None:
            raise error


class InlineContext:
    """A worker's context without a worker; `interrupt` is asked after every mini-batch, with the count so far."""

    def __init__(
        self,
        folder: Path,
        interrupt: Callable[[int], Exception | None] = lambda n: None,
        orders: Orders | None = None,
    ) -> None:
        self.files = ModelFiles(folder)
        self.messages: list[dict[str, Any]] = []
        self.orders = orders or CountingOrders(interrupt)

    def data(self) -> MNIST:
        return DATA

    def report(self, message: dict[str, Any]) -> None:
        self.messages.append(json.loads(json.dumps(message, allow_nan=False)))

    def wanted(self) -> Wanted:
        return NOTHING

    def report_frame(self, message: dict[str, Any]) -> bool:
        return True

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]


def make_spec(**changes: Any) -> TrainingSpec:
    config = {"epochs": 4, "mini_batch_size": 10, "learning_rate": 1.0, "seed": 5} | changes.pop("config", {})
    network = NetworkSpec.make([784, 12, 10], seed=3).to_dict() | changes.pop("network", {})
    spec = TrainingSpec("job", "net", network, config, None, 0, reported=0)
    return replace(spec, **changes)


def weights(files: ModelFiles) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in files.load_model("net").model.parameters.items()}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


def without_times(message: dict[str, Any]) -> dict[str, Any]:
    times = {"duration_seconds", "elapsed_time", "images_per_second", "elapsed", "throughput"}
    return {key: value for key, value in message.items() if key not in times}


@pytest.fixture
def uninterrupted(tmp_path: Path) -> InlineContext:
    context = InlineContext(tmp_path / "uninterrupted")
    run_training(make_spec(), context)
    return context


def test_a_run_reports_each_epoch_and_leaves_its_files(uninterrupted: InlineContext) -> None:
    context = uninterrupted
    assert context.types == ["started", "epoch", "epoch", "epoch", "epoch", "completed"]
    assert [m["epoch"] for m in context.messages[1:-1]] == [1, 2, 3, 4]
    last, end = context.messages[-2:]
    assert last["accuracy"] == last["test_accuracy"] / last["test_total"] == end["accuracy"] > 0.9
    facts = context.files.read_facts("net")
    assert facts is not None
    assert (facts["revision"], facts["epochs_trained"], facts["accuracy"]) == ("job", 4, end["accuracy"])
    kept = context.files.load_outputs("net", "job")
    assert kept is not None
    network = context.files.load_model("net")
    assert np.allclose(kept[0], network.predict(DATA.test_data.images), atol=1e-6)
    assert np.array_equal(kept[1], network.model.parameters["2.weights"])


def test_each_epoch_tells_how_well_the_neurons_are(tmp_path: Path) -> None:
    network = NetworkSpec.make([784, 12, 7, 10], "relu", seed=3).to_dict()
    context = InlineContext(tmp_path)
    run_training(make_spec(network=network, config={"epochs": 2, "learning_rate": 0.05}), context)
    expected = layer_health(context.files.load_model("net").model, some_images(DATA.validation_data))
    assert context.messages[-2]["neurons"] == [asdict(layer) for layer in expected]
    assert [layer.total for layer in expected] == [12, 7]
    facts = context.files.read_facts("net")
    assert facts is not None
    assert [record["neurons"] for record in facts["history"]] == [m["neurons"] for m in context.messages[1:3]]
    assert context.messages[1].keys() >= {"training_accuracy", "gradient_norm"}


def answers_after(epochs: int, folder: Path) -> bytes:
    """Which digits the same network answers when its run ends sooner."""
    context = InlineContext(folder / str(epochs))
    run_training(make_spec(config={"epochs": epochs, "learning_rate": 0.05}), context)
    return context.files.load_model("net").predict(DATA.test_data.images).argmax(axis=1).astype(np.uint8).tobytes()


def previous(context: InlineContext, revision: str = "job") -> bytes | None:
    kept = context.files.load_outputs("net", revision)
    assert kept is not None
    return None if kept.previous is None else kept.previous.tobytes()


@pytest.mark.parametrize("end", ["whole", "interrupted", "cancelled", "cancelled at an epoch's end"])
def test_the_answers_of_the_epoch_before_the_last_one_are_kept(tmp_path: Path, end: str) -> None:
    stops = {
        "interrupted": (2 * BATCHES_PER_EPOCH + 5, Interrupted()),
        "cancelled": (3 * BATCHES_PER_EPOCH + 5, Cancelled()),
        "cancelled at an epoch's end": (3 * BATCHES_PER_EPOCH + 1, Cancelled()),
    }
    at, how = stops.get(end, (0, Interrupted()))
    spec = make_spec(config={"epochs": 3 if end in ("whole", "interrupted") else 4, "learning_rate": 0.05})
    context = InlineContext(tmp_path, lambda n: how if n == at else None)
    run_training(spec, context)
    if end == "interrupted":
        run_training(spec, InlineContext(tmp_path))
    assert answers_after(2, tmp_path) != answers_after(1, tmp_path)
    assert previous(context) == answers_after(2, tmp_path)


def test_the_first_epoch_of_a_second_run_follows_the_last_of_the_first(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    once = {"epochs": 1, "learning_rate": 0.05}
    run_training(make_spec(config=once), context)
    assert previous(context) is None
    run_training(make_spec(job_id="second", revision="job", epochs_trained=1, config=once), context)
    assert previous(context, "second") == answers_after(1, tmp_path)


@pytest.mark.parametrize("missing", [True, False])
def test_without_the_outputs_of_the_first_run_nobody_knows_them(tmp_path: Path, missing: bool) -> None:
    context = InlineContext(tmp_path)
    once = {"epochs": 1, "learning_rate": 0.05}
    run_training(make_spec(config=once), context)
    path = context.files.outputs_path("net")
    path.unlink() if missing else path.write_bytes(b"damaged")
    run_training(make_spec(job_id="second", revision="job", epochs_trained=1, config=once), context)
    assert previous(context, "second") is None


def test_the_file_is_there_before_the_end_is_told(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    there: list[bool] = []
    report = context.report
    context.report = lambda m: (  # type: ignore[method-assign]
        there.append(context.files.model_path("net").exists()) if m["type"] == "completed" else None,
        report(m),
    )[1]
    run_training(make_spec(), context)
    assert there == [True]


@pytest.mark.parametrize("stop_at", [1, 7, BATCHES_PER_EPOCH - 1, BATCHES_PER_EPOCH, BATCHES_PER_EPOCH + 1, 200])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path: Path, uninterrupted: InlineContext, stop_at: int) -> None:
    first = InlineContext(tmp_path, lambda n: Interrupted() if n == stop_at else None)
    run_training(make_spec(), first)
    assert first.types[-1] == "interrupted"
    assert not first.files.model_path("net").exists()

    second = InlineContext(tmp_path)
    run_training(make_spec(reported=(stop_at - 1) // BATCHES_PER_EPOCH), second)
    epochs = [without_times(m) for m in first.messages + second.messages if m["type"] == "epoch"]
    assert epochs == [without_times(m) for m in uninterrupted.messages if m["type"] == "epoch"]
    assert same(weights(second.files), weights(uninterrupted.files))


def test_epochs_before_the_checkpoint_are_reported_anew_to_clients_who_start_anew(tmp_path: Path) -> None:
    first = InlineContext(tmp_path, lambda n: Interrupted() if n == 2 * BATCHES_PER_EPOCH + 5 else None)
    run_training(make_spec(), first)
    second = InlineContext(tmp_path)
    run_training(make_spec(reported=0), second)
    assert [m["epoch"] for m in second.messages if m["type"] == "epoch"] == [1, 2, 3, 4]
    placed = [
        {name: m[name] for name in m if name not in ("batch", "batches", "step", "throughput")}
        for m in first.messages[1:3]
    ]
    assert second.messages[1:3] == placed  # where the run is now, and how fast, it says later


def test_a_run_whose_result_is_in_place_only_reports_it(uninterrupted: InlineContext) -> None:
    before = uninterrupted.files.model_path("net").stat().st_mtime_ns
    again = InlineContext(uninterrupted.files.folder)
    run_training(make_spec(), again)
    assert again.messages[-1] == uninterrupted.messages[-1]
    assert again.types == ["started", "epoch", "epoch", "epoch", "epoch", "completed"]
    told = InlineContext(uninterrupted.files.folder)
    run_training(make_spec(reported=3), told)
    assert told.types == ["started", "epoch", "completed"]
    assert uninterrupted.files.model_path("net").stat().st_mtime_ns == before


def test_a_cancelled_run_keeps_its_last_whole_epoch(tmp_path: Path, uninterrupted: InlineContext) -> None:
    context = InlineContext(tmp_path, lambda n: Cancelled() if n == 2 * BATCHES_PER_EPOCH + 5 else None)
    run_training(make_spec(), context)
    end = context.messages[-1]
    assert (end["type"], end["epochs"]) == ("cancelled", 2)
    assert end["accuracy"] == uninterrupted.messages[2]["accuracy"]
    two_epochs = InlineContext(tmp_path / "two")
    run_training(make_spec(config={"epochs": 2}), two_epochs)
    assert same(weights(context.files), weights(two_epochs.files))


def test_a_cancel_soon_after_going_on_keeps_the_whole_epoch_too(tmp_path: Path) -> None:
    stop = 2 * BATCHES_PER_EPOCH + 5
    first = InlineContext(tmp_path, lambda n: Interrupted() if n == stop else None)
    run_training(make_spec(), first)
    second = InlineContext(tmp_path, lambda n: Cancelled() if n == 3 else None)
    run_training(make_spec(reported=2), second)
    assert (second.messages[-1]["type"], second.messages[-1]["epochs"]) == ("cancelled", 2)
    two_epochs = InlineContext(tmp_path / "two")
    run_training(make_spec(config={"epochs": 2}), two_epochs)
    assert same(weights(second.files), weights(two_epochs.files))


def test_an_epoch_that_was_told_is_not_told_twice(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    run_training(make_spec(reported=2), context)  # the server was killed, and the checkpoint is older than its events
    assert [m["epoch"] for m in context.messages if m["type"] == "epoch"] == [3, 4]
    assert context.messages[0]["epoch"] == 2


@pytest.mark.parametrize("when", ["at an epoch's end", "when interrupted"])
def test_a_checkpoint_that_cannot_be_written_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    stop = BATCHES_PER_EPOCH + 5 if when == "when interrupted" else -1
    context = InlineContext(tmp_path, lambda n: Interrupted() if n == stop else None)
    monkeypatch.setattr(context.files, "save_checkpoint", full)
    monkeypatch.setattr("hippo.training.callbacks.Checkpoint.__init__.__defaults__", (0.0,))
    run_training(make_spec(), context)
    assert context.types[-1] == ("interrupted" if when == "when interrupted" else "completed")


@pytest.mark.parametrize("content", [b"damaged", None])
def test_a_checkpoint_that_cannot_be_used_is_left_aside(
    tmp_path: Path, uninterrupted: InlineContext, content: bytes | None
) -> None:
    context = InlineContext(tmp_path)
    if content is None:
        network = NeuralNetwork(NetworkSpec.from_dict(make_spec().network))
        path = context.files.checkpoint_path("job")
        header = {"spec": network.spec.to_dict(), "state": {"epoch": 1, "of another version": True}}
        arrays_file.write(path, network.model.parameters, header)
    else:
        context.files.checkpoint_path("job").write_bytes(content)
    run_training(make_spec(), context)
    assert same(weights(context.files), weights(uninterrupted.files))


def test_a_large_mini_batch_is_left_in_its_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 50)
    context = InlineContext(tmp_path, lambda n: Cancelled() if n == 3 else None)
    run_training(make_spec(config={"mini_batch_size": 600}), context)
    assert context.messages[-1]["type"] == "cancelled"
    assert context.orders.batches == 3  # type: ignore[attr-defined]  # of the twelve chunks of the first mini-batch


def test_a_run_cancelled_in_its_first_epoch_writes_nothing(tmp_path: Path) -> None:
    context = InlineContext(tmp_path, lambda n: Cancelled() if n == 3 else None)
    run_training(make_spec(), context)
    assert (context.messages[-1]["type"], context.messages[-1]["epochs"]) == ("cancelled", 0)
    assert context.files.saved_networks() == []


def test_a_diverged_run_names_the_epoch_and_keeps_the_last_good_weights(tmp_path: Path) -> None:
    network = NetworkSpec.make([784, 12, 10], "relu", seed=3).to_dict()
    good = InlineContext(tmp_path)
    run_training(make_spec(network=network, config={"epochs": 1, "learning_rate": 0.01}), good)
    before = weights(good.files)

    bad = InlineContext(tmp_path)
    spec = make_spec(job_id="second", network=network, revision="job", epochs_trained=1)
    run_training(replace(spec, config=spec.config | {"learning_rate": 1e30}), bad)
    assert bad.messages[-1]["type"] == "diverged"
    assert "epoch 1" in bad.messages[-1]["error"]
    assert same(weights(bad.files), before)


def test_a_second_run_goes_on_from_the_weights_of_the_first(uninterrupted: InlineContext) -> None:
    context = InlineContext(uninterrupted.files.folder)
    run_training(make_spec(job_id="second", revision="job", epochs_trained=4, config={"learning_rate": 1e-9}), context)
    assert context.messages[1]["accuracy"] == uninterrupted.messages[-1]["accuracy"]
    facts = context.files.read_facts("net")
    assert facts is not None
    assert facts["epochs_trained"] == 8


def test_outputs_of_a_network_that_was_never_trained(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    compute_outputs("net", make_spec().network, None, context)
    found = context.files.load_outputs("net", INITIAL)
    assert found is not None
    assert found[0].shape == (len(DATA.test_data), 10)
    assert found[1].shape == (12, 10)


# ---- Pauses, steps and changes


def rest_of(context: InlineContext) -> dict[str, Any]:
    """Return what was told of the run when it began to rest."""
    end = context.messages[-1]
    assert (end["type"], end["epochs"]) == ("paused", 0)
    return end


@pytest.mark.parametrize("stop_at", [0, 1, 7, BATCHES_PER_EPOCH, BATCHES_PER_EPOCH + 1])
def test_a_paused_run_goes_on_bit_for_bit(tmp_path: Path, uninterrupted: InlineContext, stop_at: int) -> None:
    orders = CountingOrders(lambda n: orders.pause() if n == stop_at else None)  # type: ignore[func-returns-value]
    if not stop_at:
        orders.pause()
    first = InlineContext(tmp_path, orders=orders)
    run_training(make_spec(), first)
    rest = rest_of(first)
    done, batch = divmod(stop_at, BATCHES_PER_EPOCH)
    assert (rest["epoch"], rest["batch"], rest["batches"], rest["step"]) == (
        done + 1,
        batch,
        BATCHES_PER_EPOCH,
        stop_at,
    )
    assert (rest["loss"] is None) == (batch == 0)
    assert not first.files.model_path("net").exists()

    second = InlineContext(tmp_path)
    run_training(make_spec(reported=done), second)
    started = second.messages[0]
    assert (started["type"], started["epoch"], started["batch"], started["step"]) == ("started", done, batch, stop_at)
    assert started["elapsed"] == rest["elapsed"]
    assert same(weights(second.files), weights(uninterrupted.files))


def test_a_run_of_steps_is_the_same_run(tmp_path: Path, uninterrupted: InlineContext) -> None:
    reported, steps, context = 0, 0, InlineContext(tmp_path)
    while not context.types or context.types[-1] == "paused":
        context = InlineContext(tmp_path)
        unit = {"batches": 1} if steps % 3 else {"pause_at": reported + 1}
        run_training(make_spec(reported=reported, **unit), context)
        reported += context.types.count("epoch")
        steps += 1
    assert context.types[-1] == "completed"
    assert reported == 4
    assert steps > 4
    assert same(weights(context.files), weights(uninterrupted.files))


def test_changes_are_told_kept_and_made_again(tmp_path: Path) -> None:
    place = {"step": 70, "epoch": 2, "batch": 10}
    first = InlineContext(tmp_path / "first", orders=Orders(wanted={"learning_rate": 0.5}))
    run_training(make_spec(), first)
    [told] = [m for m in first.messages if m["type"] == "changed"]
    made = {"learning_rate": {"from": 1.0, "to": 0.5}}
    at_begin = {"step": 0, "epoch": 1, "batch": 0}
    assert {name: told[name] for name in (*at_begin, "changes", "wanted")} == at_begin | {
        "changes": made,
        "wanted": {"learning_rate": 0.5},
    }
    ahead = [at_begin | {"learning_rate": 0.5}, place | {"momentum": 0.5, "mini_batch_size": 20}]
    again = InlineContext(tmp_path / "again")
    run_training(make_spec(changes=ahead), again)
    assert "changed" not in again.types
    facts = again.files.read_facts("net")
    assert facts is not None
    assert facts["changes"] == ahead
    assert facts["training_config"]["learning_rate"] == 1.0
    assert not same(weights(again.files), weights(first.files))

    broken = InlineContext(tmp_path / "broken", lambda n: Interrupted() if n == 75 else None)
    run_training(make_spec(changes=ahead), broken)
    second = InlineContext(tmp_path / "broken")
    run_training(make_spec(reported=1, changes=ahead), second)
    assert same(weights(second.files), weights(again.files))


def test_a_checkpoint_tells_changes_that_the_server_has_not_heard_of(tmp_path: Path) -> None:
    first = InlineContext(tmp_path, lambda n: Interrupted() if n == 5 else None)
    first.orders.want({"momentum": 0.9})
    run_training(make_spec(), first)
    second = InlineContext(tmp_path, orders=Orders(wanted={"momentum": 0.9}))
    run_training(make_spec(wanted={"momentum": 0.9}), second)
    told = [(m["step"], m["changes"], m["wanted"]) for m in second.messages if m["type"] == "changed"]
    assert told == [(0, {"momentum": {"from": 0.0, "to": 0.9}}, None), (5, {}, {"momentum": 0.9})]


def test_a_paused_run_that_is_cancelled_keeps_its_whole_epochs(tmp_path: Path) -> None:
    first = InlineContext(tmp_path)
    run_training(make_spec(batches=2 * BATCHES_PER_EPOCH + 5), first)
    assert rest_of(first)["batch"] == 5
    second = InlineContext(tmp_path, orders=Orders(end=Cancelled()))
    run_training(make_spec(reported=2, cancelled=True), second)
    [end] = second.messages  # that it began would be misleading
    assert (end["type"], end["epochs"]) == ("cancelled", 2)
    two_epochs = InlineContext(tmp_path / "two")
    run_training(make_spec(config={"epochs": 2}), two_epochs)
    assert same(weights(second.files), weights(two_epochs.files))
