"""Named settings that are known to work: a network and how to train it, under one name.

What each reaches, over three seeds, is measured in docs/TRAINING.md. A comparison is a few settings that differ in one
thing only, to be trained with the same seeds and drawn together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hippo.network import NetworkSpec
from hippo.training import TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """Settings under a name.

    Attributes
    ----------
    about : str
        One sentence: what it is for.
    network : mapping
        Arguments of `NetworkSpec.make`, all but the seed.
    training : mapping
        Arguments of `TrainingConfig`, all but the seed.
    """

    about: str
    network: Mapping[str, Any]
    training: Mapping[str, Any] = field(default_factory=dict)

    def make(self, seed: int, network: Mapping[str, Any], training: Mapping[str, Any]) -> tuple[NetworkSpec, Any]:
        """Return spec and `TrainingConfig` with this seed; what is said in `network` and `training` goes first.

        Raises
        ------
        InvalidValue
            For settings outside their ranges, or that do not go together.
        """
        spec = NetworkSpec.make(**(dict(self.network) | {"seed": seed} | dict(network)))
        return spec, TrainingConfig(**(dict(self.training) | {"seed": seed} | dict(training)))


_SMALL = {"layer_sizes": (784, 128, 64, 10), "activation": "relu"}

RECIPES = {
    "classic": Recipe(
        "the network of Nielsen's first chapter: sigmoid, quadratic cost, plain gradient descent",
        {"layer_sizes": (784, 30, 10)},
        {"epochs": 30, "mini_batch_size": 10, "learning_rate": 3.0},
    ),
    "full-batch": Recipe(
        "one step an epoch, along the gradient of all 50,000 examples",
        {"layer_sizes": (784, 100, 10), "activation": "relu"},
        {"epochs": 300, "mini_batch_size": 50_000, "learning_rate": 0.5, "momentum": 0.9, "warm_up": 10.0},
    ),
    "adam": Recipe(
        "two hidden layers of ReLU, softmax and Adam: the usual first choice",
        _SMALL,
        {
            "epochs": 20,
            "mini_batch_size": 64,
            "learning_rate": 0.001,
            "optimizer": "adam",
            "schedule": "cosine",
        },
    ),
    "sgd": Recipe(
        "the same two hidden layers by plain gradient descent at a constant rate",
        _SMALL,
        {"epochs": 20, "mini_batch_size": 32, "learning_rate": 0.1},
    ),
    "best": Recipe(
        "the best multilayer perceptron of ten minutes: wide layers, pictures that are never shown twice alike",
        {"layer_sizes": (784, 800, 400, 10), "activation": "relu"},
        {
            "epochs": 110,
            "mini_batch_size": 100,
            "learning_rate": 0.001,
            "optimizer": "adamw",
            "weight_decay": 0.01,
            "schedule": "one_cycle",
            "augment": ("shift", "rotate", "elastic"),
        },
    ),
}

_RELU = {"layer_sizes": (784, 100, 10), "activation": "relu"}
_STEPS = {"epochs": 10, "mini_batch_size": 32}

#: By name: settings, by the name they have in the figure.
COMPARISONS: dict[str, dict[str, Recipe]] = {
    "optimizers": {
        "SGD 0.1": Recipe("plain gradient descent", _RELU, {**_STEPS, "learning_rate": 0.1}),
        "SGD 0.02, momentum 0.9": Recipe("with momentum", _RELU, {**_STEPS, "learning_rate": 0.02, "momentum": 0.9}),
        "Adam 0.001": Recipe("adaptive steps", _RELU, {**_STEPS, "learning_rate": 0.001, "optimizer": "adam"}),
    },
    "initializers": {
        name: Recipe(about, {**_RELU, "initializer": initializer}, {**_STEPS, "learning_rate": 0.05})
        for name, initializer, about in (
            ("Xavier", "xavier", "variance 2 / (in + out)"),
            ("He", "he", "variance 2 / in"),
            ("plain normal", "normal", "variance 1, whatever the width"),
        )
    },
}
