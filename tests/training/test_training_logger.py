"""The training log: the records of a run against what they must say, files that are in the way, full or damaged."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNIST
from hippo.errors import DataError
from hippo.network import NeuralNetwork
from hippo.nn import Linear
from hippo.training import Callback, Control, Diverged, TrainingRun, TrainingState, log_file, training_logger
from hippo.training.training_logger import TrainingLogger, epochs_of, read_log
from tests.jobs.made_data import made_mnist

#: 600 examples in mini-batches of 4: 150 a epoch, of which the 1st and the 101st are logged.
SIZE = 4
EARLY, LATE = 0, 100


class Stopped(Exception):
    """Ends a run in the middle."""


class After(Callback):
    """Calls a function after a mini-batch, counted over the whole run from 1."""

    def __init__(self, batch: int, action: Any) -> None:
        self.batch, self.action, self.seen = batch, action, 0

    def on_batch_end(self, run: TrainingRun) -> None:
        self.seen += 1
        if self.seen == self.batch:
            self.action(run)


class Watch(Callback):
    """Copies the gradients of the mini-batches whose index is in `indices`, and the weights after each epoch."""

    def __init__(self, *indices: int) -> None:
        self.indices = indices
        self.gradients: list[dict[str, Any]] = []
        self.weights: list[dict[str, Any]] = []

    def on_batch_end(self, run: TrainingRun) -> None:
        if run.state.batch - 1 in self.indices:
            self.gradients.append({name: array.copy() for name, array in run.model.gradients.items()})

    def on_epoch_end(self, run: TrainingRun) -> None:
        self.weights.append({name: array.copy() for name, array in run.model.parameters.items()})


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist()


def network(activation: str = "sigmoid") -> NeuralNetwork:
    return NeuralNetwork([784, 12, 11, 10], activation, seed=1)


def learn(data: MNIST, logger: TrainingLogger, epochs: int = 2, *more: Callback, **options: Any) -> list[Any]:
    options = {"test_data": data.test_data} | options
    net = options.pop("net", None) or network()
    rate = options.pop("learning_rate", 0.5)
    history: list[Any] = net.train(data.training_data, epochs, SIZE, rate, callbacks=[logger, *more], **options)
    return history


def logged(logger: TrainingLogger) -> list[dict[str, Any]]:
    assert logger.log_file is not None
    return read_log(logger.log_file)


def of(kind: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


def without_time(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("type", "timestamp")}


# ---- The records of a run


def test_a_run_is_logged_record_for_record(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    history = learn(data, logger)
    records = logged(logger)
    epoch = ["epoch_start", "mini_batch", "mini_batch", "weight_snapshot", "epoch_end"]
    assert [record["type"] for record in records] == [*epoch, *epoch, "training_complete"]
    starts, batches = of("epoch_start", records), of("mini_batch", records)
    assert [without_time(start) for start in starts] == [
        {"epoch": 1, "total_epochs": 2, "first_batch": 0, "total_batches": 150},
        {"epoch": 2, "total_epochs": 2, "first_batch": 0, "total_batches": 150},
    ]
    places = [(1, EARLY, SIZE), (1, LATE, SIZE), (2, EARLY, SIZE), (2, LATE, SIZE)]
    assert [(batch["epoch"], batch["batch_idx"], batch["batch_size"]) for batch in batches] == places
    for end, record in zip(of("epoch_end", records), history, strict=True):
        assert without_time(end) == record | {"accuracy_percent": pytest.approx(100 * record["accuracy"], abs=1e-6)}
        assert end["accuracy_percent"] == 100 * end["test_accuracy"] / end["test_total"]


def test_every_record_has_the_fields_that_are_promised_and_a_time_in_utc(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    learn(data, logger)
    image, _ = data.test_data[0]
    logger.log_activation(network(), image, 1, 0)
    records = logged(logger)
    assert {record["type"] for record in records} == set(log_file.FIELDS)
    for record in records:
        assert log_file.FIELDS[record["type"]] <= record.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["timestamp"])
    assert [record["timestamp"] for record in records] == sorted(record["timestamp"] for record in records)


def test_gradients_and_weights_are_those_of_the_network_by_layer(data: MNIST, tmp_path: Path) -> None:
    logger, watch = TrainingLogger(tmp_path), Watch(EARLY, LATE)
    learn(data, logger, 2, watch)
    records = logged(logger)
    names = ("0", "2", "4")
    for batch, gradients in zip(of("mini_batch", records), watch.gradients, strict=True):
        assert any((array < 0).any() for array in gradients.values())  # the log has left them as they were
        assert batch["gradient_stats"] == {
            f"{kind}_{measure}": pytest.approx(
                [getattr(np.abs(gradients[f"{name}.{key}"].astype(float)), measure)() for name in names], rel=1e-5
            )
            for kind, key in (("weight", "weights"), ("bias", "bias"))
            for measure in ("mean", "max")
        }
    for snapshot, weights in zip(of("weight_snapshot", records), watch.weights, strict=True):
        assert snapshot["layers"] == [
            {"layer": number}
            | {
                f"{kind}_{measure}": pytest.approx(
                    getattr(weights[f"{name}.{key}"].astype(float), measure)(), rel=1e-4, abs=1e-7
                )
                for kind, key, measures in (
                    ("weight", "weights", ("mean", "std", "min", "max")),
                    ("bias", "bias", ("mean", "std")),
                )
                for measure in measures
            }
            for number, name in enumerate(names, start=1)
        ]


def test_the_last_mini_batch_may_be_smaller(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    network().train(data.training_data[:101], 1, 1, 0.1, callbacks=[logger])
    assert [batch["batch_size"] for batch in of("mini_batch", logged(logger))] == [1, 1]
    logger = TrainingLogger(tmp_path)
    network().train(data.training_data[:403], 1, SIZE, 0.1, callbacks=[logger])
    assert [batch["batch_size"] for batch in of("mini_batch", logged(logger))] == [SIZE, 3]
    assert logged(logger)[0]["total_batches"] == 101


class Measured(Callback):
    """Puts accuracies into the records of the epochs, as if they had been measured."""

    def __init__(self, *accuracies: float) -> None:
        self.accuracies = accuracies

    def on_epoch_end(self, run: TrainingRun) -> None:
        run.state.history[-1]["accuracy"] = self.accuracies[run.state.epoch - 1]


def test_the_last_record_sums_the_run_up(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path, session_id="session 1")
    history = learn(data, logger, 3, Measured(0.25, 0.875, 0.75))
    complete = without_time(logged(logger)[-1])
    assert complete.pop("total_duration_seconds") == pytest.approx(history[-1]["elapsed_time"], abs=0.1)
    assert complete == {
        "session_id": "session 1",
        "total_epochs": 3,
        "finished_epochs": 3,
        "final_accuracy": 0.75,
        "best_accuracy": 0.875,
        "accuracy_improvement": 0.5,
        "accuracy_of": "test",
        "stop_reason": None,
        "log_file": str(logger.log_file),
    }


def test_every_run_has_a_session_of_its_own(data: MNIST, tmp_path: Path) -> None:
    logger, sessions = TrainingLogger(tmp_path), set()
    for _ in range(2):
        learn(data, logger, 1)
        sessions.add(str(uuid.UUID(logged(logger)[-1]["session_id"])))
    assert len(sessions) == 2


def record_of(test: float | None, validation: float | None) -> dict[str, Any]:
    return {"accuracy": test, "validation_accuracy": validation}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([record_of(0.5, 0.6), record_of(0.9, 0.8)], ("test", [0.5, 0.9])),
        ([record_of(None, 0.6), record_of(None, 0.8)], ("validation", [0.6, 0.8])),
        ([record_of(None, 0.6), record_of(0.9, 0.8)], ("validation", [0.6, 0.8])),
        ([record_of(None, None), record_of(0.9, None)], ("test", [0.9])),
        ([record_of(None, None)], (None, [])),
        ([{"accuracy": 0.5}], ("test", [0.5])),
        ([], (None, [])),
    ],
)
def test_accuracies_are_of_the_set_measured_most(history: list[Any], expected: tuple[str | None, list[float]]) -> None:
    assert training_logger._accuracies(history) == expected


def test_without_a_test_set_its_fields_are_null(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    learn(data, logger, 1, test_data=None)
    records = logged(logger)
    (end,) = of("epoch_end", records)
    assert (end["test_accuracy"], end["test_total"], end["accuracy_percent"]) == (None, None, None)
    (complete,) = of("training_complete", records)
    assert {complete[name] for name in ("final_accuracy", "best_accuracy", "accuracy_improvement", "accuracy_of")} == {
        None
    }


def test_the_validation_set_takes_the_place_of_a_missing_test_set(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    history = learn(data, logger, 2, test_data=None, validation_data=data.validation_data)
    (complete,) = of("training_complete", logged(logger))
    assert complete["accuracy_of"] == "validation"
    assert complete["final_accuracy"] == history[-1]["validation_accuracy"]


# ---- How runs end and go on


def test_a_run_that_stops_early_says_why(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)
    learn(data, logger, 5, After(200, lambda run: setattr(run, "stop_reason", "enough")))
    complete = logged(logger)[-1]
    assert complete["type"] == "training_complete"
    assert (complete["stop_reason"], complete["total_epochs"], complete["finished_epochs"]) == ("enough", 5, 2)


def test_a_run_that_is_cut_short_has_no_last_record(data: MNIST, tmp_path: Path) -> None:
    logger, control = TrainingLogger(tmp_path), After(170, lambda run: None)
    with pytest.raises(Stopped):
        learn(data, logger, 2, control, Control(lambda: Stopped() if control.seen == 170 else None))
    assert [record["type"] for record in logged(logger)][-2:] == ["epoch_start", "mini_batch"]


def test_a_resumed_run_has_a_log_of_its_own_that_says_where_it_goes_on(data: MNIST, tmp_path: Path) -> None:
    net, state, control = network(), TrainingState(), After(320, lambda run: None)
    first, second = TrainingLogger(tmp_path), TrainingLogger(tmp_path)
    stop = Control(lambda: Stopped() if control.seen == 320 else None)
    with pytest.raises(Stopped):
        learn(data, first, 4, control, stop, net=net, state=state)
    history = learn(data, second, 4, net=net, state=state)
    before, after = logged(first), logged(second)
    assert first.log_file != second.log_file
    assert without_time(after[0]) == {"epoch": 3, "total_epochs": 4, "first_batch": 20, "total_batches": 150}
    # The 21st batch of the epoch is not the first of a hundred; the 101st is.
    assert [(batch["epoch"], batch["batch_idx"]) for batch in of("mini_batch", after)] == [(3, 100), (4, 0), (4, 100)]
    assert [end["epoch"] for end in epochs_of(before + after)] == [1, 2, 3, 4]
    assert [end["loss"] for end in epochs_of(before + after)] == [record["loss"] for record in history]
    complete = after[-1]
    assert complete["accuracy_improvement"] == history[-1]["accuracy"] - history[0]["accuracy"]  # of the whole run
    assert complete["total_duration_seconds"] >= sum(record["duration_seconds"] for record in history)


def test_a_run_that_diverges_leaves_strict_json(data: MNIST, tmp_path: Path) -> None:
    logger = TrainingLogger(tmp_path)

    def ruin(run: TrainingRun) -> None:
        run.model.parameters["4.weights"][0] = np.nan

    with pytest.raises(Diverged):
        learn(data, logger, 1, After(120, ruin))
    net = network("relu")
    next(module for module in net.model.modules if isinstance(module, Linear)).parameters["bias"][:] = np.inf
    image, label = data.test_data[0]
    with np.errstate(invalid="ignore"):
        logger.log_activation(net, image, int(label.argmax()), 0)
    assert logger.log_file is not None
    lines = logger.log_file.read_text().splitlines()
    assert not any(word in line for line in lines for word in ("NaN", "Infinity"))
    kinds = ["epoch_start", "mini_batch", "mini_batch", "activation_pattern"]
    assert [json.loads(line)["type"] for line in lines] == kinds
    assert json.loads(lines[-1])["layer_activations"][1]["max_activation"] is None


@pytest.mark.parametrize("value", [np.float32("nan"), np.float64("inf"), -float("inf"), [float("nan")], (np.inf,)])
def test_what_is_no_number_becomes_null(value: Any) -> None:
    line = log_file.line_of({"type": "a", "deep": {"value": value, "number": np.float32(0.5), "count": np.int64(3)}})
    deep = json.loads(line)["deep"]
    assert deep in ({"value": None, "number": 0.5, "count": 3}, {"value": [None], "number": 0.5, "count": 3})


# ---- Activations


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("whole", [True, False], ids=["network", "its layers"])
def test_activations_are_those_of_each_layer(data: MNIST, tmp_path: Path, activation: str, whole: bool) -> None:
    logger, net = TrainingLogger(tmp_path), network(activation)
    learn(data, logger, 1, net=net)
    image, _ = data.test_data[7]
    prediction = int(net.predict(image.reshape(1, 784)).argmax())
    for index, label in ((7, prediction), (8, (prediction + 1) % 10)):
        logger.log_activation(net if whole else net.model, image, label, index)
    right, wrong = logged(logger)[-2:]
    layers = net.activations(image.reshape(1, 784))
    if not whole:
        layers[-1] = net.model.forward(image.reshape(1, 784))  # logits, where the network adds a softmax
    assert right["layer_activations"] == [
        {
            "layer": number,
            "mean_activation": pytest.approx(float(values.mean()), rel=1e-5),
            "max_activation": pytest.approx(float(values.max()), rel=1e-5),
            "active_neurons": sum(abs(value) > 0.1 for value in values[0]),
            "total_neurons": width,
        }
        for number, (values, width) in enumerate(zip(layers, (784, 12, 11, 10), strict=True))
    ]
    assert (right["sample_idx"], right["label"], right["prediction"], right["correct"]) == (
        7,
        prediction,
        prediction,
        True,
    )
    assert (wrong["sample_idx"], wrong["prediction"], wrong["correct"]) == (8, prediction, False)


def test_activations_in_the_middle_of_a_run_change_nothing_and_drop_nothing(data: MNIST, tmp_path: Path) -> None:
    image, _ = data.test_data[0]
    losses, seen = [], []
    for asks in (False, True):
        net = NeuralNetwork([784, 40, 10], "relu", seed=1, dropout=0.5)
        logger = TrainingLogger(tmp_path)

        def ask(run: TrainingRun, net: NeuralNetwork = net, logger: TrainingLogger = logger) -> None:
            assert run.model.training
            for _ in range(2):
                logger.log_activation(net, image, 0, 0)
                logger.log_activation(run.model, image, 0, 0)
            assert run.model.training

        (record,) = learn(data, logger, 1, *([After(50, ask)] if asks else []), net=net, learning_rate=0.05)
        losses.append(record["loss"])
        seen = [record["layer_activations"][1] for record in of("activation_pattern", logged(logger))]
    assert losses[0] == losses[1]
    assert len(seen) == 4 and all(layer == seen[0] for layer in seen)


def test_activations_before_the_first_run_are_in_its_log(data: MNIST, tmp_path: Path) -> None:
    logger, net = TrainingLogger(tmp_path), network()
    image, _ = data.test_data[0]
    logger.log_activation(net, image, 0, 0)
    learn(data, logger, 1, net=net)
    first = logger.log_file
    assert [record["type"] for record in logged(logger)][:2] == ["activation_pattern", "epoch_start"]
    learn(data, logger, 1, net=net)
    assert logger.log_file != first
    assert logged(logger)[0]["type"] == "epoch_start"
    assert len(list(tmp_path.iterdir())) == 2


# ---- The file


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be far from Greenwich."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_the_name_is_the_time_in_utc_and_a_taken_one_gets_a_suffix(
    data: MNIST, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_logger, "now", lambda: 1_790_000_000.5)
    folder = tmp_path / "a" / "logs"
    names = []
    for _ in range(3):
        logger = TrainingLogger(folder)
        learn(data, logger, 1)
        assert logger.log_file is not None
        names.append(logger.log_file.name)
        (folder / names[0]).write_text("mine")
    assert names == [f"training_20260921_141320{suffix}.jsonl" for suffix in ("", "_2", "_3")]
    assert (folder / names[0]).read_text() == "mine"


def test_two_that_begin_at_once_get_two_files(tmp_path: Path) -> None:
    barrier, made = threading.Barrier(8), []

    def make() -> None:
        barrier.wait()
        made.append(log_file.new_file(tmp_path, "training"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8


def test_a_logger_that_never_runs_makes_no_file(tmp_path: Path) -> None:
    assert TrainingLogger(tmp_path / "logs").log_file is None
    assert not list(tmp_path.iterdir())


def test_records_are_in_the_file_at_once_and_gradients_when_patience_ends(
    data: MNIST, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, counts = [100.0], []
    monkeypatch.setattr(training_logger.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(training_logger, "EVERY", 10)
    logger = TrainingLogger(tmp_path)

    def look(run: TrainingRun) -> None:
        counts.append(Counter(record["type"] for record in logged(logger))["mini_batch"])
        clock[0] += 0.15

    looks = [After(batch, look) for batch in (1, 11, 21, 31, 41)]
    learn(data, logger, 1, *looks)
    # Written at the beginning of the epoch; 0.00, 0.15, 0.30 s later; then 0.15 s later, and so on.
    assert counts == [0, 0, 3, 3, 5]
    assert len(of("mini_batch", logged(logger))) == 15  # all, before what is written at the end of the epoch
    times = [record["timestamp"] for record in logged(logger)]
    assert times == sorted(times)


KILLED = """
import os, signal, sys
from pathlib import Path
from hippo.network import NeuralNetwork
from hippo.training import Callback
from hippo.training.training_logger import TrainingLogger
from tests.jobs.made_data import made_mnist

class Kill(Callback):
    def on_batch_end(self, run):
        if run.state.epoch == 1 and run.state.batch == 120:
            os.kill(os.getpid(), signal.SIGKILL)

net = NeuralNetwork([784, 12, 10], seed=1)
net.train(made_mnist().training_data, 9, 4, 0.5, callbacks=[TrainingLogger(Path(sys.argv[1])), Kill()])
"""


@pytest.mark.process
def test_a_killed_run_leaves_a_readable_log(tmp_path: Path) -> None:
    project = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": f"{project / 'src'}{os.pathsep}{project}", "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)
    assert result.returncode == -9
    (path,) = tmp_path.iterdir()
    records = read_log(path)
    assert [end["epoch"] for end in epochs_of(records)] == [1]
    assert records[-1]["epoch"] == 2


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_folder_that_cannot_be_made_costs_one_warning(
    data: MNIST, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file")
    logger = TrainingLogger(tmp_path / "logs")
    assert len(learn(data, logger, 2)) == 2
    (text,) = warnings_of(caplog)
    assert re.fullmatch(
        r"The training goes on, but its log training_\d{8}_\d{6}\.jsonl cannot be written: File exists\.", text
    )
    assert logger.log_file is None


def test_a_log_that_vanishes_costs_one_warning_and_is_not_begun_in_the_middle(
    data: MNIST, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    logger = TrainingLogger(folder)

    def vanish(run: TrainingRun) -> None:
        assert logger.log_file is not None
        logger.log_file.unlink()

    assert len(learn(data, logger, 2, After(50, vanish))) == 2
    (text,) = warnings_of(caplog)
    assert text.endswith("cannot be written: No such file or directory.")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("partly", [True, False])
def test_a_full_disk_costs_records_but_no_half_lines(
    data: MNIST, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, partly: bool
) -> None:
    logger, write, room = TrainingLogger(tmp_path), os.write, [True]

    def writing(file: int, content: bytes) -> int:
        if room[0]:
            return write(file, content)
        if partly:
            return write(file, content[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_file.os, "write", writing)
    full = After(50, lambda run: room.__setitem__(0, False))
    empty = After(200, lambda run: room.__setitem__(0, True))
    assert len(learn(data, logger, 2, full, empty)) == 2
    (text,) = warnings_of(caplog)
    assert text.endswith(": the disk is full." if partly else ": No space left on device.")
    records = logged(logger)
    kept = ["epoch_start", "mini_batch", "mini_batch", "weight_snapshot", "epoch_end", "training_complete"]
    assert [record["type"] for record in records] == kept
    assert records[2]["epoch"] == 2
    assert logger.log_file is not None
    assert logger.log_file.read_text().endswith("}\n")


# ---- Reading


def written(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


GOOD = '{"type": "epoch_start", "timestamp": "2026-01-31T12:00:00.000Z", "epoch": 1, "total_epochs": 2}'


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    for cut in range(1, len(GOOD)):
        assert len(read_log(written(tmp_path / "a.jsonl", GOOD, GOOD[:cut], end=""))) == 1


def test_a_whole_last_line_needs_no_end(tmp_path: Path) -> None:
    assert len(read_log(written(tmp_path / "a.jsonl", GOOD, GOOD, end=""))) == 2
    assert len(read_log(written(tmp_path / "a.jsonl", GOOD + "\r", "", "\r", GOOD))) == 2
    assert read_log(written(tmp_path / "a.jsonl", end="")) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD[:40], "Unterminated string"),
        ("[1]", "it is no record with a type"),
        ("{}", "it is no record with a type"),
        ('{"type": 3}', "it is no record with a type"),
        ('{"type": "x", "a": NaN}', "NaN is no number of JSON"),
        ('{"type": "epoch_start", "epoch": 1}', "epoch_start lacks total_epochs"),
        ('{"type": ' + "[" * 100_000, ""),
        ("\x00\x00", ""),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    for lines in ((GOOD, line, GOOD), (GOOD, line)):
        with pytest.raises(DataError, match=r"^The training log a\.jsonl is damaged in line 2: .*" + reason):
            read_log(written(tmp_path / "a.jsonl", *lines))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"type": "\xff\xfe"}\n')
    with pytest.raises(DataError, match="is damaged in line 1"):
        read_log(tmp_path / "a.jsonl")


def test_records_of_an_unknown_type_are_kept(tmp_path: Path) -> None:
    assert read_log(written(tmp_path / "a.jsonl", '{"type": "note"}')) == [{"type": "note"}]


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^The training log a\.jsonl cannot be read: No such file or directory\.$"):
        read_log(tmp_path / "a.jsonl")


def test_an_epoch_that_was_run_again_is_taken_from_the_later_log() -> None:
    ends = [{"type": "epoch_end", "epoch": epoch, "loss": loss} for epoch, loss in ((1, 5), (2, 4), (2, 3), (3, 2))]
    assert epochs_of([*ends, {"type": "training_complete"}]) == [ends[0], ends[2], ends[3]]
