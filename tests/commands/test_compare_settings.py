"""compare_settings.py: what it trains, prints, writes and refuses."""

from __future__ import annotations

import json
import signal
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import compare_settings
from hippo.comparison import SeedRun, spread
from hippo.experiment import Experiment
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.recipes import COMPARISONS
from hippo.training import TrainingConfig
from tests.commands.shell import Inline, assert_refused, end, shell, start
from tests.jobs.made_data import made_mnist

SCRIPT = "compare_settings.py"
SMALL = ("--sizes", 784, 8, 10, "--activation", "relu")
TWO = ("--setting", "SGD: --learning-rate 0.02", "--setting", "Adam: --optimizer adam --learning-rate 0.002")
WRITTEN = {f"compare-{{}}.{kind}" for kind in ("json", "png", "svg")}


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inline:
    monkeypatch.chdir(tmp_path)
    return Inline(compare_settings, monkeypatch, capsys)


def written(name: str, folder: Path = Path("outputs/figures")) -> bool:
    return {path.name for path in folder.iterdir()} == {pattern.format(name) for pattern in WRITTEN}


def diverging(*lost: tuple[str, int]) -> Any:
    """Stand in for the training: the runs named by label and seed diverge in their second epoch."""

    def train_one(label: str, experiment: Experiment, data: object, callbacks: Sequence[object] = ()) -> SeedRun:
        seed = experiment.config.seed
        record = {"loss": 0.5, "validation_loss": 0.4, "validation_accuracy": 0.9 + seed / 100}
        is_lost = (label, seed) in lost
        return SeedRun(label, seed, [record] * (1 if is_lost else 3), 1.5, 2 if is_lost else None)

    return train_one


# ---- What comes out


@pytest.mark.process
@pytest.mark.parametrize("name", COMPARISONS)
def test_a_known_comparison_prints_a_table_and_writes_its_figure(name: str, digits: Path, tmp_path: Path) -> None:
    said = shell(SCRIPT, name, "--epochs", 2, "--seeds", 4, 5, "--data", digits, cwd=tmp_path)
    assert said.code == 0
    labels = list(COMPARISONS[name])
    lines = said.out.splitlines()
    assert lines[0].split() == ["setting", "validation", "accuracy", "loss", "seconds"]
    for label, line in zip(labels, lines[1:], strict=False):
        assert line.startswith(f"{label}  ")
        assert line.count("±") == 2
    assert "over the seeds 4, 5;" in lines[-3]
    assert lines[-2] == "The test set was not looked at."
    kinds = ("json", "png", "svg")
    assert lines[-1] == "Written: " + ", ".join(f"outputs/figures/compare-{name}.{kind}" for kind in kinds)
    assert written(name, tmp_path / "outputs/figures")
    progress = said.err.splitlines()
    runs = [f"{label}, seed {seed}" for seed in (4, 5) for label in labels]
    assert len(progress) == len(runs)
    for number, (run, line) in enumerate(zip(runs, progress, strict=True), start=1):
        assert line.startswith(f"{run} ({number}/{len(runs)}): loss ")
        assert line.endswith(" s left")
    assert progress[-1].endswith(", 0 s left")
    assert "test" not in said.err


def test_the_curves_are_those_of_the_library(compare: Inline, digits: Path) -> None:
    arguments = (*TWO, *SMALL, "--epochs", 2, "--seeds", 1, 7, "--data", digits, "--json", "--quiet")
    said = compare("mine", *arguments)
    assert (said.code, said.err) == (0, "")
    result = json.loads(said.out, parse_constant=pytest.fail)
    assert result == json.loads(Path("outputs/figures/compare-mine.json").read_text())
    assert result["test_set_use"] == "not looked at"
    assert result["is_whole"] is True
    assert [setting["label"] for setting in result["settings"]] == ["SGD", "Adam"]
    assert [setting["training"]["optimizer"] for setting in result["settings"]] == ["sgd", "adam"]
    network = NeuralNetwork([784, 8, 10], "relu", seed=7)
    adam = result["settings"][1]
    assert [run["seed"] for run in adam["runs"]] == [1, 7]
    data = compare_settings.load_own(digits)
    history = network.train(
        data.training_data, 2, 10, 0.002, seed=7, validation_data=data.validation_data, optimizer="adam"
    )
    assert adam["runs"][1]["validation_accuracy"] == [record["validation_accuracy"] for record in history]
    assert adam["runs"][1]["validation_loss"] == [record["validation_loss"] for record in history]
    last = [run["validation_accuracy"][-1] for run in adam["runs"]]
    assert adam["validation_accuracy"]["mean"] == pytest.approx(statistics.mean(last))
    assert adam["validation_accuracy"]["sd"] == pytest.approx(statistics.stdev(last))
    assert adam["validation_accuracy"]["lowest"] == min(last)


def test_the_test_set_is_never_handed_to_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    sets: list[set[str]] = []

    def train(self: NeuralNetwork, *_: object, **settings: object) -> None:
        sets.append({name for name in settings if name.endswith("_data")})

    monkeypatch.setattr(NeuralNetwork, "train", train)
    experiment = Experiment(NetworkSpec.make([784, 10], seed=1), TrainingConfig())
    compare_settings.train_one("a", experiment, made_mnist())
    assert sets == [{"validation_data"}]


def test_one_seed_has_no_spread(compare: Inline, digits: Path) -> None:
    said = compare(*TWO, *SMALL, "--epochs", 1, "--seeds", 3, "--data", digits, "--quiet")
    assert said.code == 0
    assert "±" not in said.out.split("After the last epoch")[0]
    assert written("settings")


def test_figures_of_the_same_name_are_replaced(compare: Inline, digits: Path) -> None:
    for epochs in (1, 2):
        compare("again", *TWO, *SMALL, "--epochs", epochs, "--seeds", 3, "--data", digits, "--quiet", "--out", "there")
    result = json.loads(Path("there/figures/compare-again.json").read_text())
    assert len(result["settings"][0]["runs"][0]["validation_loss"]) == 2


def test_a_setting_goes_before_what_is_said_outside_of_it(compare: Inline, digits: Path) -> None:
    own = ("--setting", "wide: --sizes 784 9 10 --epochs 2", "--setting", "plain:", "--seeds", 1)
    said = compare(*own, *SMALL, "--epochs", 1, "--data", digits, "--json", "--quiet")
    wide, plain = json.loads(said.out)["settings"]
    assert wide["network"]["layer_sizes"] == [784, 9, 10]
    assert wide["network"]["activation"] == plain["network"]["activation"] == "relu"
    assert plain["network"]["layer_sizes"] == [784, 8, 10]
    assert (wide["training"]["epochs"], plain["training"]["epochs"]) == (2, 1)


def test_help_names_every_comparison(compare: Inline) -> None:
    said = compare("--help")
    assert said.code == 0
    for name, settings in COMPARISONS.items():
        assert f"  {name} " in said.out
        for label in settings:
            assert label in said.out


def test_spread() -> None:
    assert spread([]) is None
    assert spread([0.5]) == {"mean": 0.5, "sd": None, "lowest": 0.5, "highest": 0.5}
    assert spread([1.0, 3.0]) == {"mean": 2.0, "sd": pytest.approx(2**0.5), "lowest": 1.0, "highest": 3.0}


# ---- Runs that do not come to their end


def test_a_run_that_diverges_is_a_result(compare: Inline, digits: Path) -> None:
    own = ("--setting", "calm:", "--setting", "wild: --learning-rate 1e30", "--seeds", 1, 2)
    said = compare(*own, *SMALL, "--epochs", 1, "--data", digits)
    assert said.code == 0
    wild = next(line for line in said.out.splitlines() if line.startswith("wild"))
    assert wild.split(maxsplit=1)[1] == "diverged: seed 1 in epoch 1, 2 in epoch 1"
    assert "wild, seed 2 (4/4): ended in epoch 1, 0 s left\n" in said.err
    assert "; diverged: wild" in _svg_texts("settings")


def test_seeds_that_diverge_are_left_out_of_the_means(
    compare: Inline, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_settings, "train_one", diverging(("Adam", 2)))
    said = compare(*TWO, "--data", digits, "--quiet")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[1].split(maxsplit=1)[1].startswith("92.00 % ± 1.00 (91.00 % to 93.00 %)")
    assert lines[2].split(maxsplit=1)[1].startswith("92.00 % ± 1.41 (91.00 % to 93.00 %)")
    assert lines[3].strip() == "diverged: seed 2 in epoch 2"
    assert "1 of 3 seeds diverged" in _svg_texts("settings")
    runs = json.loads(Path("outputs/figures/compare-settings.json").read_text())["settings"][1]["runs"]
    assert [(run["diverged_in_epoch"], len(run["validation_loss"])) for run in runs] == [(None, 3), (2, 1), (None, 3)]


def test_where_all_diverge_there_is_no_figure(compare: Inline, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_settings, "train_one", diverging(("SGD", 1), ("Adam", 1)))
    said = compare(*TWO, "--seeds", 1, "--data", digits, "--quiet")
    assert said.code == 0
    assert said.out.splitlines()[-1] == "Written: outputs/figures/compare-settings.json"


def _svg_texts(name: str) -> str:
    """The words of a figure: matplotlib draws letters as shapes, and says in comments which."""
    return Path(f"outputs/figures/compare-{name}.svg").read_text()


@pytest.mark.process
def test_an_interruption_prints_what_is_finished(digits: Path, tmp_path: Path) -> None:
    long = "x" * 30  # so that the lines of progress fill the pipe soon
    own = ("--setting", f"{long} 0: --learning-rate 0.01", "--setting", f"{long} 1: --learning-rate 0.02")
    arguments = (*own, *SMALL, "--epochs", 1, "--seeds", *range(100), "--data", digits)
    process = start(SCRIPT, *arguments, cwd=tmp_path)
    while b"seed 1 (4/200)" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    said = end(process)
    assert said.code == 130
    lines = said.out.splitlines()
    assert lines[1].startswith(f"{long} 0  ")
    assert lines[1].count("±") == 2
    assert "over those of the seeds 0, 1, " in said.out
    assert "that are finished;" in said.out
    assert said.err.splitlines()[-1] == "compare_settings.py: Interrupted, and nothing was written."
    assert "Traceback" not in said.err
    assert list((tmp_path / "outputs/figures").iterdir()) == []


def test_a_setting_that_was_not_reached_is_said_to_be_not_trained(
    compare: Inline, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_one = diverging()

    def interrupted(label: str, *more: Any) -> SeedRun:
        if label == "Adam":
            raise KeyboardInterrupt
        run: SeedRun = train_one(label, *more)
        return run

    monkeypatch.setattr(compare_settings, "train_one", interrupted)
    said = compare(*TWO, "--data", digits, "--quiet")
    assert said.code == 130
    assert [line.split(maxsplit=1)[1][:11] for line in said.out.splitlines()[1:3]] == ["91.00 %    ", "not trained"]
    said = compare(*TWO, "--data", digits, "--quiet", "--json")
    assert json.loads(said.out)["is_whole"] is False


# ---- What ends in one line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["NAME", "optimizers, initializers", "--setting"]),
        (["magic"], ["'magic'", "optimizers"]),
        (["optimizers", *TWO], ["optimizers", "another NAME"]),
        (["../there", *TWO], ["without folders"]),
        (["", *TWO], ["without folders"]),
        (["--setting", "one:"], ["2 to 7", "not 1"]),
        ([w for n in range(8) for w in ("--setting", f"{n}: --learning-rate {n + 1}")], ["2 to 7", "not 8"]),
        (["--setting", "one: --epochs 2", "--setting", "one: --epochs 3"], ["two settings are called one"]),
        (["--setting", "one:", "--setting", "two: --learning-rate 3.0"], ["one and two are the same"]),
        (["--setting", "--epochs 3", *TWO], []),
        (["--setting", ": --epochs 3", *TWO], ["--setting must be like", "Adam: "]),
        (["--setting", "no colon", *TWO], ["--setting must be like", "no colon"]),
        (["--setting", f"{'x' * 41}:", *TWO], ["40"]),
        (["--setting", "one: --seed 3", *TWO], ["one: unrecognized arguments: --seed 3"]),
        (["--setting", "one\ntwo: --epochs many", *TWO], ["one two: argument --epochs"]),
        (["--setting", "one: 'open", *TWO], ["one: No closing quotation"]),
        (["--setting", "one: --epochs 0", *TWO], ["one: epochs must be"]),
        (["--setting", "one: --help", *TWO], ["one: unrecognized"]),
        (["optimizers", "--learning-rate", "0.1", "--optimizer", "sgd", "--momentum", "0"], ["same settings"]),
        (["optimizers", "--seeds", 1, 1], ["--seeds"]),
        (["optimizers", "--seeds", 1, -1], ["SGD 0.1: seed must be"]),
        (["optimizers", "--seeds"], ["--seeds"]),
        (["optimizers", "--data", "nowhere"], ["nowhere"]),
        (["optimizers", "--out", "file"], ["file", "Not a directory"]),
        (["optimizers", "--epochs", "0"], ["epochs must be"]),
    ],
)
def test_one_line_and_code_2(arguments: list[object], words: list[str], compare: Inline) -> None:
    Path("file").touch()
    assert_refused(compare(*arguments), SCRIPT, *words)
    assert not Path("outputs").exists()


@pytest.mark.process
def test_one_line_and_code_2_in_a_shell(tmp_path: Path) -> None:
    assert_refused(shell(SCRIPT, "magic", cwd=tmp_path), SCRIPT, "'magic'")
