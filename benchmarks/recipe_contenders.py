"""One epoch of a recipe, by Hippo, PyTorch and scikit-learn; each is run in a process of its own.

``python -m benchmarks.recipe_contenders NAME RECIPE`` answers lines as ``benchmarks.contenders`` does. All have the
recipe's layers, mini-batches, optimizer and learning rate (its schedule at its highest value), float32 and one thread.
Nobody but Hippo augments; scikit-learn has no quadratic cost and no AdamW: there it is cross-entropy and Adam.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.contenders import CLASSES, RATE_OF_CROSS_ENTROPY, Contender, Floats, serve
from hippo.datasets import MNIST, MNISTLoader
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.recipes import RECIPES
from hippo.training import TrainingConfig


def hippo(spec: NetworkSpec, config: TrainingConfig, data: MNIST) -> Contender:
    """Hippo, as the command runs it."""
    network, seeds = NeuralNetwork(spec), itertools.count()
    settings = config.to_dict() | {"epochs": 1, "schedule": "constant", "warm_up": 0.0}

    def epoch() -> None:
        network.train(data.training_data, **(settings | {"seed": next(seeds)}))

    return Contender(epoch, network.predict)


def hippo_without_augmentation(spec: NetworkSpec, config: TrainingConfig, data: MNIST) -> Contender:
    """Hippo with the pictures as they are, to be compared with the others."""
    return hippo(spec, TrainingConfig(**(config.to_dict() | {"augment": ()})), data)


def pytorch(spec: NetworkSpec, config: TrainingConfig, data: MNIST) -> Contender:
    """PyTorch in eager mode with its fused optimizers; the data are two tensors, indexed by row."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    activation = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[spec.activation]
    layers: list[torch.nn.Module] = []
    for i, o in itertools.pairwise(spec.layer_sizes):
        linear = torch.nn.Linear(i, o)
        if spec.loss == "quadratic":
            torch.nn.init.xavier_normal_(linear.weight)
        layers += [linear, activation()]
    if spec.loss == "cross_entropy":
        layers.pop()
    model = torch.nn.Sequential(*layers)
    rate, decay = config.learning_rate, config.weight_decay
    optimizers: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), rate, config.momentum, fused=True),
        "adam": lambda: torch.optim.Adam(model.parameters(), rate, fused=True),
        "adamw": lambda: torch.optim.AdamW(model.parameters(), rate, weight_decay=decay, fused=True),
    }
    optimizer = optimizers[config.optimizer]()
    images, labels = torch.tensor(data.training_data.images), torch.tensor(np.array(data.training_data.labels, int))
    one_hot = torch.eye(CLASSES)[labels]

    def epoch() -> None:
        for rows in torch.randperm(len(images)).split(config.mini_batch_size):
            optimizer.zero_grad()
            outputs = model(images[rows])
            if spec.loss == "cross_entropy":
                loss = torch.nn.functional.cross_entropy(outputs, labels[rows])
            else:
                loss = torch.nn.functional.mse_loss(outputs, one_hot[rows], reduction="sum") / (2 * len(rows))
            loss.backward()
            optimizer.step()

    def outputs(test_images: Floats) -> Floats:
        with torch.no_grad():
            return np.asarray(model(torch.tensor(test_images)))

    return Contender(epoch, outputs)


def scikit_learn(spec: NetworkSpec, config: TrainingConfig, data: MNIST) -> Contender:
    """scikit-learn's MLPClassifier; `partial_fit` is one epoch."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        spec.layer_sizes[1:-1],
        activation={"sigmoid": "logistic"}.get(spec.activation, spec.activation),
        solver="sgd" if config.optimizer == "sgd" else "adam",
        batch_size=config.mini_batch_size,
        learning_rate_init=RATE_OF_CROSS_ENTROPY if spec.loss == "quadratic" else config.learning_rate,
        momentum=config.momentum,
        nesterovs_momentum=config.nesterov,
        alpha=0.0,
        random_state=1,
    )
    images, labels = data.training_data.images, np.array(data.training_data.labels)
    return Contender(lambda: model.partial_fit(images, labels, classes=np.arange(CLASSES)), model.predict_proba)


CONTENDERS = {
    "Hippo": hippo,
    "Hippo, not augmenting": hippo_without_augmentation,
    "PyTorch, eager": pytorch,
    "scikit-learn MLPClassifier": scikit_learn,
}


def main() -> None:
    """Do what the lines on standard input say."""
    recipe, data = RECIPES[sys.argv[2]], MNISTLoader().load_data()
    spec, config = recipe.make(1, {}, {})
    serve(CONTENDERS[sys.argv[1]](spec, config, data), data)


if __name__ == "__main__":
    main()
