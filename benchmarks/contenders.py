"""One epoch of stochastic gradient descent on MNIST, written in five ways; each is run in a process of its own.

All train the same network on the same 50,000 images, in a new order every epoch, in mini-batches of 10 with a learning
rate of 3.0: sigmoid layers, quadratic cost, float32. Each holds the data in the form that suits it best, and what it
prepares once (copies, compiled code) is not timed. scikit-learn has no quadratic cost: there it is softmax and
cross-entropy at a rate of 0.3, which costs the same.

``python -m benchmarks.contenders NAME 784,30,10`` prints ``ready`` and then answers lines on its standard input:
``epoch`` with the seconds that one took, ``accuracy`` with the fraction of the test set that is right.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hippo.datasets import MNIST, MNISTLoader

BATCH, RATE, RATE_OF_CROSS_ENTROPY = 10, 3.0, 0.3
CLASSES = 10
Floats = NDArray[Any]  # of float32


class Contender(NamedTuple):
    """Something that learns: `epoch` passes over the training set once, `outputs` answers for images (N, 784)."""

    epoch: Callable[[], Any]
    outputs: Callable[[Floats], Floats]


def hippo(sizes: list[int], data: MNIST) -> Contender:
    """Hippo's own `train`, as a notebook or a worker calls it; the set-up of each call is timed too."""
    from hippo.network import NeuralNetwork

    network = NeuralNetwork(sizes, seed=1)
    seeds = iter(range(1_000_000))

    def epoch() -> None:
        network.train(data.training_data, epochs=1, mini_batch_size=BATCH, learning_rate=RATE, seed=next(seeds))

    return Contender(epoch, network.predict)


def per_sample(sizes: list[int], data: MNIST) -> Contender:
    """NumPy, one example at a time as columns, as books teach it: the gradients of ten examples are added up."""
    rng = np.random.default_rng(1)
    weights, biases = _first_weights(sizes, rng)
    weights, biases = [w.T.copy() for w in weights], [b[:, np.newaxis] for b in biases]
    pairs = list(data.training_data)

    def epoch() -> None:
        order = rng.permutation(len(pairs))
        for begin in range(0, len(order), BATCH):
            weight_sums = [np.zeros_like(w) for w in weights]
            bias_sums = [np.zeros_like(b) for b in biases]
            for index in order[begin : begin + BATCH]:
                weight_gradients, bias_gradients = gradients(*pairs[index])
                weight_sums = [total + g for total, g in zip(weight_sums, weight_gradients, strict=True)]
                bias_sums = [total + g for total, g in zip(bias_sums, bias_gradients, strict=True)]
            step = np.float32(RATE / BATCH)
            weights[:] = [w - step * g for w, g in zip(weights, weight_sums, strict=True)]
            biases[:] = [b - step * g for b, g in zip(biases, bias_sums, strict=True)]

    def gradients(x: Floats, y: Floats) -> tuple[list[Floats], list[Floats]]:
        activations = [x]
        for w, b in zip(weights, biases, strict=True):
            activations.append(_sigmoid(w @ activations[-1] + b))
        delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
        weight_gradients, bias_gradients = [delta @ activations[-2].T], [delta]
        for layer in range(2, len(activations)):
            a = activations[-layer]
            delta = (weights[-layer + 1].T @ delta) * a * (1 - a)
            weight_gradients.insert(0, delta @ activations[-layer - 1].T)
            bias_gradients.insert(0, delta)
        return weight_gradients, bias_gradients

    def outputs(images: Floats) -> Floats:
        a = images.T
        for w, b in zip(weights, biases, strict=True):
            a = _sigmoid(w @ a + b)
        return a.T

    return Contender(epoch, outputs)


def pytorch(sizes: list[int], data: MNIST) -> Contender:
    """PyTorch in eager mode: modules, autograd, its own SGD (fused); the data are two tensors, indexed by row."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    layers: list[torch.nn.Module] = []
    for i, o in itertools.pairwise(sizes):
        linear = torch.nn.Linear(i, o)
        torch.nn.init.xavier_normal_(linear.weight)
        layers += [linear, torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)
    images, targets = torch.tensor(data.training_data.images), torch.tensor(_one_hot(data))

    def epoch() -> None:
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(model(images[rows]), targets[rows], reduction="sum") / (2 * BATCH)
            loss.backward()
            optimizer.step()

    def outputs(test_images: Floats) -> Floats:
        with torch.no_grad():
            return np.asarray(model(torch.tensor(test_images)))

    return Contender(epoch, outputs)


def scikit_learn(sizes: list[int], data: MNIST) -> Contender:
    """scikit-learn's MLPClassifier; `partial_fit` is one epoch."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        tuple(sizes[1:-1]),
        activation="logistic",
        solver="sgd",
        batch_size=BATCH,
        learning_rate_init=RATE_OF_CROSS_ENTROPY,
        momentum=0.0,
        alpha=0.0,
        random_state=1,
    )
    images, labels = data.training_data.images, np.array(data.training_data.labels)
    return Contender(lambda: model.partial_fit(images, labels, classes=np.arange(CLASSES)), model.predict_proba)


def jax(sizes: list[int], data: MNIST) -> Contender:
    """JAX: the whole epoch is one compiled `scan`, whose step gathers its rows; the weights are updated in place."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(1)
    start_weights, start_biases = _first_weights(sizes, rng)
    parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(start_weights, start_biases, strict=True)]
    images, targets = jnp.asarray(data.training_data.images), jnp.asarray(_one_hot(data))

    def forward(parameters: Any, x: Any) -> Any:
        for weights, bias in parameters:
            x = jax.nn.sigmoid(x @ weights + bias)
        return x

    def cost(parameters: Any, x: Any, y: Any) -> Any:
        return jnp.sum((forward(parameters, x) - y) ** 2) / (2 * BATCH)

    def scan(parameters: Any, order: Any, images: Any, targets: Any) -> Any:
        def step(parameters: Any, rows: Any) -> Any:
            value, gradients = jax.value_and_grad(cost)(parameters, images[rows], targets[rows])
            return jax.tree.map(lambda p, g: p - RATE * g, parameters, gradients), value

        return jax.lax.scan(step, parameters, order)

    compiled = jax.jit(scan, donate_argnums=0)

    def epoch() -> None:
        nonlocal parameters
        order = rng.permutation(len(images)).astype(np.int32).reshape(-1, BATCH)
        parameters, _ = jax.block_until_ready(compiled(parameters, order, images, targets))

    return Contender(epoch, lambda test_images: np.asarray(forward(parameters, test_images)))


CONTENDERS = {
    "Hippo": hippo,
    "JAX, jit + scan": jax,
    "scikit-learn MLPClassifier": scikit_learn,
    "PyTorch, eager": pytorch,
    "NumPy, per sample": per_sample,
}


def main() -> None:
    """Do what the lines on standard input say."""
    data = MNISTLoader().load_data()
    serve(CONTENDERS[sys.argv[1]]([int(size) for size in sys.argv[2].split(",")], data), data)


def serve(contender: Contender, data: MNIST) -> None:
    """Answer the lines on standard input."""
    contender.epoch()  # not timed: fills caches, compiles
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "epoch":
            began = time.perf_counter()
            contender.epoch()
            print(time.perf_counter() - began, flush=True)
        else:
            answers = contender.outputs(data.test_data.images).argmax(axis=1)
            print(float(np.mean(answers == data.test_data.labels)), flush=True)


def _first_weights(sizes: list[int], rng: np.random.Generator) -> tuple[list[Floats], list[Floats]]:
    shapes = list(itertools.pairwise(sizes))
    weights = [(rng.standard_normal(shape) * np.sqrt(2 / sum(shape))).astype(np.float32) for shape in shapes]
    return weights, [np.zeros(o, np.float32) for _, o in shapes]


def _one_hot(data: MNIST) -> Floats:
    return np.eye(CLASSES, dtype=np.float32)[data.training_data.labels]


def _sigmoid(z: Floats) -> Floats:
    return 1 / (1 + np.exp(-z))


if __name__ == "__main__":
    main()
