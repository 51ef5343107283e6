"""An experiment from settings to result, stopped and gone on with, and the names of its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hippo.errors import DataError, InvalidValue
from hippo.experiment import EVERY_EPOCH, ONCE, Experiment, Result, RunFiles, Stopped, resume, run_experiment, with_seed
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import read_checkpoint, read_model, write_checkpoint, write_model
from hippo.training import Diverged, TrainingConfig, TrainingState, evaluate
from tests.jobs.made_data import made_mnist

DATA = made_mnist(train=200, test=60)
TIMES = {"elapsed_time", "duration_seconds", "images_per_second", "augmentation_share"}
BATCHES = 10


def experiment(activation: str = "relu", dropout: float = 0.0, **more: Any) -> Experiment:
    choices = {name: more.pop(name) for name in ("keep", "patience", "test_each_epoch") if name in more}
    settings = {"epochs": 4, "mini_batch_size": 20, "learning_rate": 0.05, "seed": 3} | more
    spec = NetworkSpec.make([784, 6, 10], activation, seed=4, dropout=dropout)
    return Experiment(spec, TrainingConfig(**settings), **choices)


def after(batches: int) -> Callable[[], bool]:
    """Ask for the end after so many mini-batches."""
    asked = iter(range(1, batches + 1))
    return lambda: next(asked) == batches


def run_in(folder: Path, what: Experiment, name: str = "made") -> Result:
    return run_experiment(what, DATA, RunFiles.new(folder, name))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key not in TIMES} for record in history]


def assert_same(one: NeuralNetwork, other: NeuralNetwork) -> None:
    for name, array in one.model.parameters.items():
        assert array.tobytes() == other.model.parameters[name].tobytes()


# ---- The result


def test_a_run_leaves_the_model_with_its_facts_and_nothing_else(tmp_path: Path) -> None:
    what = experiment()
    result = run_in(tmp_path, what)
    assert names(tmp_path) == ["made.safetensors"]
    network, facts = read_model(tmp_path / "made.safetensors")
    assert_same(network, result.network)
    assert Experiment.from_dict(facts["experiment"]) == what
    assert facts["accuracy"] == result.test.accuracy == evaluate(network.model, network.loss, DATA.test_data).accuracy
    assert facts["test_set_use"] == ONCE == "once, at the end"
    assert facts["epochs_trained"] == result.epoch == 4
    assert facts["training_config"] == what.config.to_dict()
    assert facts["history"] == result.history
    assert facts["seconds"] == result.seconds >= result.history[-1]["elapsed_time"]
    assert facts["stop_reason"] is result.stop_reason is None
    expected = NeuralNetwork(what.spec)
    expected.train(DATA.training_data, **what.config.to_dict())
    assert_same(network, expected)


def test_the_test_set_is_not_touched_before_the_end(tmp_path: Path) -> None:
    class Watched:
        looks = 0
        training_data, validation_data = DATA.training_data, DATA.validation_data

        @property
        def test_data(self) -> Any:
            self.looks += 1
            return DATA.test_data

    watched: Any = Watched()
    looks: list[int] = []

    def note() -> bool:
        looks.append(watched.looks)
        return False

    honest = run_experiment(experiment(), watched, RunFiles.new(tmp_path, "honest"), interruption=note)
    assert set(looks) == {0}
    assert watched.looks == 1
    assert all(record["accuracy"] is record["test_loss"] is None for record in honest.history)
    seen = run_in(tmp_path, experiment(test_each_epoch=True), "seen")
    assert all(record["accuracy"] is not None for record in seen.history)
    assert read_model(tmp_path / "seen.safetensors")[1]["test_set_use"] == EVERY_EPOCH == "every epoch"
    assert_same(honest.network, seen.network)
    assert seen.history[-1]["accuracy"] == honest.test.accuracy


def test_the_best_weights_are_those_of_the_lowest_validation_loss(tmp_path: Path) -> None:
    what = experiment(keep="best", learning_rate=0.3, epochs=6)
    result = run_in(tmp_path, what)
    losses = [record["validation_loss"] for record in result.history]
    assert result.epoch == losses.index(min(losses)) + 1 < 6
    assert evaluate(result.network.model, result.network.loss, DATA.validation_data).loss == min(losses)
    assert names(tmp_path) == ["made.safetensors"]


def test_early_stopping_is_told(tmp_path: Path) -> None:
    result = run_in(tmp_path, experiment(patience=1, learning_rate=0.3, epochs=50))
    losses = [record["validation_loss"] for record in result.history]
    assert losses[-1] >= losses[-2]
    assert result.stop_reason == "the validation loss has not fallen for 1 epoch"
    assert read_model(tmp_path / "made.safetensors")[1]["stop_reason"] == result.stop_reason


def test_a_run_that_diverges_gives_its_name_back(tmp_path: Path) -> None:
    with pytest.raises(Diverged):
        run_in(tmp_path, experiment(learning_rate=1e30))
    assert names(tmp_path) == []


# ---- Stopped and gone on with


@pytest.mark.parametrize("batches", [1, BATCHES, BATCHES + 3, 4 * BATCHES])
@pytest.mark.parametrize(
    "what",
    [
        experiment(),
        experiment(keep="best", learning_rate=0.3, optimizer="adam"),
        experiment(
            dropout=0.3,
            momentum=0.9,
            nesterov=True,
            schedule="cosine",
            warm_up=1.0,
            augment=("shift", "elastic"),
            clip_norm=1.0,
            label_smoothing=0.1,
        ),
        experiment("sigmoid", patience=2, learning_rate=0.3, optimizer="adamw", weight_decay=0.1, schedule="cosine"),
    ],
    ids=["plain", "best", "chance", "patience"],
)
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(what: Experiment, batches: int, tmp_path: Path) -> None:
    whole = run_in(tmp_path, what, "whole")
    files = RunFiles.new(tmp_path, "made")
    batches = min(batches, len(whole.history) * BATCHES)
    with pytest.raises(Stopped):
        run_experiment(what, DATA, files, interruption=after(batches))
    assert not files.model.exists()
    again, same_files, (network, state) = resume(files.checkpoint)
    assert (again, same_files) == (what, files)
    assert state.epoch * BATCHES + state.batch == batches
    result = run_experiment(again, DATA, same_files, resumed=(network, state))
    assert_same(result.network, whole.network)
    assert timeless(result.history) == timeless(whole.history)
    assert (result.epoch, result.test, result.stop_reason) == (whole.epoch, whole.test, whole.stop_reason)
    assert names(tmp_path) == ["made.safetensors", "whole.safetensors"]


def test_a_run_may_be_stopped_again_and_again(tmp_path: Path) -> None:
    what = experiment()
    whole = run_in(tmp_path, what, "whole")
    files, resumed = RunFiles.new(tmp_path, "made"), None
    for _ in range(4):
        with pytest.raises(Stopped):
            run_experiment(what, DATA, files, interruption=after(7), resumed=resumed)
        what, files, resumed = resume(files.checkpoint)
    assert_same(run_experiment(what, DATA, files, resumed=resumed).network, whole.network)


def test_a_checkpoint_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.experiment.CHECKPOINT_SECONDS", 0.0)
    files = RunFiles.new(tmp_path, "made")
    seen: list[tuple[int, int]] = []

    def look() -> bool:
        if files.checkpoint.stat().st_size:
            state = read_checkpoint(files.checkpoint)[1]
            seen.append((state.epoch, state.batch))
        return False

    run_experiment(experiment(epochs=3), DATA, files, interruption=look)
    assert sorted(set(seen)) == [(0, 0), (1, 0), (2, 0)]
    assert names(tmp_path) == ["made.safetensors"]


def test_what_cannot_be_gone_on_with_is_refused(tmp_path: Path) -> None:
    what = experiment(keep="best")
    files = RunFiles.new(tmp_path, "made")
    with pytest.raises(Stopped):
        run_experiment(what, DATA, files, interruption=after(2 * BATCHES + 1))
    files.best.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"made\.best\.safetensors, the best epoch so far, is missing"):
        resume(files.checkpoint)

    network, state, _, facts = read_checkpoint(files.checkpoint)
    settings = facts["experiment"]
    other = tmp_path / "other.checkpoint.safetensors"
    for wrong in (
        {},
        {"experiment": None},
        {"experiment": "an experiment"},
        {"experiment": {}},
        {"experiment": settings | {"patience": 0}},
        {"experiment": settings | {"keep": "worst"}},
        {"experiment": settings | {"config": {"epochs": -1}}},
        {"experiment": settings | {"more": 1}},
    ):
        write_checkpoint(other, network, state, facts=wrong)
        with pytest.raises(DataError, match=r"other\.checkpoint\.safetensors is no checkpoint of an experiment"):
            resume(other)

    smaller = {"experiment": settings | {"spec": settings["spec"] | {"layer_sizes": [784, 5, 10]}}}
    write_checkpoint(other, network, state, facts=smaller)
    with pytest.raises(DataError, match="another network"):
        resume(other)
    write_model(tmp_path / "model.safetensors", network, {"experiment": settings})
    (tmp_path / "empty.checkpoint.safetensors").touch()
    (tmp_path / "text.checkpoint.safetensors").write_text("something else")
    for name in ("model", "empty.checkpoint", "text.checkpoint", "nowhere"):
        with pytest.raises((DataError, FileNotFoundError), match=name):
            resume(tmp_path / f"{name}.safetensors")


def test_parts_of_a_large_mini_batch_are_not_counted_twice(tmp_path: Path) -> None:
    data, what = made_mnist(train=2500, test=20), experiment(mini_batch_size=2500)
    whole = run_experiment(what, data, RunFiles.new(tmp_path, "whole"))
    files = RunFiles.new(tmp_path, "made")
    with pytest.raises(Stopped):
        run_experiment(what, data, files, interruption=after(5))  # after the second of three parts of the second epoch
    again, files, resumed = resume(files.checkpoint)
    assert (resumed[1].epoch, resumed[1].batch, resumed[1].correct) == (1, 0, 0)
    assert timeless(run_experiment(again, data, files, resumed=resumed).history) == timeless(whole.history)


# ---- Settings


def test_settings_survive_json() -> None:
    what = replace(
        experiment(keep="best", patience=3, test_each_epoch=True, augment=("rotate",)), recipe="best", data="my/digits"
    )
    assert Experiment.from_dict(json.loads(json.dumps(what.to_dict()))) == what


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidValue, match="patience"):
        experiment(patience=0)
    with pytest.raises(InvalidValue, match="keep"):
        experiment(keep="worst")


def test_another_seed_is_for_weights_and_training() -> None:
    what = with_seed(experiment(keep="best"), 77)
    assert (what.spec.seed, what.config.seed) == (77, 77)
    assert with_seed(what, 1) == with_seed(experiment(keep="best"), 1)
    with pytest.raises(InvalidValue, match="seed"):
        with_seed(what, -1)


# ---- Names


def test_a_name_is_taken_before_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "not/there"
    first, second = RunFiles.new(folder, "a.b"), RunFiles.new(folder, "a.b")
    assert (first.model.name, second.model.name) == ("a.b.safetensors", "a.b-2.safetensors")
    assert first.checkpoint.name == "a.b.checkpoint.safetensors"
    assert first.best.name == "a.b.best.safetensors"
    first.release()
    assert names(folder) == [second.checkpoint.name]
    assert RunFiles.new(folder, "a.b") == first


def test_what_is_kept_is_not_released(tmp_path: Path) -> None:
    files = RunFiles.new(tmp_path, "made")
    write_checkpoint(files.checkpoint, NeuralNetwork([784, 10]), TrainingState())
    files.release()
    assert files.checkpoint.exists()
    assert RunFiles.of_checkpoint(files.checkpoint) == files
    assert RunFiles.new(tmp_path, "made").model.name == "made-2.safetensors"
