"""Recipes and comparisons: each makes a valid experiment, and comparisons differ in one thing only."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from hippo.errors import InvalidValue
from hippo.experiment import Experiment
from hippo.experiment_arguments import (
    add_choice_arguments,
    add_network_arguments,
    add_training_arguments,
    experiment_from,
    settings_given,
)
from hippo.network import NetworkSpec
from hippo.recipes import COMPARISONS, RECIPES
from hippo.training import TrainingConfig


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipe")
    add_network_arguments(parser)
    add_training_arguments(parser)
    add_choice_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_makes_an_experiment_with_its_settings(name: str) -> None:
    recipe = RECIPES[name]
    experiment = experiment_from(parsed("--recipe", name), seed=8)
    assert experiment.recipe == name
    assert experiment.spec.seed == experiment.config.seed == 8
    for part, values in ((experiment.spec, recipe.network), (experiment.config, recipe.training)):
        for key, value in values.items():
            assert getattr(part, key) == value
    experiment.config.make_schedule()
    assert Experiment.from_dict(experiment.to_dict()) == experiment
    assert recipe.about
    assert not recipe.about.endswith(".")


@pytest.mark.parametrize(
    ("hidden", "more", "rate"),
    [
        ("", "", 3.0),
        ("30", "", 3.0),
        ("500 100", "", 3.0),
        ("128", "", 2.3),
        ("30 300", "", 1.0),
        ("300", "--learning-rate 3", 3.0),
        ("300", "--loss cross_entropy", 0.1),
        ("300", "--activation tanh", 0.1),
        ("300", "--optimizer adam", 0.001),
    ],
)
def test_the_rate_that_is_not_said_suits_the_network(hidden: str, more: str, rate: float) -> None:
    arguments = parsed("--sizes", "784", *hidden.split(), "10", *more.split())
    assert experiment_from(arguments, 1).config.learning_rate == rate


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_comparison_differs_in_one_thing_only(name: str) -> None:
    made = [experiment_from(parsed(), 1, recipe=recipe) for recipe in COMPARISONS[name].values()]
    assert 2 <= len(made) <= 7
    keys = made[0].to_dict()
    varied = {
        key
        for part in ("spec", "config")
        for key in keys[part]
        if len({str(experiment.to_dict()[part][key]) for experiment in made}) > 1
    }
    assert varied == {"optimizers": {"optimizer", "momentum", "learning_rate"}, "initializers": {"initializer"}}[name]
    assert {experiment.recipe for experiment in made} == {None}


def test_what_is_said_goes_before_the_recipe() -> None:
    words = "--recipe best --sizes 784 20 10 --epochs 2 --augment shift --optimizer sgd --nesterov --momentum 0.9"
    experiment = experiment_from(parsed(*words.split(), "--keep", "best", "--patience", "3"), 1, "my digits")
    assert experiment.spec == NetworkSpec.make((784, 20, 10), "relu", seed=1)
    config = RECIPES["best"].training
    assert experiment.config == TrainingConfig(
        **(
            dict(config)
            | {"epochs": 2, "augment": ("shift",), "optimizer": "sgd", "nesterov": True, "momentum": 0.9, "seed": 1}
        )
    )
    assert (experiment.keep, experiment.patience, experiment.data) == ("best", 3, "my digits")
    assert not experiment.test_each_epoch


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ("", 3.0),
        ("--sizes 784 10 --epochs 1", 3.0),
        ("--activation relu", 0.1),
        ("--activation sigmoid", 3.0),
        ("--loss cross_entropy", 0.1),
        ("--optimizer adam", 0.001),
        ("--optimizer adamw --activation tanh", 0.001),
        ("--optimizer sgd --activation tanh", 0.1),
        ("--optimizer adam --learning-rate 0.5", 0.5),
        ("--recipe classic --optimizer adam", 3.0),
        ("--recipe sgd", 0.1),
    ],
)
def test_the_learning_rate_suits_what_is_said_unless_it_is_said_itself(words: str, rate: float) -> None:
    assert experiment_from(parsed(*words.split()), 1).config.learning_rate == rate


def test_every_setting_has_an_argument() -> None:
    given: dict[str, Any] = {name: 1 for name in TrainingConfig.__dataclass_fields__ if name != "seed"}
    given |= dict.fromkeys(("layer_sizes", "activation", "loss", "initializer", "dropout"), 1)
    assert given.keys() <= vars(parsed()).keys()
    flags = settings_given(argparse.Namespace(**given, keep="best", seed=3))
    assert len(flags) == len(given) + 1
    for flag in flags:
        with pytest.raises(SystemExit):
            parsed(flag, "--")  # known, and what it takes is missing or wrong
    assert {"--sizes", "--init", "--mini-batch-size", "--keep"} <= set(flags)
    assert settings_given(parsed()) == []
    assert settings_given(parsed("--no-shuffle")) == ["--no-shuffle"]
    assert experiment_from(parsed(), 1).config.shuffle
    assert not experiment_from(parsed("--no-shuffle"), 1).config.shuffle


def test_settings_that_do_not_go_together_are_refused() -> None:
    for words in ("--optimizer adam --momentum 0.5", "--recipe full-batch --optimizer adam", "--nesterov"):
        with pytest.raises(InvalidValue, match="momentum"):
            experiment_from(parsed(*words.split()), 1)
    with pytest.raises(InvalidValue, match="patience"):
        experiment_from(parsed("--patience", "0"), 1)
