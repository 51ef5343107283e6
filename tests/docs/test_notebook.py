"""The notebook that plots a training log: it runs as a script on the log of a real run, and its cells are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hippo.logged_network import LoggedNeuralNetwork
from tests.docs.markdown import PROJECT
from tests.jobs.made_data import made_mnist

NOTEBOOK = PROJECT / "docs" / "read_training_log.py"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a run of three epochs with 50 logged mini-batches, enough for the bold lines."""
    data = made_mnist(train=1650, test=50)
    network = LoggedNeuralNetwork([784, 12, 10], "relu", seed=1, log_dir=tmp_path_factory.mktemp("run") / "logs")
    network.train(data.training_data, 3, 1, 0.001, data.test_data, validation_data=data.validation_data)
    assert network.log_file is not None
    return network.log_file


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(PROJECT / "src"),
        "OPENBLAS_NUM_THREADS": "1",
        "MPLCONFIGDIR": str(folder / "matplotlib"),
        "PYTHONWARNINGS": "error",
    }
    environment.pop("DISPLAY", None)
    return subprocess.run(
        [sys.executable, NOTEBOOK, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def drawn(path: Path) -> list[float]:
    """The share of pixels that are not white, for each quarter of a picture."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 2
    quarters = [pixels[top : top + rows, left : left + columns] for top in (0, rows) for left in (0, columns)]
    return [float(np.mean(quarter < 200)) for quarter in quarters]


def test_a_log_becomes_a_picture_of_four_plots(log: Path, tmp_path: Path) -> None:
    result = run(tmp_path, log, "--out", "figure.png")
    assert (result.returncode, result.stdout, result.stderr) == (0, "figure.png\n", "")
    assert all(share > 0.01 for share in drawn(tmp_path / "figure.png"))


def test_what_the_plots_show(log: Path, tmp_path: Path) -> None:
    result = run(tmp_path, log, "--out", "figure.svg")
    assert result.returncode == 0
    # Matplotlib writes each text, besides its outlines, as a comment.
    texts = re.findall(r"<!-- (.*?) -->", (tmp_path / "figure.svg").read_text(encoding="utf-8"))
    assert any(re.fullmatch(rf"{log.name}: 3 epochs, \d+\.\d\d % of the test set right at the end", t) for t in texts)
    for title in ("Loss", "Accuracy", "Mean absolute gradient of the weights"):
        assert title in texts
    for label, count in (("validation", 2), ("test", 2), ("layer 1", 2), ("layer 2", 2), ("layer 3", 0)):
        assert texts.count(label) == count
    assert "nothing was measured" not in texts


def test_without_a_name_it_takes_the_newest_log(log: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "training_20200101_000000.jsonl").write_text("damaged\n")
    (tmp_path / "logs" / "training_20990101_000000.jsonl").write_bytes(log.read_bytes())
    assert run(tmp_path).returncode == 0
    assert (tmp_path / "training_log.png").exists()


def test_a_run_that_was_killed_early_and_its_continuation_can_be_plotted(log: Path, tmp_path: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    first_epoch = next(place for place, line in enumerate(lines) if "weight_snapshot" in line)
    for name, content in (("empty", ""), ("started", lines[0]), ("killed", "".join(lines[:first_epoch]) + '{"type"')):
        (tmp_path / f"{name}.jsonl").write_text(content)
        result = run(tmp_path, f"{name}.jsonl", "--out", f"{name}.svg")
        assert (result.returncode, result.stderr) == (0, "")
        text = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
        assert f"{name}.jsonl: 0 epochs, cut short" in text
        assert text.count("<!-- nothing was measured -->") == (3 if name == "killed" else 4)
    assert run(tmp_path, "killed.jsonl", log, "--out", "both.png").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "There is no log under logs/: name one, or make one by training with a log.\n"),
        (["nowhere.jsonl"], "The training log nowhere.jsonl cannot be read: No such file or directory.\n"),
    ],
)
def test_what_cannot_be_read_costs_one_line(tmp_path: Path, arguments: list[str], text: str) -> None:
    result = run(tmp_path, *arguments)
    assert (result.returncode, result.stderr) == (2, text)


@pytest.mark.parametrize("out", ["no/folder/figure.png", "figure.nonsense"])
def test_what_cannot_be_written_costs_one_line(log: Path, tmp_path: Path, out: str) -> None:
    result = run(tmp_path, log, "--out", out)
    assert result.returncode == 2
    assert re.fullmatch(rf"{re.escape(out)} cannot be written: [^\n]+\n", result.stderr)


def cells() -> list[tuple[str, str]]:
    """The cells of the notebook in the percent format: what stands behind the mark, and the content."""
    before, *parts = re.split(r"(?m)^# %%(.*)\n", NOTEBOOK.read_text(encoding="utf-8"))
    assert before == ""  # or it would be a cell without a mark
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_its_cells_are_whole() -> None:
    kinds = [kind for kind, _ in cells()]
    assert set(kinds) == {"", " [markdown]"}
    assert kinds.count("") >= 5
    for kind, content in cells():
        if kind == "":
            assert compile(content, "cell", "exec").co_code
            assert re.search(r"(?m)^[^#\n]", content)  # not comments alone
        elif not re.fullmatch(r'"""(.*?)"""\n*', content, re.DOTALL):
            assert all(line.startswith("#") for line in content.strip().splitlines())


def test_the_command_it_names_is_its_own() -> None:
    (command,) = re.findall(r"(?m)^    PYTHONPATH=src python (\S+) ", cells()[0][1])
    assert PROJECT / command == NOTEBOOK
