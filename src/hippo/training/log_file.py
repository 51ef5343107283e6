"""The training log as a file: what its records hold, how lines are added whole, how all are read back.

A log is JSON Lines. Who writes which record when is the matter of ``training_logger``.

Layers are numbered by their place in the network's sizes: 0 is the input, 1 the first layer that has weights.

======================  ================================================================================================
``type``                fields, besides ``timestamp`` (ISO 8601, UTC, milliseconds)
======================  ================================================================================================
``epoch_start``         epoch (from 1), total_epochs (as planned), first_batch (0, or where the epoch goes on),
                        total_batches (of an epoch)
``mini_batch``          epoch, batch_idx (from 0), batch_size, gradient_stats {weight_mean[], weight_max[], bias_mean[],
                        bias_max[]}: of the absolute gradients, one number a layer; for batches 0, 100 ...
``weight_snapshot``     epoch, layers [{layer, weight_mean, weight_std, weight_min, weight_max, bias_mean, bias_std}]
``epoch_end``           epoch, test_accuracy (a count), test_total, accuracy_percent (0-100): null without a test set;
                        duration_seconds; and the rest of the epoch's record as `hippo.training.train` returns it
``activation_pattern``  sample_idx, label, prediction, correct, layer_activations [{layer, mean_activation,
                        max_activation, active_neurons, total_neurons}]; active is what lies further than 0.1 from 0
``training_complete``   total_duration_seconds, session_id, total_epochs (as planned), finished_epochs, final_accuracy,
                        best_accuracy, accuracy_improvement (last less first), accuracy_of, stop_reason, log_file
======================  ================================================================================================

The accuracies of ``training_complete`` are fractions 0-1 of the set that ``accuracy_of`` names: "test", or "validation"
where more epochs were measured on that one; all null when no epoch was measured. A run that was cut short (killed,
cancelled, diverged) has no such record. A resumed run gets a log of its own: its first ``epoch_start`` says where it
goes on. What is no finite number is null.
"""

import itertools
import json
import math
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from hippo.errors import DataError

#: A line of a log.
Record = dict[str, Any]

#: What a record of each type holds at least.
FIELDS: dict[str, frozenset[str]] = {
    "epoch_start": frozenset({"epoch", "total_epochs"}),
    "mini_batch": frozenset({"epoch", "batch_idx", "batch_size", "gradient_stats"}),
    "weight_snapshot": frozenset({"epoch", "layers"}),
    "epoch_end": frozenset({"epoch", "test_accuracy", "test_total", "accuracy_percent", "duration_seconds"}),
    "activation_pattern": frozenset({"sample_idx", "label", "prediction", "correct", "layer_activations"}),
    "training_complete": frozenset(
        {"total_duration_seconds", "session_id", "total_epochs", "log_file"}
        | {"final_accuracy", "best_accuracy", "accuracy_improvement"}
    ),
}


def new_file(folder: Path, name: str) -> Path:
    """Make an empty file ``name.jsonl`` in `folder`, or with ``_2``, ``_3`` ... added where that is taken.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = folder / (f"{name}_{number}.jsonl" if number > 1 else f"{name}.jsonl")
        with suppress(FileExistsError), path.open("xb"):  # who makes it, has it
            break
    return path


def line_of(record: Record) -> bytes:
    """Return `record` as a line of strict JSON; what is no finite number becomes null."""
    try:
        text = _encode(record)
    except ValueError:  # rare, so looked for only now
        text = _encode(_without_nan(record))
    return text.encode("ascii") + b"\n"


def append(path: Path, lines: bytes) -> None:
    """Add whole lines to an existing file, or nothing.

    The file is opened every time, which takes microseconds: that a log was moved away shows at once, and none is begun
    in its middle.
    """
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        size = os.fstat(file).st_size
        try:
            if os.write(file, lines) < len(lines):
                raise OSError(0, "the disk is full")
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def read_log(path: Path) -> list[Record]:
    """Return the records of a training log, in the order in which they were written.

    A last line that was cut off, as a killed run may leave one, is left out.

    Raises
    ------
    DataError
        When the file cannot be read, or another line is no record; the text names file and line.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(f"The training log {path.name} cannot be read: {error.strerror}.") from error
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            if line.strip():
                records.append(_record(line))
        except (ValueError, RecursionError) as error:
            if number < len(lines):  # what follows the last end of a line was never finished
                raise DataError(f"The training log {path.name} is damaged in line {number}: {error}.") from error
    return records


def epochs_of(records: Iterable[Record]) -> list[Record]:
    """Return the ``epoch_end`` records by epoch: of one log, or of those of a run and its continuations in this order.

    An epoch that is there twice, because a run went on from an earlier checkpoint, is taken from the later log.
    """
    found = {record["epoch"]: record for record in records if record["type"] == "epoch_end"}
    return [found[epoch] for epoch in sorted(found)]


def _plain(value: object) -> object:
    """Return what JSON can hold of a value that it does not know, such as a callback may put into a record."""
    return value.item() if isinstance(value, np.generic) else str(value)


_encode = json.JSONEncoder(allow_nan=False, default=_plain).encode  # made once: that takes as long as a record does


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _record(line: bytes) -> Record:
    record = json.loads(line, parse_constant=_no_number)
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise ValueError("it is no record with a type")
    missing = FIELDS.get(record["type"], frozenset()) - record.keys()
    if missing:
        raise ValueError(f"{record['type']} lacks {', '.join(sorted(missing))}")
    return record


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
