"""What happens inside a worker, whichever engine started it: one training run, from its description to its files.

`run_training` is given numbers and names, never objects; it reads the network's file, trains, reports every epoch, and
leaves the new file in place before it reports the end. It is written so that it can be started again at any point: a
checkpoint brings it back to where it was, and a run whose result is already in place only reports it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hippo.datasets import MNIST
from hippo.jobs.frames import Message
from hippo.jobs.training_spec import INITIAL, TrainingSpec, load_network, start_of_run
from hippo.jobs.watching import Wanted, Watching
from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import (
    Change,
    Diverged,
    EpochRecord,
    LastGood,
    Orders,
    Paused,
    Steering,
    ThroughputMeter,
    TrainingConfig,
    TrainingState,
)
from hippo.training.callbacks import Checkpoint, Health, Progress, Pulse
from hippo.training.metrics import accuracy, network_outputs
from hippo.training.phases import Phases

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """The run is to end; what it has learned up to its last whole epoch is kept."""


class Interrupted(Exception):
    """The run is to stop here and go on later, from a checkpoint."""


class Context(Protocol):
    """What a run needs of the engine around it."""

    files: ModelFiles
    #: What the server wants of the run.
    orders: Orders

    def data(self) -> MNIST:
        """Return the training, validation and test sets."""

    def report(self, message: dict[str, Any]) -> None:
        """Tell the server; `message` holds values of JSON and a ``type``."""

    def wanted(self) -> Wanted:
        """Return what is watched of the run. Called after every mini-batch."""

    def report_frame(self, message: Message) -> bool:
        """Send a frame, unless earlier ones have not been read yet; return whether it was sent."""


def run_training(spec: TrainingSpec, context: Context) -> None:
    """Train as `spec` says.

    Reports ``started``, one ``epoch`` after the other, ``phase`` for each one that is to be shown, and at the end
    ``completed``, ``cancelled``, ``diverged``, ``interrupted`` or ``paused``.

    Raises
    ------
    DataError
        When the data or the network's file cannot be read.
    """
    files = context.files
    finished = files.read_facts(spec.network_id)
    if finished is not None and finished["revision"] == spec.job_id:
        _report_start(spec, context, finished["history"], {"elapsed": finished["outcome"]["elapsed"]})
        context.report(finished["outcome"])
        return

    network, state, last_good = start_of_run(spec, files)
    if not spec.cancelled:
        # A run that does again what clients have been told of is at the beginning of the next epoch, to them.
        batch = state.batch if state.epoch >= spec.reported else 0
        place = {"elapsed": state.elapsed, "batch": batch, "step": state.steps}
        _report_start(spec, context, state.history, place)
    outcome = _train(spec, context, network, state, last_good)
    if outcome["epochs"]:
        previous = state.answers[0] if len(state.answers) == 2 else None
        outcome["accuracy"] = save_outputs(network, spec.network_id, spec.job_id, context, previous)
        facts = {
            "accuracy": outcome["accuracy"],
            "epochs_trained": spec.epochs_trained + outcome["epochs"],
            "training_config": spec.config,
            "changes": [change for change in state.changes if change["epoch"] <= outcome["epochs"]],
            "test_set_use": "every epoch",
            "history": state.history[: outcome["epochs"]],
            "outcome": outcome,
        }
        files.save_model(spec.network_id, network, spec.job_id, facts)
    context.report(outcome)


def _train(
    spec: TrainingSpec, context: Context, network: NeuralNetwork, state: TrainingState, last_good: LastGood
) -> dict[str, Any]:
    """Run the loop; return the message that tells how it ended, with the weights as they are to be kept."""
    outcome: dict[str, Any]

    def save_checkpoint(good: dict[str, Array] | None = None) -> None:
        try:
            context.files.save_checkpoint(spec.job_id, network, state, good)
        except OSError as error:  # the run itself is well, and an older checkpoint may still be there
            log.warning("The checkpoint of job %s could not be written: %s", spec.job_id, error.strerror)

    def throughput() -> dict[str, Any]:
        # What the phases of an epoch take is known only after one that was shown.
        found = meter.measured() if spec.phase_seconds is None or meter.has_seen_an_end else None
        return {"throughput": asdict(found)} if found else {}

    def tell(record: EpochRecord) -> None:
        if record["epoch"] > spec.reported:
            _report_epoch(record, context, _place(spec, context, state) | throughput())

    def tell_progress(_: float, loss: float) -> None:
        if state.epoch >= spec.reported:
            place = _place(spec, context, state) | throughput()
            context.report({"type": "progress", "epoch": state.epoch + 1, "loss": loss, **place})

    def tell_change(place: Change, made: dict[str, Any], wanted: Mapping[str, Any] | None) -> None:
        context.report({"type": "changed", **place, "changes": made, "wanted": wanted})

    def tell_phase(event: str, data: dict[str, Any]) -> None:
        context.report({"type": "phase", "event": event, "data": data})

    meter = ThroughputMeter()
    watching = Watching(network, {"job_id": spec.job_id, "network_id": spec.network_id}, context.data, context)
    try:
        training_data, validation_data, test_data = context.data()
        shown = []
        if spec.phase_seconds is not None:
            shown = [Phases(training_data, tell_phase, context.orders, spec.phase_seconds, watching.glance)]
        network.train(
            training_data,
            **spec.config,
            test_data=test_data,
            validation_data=validation_data,
            callbacks=[
                meter,
                last_good,
                Health(validation_data),
                Progress(tell),  # first told, then saved
                Checkpoint(lambda _: save_checkpoint()),
                Pulse(tell_progress),
                watching,
                Steering(context.orders, tell_change, spec.changes, spec.batches, spec.pause_at, watching.glance),
                *shown,  # at last, when the epoch is told and saved: they take their time
            ],
            state=state,
        )
        outcome = {"type": "completed"}
    except Interrupted:
        save_checkpoint(last_good.parameters)
        return {"type": "interrupted", "epochs": 0, **_rest(spec, context, state)}
    except Paused:
        save_checkpoint(last_good.parameters)
        return {"type": "paused", "epochs": 0, **_rest(spec, context, state)}
    except Cancelled:
        last_good.restore(network.model.parameters)
        outcome = {"type": "cancelled"}
    except Diverged as error:
        last_good.restore(network.model.parameters)
        outcome = {"type": "diverged", "error": str(error)}
    return outcome | {"elapsed": state.elapsed, "epochs": last_good.epoch, "accuracy": None}


def compute_outputs(network_id: str, network: dict[str, Any], revision: str | None, context: Context) -> None:
    """Pass the test set through a network that has no outputs kept yet, such as one that was never trained."""
    save_outputs(load_network(network_id, network, revision, context.files), network_id, revision or INITIAL, context)


def save_outputs(
    network: NeuralNetwork,
    network_id: str,
    revision: str,
    context: Context,
    previous: NDArray[np.integer[Any]] | None = None,
) -> float:
    """Keep what the network makes of the test set, and what it answered an epoch ago; return the accuracy, 0-1."""
    test_data = context.data().test_data
    outputs = network_outputs(network.model, network.loss, test_data)
    last_weights = [array for name, array in network.model.parameters.items() if name.endswith("weights")][-1]
    context.files.save_outputs(network_id, outputs, last_weights, revision, previous)
    return accuracy(outputs, test_data.labels)


def _place(spec: TrainingSpec, context: Context, state: TrainingState) -> dict[str, Any]:
    """Return where the run is in the epoch under way, and how many steps the optimizer has taken."""
    settings = state.settings(TrainingConfig(**spec.config))
    batches = settings.batches(len(context.data().training_data))
    return {"batch": state.batch, "batches": batches, "step": state.steps}


def _rest(spec: TrainingSpec, context: Context, state: TrainingState) -> dict[str, Any]:
    """Return what is told of a run that rests."""
    seen = state.batch * state.settings(TrainingConfig(**spec.config)).mini_batch_size
    loss = state.loss_sum / min(seen, len(context.data().training_data)) if seen else None
    return {"epoch": state.epoch + 1, "loss": loss, "elapsed": state.elapsed, **_place(spec, context, state)}


def _report_start(spec: TrainingSpec, context: Context, history: list[EpochRecord], place: dict[str, Any]) -> None:
    """Tell that the run begins or goes on, and of the epochs behind it that clients have not been told of."""
    context.report({"type": "started", "epoch": spec.reported, **place})
    for record in history[spec.reported :]:
        _report_epoch(record, context, {})


def _report_epoch(record: EpochRecord, context: Context, place: dict[str, Any]) -> None:
    context.report({"type": "epoch", "validation_total": len(context.data().validation_data)} | record | place)
