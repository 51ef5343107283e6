"""One experiment from its settings to its result: train, choose by the validation set, look at the test set once.

This is what the commands in a terminal run; a worker of the server runs ``jobs.run`` instead. Both use the one training
loop. Files are written where `RunFiles` says: a checkpoint while it trains, the finished model at the end.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hippo.atomic_files import remove
from hippo.datasets import MNIST
from hippo.errors import DataError, InvalidValue
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.arrays_file import read_header
from hippo.persistence.model_persistence import read_checkpoint, read_model, write_checkpoint, write_model
from hippo.run_files import RunFiles
from hippo.training import (
    BestCheckpoint,
    Callback,
    Control,
    EarlyStopping,
    EpochRecord,
    Evaluation,
    TrainingConfig,
    TrainingRun,
    TrainingState,
    evaluate,
)
from hippo.training.callbacks import Checkpoint

log = logging.getLogger(__name__)

#: How the test set was used, as it stands in the model's file and in every report.
ONCE, EVERY_EPOCH = "once, at the end", "every epoch"
#: Which weights may be kept.
KEEP = ("last", "best")
CHECKPOINT_SECONDS = 10.0


class Stopped(Exception):
    """Somebody asked the run to stop; a checkpoint is written, and it can go on."""


@dataclass(frozen=True)
class Experiment:
    """All that is decided before a run.

    Attributes
    ----------
    spec : NetworkSpec
    config : TrainingConfig
    keep : {"last", "best"}
        The weights that are kept: of the last epoch, or of that with the lowest validation loss.
    patience : int or None
        Epochs without a lower validation loss after which the run ends; None for never.
    test_each_epoch : bool
        Whether to look at the test set after every epoch. Nothing is chosen by it, but who watches it may choose.
    recipe, data : str or None
        Where the settings and the digits come from, for the record.
    """

    spec: NetworkSpec
    config: TrainingConfig
    keep: str = "last"
    patience: int | None = None
    test_each_epoch: bool = False
    recipe: str | None = None
    data: str | None = None

    def __post_init__(self) -> None:
        if self.keep not in KEEP:
            raise InvalidValue(f"keep must be one of {', '.join(KEEP)}, not {self.keep!r}.")
        if self.patience is not None:
            EarlyStopping(self.patience)  # raises for a patience below 1

    @property
    def test_set_use(self) -> str:
        """How the test set is used, in words."""
        return EVERY_EPOCH if self.test_each_epoch else ONCE

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as values of JSON."""
        return asdict(self) | {"spec": self.spec.to_dict(), "config": self.config.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Experiment:
        """Return the experiment that `to_dict` described; raises TypeError or KeyError when it is none."""
        parts = {"spec": NetworkSpec.from_dict(values["spec"]), "config": TrainingConfig(**values["config"])}
        return cls(**(values | parts))


@dataclass(frozen=True)
class Result:
    """What came of an experiment.

    Attributes
    ----------
    network : NeuralNetwork
        With the weights that are kept.
    history : list of dict
        The record of every epoch (see `hippo.training.train`).
    epoch : int
        The epoch whose weights are kept, from 1.
    test : Evaluation
        Of these weights, on the test set.
    seconds : float
        Of training.
    stop_reason : str or None
        Why the run ended before its last epoch.
    """

    network: NeuralNetwork
    history: list[EpochRecord]
    epoch: int
    test: Evaluation
    seconds: float
    stop_reason: str | None


class _StopReason(Callback):
    """Remembers why a run ended."""

    reason: str | None = None

    def on_train_end(self, run: TrainingRun) -> None:
        self.reason = run.stop_reason


def run_experiment(
    experiment: Experiment,
    data: MNIST,
    files: RunFiles,
    callbacks: Sequence[Callback] = (),
    interruption: Callable[[], bool] = lambda: False,
    resumed: tuple[NeuralNetwork, TrainingState] | None = None,
) -> Result:
    """Run `experiment` and leave its model at ``files.model``.

    Parameters
    ----------
    experiment : Experiment
    data : MNIST
        Training, validation and test set.
    files : RunFiles
    callbacks : sequence of Callback
        Attached to the loop, before those that save.
    interruption : callable
        Asked after every mini-batch whether to stop.
    resumed : (NeuralNetwork, TrainingState), optional
        Where the run goes on (see `resume`).

    Raises
    ------
    Stopped
        After an interruption, with the checkpoint written.
    Diverged
        When the loss or a weight stops being finite; checkpoint and best epoch stay.
    DataError
        When a run would go on with other digits, or the finished model cannot be written.
    """
    network, state = resumed or (NeuralNetwork(experiment.spec), TrainingState())
    facts = {"experiment": experiment.to_dict(), "digits": digest(data)}
    if resumed is not None and read_header(files.checkpoint).get("digits") != facts["digits"]:
        raise DataError(f"{files.checkpoint.name} was trained on other digits than these.")
    ending = _StopReason()

    def save_checkpoint() -> None:
        write_checkpoint(files.checkpoint, network, state, facts=facts)

    def try_checkpoint() -> None:
        try:
            save_checkpoint()
        except OSError as error:  # the run itself is well, and an older checkpoint may still be there
            log.warning("The checkpoint could not be written: %s", error.strerror)

    if resumed is None:
        with suppress(OSError):  # a run that is killed at once can go on, too; a full disk is told of later
            save_checkpoint()
    own: list[Callback] = [Checkpoint(lambda _: try_checkpoint(), CHECKPOINT_SECONDS)]
    if experiment.keep == "best":
        own.insert(0, BestCheckpoint(lambda run: write_model(files.best, network, {"epoch": run.state.epoch})))
    if experiment.patience is not None:
        own.append(EarlyStopping(experiment.patience))
    try:
        network.train(
            data.training_data,
            **experiment.config.to_dict(),
            test_data=data.test_data if experiment.test_each_epoch else None,
            validation_data=data.validation_data,
            callbacks=[*callbacks, *own, Control(lambda: Stopped() if interruption() else None), ending],
            state=state,
        )
        epoch = state.epoch
        if experiment.keep == "best":
            network, best = read_model(files.best)
            epoch = best["epoch"]
        test = evaluate(network.model, network.loss, data.test_data)
        result = Result(network, state.history, epoch, test, state.elapsed, ending.reason)
        try:
            write_model(files.model, network, facts | facts_of(experiment, result))
        except OSError as error:
            with suppress(OSError):
                save_checkpoint()
            raise DataError(
                f"{files.model.name} could not be written: {error.strerror}. The network has learned; it gets "
                f"{test.accuracy:.2%} of the test set right."
            ) from None
        remove(files.checkpoint)
        remove(files.best)
        return result
    except Stopped:
        save_checkpoint()
        raise
    except BaseException:
        if not state.epoch:  # nothing was learned that would be worth going on with
            remove(files.checkpoint)
        raise
    finally:
        files.release()


def digest(data: MNIST) -> str:
    """Return what tells these digits from others: sizes and checksums of the labels that are learned and chosen by."""
    parts = (data.training_data, data.validation_data)
    return " ".join(f"{len(part)}:{zlib.crc32(np.ascontiguousarray(part.labels).tobytes()):08x}" for part in parts)


def facts_of(experiment: Experiment, result: Result) -> dict[str, Any]:
    """Return what a model's file says of its making, as values of JSON."""
    return {
        "accuracy": result.test.accuracy,
        "test_set_use": experiment.test_set_use,
        "epochs_trained": result.epoch,
        "training_config": experiment.config.to_dict(),
        "history": result.history,
        "seconds": result.seconds,
        "stop_reason": result.stop_reason,
    }


def resume(path: Path) -> tuple[Experiment, RunFiles, tuple[NeuralNetwork, TrainingState]]:
    """Return the experiment whose checkpoint is at `path`, its files, and where it goes on.

    Raises
    ------
    DataError
        When the file is missing, damaged, or no checkpoint of an experiment, or the weights of the best epoch, which
        stand in a file beside it, are missing.
    """
    network, state, _, facts = read_checkpoint(path)
    try:
        experiment = Experiment.from_dict(facts["experiment"])
    except (KeyError, TypeError, InvalidValue):
        raise DataError(f"{path.name} is no checkpoint of an experiment.") from None
    if experiment.spec != network.spec:
        raise DataError(f"{path.name} holds another network than its experiment describes.")
    files = RunFiles.of_checkpoint(path)
    if experiment.keep == "best" and state.history and not files.best.exists():
        raise DataError(f"{files.best.name}, the best epoch so far, is missing. Put it beside {path.name}.")
    return experiment, files, (network, state)


def with_seed(experiment: Experiment, seed: int) -> Experiment:
    """Return the same experiment with another seed for weights and training."""
    return replace(experiment, spec=replace(experiment.spec, seed=seed), config=replace(experiment.config, seed=seed))
