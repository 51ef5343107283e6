"""One experiment from its settings to its result: train, choose by the validation set, look at the test set once.

This is what the commands in a terminal run; a worker of the server runs ``jobs.run`` instead. Both use the one training
loop. Files are written where `RunFiles` says: a checkpoint while it trains, the finished model at the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hippo.atomic_files import remove
from hippo.datasets import MNIST
from hippo.errors import DataError, InvalidValue
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.model_persistence import read_checkpoint, read_model, write_checkpoint, write_model
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
class RunFiles:
    """Where a run keeps its files.

    Attributes
    ----------
    model : Path
        The finished network; beside it ``.checkpoint`` and ``.best`` files while the run is not over.
    """

    model: Path

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run is kept."""
        return self.model.with_suffix(".checkpoint" + self.model.suffix)

    @property
    def best(self) -> Path:
        """Where the best epoch of an unfinished run is kept."""
        return self.model.with_suffix(".best" + self.model.suffix)

    @classmethod
    def new(cls, folder: Path, name: str) -> RunFiles:
        """Return files in `folder` that do not exist yet: ``name``, or ``name-2`` and so on; makes the folder.

        The name is taken by an empty checkpoint, so that a second run begun at the same time gets another one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            files = cls(folder / (f"{name}-{number}.safetensors" if number > 1 else f"{name}.safetensors"))
            if not files.model.exists():
                try:
                    files.checkpoint.open("xb").close()
                except FileExistsError:
                    continue
                return files
        raise AssertionError("there is always a larger number")

    def release(self) -> None:
        """Give the name back, if nothing was kept under it."""
        if self.checkpoint.exists() and not self.checkpoint.stat().st_size:
            remove(self.checkpoint)

    @classmethod
    def of_checkpoint(cls, path: Path) -> RunFiles:
        """Return the files of the run whose checkpoint is at `path`."""
        name = path.name.removesuffix(".safetensors").removesuffix(".checkpoint")
        return cls(path.with_name(f"{name}.safetensors"))


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
    OSError
        When a file cannot be written.
    """
    network, state = resumed or (NeuralNetwork(experiment.spec), TrainingState())
    facts = {"experiment": experiment.to_dict()}
    ending = _StopReason()

    def save_checkpoint() -> None:
        write_checkpoint(files.checkpoint, network, state, facts=facts)

    own: list[Callback] = [Checkpoint(lambda _: save_checkpoint(), CHECKPOINT_SECONDS)]
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
        write_model(files.model, network, facts | facts_of(experiment, result))
        remove(files.checkpoint)
        remove(files.best)
        return result
    except Stopped:
        save_checkpoint()
        raise
    finally:
        files.release()


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
