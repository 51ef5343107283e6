"""What happens inside a worker, whichever engine started it: one training run, from its description to its files.

`run_training` is given numbers and names, never objects; it reads the network's file, trains, reports every epoch, and
leaves the new file in place before it reports the end. It is written so that it can be started again at any point: a
checkpoint brings it back to where it was, and a run whose result is already in place only reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hippo.datasets import MNIST
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import Diverged, LastGood, TrainingConfig, TrainingState
from hippo.training.callbacks import Checkpoint, Control, Progress, Pulse
from hippo.training.metrics import accuracy, network_outputs

#: The revision of weights that were made from the seed and never trained.
INITIAL = "initial"


class Cancelled(Exception):
    """The run is to end; what it has learned up to its last whole epoch is kept."""


class Interrupted(Exception):
    """The run is to stop here and go on later, from a checkpoint."""


@dataclass(frozen=True)
class TrainingSpec:
    """All that a worker needs to know of a run; made of values that JSON can hold.

    Attributes
    ----------
    network : dict
        `NetworkSpec.to_dict`.
    config : dict
        `TrainingConfig.to_dict`.
    revision : str or None
        The weights to begin with: those in the network's file, or None for new ones.
    epochs_trained : int
        Epochs behind those weights.
    report_again : bool
        Report the epochs before the checkpoint anew, because the worker that reported them died.
    """

    job_id: str
    network_id: str
    network: dict[str, Any]
    config: dict[str, Any]
    revision: str | None
    epochs_trained: int
    report_again: bool


class Context(Protocol):
    """What a run needs of the engine around it."""

    files: ModelFiles

    def data(self) -> MNIST:
        """Return the training, validation and test sets."""

    def report(self, message: dict[str, Any]) -> None:
        """Tell the server; `message` holds values of JSON and a ``type``."""

    def interruption(self) -> Exception | None:
        """Return Cancelled or Interrupted when somebody asked for it, else None. Called after every mini-batch."""


def run_training(spec: TrainingSpec, context: Context) -> None:
    """Train as `spec` says.

    Reports ``started``, one ``epoch`` after the other, and at the end ``completed``, ``cancelled``, ``diverged`` or
    ``interrupted``.

    Raises
    ------
    DataError
        When the data or the network's file cannot be read.
    """
    files, config = context.files, TrainingConfig(**spec.config)
    finished = files.read_facts(spec.network_id)
    if finished is not None and finished["revision"] == spec.job_id:
        context.report(
            {"type": "started", "epoch": finished["outcome"]["epochs"], "elapsed": finished["outcome"]["elapsed"]}
        )
        context.report(finished["outcome"])
        return

    network, state = _start(spec, files)
    context.report({"type": "started", "epoch": state.epoch, "elapsed": state.elapsed})
    if spec.report_again:
        for record in state.history:
            context.report({"type": "epoch"} | record)

    last_good = LastGood()
    outcome: dict[str, Any]
    try:
        training_data, _, test_data = context.data()
        network.train(
            training_data,
            **config.to_dict(),
            test_data=test_data,
            callbacks=[
                last_good,
                Progress(lambda record: context.report({"type": "epoch"} | record)),  # first told, then saved
                Checkpoint(lambda run: files.save_checkpoint(spec.job_id, network, run.state.to_dict())),
                Pulse(lambda done, loss: context.report(_pulse(state, done, loss))),
                Control(context.interruption),
            ],
            state=state,
        )
        outcome = {"type": "completed"}
    except Interrupted:
        files.save_checkpoint(spec.job_id, network, state.to_dict())
        context.report({"type": "interrupted", "elapsed": state.elapsed})
        return
    except Cancelled:
        last_good.restore(network.model.parameters)
        outcome = {"type": "cancelled"}
    except Diverged as error:
        last_good.restore(network.model.parameters)
        outcome = {"type": "diverged", "error": str(error)}

    outcome |= {"elapsed": state.elapsed, "epochs": last_good.epoch, "accuracy": None}
    if last_good.epoch:
        outcome["accuracy"] = save_outputs(network, spec.network_id, spec.job_id, context)
        facts = {
            "accuracy": outcome["accuracy"],
            "epochs_trained": spec.epochs_trained + last_good.epoch,
            "training_config": spec.config,
            "outcome": outcome,
        }
        files.save_model(spec.network_id, network, spec.job_id, facts)
    context.report(outcome)


def compute_outputs(network_id: str, network: dict[str, Any], revision: str | None, context: Context) -> None:
    """Pass the test set through a network that has no outputs kept yet, such as one that was never trained."""
    saved = revision is not None
    whole = context.files.load_model(network_id) if saved else NeuralNetwork(NetworkSpec.from_dict(network))
    save_outputs(whole, network_id, revision or INITIAL, context)


def save_outputs(network: NeuralNetwork, network_id: str, revision: str, context: Context) -> float:
    """Keep the network's answers for the test set, with the last weights that made them; return the accuracy, 0-1."""
    test_data = context.data().test_data
    outputs = network_outputs(network.model, network.loss, test_data)
    last_weights = [array for name, array in network.model.parameters.items() if name.endswith("weights")][-1]
    context.files.save_outputs(network_id, outputs, last_weights, revision)
    return accuracy(outputs, test_data.labels)


def _start(spec: TrainingSpec, files: ModelFiles) -> tuple[NeuralNetwork, TrainingState]:
    """Return the network and where its run is: at a checkpoint, or at the beginning."""
    checkpoint = files.load_checkpoint(spec.job_id)
    if checkpoint is not None:
        network, state = checkpoint
        return network, TrainingState(**state)
    if spec.revision is not None:
        return files.load_model(spec.network_id), TrainingState()
    return NeuralNetwork(NetworkSpec.from_dict(spec.network)), TrainingState()


def _pulse(state: TrainingState, done: float, loss: float) -> dict[str, Any]:
    return {"type": "progress", "epoch": state.epoch + 1, "done": done, "loss": loss}
