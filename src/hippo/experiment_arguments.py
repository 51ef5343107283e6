"""The arguments that describe an experiment, for every command that takes one.

An argument that is not given is None here, so that a recipe can say it; an argument that is given goes before the
recipe. Ranges are checked by `NetworkSpec` and `TrainingConfig`, whose messages name the setting.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from hippo.errors import InvalidValue
from hippo.experiment import KEEP, Experiment
from hippo.network import ACTIVATIONS, LOSSES
from hippo.nn import INITIALIZERS
from hippo.recipes import RECIPES, Recipe
from hippo.training.config import AUGMENTATIONS, OPTIMIZERS, SCHEDULES, TrainingConfig

DEFAULT_RECIPE = "classic"
_NETWORK = ("layer_sizes", "activation", "loss", "initializer", "dropout")
_TRAINING = tuple(name for name in TrainingConfig.__dataclass_fields__ if name != "seed")
#: Arguments that are not called like what they set.
_SHORT = {"layer_sizes": "sizes", "initializer": "init", "shuffle": "no-shuffle"}


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes the network."""
    group = parser.add_argument_group("the network")
    group.add_argument(
        "--sizes", dest="layer_sizes", nargs="+", type=int, metavar="N", help="neurons per layer, 784 first and 10 last"
    )
    group.add_argument("--activation", choices=list(ACTIVATIONS), help="of the hidden layers")
    group.add_argument("--loss", choices=list(LOSSES), help="quadratic for sigmoid outputs, cross_entropy for softmax")
    group.add_argument("--init", dest="initializer", choices=list(INITIALIZERS), help="how weights begin")
    group.add_argument("--dropout", type=float, metavar="P", help="fraction of hidden neurons dropped in training")


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what describes the training."""
    group = parser.add_argument_group("the training")
    group.add_argument("--epochs", type=int, metavar="N", help="passes over the training set")
    group.add_argument(
        "--mini-batch-size", "--batch-size", type=int, metavar="N", help="examples per step; 50000 is all of them"
    )
    group.add_argument("--learning-rate", type=float, metavar="X", help="size of the steps; the highest of a schedule")
    group.add_argument("--optimizer", choices=OPTIMIZERS)
    group.add_argument("--momentum", type=float, metavar="X", help="of sgd, 0 to below 1")
    group.add_argument("--nesterov", action="store_true", default=None, help="Nesterov's form of momentum")
    group.add_argument("--weight-decay", type=float, metavar="X", help="pull of the weights towards 0")
    group.add_argument("--schedule", choices=SCHEDULES, help="how the learning rate changes")
    group.add_argument("--step-every", type=int, metavar="N", help="schedule step: epochs between two steps")
    group.add_argument("--step-factor", type=float, metavar="X", help="schedule step: what each multiplies the rate by")
    group.add_argument("--warm-up", type=float, metavar="EPOCHS", help="epochs in which the rate rises to its value")
    group.add_argument("--clip-norm", type=float, metavar="X", help="longest gradient")
    group.add_argument("--label-smoothing", type=float, metavar="X", help="certainty taken from the targets, 0 to 1")
    group.add_argument(
        "--augment", nargs="+", choices=AUGMENTATIONS, metavar="KIND", help="shift, rotate, elastic: change pictures"
    )
    group.add_argument(
        "--no-shuffle",
        dest="shuffle",
        action="store_false",
        default=None,
        help="take the examples in the same order in every epoch, that in which they lie",
    )


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what decides which weights are kept and when the run ends."""
    group = parser.add_argument_group("choices, made by the validation set")
    group.add_argument(
        "--keep",
        choices=KEEP,
        default=None,
        help="weights of the last epoch, or of the best (default last)",
    )
    group.add_argument("--patience", type=int, metavar="N", help="stop after N epochs without a lower validation loss")
    group.add_argument(
        "--test-each-epoch",
        action="store_true",
        default=None,
        help="look at the test set after every epoch; without it only once, at the end",
    )


def experiment_from(
    arguments: argparse.Namespace, seed: int, data: str | None = None, recipe: Recipe | None = None
) -> Experiment:
    """Return the experiment that parsed arguments describe.

    Parameters
    ----------
    arguments : Namespace
        With what the three functions above have added, or a part of it, and perhaps ``recipe``, a name.
    seed : int
        Of weights and training.
    data : str, optional
        Where the digits come from, for the record.
    recipe : Recipe, optional
        In place of the named one.

    Raises
    ------
    InvalidValue
        For settings outside their ranges, or that do not go together.
    """
    name = getattr(arguments, "recipe", None)
    base = recipe or RECIPES[name or DEFAULT_RECIPE]
    network, training = (_given(arguments, names) for names in (_NETWORK, _TRAINING))
    if name is None and recipe is None:
        training = _usual_rate(network, training) | training
    spec, config = base.make(seed, network, training)
    if config.schedule != "step" and {"step_every", "step_factor"} & training.keys():
        raise InvalidValue("--step-every and --step-factor belong to --schedule step.")
    choices = _given(arguments, ("keep", "patience", "test_each_epoch"))
    return Experiment(spec, config, recipe=name, data=data, **choices)


def settings_given(arguments: argparse.Namespace) -> list[str]:
    """Return the settings that were given, by the names of their arguments, such as ``--sizes``."""
    names = (*_NETWORK, *_TRAINING, "keep", "patience", "test_each_epoch", "recipe")
    return [f"--{_SHORT.get(name, name).replace('_', '-')}" for name in _given(arguments, names)]


def _usual_rate(network: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, float]:
    """Return a learning rate that suits what was said: 3.0 is for SGD on sigmoid with quadratic cost only.

    And for no more than 100 neurons in the last hidden layer: a step moves what an output adds up by a share of each of
    them. Measured: with rate times neurons at 450 all networks learned, from 500 on most answered always the same.
    """
    if training.get("optimizer", "sgd") != "sgd":
        return {"learning_rate": 0.001}
    is_classic = network.get("activation", "sigmoid") == "sigmoid" and network.get("loss", "quadratic") == "quadratic"
    if not is_classic:
        return {"learning_rate": 0.1}
    hidden = tuple(network.get("layer_sizes", ()))[1:-1]
    return {"learning_rate": float(f"{300 / hidden[-1]:.2g}")} if hidden and hidden[-1] > 100 else {}


def _given(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(arguments, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}
