"""train_mnist.py as a person in a terminal meets it: in processes where signals, streams and codes are the point."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import train_mnist
from hippo.experiment import Experiment
from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import read_checkpoint, read_model, write_checkpoint
from hippo.recipes import RECIPES
from hippo.run_files import RunFiles
from hippo.training import TrainingConfig, TrainingState
from hippo.training.statistics import wilson_interval
from hippo.training.training_logger import epochs_of, read_log
from tests.commands.shell import SRC, Inline, assert_refused, end, shell, start

SCRIPT = "train_mnist.py"
SMALL = ("--sizes", 784, 12, 10, "--activation", "relu", "--learning-rate", 0.02, "--seed", 5)


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inline:
    monkeypatch.chdir(tmp_path)
    return Inline(train_mnist, monkeypatch, capsys)


def models(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs/checkpoints").iterdir())


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    assert text.count("\n") == 1
    return json.loads(text, parse_constant=refuse)


def assert_same_weights(one: NeuralNetwork, other: NeuralNetwork) -> None:
    assert one.model.parameters.keys() == other.model.parameters.keys()
    for name, array in one.model.parameters.items():
        assert array.tobytes() == other.model.parameters[name].tobytes()


# ---- What is printed where


def test_results_go_to_standard_output_and_progress_to_standard_error(digits: Path, tmp_path: Path) -> None:
    said = shell(SCRIPT, *SMALL, "--epochs", 3, "--data", digits, cwd=tmp_path)
    assert said.code == 0
    share = r"\d+\.\d\d %"
    assert re.fullmatch(
        r"Training 784-12-10 \(relu, cross entropy, 9,550 parameters\), seed 5\n"
        r"3 epochs: sgd 0.02, mini-batches of 10\n"
        r"Trained for 3 epochs in \d+\.\d s\n"
        rf"Validation: {share} with the weights that are kept \(epoch 3; lowest loss in epoch \d\)\n"
        rf"Test: {share} \(\d+ of 100; 95 % interval {share} to {share}\); "
        r"the test set was looked at once, at the end\n"
        r"Model: outputs/checkpoints/784-12-10.safetensors\n",
        said.out,
    )
    lines = said.err.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        pattern = rf"epoch {number}/3: loss \d\.\d{{4}}, validation \d\.\d{{4}}, {share}, \d+ s left"
        assert re.fullmatch(pattern, line)


def test_quiet_leaves_out_the_progress_and_nothing_else(train: Inline, digits: Path) -> None:
    said = train(*SMALL, "--epochs", 1, "--data", digits, "--quiet")
    assert said.code == 0
    assert said.err == ""
    assert "Test: " in said.out
    assert "seed 5" in said.out


def test_the_result_as_one_object_of_strict_json(digits: Path, tmp_path: Path) -> None:
    said = shell(SCRIPT, *SMALL, "--epochs", 2, "--data", digits, "--json", "--log", "my logs", cwd=tmp_path)
    assert said.code == 0
    assert len(said.err.splitlines()) == 2
    report = strict(said.out)
    network, facts = read_model(tmp_path / report["model"])
    assert report["test"]["total"] == 100
    assert report["test"]["accuracy"] == report["test"]["correct"] / 100 == facts["accuracy"]
    assert report["experiment"] == facts["experiment"]
    assert report["experiment"]["config"]["seed"] == report["experiment"]["spec"]["seed"] == network.spec.seed == 5
    assert report["experiment"]["data"] == str(digits)
    assert report["history"] == facts["history"]
    assert [record["epoch"] for record in report["history"]] == [1, 2]
    assert report["epoch"] == 2
    assert report["test_set_use"] == "once, at the end"
    assert (tmp_path / report["log"]).is_file()


def test_mnist_is_learned_without_any_argument_but_the_epochs(train: Inline) -> None:
    said = train("--epochs", 1, "--json", "--quiet")
    report = strict(said.out)
    assert report["test"]["total"] == 10_000
    assert report["test"]["accuracy"] > 0.9
    assert report["experiment"]["config"]["learning_rate"] == 3.0
    assert models(Path()) == ["784-30-10.safetensors"]


def test_a_seed_that_is_drawn_is_told_and_repeats_the_run(train: Inline, digits: Path) -> None:
    arguments = ("--sizes", 784, 8, 10, "--epochs", 1, "--data", digits, "--quiet")
    first, second = train(*arguments), train(*arguments)
    seeds = [re.search(r"seed (\d+)", said.out) for said in (first, second)]
    assert seeds[0] and seeds[1] and seeds[0][1] != seeds[1][1]
    train(*arguments, "--seed", seeds[0][1])
    networks = [read_model(Path("outputs/checkpoints") / name)[0] for name in models(Path())]
    assert len(networks) == 3  # in order of name: the second, the third and the first
    assert_same_weights(networks[1], networks[2])
    assert networks[0].spec.seed == int(seeds[1][1])


def test_help_names_every_recipe(train: Inline) -> None:
    said = train("--help")
    assert said.code == 0
    for name, recipe in RECIPES.items():
        assert f"  {name} " in said.out
        assert recipe.about in said.out


# ---- Files


def test_names_are_not_used_twice(train: Inline, digits: Path) -> None:
    folder = Path("outputs/checkpoints")
    arguments = (*SMALL, "--epochs", 1, "--data", digits, "--quiet")
    train(*arguments)
    before = (folder / "784-12-10.safetensors").read_bytes()
    train(*arguments)
    train(*arguments, "--name", "mine")
    (folder / "mine-2.checkpoint.safetensors").write_bytes(b"of a run that was stopped")
    train(*arguments, "--name", "mine")
    assert models(Path()) == [
        "784-12-10-2.safetensors",
        "784-12-10.safetensors",
        "mine-2.checkpoint.safetensors",
        "mine-3.safetensors",
        "mine.safetensors",
    ]
    assert (folder / "784-12-10.safetensors").read_bytes() == before


def test_a_recipe_gives_its_name_and_yields_to_what_is_said(train: Inline, digits: Path) -> None:
    said = train("--recipe", "adam", "--sizes", 784, 9, 10, "--epochs", 1, "--data", digits, "--out", "there", "--json")
    report = strict(said.out)
    assert report["model"] == "there/checkpoints/adam.safetensors"
    assert report["experiment"]["recipe"] == "adam"
    assert report["experiment"]["spec"]["layer_sizes"] == [784, 9, 10]
    config = report["experiment"]["config"]
    assert (config["optimizer"], config["schedule"], config["epochs"]) == ("adam", "cosine", 1)


def test_the_log_holds_every_epoch(train: Inline, digits: Path) -> None:
    said = train(*SMALL, "--epochs", 2, "--data", digits, "--log", "--quiet")
    (path,) = Path("logs").iterdir()
    assert f"Log: {path}\n" in said.out
    assert [record["epoch"] for record in epochs_of(read_log(path))] == [1, 2]


def test_event_files_are_written_on_request(train: Inline, digits: Path) -> None:
    said = train(*SMALL, "--epochs", 1, "--data", digits, "--tensorboard", "events", "--quiet")
    assert said.code == 0
    (path,) = Path("events").iterdir()
    assert path.stat().st_size > 0


def test_a_model_that_cannot_be_written_costs_one_line(digits: Path, tmp_path: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    said = shell(
        SCRIPT, *SMALL, "--epochs", 1, "--data", digits, "--json", "--quiet", cwd=tmp_path, prepare=no_large_files
    )
    assert_refused(said, SCRIPT, "File too large", "of the test set right")
    assert models(tmp_path) == []


# ---- Choices


def test_the_best_epoch_is_kept_on_request(train: Inline, digits: Path) -> None:
    wild = (*SMALL, "--seed", 2, "--learning-rate", 0.2, "--data", digits, "--quiet", "--json")
    report = strict(train(*wild, "--epochs", 8, "--keep", "best").out)
    losses = [record["validation_loss"] for record in report["history"]]
    best = losses.index(min(losses)) + 1
    assert report["epoch"] == best < 8
    network, facts = read_model(Path(report["model"]))
    assert facts["epochs_trained"] == best
    until_then = strict(train(*wild, "--epochs", best).out)
    assert_same_weights(network, read_model(Path(until_then["model"]))[0])
    assert report["test"] == until_then["test"]
    last = strict(train(*wild, "--epochs", 8).out)
    assert last["epoch"] == 8
    assert last["history"][-1]["validation_loss"] == losses[-1]
    assert [name for name in models(Path()) if ".best" in name or ".checkpoint" in name] == []
    assert report["history"][best - 1]["validation_accuracy"] != report["history"][-1]["validation_accuracy"]
    said = train(*wild[:-1], "--epochs", 8, "--keep", "best").out
    right, total = report["test"]["correct"], report["test"]["total"]
    low, high = wilson_interval(right, total)
    assert (
        f"Validation: {100 * report['history'][best - 1]['validation_accuracy']:.2f} % with the weights that are kept "
        f"(epoch {best}; lowest loss in epoch {best})\n"
        f"Test: {right:.2f} % ({right} of 100; 95 % interval {100 * low:.2f} % to {100 * high:.2f} %); "
    ) in said


def test_patience_ends_the_run(train: Inline, digits: Path) -> None:
    wild = (*SMALL, "--learning-rate", 0.2, "--data", digits, "--quiet", "--epochs", 100, "--patience", 2)
    report = strict(train(*wild, "--json").out)
    losses = [record["validation_loss"] for record in report["history"]]
    assert losses.index(min(losses)) == len(losses) - 3
    assert report["stop_reason"] == "the validation loss has not fallen for 2 epochs"
    said = train(*wild)
    assert f"Trained for {len(losses)} epochs in" in said.out
    assert "; stopped because the validation loss has not fallen for 2 epochs\n" in said.out


def test_the_test_set_is_looked_at_once_unless_asked_for(train: Inline, digits: Path) -> None:
    arguments = (*SMALL, "--epochs", 2, "--data", digits)
    honest, watched = train(*arguments), train(*arguments, "--test-each-epoch")
    assert "looked at once, at the end\n" in honest.out
    assert "looked at every epoch\n" in watched.out
    assert "test " not in honest.err
    assert watched.err.count(", test ") == 2
    facts = [read_model(Path("outputs/checkpoints") / name)[1] for name in models(Path())]
    assert [one["test_set_use"] for one in facts] == ["every epoch", "once, at the end"]  # the second is 784-12-10-2
    of_tests = ("test_loss", "test_accuracy", "test_total", "accuracy")
    assert all(record[name] is not None for record in facts[0]["history"] for name in of_tests)
    assert all(record[name] is None for record in facts[1]["history"] for name in of_tests)
    assert facts[0]["accuracy"] == facts[1]["accuracy"]


# ---- Interruptions


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(number: int, digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    arguments = (*SMALL, "--epochs", 100, "--data", digits, "--keep", "best", "--out", folder)
    process = start(SCRIPT, *arguments, cwd=tmp_path)
    while not process.stderr.readline().startswith(b"epoch 3/"):
        pass
    process.send_signal(number)
    said = end(process)
    assert said.code == 130
    assert "Traceback" not in said.err
    checkpoint = folder / "checkpoints/784-12-10.checkpoint.safetensors"
    assert said.err.splitlines()[-1] == f"Stopped. Go on with: {sys.executable} {SRC / SCRIPT} --resume '{checkpoint}'"
    assert "Test" not in said.out
    _, state, _, _ = read_checkpoint(checkpoint)
    assert 3 <= state.epoch < 100

    resumed = shell(SCRIPT, "--resume", checkpoint, cwd=tmp_path)
    assert resumed.code == 0
    assert resumed.out.startswith("Going on with 784-12-10 ")
    assert resumed.err.startswith(f"epoch {state.epoch + 1}/100: ")
    whole = shell(SCRIPT, *arguments, "--quiet", cwd=tmp_path)
    assert whole.code == 0
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [
        "784-12-10-2.safetensors",
        "784-12-10.safetensors",
    ]
    (one, facts), (other, expected) = (read_model(path) for path in sorted(checkpoint.parent.iterdir()))
    assert_same_weights(one, other)
    times = {"elapsed_time", "duration_seconds", "images_per_second", "augmentation_share"}
    for record, same in zip(facts["history"], expected["history"], strict=True):
        assert {k: v for k, v in record.items() if k not in times} == {k: v for k, v in same.items() if k not in times}
    assert facts["experiment"] == expected["experiment"]
    assert facts["accuracy"] == expected["accuracy"]


def test_the_second_interruption_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with train_mnist.Interruption() as asked:
            assert not asked()
            os.kill(os.getpid(), signal.SIGINT)
            assert asked()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_end_at_once_leaves_no_file_and_one_line(
    train: Inline, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_mnist.ProgressBar, "on_batch_end", interrupted)
    said = train(*SMALL, "--epochs", 1, "--data", digits, "--json")
    assert said == (130, "", "train_mnist.py: Interrupted.\n")
    assert models(Path()) == []


@pytest.mark.parametrize(
    "more",
    [
        ("--epochs", 3, "--sizes", 784, 10),
        ("--seed", 3),
        ("--out", "there"),
        ("--name", "a"),
        ("--data", "there"),
        ("--keep", "best", "--nesterov", "--test-each-epoch", "--recipe", "adam", "--init", "he"),
    ],
)
def test_what_a_resumed_run_was_told_is_not_told_again(more: tuple[object, ...], train: Inline) -> None:
    flags = [word for word in map(str, more) if word.startswith("--")]
    assert_refused(train("--resume", "some.safetensors", *more), SCRIPT, "leave out", *flags)


# ---- What ends in one line


def test_a_run_that_diverges_says_so_and_leaves_nothing(digits: Path, tmp_path: Path) -> None:
    said = shell(SCRIPT, *SMALL, "--learning-rate", "1e30", "--data", digits, "--json", "--quiet", cwd=tmp_path)
    assert_refused(said, SCRIPT, "diverged in epoch 1", "smaller learning rate")
    assert models(tmp_path) == []


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "many"], ["--epochs", "invalid int"]),
        (["--sizes", "784", "30", "11"], ["end with 10"]),
        (["--data", "nowhere"], ["nowhere"]),
        (["--out", "file", "--quiet"], ["file", "Not a directory"]),
        (["--resume", "file"], ["file"]),
    ],
)
def test_one_line_and_code_2_in_a_shell(arguments: list[str], words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder, not a model")
    assert_refused(shell(SCRIPT, *arguments, cwd=tmp_path), SCRIPT, *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recipe", "magic"], ["--recipe", "classic"]),
        (["--optimiser", "adam"], ["--optimiser"]),
        (["--epochs", 0], ["epochs", "10000"]),
        (["--learning-rate", "nan"], ["learning_rate"]),
        (["--learning-rate", -1], ["learning_rate"]),
        (["--mini-batch-size", 50_001], ["mini_batch_size"]),
        (["--seed", -1], ["seed"]),
        (["--seed", 2**53], ["seed"]),
        (["--optimizer", "adam", "--momentum", 0.9], ["momentum belongs to sgd"]),
        (["--nesterov"], ["momentum above 0"]),
        (["--recipe", "full-batch", "--optimizer", "adam"], ["momentum"]),
        (["--augment", "mirror"], ["--augment", "shift"]),
        (["--dropout", 1], ["dropout"]),
        (["--patience", 0], ["patience"]),
        (["--keep", "worst"], ["--keep"]),
        (["--name", "../model"], ["--name", "without folders"]),
        (["--name", ""], ["--name"]),
        (["--name", ".."], ["--name"]),
        (["--name", ".hidden"], ["--name"]),
        (["--resume", "nowhere.safetensors"], ["nowhere.safetensors"]),
        (["--resume", "."], []),
        (["--data", "empty"], ["empty"]),
        (["--data", "nul\nl"], []),
    ],
)
def test_one_line_and_code_2(arguments: list[object], words: list[str], train: Inline) -> None:
    Path("empty").touch()
    assert_refused(train(*arguments), SCRIPT, *words)
    assert not Path("outputs").exists()


def test_a_finished_model_is_not_gone_on_with(train: Inline, digits: Path) -> None:
    train(*SMALL, "--epochs", 1, "--data", digits)
    model = Path("outputs/checkpoints/784-12-10.safetensors")
    before = model.read_bytes()
    assert_refused(train("--resume", model), SCRIPT, "784-12-10.safetensors")
    assert model.read_bytes() == before


def test_a_name_that_is_too_long_for_the_disk_is_told(train: Inline, digits: Path) -> None:
    assert_refused(train(*SMALL, "--data", digits, "--name", "a" * 300), SCRIPT, "too long")


def test_weights_are_finite_and_of_float32(train: Inline, digits: Path) -> None:
    train(*SMALL, "--epochs", 1, "--data", digits)
    network, _ = read_model(Path("outputs/checkpoints/784-12-10.safetensors"))
    for array in network.model.parameters.values():
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


# ---- What people do first


def test_a_run_that_learns_nothing_says_what_to_try(train: Inline, digits: Path) -> None:
    small = (*SMALL, "--seed", 1, "--data", digits, "--quiet", "--epochs", 2)
    assert "hardly better than guessing: try another --learning-rate" in train(*small, "--learning-rate", 1e-9).out
    assert "guessing" not in train(*small).out


def test_the_share_of_augmentation_is_said(train: Inline, digits: Path) -> None:
    small = (*SMALL, "--data", digits, "--quiet", "--epochs", 1)
    said = re.search(r"Changing pictures took (\d+\.\d\d) % of that", train(*small, "--augment", "elastic").out)
    assert said is not None
    assert 0 < float(said[1]) < 100
    assert "Changing pictures" not in train(*small).out


def test_settings_of_another_schedule_and_bad_folders_are_refused(train: Inline, digits: Path, tmp_path: Path) -> None:
    small = (*SMALL, "--data", digits, "--quiet")
    assert_refused(train(*small, "--step-every", 3), SCRIPT, "--schedule step")
    (tmp_path / "file").write_text("")
    for name in ("--log", "--tensorboard"):
        assert_refused(train(*small, name, tmp_path / "file" / "folder"), SCRIPT, "folder")


def test_a_run_that_goes_on_with_other_digits_is_refused(train: Inline, digits: Path, tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "net.safetensors")
    write_checkpoint(
        files.checkpoint,
        NeuralNetwork([784, 12, 10], "relu", seed=1),
        TrainingState(),
        facts={"experiment": _experiment(digits), "digits": "5:00000000 1:00000000"},
    )
    said = train("--resume", files.checkpoint)
    assert said.code == 2
    assert said.err == f"{SCRIPT}: net.checkpoint.safetensors was trained on other digits than these.\n"


def _experiment(digits: Path) -> dict[str, Any]:
    spec = NeuralNetwork([784, 12, 10], "relu", seed=1).spec
    return Experiment(spec, TrainingConfig(epochs=1), data=str(digits)).to_dict()
