"""Event files, read back by their framing: that they hold the numbers of the run, and what a full disk costs."""

from __future__ import annotations

import logging
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from hippo.datasets import MNIST
from hippo.errors import InvalidValue
from hippo.network import NeuralNetwork
from hippo.training import Callback, Control, TrainingRun
from hippo.training.tensorboard import SCALARS, TensorBoard
from tests.jobs.made_data import made_mnist


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist(train=100, test=50)


def learn(data: MNIST, folder: Path, *more: Callback, **options: Any) -> tuple[NeuralNetwork, list[dict[str, Any]]]:
    network = NeuralNetwork([784, 12, 10], seed=1)
    history = network.train(data.training_data, 3, 10, 0.5, callbacks=[TensorBoard(folder), *more], **options)
    return network, history


def records(path: Path) -> Iterator[bytes]:
    """Take a file apart: length, checksum of the length, content, checksum of the content; all little endian."""
    content = path.read_bytes()
    while content:
        head, check = content[:8], content[8:12]
        (length,) = struct.unpack("<Q", head)
        body, end = content[12 : 12 + length], content[12 + length : 16 + length]
        assert len(body) == length
        assert struct.unpack("<II", check + end) == (masked_crc32c(head), masked_crc32c(body))
        yield body
        content = content[16 + length :]


def events(folder: Path) -> list[Any]:
    """The events of a folder's only file."""
    (path,) = folder.iterdir()
    assert path.name.startswith("events.out.tfevents.")  # by which TensorBoard finds it
    return [Event.FromString(record) for record in records(path)]


def values(found: list[Any]) -> dict[tuple[str, int], Any]:
    """What the events say, by tag and step."""
    pairs = [((value.tag, event.step), value) for event in found for value in event.summary.value]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def scalars(found: list[Any]) -> dict[str, list[float]]:
    """The scalars by tag, in the order of the steps 1, 2, ..."""
    told = {key: value.simple_value for key, value in values(found).items() if value.HasField("simple_value")}
    tags = {tag for tag, _ in told}
    return {tag: [told[tag, step] for step in range(1, sum(key[0] == tag for key in told) + 1)] for tag in tags}


def test_every_epoch_has_its_scalars(data: MNIST, tmp_path: Path) -> None:
    _, history = learn(data, tmp_path, test_data=data.test_data, validation_data=data.validation_data)
    found = events(tmp_path)
    assert found[0].file_version == "brain.Event:2"
    assert scalars(found) == {
        tag: pytest.approx([record[name] for record in history], rel=1e-6) for tag, name in SCALARS.items()
    }
    times = [event.wall_time for event in found]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ((), {"loss/test", "accuracy/test", "loss/validation", "accuracy/validation"}),
        (("test_data",), {"loss/validation", "accuracy/validation"}),
        (("validation_data",), {"loss/test", "accuracy/test"}),
    ],
)
def test_what_was_not_measured_is_left_out(
    data: MNIST, tmp_path: Path, given: tuple[str, ...], missing: set[str]
) -> None:
    learn(data, tmp_path, **{name: getattr(data, name) for name in given})
    assert SCALARS.keys() - scalars(events(tmp_path)).keys() == missing


class Weights(Callback):
    """Copies the parameters after each epoch."""

    def __init__(self) -> None:
        self.copies: list[dict[str, Any]] = []

    def on_epoch_end(self, run: TrainingRun) -> None:
        self.copies.append({name: array.copy() for name, array in run.model.parameters.items()})


def test_every_epoch_has_a_histogram_of_each_layers_weights_and_biases(data: MNIST, tmp_path: Path) -> None:
    weights = Weights()
    learn(data, tmp_path, weights)
    found = {key: value.histo for key, value in values(events(tmp_path)).items() if value.HasField("histo")}
    tags = {"weights/layer_1": "0.weights", "biases/layer_1": "0.bias"}
    tags |= {"weights/layer_2": "2.weights", "biases/layer_2": "2.bias"}
    assert found.keys() == {(tag, step) for tag in tags for step in (1, 2, 3)}
    for (tag, step), histogram in found.items():
        array = weights.copies[step - 1][tags[tag]].astype(float).ravel()
        assert (histogram.min, histogram.max, histogram.num) == (array.min(), array.max(), array.size)
        assert histogram.sum == pytest.approx(array.sum())
        assert histogram.sum_squares == pytest.approx((array**2).sum())
        limits = [-np.inf, *histogram.bucket_limit]
        below = [np.count_nonzero(array <= limit + 1e-12) for limit in limits]
        np.testing.assert_allclose(np.cumsum(histogram.bucket), below[1:], atol=1)


def test_weights_that_are_all_alike_have_a_histogram_too(data: MNIST, tmp_path: Path) -> None:
    network = NeuralNetwork([784, 10], "sigmoid", initializer="zeros", seed=1)
    network.train(data.training_data, 1, 100, 1e-30, callbacks=[TensorBoard(tmp_path)])
    assert values(events(tmp_path))["weights/layer_1", 1].histo.num == 7840


def test_an_epoch_is_on_the_disk_when_it_has_ended_and_the_file_is_closed_however_the_run_ends(
    data: MNIST, tmp_path: Path
) -> None:
    seen: list[int] = []

    class Stopped(Exception):
        pass

    class Look(Callback):
        def on_epoch_end(self, run: TrainingRun) -> None:
            seen.append(max(event.step for event in events(tmp_path)))

    with pytest.raises(Stopped):
        learn(data, tmp_path, Look(), Control(lambda: Stopped() if len(seen) == 2 else None))
    assert seen == [1, 2]
    assert max(event.step for event in events(tmp_path)) == 2  # an open file would be a ResourceWarning, an error here


def test_two_runs_in_one_second_write_two_files(data: MNIST, tmp_path: Path) -> None:
    for _ in range(2):
        learn(data, tmp_path / "run")
    assert len(list((tmp_path / "run").iterdir())) == 2


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(InvalidValue, match=r"pip install tensorboardX==2\.6\.5"):
        TensorBoard(tmp_path)


def test_the_named_version_is_the_pinned_one() -> None:
    requirements = (Path(__file__).resolve().parents[2] / "requirements.txt").read_text()
    assert "tensorboardX==2.6.5" in requirements


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_folder_that_cannot_be_made_costs_one_warning(
    data: MNIST, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").write_text("a file")
    _, history = learn(data, tmp_path / "run")
    assert len(history) == 3
    assert warnings_of(caplog) == ["The training goes on, but its event files cannot be written: File exists."]


def test_a_full_disk_costs_one_warning(
    data: MNIST, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = open("/dev/full", "wb")  # noqa: PTH123, SIM115 - stays open as the event file does
    monkeypatch.setattr("tensorboardX.record_writer.open_file", lambda path: full)
    _, history = learn(data, tmp_path)
    assert len(history) == 3
    assert warnings_of(caplog) == [
        "The training goes on, but its event files cannot be written: No space left on device."
    ]
    monkeypatch.undo()
    with pytest.raises(OSError, match="No space left"):
        full.close()
