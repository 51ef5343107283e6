"""`python src/evaluate.py MODEL`: what it prints and draws, what its JSON says, and what it refuses in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evaluate
from hippo.commands import run
from hippo.datasets import Dataset
from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import write_checkpoint, write_model
from hippo.training import TrainingState
from tests.datasets import made_files

SRC = Path(__file__).resolve().parents[2] / "src"
RNG = np.random.default_rng(4)
PIXELS, LABELS = RNG.integers(0, 256, (70, 784), np.uint8), (np.arange(70) % 10).astype(np.uint8)
#: As load_own divides 70 rows of a CSV: 50 for training, 10 for validation, 10 for testing.
TEST = Dataset(PIXELS[60:], LABELS[60:])
HISTORY = [
    {"epoch": epoch, "loss": 1 / epoch, "validation_loss": 1.5 / epoch, "validation_accuracy": 0.9, "accuracy": None}
    for epoch in (1, 2, 3)
]
NAMES = ["confusion_matrix", "mistakes", "first_layer_weights", "reliability"]


@pytest.fixture
def network() -> NeuralNetwork:
    return NeuralNetwork([784, 12, 10], "relu", seed=3)


@pytest.fixture
def folder(tmp_path: Path, network: NeuralNetwork, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and digits, in which one stands."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "net.safetensors", network, {"history": HISTORY, "test_set_use": "once, at the end"})
    (tmp_path / "digits.csv").write_bytes(made_files.csv(PIXELS, LABELS))
    return tmp_path


class Command:
    """Runs the command inline and keeps what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        self._monkeypatch.setattr(sys, "argv", ["src/evaluate.py", *arguments])
        assert run(evaluate.main) == code
        said = self._capsys.readouterr()
        if code == 0:
            assert said.err == ""
            return str(said.out)
        assert said.out == ""
        assert said.err.startswith("evaluate.py: ")
        assert said.err.count("\n") == 1
        return str(said.err)

    def json(self, *arguments: str) -> dict[str, Any]:
        """What it prints with --json, read strictly."""

        def refuse(constant: str) -> None:
            raise AssertionError(constant)

        made: dict[str, Any] = json.loads(self(*arguments, "--json"), parse_constant=refuse)
        return made


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


# ---- What it says


def test_the_report_for_people(folder: Path, command: Command, network: NeuralNetwork) -> None:
    text = command("net.safetensors", "--data", "digits.csv")
    right = network.evaluate(TEST)
    assert right < 10
    for words in (
        "784-12-10, 9,550 parameters",
        "hidden layers relu, outputs softmax, cross entropy loss",
        "Trained      3 epochs\n             looked at the test set once, at the end\n",
        "the test set of digits.csv, 10 examples",
        f"Accuracy     {10 * right}.00 % ({right} right, {10 - right} wrong)",
        "95 % interval",
        "Class   precision    recall        F1  examples",
        "Confusion matrix (rows: true class, columns: answers)",
        "Calibration: expected error",
        "Most confident mistakes",
        "Figures in outputs/figures/net, each as PNG and SVG:",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_ten_mistakes_are_listed_the_most_confident_first(folder: Path, command: Command) -> None:
    text = command("net.safetensors", "--data", "digits.csv", "--set", "training", "--no-figures")
    listed = text.partition("Most confident mistakes\n")[2].splitlines()
    assert listed[0].split() == ["example", "true", "answer", "confidence"]
    rows = [line.split() for line in listed[1:]]
    assert len(rows) == 10
    assert all(int(row[1]) == LABELS[int(row[0])] != int(row[2]) for row in rows)
    confidences = [float(row[3]) for row in rows]
    assert confidences == sorted(confidences, reverse=True)


def test_figures_land_where_they_are_wanted(folder: Path, command: Command) -> None:
    command("net.safetensors", "--data", "digits.csv")
    names = {f"{name}.{kind}" for name in [*NAMES, "loss", "accuracy"] for kind in ("png", "svg")}
    assert {path.name for path in (folder / "outputs/figures/net").iterdir()} == names
    assert "Figures in elsewhere, " in command("net.safetensors", "--data", "digits.csv", "--figures", "elsewhere")
    assert {path.name for path in (folder / "elsewhere").iterdir()} == names


def test_without_figures_nothing_is_written_and_matplotlib_is_not_needed(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    code = (
        "import sys\nsys.modules['matplotlib'] = None\nsys.argv[0] = 'evaluate.py'\n"
        "import evaluate\nfrom hippo.commands import run\nsys.exit(run(evaluate.main))"
    )
    arguments = ["net.safetensors", "--data", "digits.csv", "--no-figures"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env={"PYTHONPATH": str(SRC)}
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Figures" not in ended.stdout
    assert sorted(folder.rglob("*")) == before


def test_the_json_says_the_same(folder: Path, command: Command, network: NeuralNetwork) -> None:
    made = command.json("net.safetensors", "--data", "digits.csv")
    assert made.keys() == {"model", "set", "data", "report", "figures"}
    assert made["model"] == {
        "file": "net.safetensors",
        **network.spec.to_dict(),
        "parameters": 9550,
        "epochs": 3,
        "test_set_use": "once, at the end",
    }
    assert (made["set"], made["data"]) == ("test", "digits.csv")
    assert (made["report"]["correct"], made["report"]["total"]) == (network.evaluate(TEST), 10)
    assert made["figures"][:2] == [f"outputs/figures/net/confusion_matrix.{kind}" for kind in ("png", "svg")]
    assert all((folder / path).is_file() for path in made["figures"])


@pytest.mark.parametrize(("part", "begin", "end"), [("training", 0, 50), ("validation", 50, 60), ("test", 60, 70)])
def test_each_of_the_three_sets(
    part: str, begin: int, end: int, folder: Path, command: Command, network: NeuralNetwork
) -> None:
    made = command.json("net.safetensors", "--data", "digits.csv", "--set", part, "--no-figures")
    assert made["set"] == part
    assert made["report"]["total"] == end - begin
    assert made["report"]["correct"] == network.evaluate(Dataset(PIXELS[begin:end], LABELS[begin:end]))
    assert made["figures"] == []


def test_mnist_is_measured_where_no_digits_are_named(folder: Path, command: Command) -> None:
    made = command.json("net.safetensors", "--no-figures")
    assert (made["data"], made["report"]["total"]) == ("MNIST", 10000)


def test_a_model_that_says_nothing_of_its_training(folder: Path, command: Command, network: NeuralNetwork) -> None:
    write_model(folder / "bare.safetensors", network, {"history": [], "test_set_use": 7})
    text = command("bare.safetensors", "--data", "digits.csv")
    assert "Trained" not in text
    assert "looked at" not in text
    assert text.endswith(f"  {', '.join(NAMES)}\n")
    made = command.json("bare.safetensors", "--data", "digits.csv", "--no-figures")
    assert (made["model"]["epochs"], made["model"]["test_set_use"]) == (None, None)


@pytest.mark.parametrize("history", [None, {}, "x", [1], [{"epoch": "1"}], [{"epoch": 1, "loss": "much"}]])
def test_a_history_that_is_none_is_left_out(history: Any) -> None:
    assert evaluate.history_of({"history": history}) == []
    assert evaluate.history_of({"history": HISTORY}) == HISTORY


def test_the_weights_of_an_earlier_epoch_on_other_digits(
    folder: Path, command: Command, network: NeuralNetwork
) -> None:
    facts = {"history": HISTORY, "epochs_trained": 2, "experiment": {"data": "fashion"}}
    write_model(folder / "best.safetensors", network, facts)
    text = command("best.safetensors", "--data", "digits.csv", "--no-figures")
    assert "Trained      3 epochs, with the weights of epoch 2\n             on digits of fashion\n" in text


def test_the_checkpoint_of_an_unfinished_run(folder: Path, command: Command, network: NeuralNetwork) -> None:
    write_checkpoint(folder / "run.checkpoint.safetensors", network, TrainingState(epoch=3, history=HISTORY))
    text = command("run.checkpoint.safetensors", "--data", "digits.csv", "--no-figures")
    assert "Trained      3 epochs, unfinished\n" in text


def test_sigmoid_outputs_are_called_what_they_are(folder: Path, command: Command) -> None:
    write_model(folder / "sigmoid.safetensors", NeuralNetwork([784, 10], seed=1), {})
    text = command("sigmoid.safetensors", "--data", "digits.csv", "--no-figures")
    assert "sigmoid outputs are no probabilities" in text
    assert "quadratic cost per example" in text


# ---- What it refuses


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "MODEL"),
        (["net.safetensors", "--set", "exam"], "exam"),
        (["net.safetensors", "--colour"], "unrecognized arguments: --colour"),
        (["net.safetensors", "--figures", "a", "--no-figures"], "not allowed with"),
        (["missing.safetensors"], "missing.safetensors: No such file or directory"),
        (["."], ". is not a file"),
        (["digits.csv"], "digits.csv is damaged"),
        (["net.safetensors", "--data", "missing.csv"], "missing.csv cannot be read"),
        (["net.safetensors", "--data", "net.safetensors"], "net.safetensors is in no format"),
        (["net.safetensors", "--data", "digits.csv", "--figures", "digits.csv"], "digits.csv"),
        (["cut.safetensors"], "cut.safetensors is damaged"),
        (["nan.safetensors", "--data", "digits.csv"], "damaged"),
    ],
)
def test_bad_arguments_and_files_are_one_line(
    arguments: list[str], words: str, folder: Path, command: Command, network: NeuralNetwork
) -> None:
    whole = (folder / "net.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[:-100])
    next(iter(network.model.parameters.values()))[0, 0] = np.nan
    write_model(folder / "nan.safetensors", network, {})
    assert words in command(*arguments, code=2)


def test_as_the_shell_runs_it(folder: Path) -> None:
    path = str(SRC / "evaluate.py")
    ended = subprocess.run(
        [sys.executable, path, "net.safetensors", "--data", "digits.csv", "--json"], capture_output=True
    )
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["report"]["total"] == 10
    ended = subprocess.run([sys.executable, path, "nowhere"], capture_output=True)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == b"evaluate.py: nowhere: No such file or directory.\n"
