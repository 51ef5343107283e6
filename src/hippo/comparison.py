"""Settings compared over seeds: train each with each seed, and gather the curves and their spread.

Everything is measured on the validation set; a comparison is there to choose by, so the test set is never looked at.
What is compared is decided, printed and drawn by the command, ``compare_settings.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from hippo.datasets import MNIST
from hippo.experiment import Experiment, with_seed
from hippo.network import NeuralNetwork
from hippo.training import Callback, Diverged, EpochRecord, TrainingState


@dataclass(frozen=True)
class SeedRun:
    """One setting trained with one seed.

    Attributes
    ----------
    label : str
        Of the setting.
    seed : int
    history : list of dict
        The records of the finished epochs (see `hippo.training.train`).
    seconds : float
        Of training.
    diverged : int or None
        The epoch, from 1, in which the loss stopped being finite.
    """

    label: str
    seed: int
    history: list[EpochRecord]
    seconds: float
    diverged: int | None

    def curve(self, key: str) -> list[float]:
        """Return one figure of every finished epoch."""
        return [float(record[key]) for record in self.history]


def plan(experiments: Mapping[str, Experiment], seeds: Sequence[int]) -> Iterator[tuple[str, Experiment]]:
    """Yield what is to be trained, with its label.

    Seed by seed, so that a comparison that is ended early has trained its settings equally often.
    """
    for seed in seeds:
        for label, experiment in experiments.items():
            yield label, with_seed(experiment, seed)


def train_one(label: str, experiment: Experiment, data: MNIST, callbacks: Sequence[Callback] = ()) -> SeedRun:
    """Train and measure one setting with the seed that it has; to diverge is a result as well."""
    state, diverged = TrainingState(), None
    try:
        NeuralNetwork(experiment.spec).train(
            data.training_data,
            **experiment.config.to_dict(),
            validation_data=data.validation_data,
            callbacks=callbacks,
            state=state,
        )
    except Diverged as error:
        diverged = error.epoch
    return SeedRun(label, experiment.config.seed, state.history, state.elapsed, diverged)


def report(label: str, experiment: Experiment, runs: Sequence[SeedRun]) -> dict[str, Any]:
    """Return what came of one setting as values of JSON.

    ``validation_accuracy``, ``validation_loss`` (of the last epoch) and ``seconds`` are as `spread` makes them, over
    the seeds that did not diverge; ``runs`` holds the curves of every seed.
    """
    own = [run for run in runs if run.label == label]
    finished = [run for run in own if run.diverged is None]
    return {
        "label": label,
        "network": _without_seed(experiment.spec.to_dict()),
        "training": _without_seed(experiment.config.to_dict()),
        "validation_accuracy": spread([run.curve("validation_accuracy")[-1] for run in finished]),
        "validation_loss": spread([run.curve("validation_loss")[-1] for run in finished]),
        "seconds": spread([run.seconds for run in finished]),
        "runs": [
            {
                "seed": run.seed,
                "diverged_in_epoch": run.diverged,
                "seconds": run.seconds,
                "validation_accuracy": run.curve("validation_accuracy"),
                "validation_loss": run.curve("validation_loss"),
                "training_loss": run.curve("loss"),
            }
            for run in own
        ],
    }


def spread(values: Sequence[float]) -> dict[str, Any] | None:
    """Return mean, standard deviation (n - 1; None for one value), lowest and highest; None where there is no value."""
    if not values:
        return None
    sd = stdev(values) if len(values) > 1 else None
    return {"mean": mean(values), "sd": sd, "lowest": min(values), "highest": max(values)}


def _without_seed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "seed"}
