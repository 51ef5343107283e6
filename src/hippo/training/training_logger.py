"""The training log: what happens inside a run, one JSON record a line, written while it happens.

`TrainingLogger` is the callback that writes it. What the records hold, and how they are read back (`read_log`,
`epochs_of`), stands in ``log_file``. A log is for people and their plots; nothing in Hippo depends on one, so that a
full disk costs the log and never the training.
"""

import itertools
import logging
import time
import uuid
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hippo.clock import iso_time, now
from hippo.nn import Array, Linear, Sequential
from hippo.training.callbacks import Callback
from hippo.training.log_file import Record, append, epochs_of, line_of, new_file, read_log
from hippo.training.state import EpochRecord, TrainingRun

__all__ = ["TrainingLogger", "epochs_of", "linear_layers", "read_log"]

log = logging.getLogger(__name__)

#: Of so many mini-batches, the first has its gradients logged.
EVERY = 100
#: A neuron further than this from 0 counts as active.
ACTIVE = 0.1
#: Seconds that gradients may wait to be written together: one by one they would cost 2 % of a quick run's time.
PATIENCE = 0.25


class Activations(Protocol):
    """What can tell the values of all its layers: a NeuralNetwork."""

    model: Sequential

    def activations(self, images: Array) -> list[Array]:
        """Return the values of each layer (N, width), the input's (N, 784) first, for `images` (N, 784)."""


class TrainingLogger(Callback):
    """Writes a training log, ``training_YYYYMMDD_HHMMSS.jsonl`` by the time (UTC) at which the run begins.

    Where that name is taken, ``_2``, ``_3`` ... is added; an existing file is never touched. Records are written as
    whole lines and at once (those of mini-batches within 0.25 s), so that a killed run leaves a readable log. When the
    file cannot be written, this is said once, as a warning of the logger ``hippo.training.training_logger``, and the
    training goes on.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    session_id : str, optional
        Names the run in its last record, such as the id of a job; otherwise a new UUID for every run.

    Attributes
    ----------
    log_file : Path or None
        The file being written, or the last one; None before the first record, or when it could not be made.
    """

    def __init__(self, folder: Path = Path("logs"), session_id: str | None = None) -> None:
        self.log_file: Path | None = None
        self._folder = Path(folder)
        self._session_id = session_id
        self._due = 1
        self._gradients: list[tuple[str, str, Array]] = []
        self._pending: list[Record] = []
        self._last_write = 0.0
        self._has_run = False
        self._has_warned = False

    def on_train_begin(self, run: TrainingRun) -> None:
        """Begin a file, unless one was begun by activations before the first run."""
        if self._has_run or self.log_file is None:
            self._begin_file()
        self._has_run = True
        self._gradients = [
            (f"{kind}_mean", f"{kind}_max", layer.gradients[name])
            for layer in linear_layers(run.model)
            for kind, name in (("weight", "weights"), ("bias", "bias"))
        ]

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Log where the run is."""
        done = run.state.batch
        self._due = done + 1 + -done % EVERY  # in finished batches, so one above the index
        self._write(
            "epoch_start",
            epoch=run.state.epoch + 1,
            total_epochs=run.config.epochs,
            first_batch=done,
            total_batches=-(-run.examples // run.config.mini_batch_size),
        )

    def on_batch_end(self, run: TrainingRun) -> None:
        """Log the gradients, if it is time."""
        if run.state.batch < self._due:
            return
        self._due += EVERY
        index, size = run.state.batch - 1, run.config.mini_batch_size
        stats: dict[str, list[float]] = {"weight_mean": [], "weight_max": [], "bias_mean": [], "bias_max": []}
        for mean, largest, gradient in self._gradients:
            absolute = np.abs(gradient)
            # The ufuncs behind mean() and max(), at half the time: these lines are most of what a log costs.
            stats[mean].append(float(np.add.reduce(absolute, axis=None)) / absolute.size)
            stats[largest].append(float(np.maximum.reduce(absolute, axis=None)))
        self._write(
            "mini_batch",
            epoch=run.state.epoch + 1,
            batch_idx=index,
            batch_size=min(size, run.examples - index * size),
            gradient_stats=stats,
        )

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Log the weights and the epoch's record."""
        record = run.state.history[-1]
        layers = enumerate(linear_layers(run.model), start=1)
        self._write("weight_snapshot", epoch=record["epoch"], layers=[_weights_of(*pair) for pair in layers])
        fraction = record["accuracy"]
        percent = None if fraction is None else round(100 * fraction, 6)
        self._write("epoch_end", **(record | {"accuracy_percent": percent}))

    def on_train_end(self, run: TrainingRun) -> None:
        """Log the result, if the run came to its end."""
        if run.state.epoch < run.config.epochs and run.stop_reason is None:
            self._flush()
            return
        measured_on, accuracies = _accuracies(run.state.history)
        self._write(
            "training_complete",
            total_duration_seconds=run.elapsed,
            session_id=self._session_id or str(uuid.uuid4()),
            total_epochs=run.config.epochs,
            finished_epochs=run.state.epoch,
            final_accuracy=accuracies[-1] if accuracies else None,
            best_accuracy=max(accuracies, default=None),
            accuracy_improvement=accuracies[-1] - accuracies[0] if accuracies else None,
            accuracy_of=measured_on,
            stop_reason=run.stop_reason,
            log_file=str(self.log_file),
        )

    def log_activation(self, network: Activations | Sequential, image: Array, label: int, sample_idx: int) -> None:
        """Log what every layer shows for one picture: before, in and after a run, but not from another thread.

        Parameters
        ----------
        network : NeuralNetwork or Sequential
            The values of a Sequential's last layer are logged as it returns them, so without the softmax.
        image : ndarray
            784 numbers, 0-1, in any shape.
        label : int
            The true digit.
        sample_idx : int
            The picture's place in its set.
        """
        if self.log_file is None:
            self._begin_file()
        row = np.asarray(image, np.float32).reshape(1, -1)
        with (network if isinstance(network, Sequential) else network.model).mode(training=False):
            layers = _layers_of(network, row) if isinstance(network, Sequential) else network.activations(row)
        prediction = int(layers[-1].argmax())
        self._write(
            "activation_pattern",
            sample_idx=int(sample_idx),
            label=int(label),
            prediction=prediction,
            correct=prediction == int(label),
            layer_activations=[
                {
                    "layer": number,
                    "mean_activation": float(values.mean()),
                    "max_activation": float(values.max()),
                    "active_neurons": int(np.count_nonzero(np.abs(values) > ACTIVE)),
                    "total_neurons": values.size,
                }
                for number, values in enumerate(layers)
            ],
        )

    def _begin_file(self) -> None:
        self.log_file, self._has_warned = None, False
        name = f"training_{time.strftime('%Y%m%d_%H%M%S', time.gmtime(now()))}"
        try:
            self.log_file = new_file(self._folder, name)
        except OSError as error:
            self._warn(f"{name}.jsonl", error)

    def _write(self, kind: str, /, **fields: Any) -> None:
        self._pending.append({"type": kind, "timestamp": now()} | fields)
        if kind not in ("mini_batch", "weight_snapshot") or time.monotonic() - self._last_write >= PATIENCE:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending, self._last_write = self._pending, [], time.monotonic()
        if self.log_file is None or not pending:
            return
        lines = [line_of(record | {"timestamp": iso_time(record["timestamp"])}) for record in pending]
        try:
            append(self.log_file, b"".join(lines))
        except OSError as error:
            self._warn(self.log_file.name, error)

    def _warn(self, name: str, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning("The training goes on, but its log %s cannot be written: %s.", name, error.strerror)


def linear_layers(model: Sequential) -> list[Linear]:
    """Return the modules of `model` that have weights and a bias, first to last."""
    return [module for module in model.modules if isinstance(module, Linear)]


def _accuracies(history: list[EpochRecord]) -> tuple[str | None, list[float]]:
    """Return the set on which most epochs were measured, the test set when equal, and the accuracies on it."""
    sets = [
        (name, [record[key] for record in history if record.get(key) is not None])
        for name, key in (("test", "accuracy"), ("validation", "validation_accuracy"))
    ]
    name, values = max(sets, key=lambda pair: len(pair[1]))
    return (name, values) if values else (None, [])


def _weights_of(number: int, layer: Linear) -> dict[str, float]:
    weights, bias = layer.parameters["weights"], layer.parameters["bias"]
    return {
        "layer": number,
        "weight_mean": float(weights.mean()),
        "weight_std": float(weights.std()),
        "weight_min": float(weights.min()),
        "weight_max": float(weights.max()),
        "bias_mean": float(bias.mean()),
        "bias_std": float(bias.std()),
    }


def _layers_of(model: Sequential, x: Array) -> list[Array]:
    """Return `x` and what each layer (a Linear with all that follows it up to the next) makes of it."""
    layers = [x]
    for module, following in itertools.zip_longest(model.modules, model.modules[1:]):
        x = module.forward(x)
        if following is None or isinstance(following, Linear):
            layers.append(x)
    return layers
