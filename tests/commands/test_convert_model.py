"""`python src/convert_model.py MODEL OUT`: what it writes, what it says, and what it refuses in one line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convert_model
from hippo.network import NeuralNetwork
from hippo.persistence.interchange import export, read_any
from hippo.persistence.model_persistence import read_model, write_model
from tests.commands.shell import Inline, assert_refused, shell
from tests.persistence.foreign_files import columns, network, npz, pickle_that_writes, rows

SCRIPT = "convert_model.py"
FACTS = {"training_config": {"epochs": 3, "learning_rate": 0.5, "mini_batch_size": 10, "seed": 4, "optimizer": "sgd"}}
NOTE = {"training_config": {"epochs": 9, "learning_rate": 3.0, "mini_batch_size": 20, "seed": 2}, "final_accuracy": 0.9}


@pytest.fixture
def ours() -> NeuralNetwork:
    return network(activation="tanh")


@pytest.fixture
def folder(tmp_path: Path, ours: NeuralNetwork, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, in which one stands."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "net.safetensors", ours, FACTS | {"accuracy": 0.75})
    return tmp_path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inline:
    return Inline(convert_model, monkeypatch, capsys)


def weights(made: NeuralNetwork) -> list[Any]:
    return [array.tolist() for array in made.model.parameters.values()]


@pytest.mark.parametrize(
    ("out", "options", "form"),
    [
        ("out.safetensors", (), "safetensors"),
        ("out.npz", (), "npz"),
        ("OUT.NPZ", (), "npz"),
        ("out.npz", ("--format", "npz-layers"), "npz-layers"),
        ("out.model", ("--format", "safetensors"), "safetensors"),
    ],
)
def test_a_model_is_the_same_in_every_format(
    out: str, options: tuple[str, ...], form: str, folder: Path, command: Inline, ours: NeuralNetwork
) -> None:
    said = command("net.safetensors", out, *options)
    assert (said.code, said.err) == (0, "")
    data = (folder / out).read_bytes()
    assert said.out == f"{out}: 784-4-10, tanh, as {form}, {len(data):,} bytes\n"
    found, facts = read_any(data, "x")
    assert weights(found) == weights(ours)
    assert (found.spec.activation, found.spec.loss) == ("tanh", "cross_entropy")
    assert (facts["format"], facts["claimed_accuracy"]) == (form, 0.75)
    assert (folder / out).with_suffix(".json").exists() == (form == "npz")


def test_onnx_is_written_and_not_read(folder: Path, command: Inline, ours: NeuralNetwork) -> None:
    assert command("net.safetensors", "net.onnx").code == 0
    assert (folder / "net.onnx").read_bytes() == export(ours, {}, "onnx")
    assert_refused(command("net.onnx", "back.npz"), SCRIPT, "net.onnx", "ONNX")


def test_what_is_known_of_the_training_stands_beside_an_npz(folder: Path, command: Inline) -> None:
    assert command("net.safetensors", "net.npz").code == 0
    said = json.loads((folder / "net.json").read_text())
    config = {name: FACTS["training_config"][name] for name in NOTE["training_config"]}  # type: ignore[attr-defined]
    assert said == {"training_config": config, "final_accuracy": 0.75}
    assert command("net.npz", "back.safetensors").code == 0
    _, facts = read_model(folder / "back.safetensors")
    assert (facts["training_config"], facts["claimed_accuracy"]) == (config, 0.75)
    assert "accuracy" not in facts  # nobody has measured it


def test_files_of_other_programs_come_with_their_json(folder: Path, command: Inline) -> None:
    foreign = network((784, 5, 10), "relu")
    (folder / "theirs.npz").write_bytes(npz(columns(foreign)))
    (folder / "theirs.json").write_text(json.dumps(NOTE))
    assert command("theirs.npz", "ours.safetensors").code == 0
    found, facts = read_model(folder / "ours.safetensors")
    assert weights(found) == weights(foreign)
    assert (facts["training_config"], facts["claimed_accuracy"]) == (NOTE["training_config"], 0.9)
    (folder / "rows.npz").write_bytes(npz(rows(foreign, transposed=True)))
    assert command("rows.npz", "rows.safetensors").code == 0
    assert weights(read_model(folder / "rows.safetensors")[0]) == weights(foreign)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"name": "another"}',
        '{"final_accuracy": NaN}',
        '{"a":' * 50_000,
        json.dumps(NOTE | {"more": "x" * 1_000_000}),
    ],
    ids=lambda text: text[:30],
)
def test_a_json_beside_that_is_another_matter_is_neither_believed_nor_overwritten(
    text: str, folder: Path, command: Inline
) -> None:
    (folder / "theirs.npz").write_bytes(npz(columns(network())))
    (folder / "theirs.json").write_text(text)
    assert command("theirs.npz", "ours.safetensors").code == 0
    assert read_model(folder / "ours.safetensors")[1]["claimed_accuracy"] is None
    assert_refused(command("net.safetensors", "theirs.npz"), SCRIPT, "theirs.json is there")
    assert (folder / "theirs.json").read_text() == text
    assert (folder / "theirs.npz").read_bytes() == npz(columns(network()))


def test_the_same_model_gives_the_same_bytes(folder: Path, command: Inline) -> None:
    for ending in ("safetensors", "npz", "onnx"):
        for name in ("one", "two"):
            assert command("net.safetensors", f"{name}.{ending}").code == 0
        assert (folder / f"one.{ending}").read_bytes() == (folder / f"two.{ending}").read_bytes()


def test_what_cannot_be_done_is_said_in_one_line(folder: Path, command: Inline) -> None:
    whole = (folder / "net.safetensors").read_bytes()
    (folder / "half.safetensors").write_bytes(whole[:-5])
    (folder / "link.safetensors").symlink_to(folder / "net.safetensors")
    (folder / "a folder").mkdir()
    (folder / "a file").touch()
    for arguments, words in (
        (("net.safetensors",), ("OUT",)),
        (("net.safetensors", "net.h5"), (".safetensors, .npz or .onnx", "net.h5")),
        (("net.safetensors", "net.npz", "--format", "pickle"), ("pickle", "choose from")),
        (("missing.npz", "net.npz"), ("missing.npz", "No such file")),
        (("a folder", "net.npz"), ("a folder", "directory")),
        (("half.safetensors", "net.npz"), ("half.safetensors", "cut off")),
        (("net.safetensors", "net.safetensors"), ("OUT is MODEL itself",)),
        (("net.safetensors", "link.safetensors"), ("OUT is MODEL itself",)),
        (("net.safetensors", "a file/net.onnx"), ("a file",)),
        (("net.safetensors", "no folder/net.npz"), ("The folder of OUT is not there: no folder",)),
    ):
        assert_refused(command(*arguments), SCRIPT, *words)
    assert (folder / "net.safetensors").read_bytes() == whole
    assert not (folder / "net.npz").exists()
    assert not (folder / "no folder").exists()


def test_a_pickle_is_refused_and_not_executed(folder: Path, command: Inline) -> None:
    for protocol in (0, 2, 5):
        (folder / "model.pkl").write_bytes(pickle_that_writes(folder / "made", protocol))
        assert_refused(command("model.pkl", "net.npz"), SCRIPT, "model.pkl is a pickle")
    objects = np.array([{"a": 1}], object)
    file = io.BytesIO()
    np.savez(file, weight_0=objects)
    (folder / "objects.npz").write_bytes(file.getvalue())
    assert_refused(command("objects.npz", "net.npz"), SCRIPT, "array of objects, which is a pickle")
    assert not (folder / "made").exists()


def test_a_shell_sees_the_same(folder: Path) -> None:
    said = shell(SCRIPT, "net.safetensors", "net.onnx", cwd=folder)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("net.onnx: 784-4-10, tanh, as onnx, ")
    assert_refused(shell(SCRIPT, "net.safetensors", "net.onnx", "--fomat", "npz", cwd=folder), SCRIPT, "--fomat")
    assert_refused(shell(SCRIPT, "net.safetensors", "/dev/full/x.npz", cwd=folder), SCRIPT, "/dev/full")
