"""A network as people speak of it: `NeuralNetwork([784, 30, 10])` with predict, activations, train and evaluate.

It puts the parts of ``nn`` together after a `NetworkSpec`, which may be imported from here, too, and trains with the
one loop of ``training``. Where networks are kept is the matter of ``persistence``; who may train when, of ``jobs``.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hippo.datasets.dataset import Dataset, as_dataset
from hippo.errors import InvalidValue
from hippo.network_spec import ACTIVATIONS, INPUTS, LOSSES, MAX_PARAMETERS, OUTPUTS, RECTIFIERS, NetworkSpec
from hippo.nn import Array, Dropout, Linear, Module, Sequential, Sigmoid
from hippo.nn.losses import output_probabilities
from hippo.training import Callback, EpochRecord, Progress, TrainingConfig, TrainingState, evaluate, train

__all__ = [
    "ACTIVATIONS",
    "INPUTS",
    "LOSSES",
    "MAX_PARAMETERS",
    "OUTPUTS",
    "RECTIFIERS",
    "ROWS_AT_ONCE",
    "Data",
    "NetworkSpec",
    "NeuralNetwork",
    "make_layers",
    "shuffling",
]

#: Images that are passed through at a time, and the numbers that the widest layer may then hold (16 MB).
ROWS_AT_ONCE, NUMBERS_AT_ONCE = 1_000, 2_000_000

#: Pairs of columns (784, 1), (10, 1), as older code has them, or a Dataset.
Data = Dataset | Sequence[tuple[Array, Array]]


class NeuralNetwork:
    """A feed-forward network for digits.

    Parameters
    ----------
    sizes : sequence of int, or NetworkSpec
        Neurons per layer, such as ``[784, 30, 10]``.
    activation, loss, initializer, seed, dropout
        As in `NetworkSpec`.

    Attributes
    ----------
    spec : NetworkSpec
    model : Sequential
        The layers, in eval mode but while it trains; with cross-entropy it ends in logits, and `predict` adds the
        softmax.
    """

    def __init__(
        self,
        sizes: Sequence[int] | NetworkSpec,
        activation: str = "sigmoid",
        loss: str | None = None,
        initializer: str | None = None,
        seed: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        if not isinstance(sizes, NetworkSpec):
            sizes = NetworkSpec.make(sizes, activation, loss, initializer, seed, dropout)
        self.spec: NetworkSpec = sizes
        self.loss = LOSSES[self.spec.loss]()
        self.model = _build(self.spec, self.spec.initializer)

    @classmethod
    def from_parameters(cls, spec: NetworkSpec, parameters: Mapping[str, Array]) -> NeuralNetwork:
        """Return the network of `spec` with these weights and biases, by the names of ``model.parameters``.

        Raises
        ------
        InvalidValue
            When one is missing, is too many, or has another shape than `spec` says.
        """
        network = cls.__new__(cls)
        network.spec = spec
        network.loss = LOSSES[spec.loss]()
        network.model = _build(spec, "zeros")
        own = network.model.parameters
        if own.keys() != parameters.keys():
            raise InvalidValue(f"The parameters must be {', '.join(own)}, not {', '.join(parameters)}.")
        for name, array in own.items():
            if array.shape != parameters[name].shape:
                raise InvalidValue(f"{name} must have shape {array.shape}, not {parameters[name].shape}.")
            np.copyto(array, parameters[name])
        return network

    @property
    def sizes(self) -> tuple[int, ...]:
        """Neurons per layer."""
        return self.spec.layer_sizes

    def predict(self, images: Array) -> Array:
        """Return the ten outputs (N, 10), each 0-1, for `images` (N, 784), 0-1. With a softmax every row sums to 1.

        Computed as `activations` does, but for some images at a time, of which only the last layer is kept.
        """
        images = np.atleast_2d(np.asarray(images))
        outputs = np.empty((len(images), self.sizes[-1]), np.float32)
        rows = max(1, min(ROWS_AT_ONCE, NUMBERS_AT_ONCE // max(self.sizes)))
        for begin in range(0, len(images), rows):
            some = images[begin : begin + rows].astype(np.float64)
            (outputs[begin : begin + rows],) = deque(self._shown(some), maxlen=1)
        return outputs

    def activations(self, images: Array) -> list[Array]:
        """Return what every layer shows for `images` (N, 784): the input, hidden layers (N, width), outputs (N, 10).

        Computed in float64 and returned as float32, so that an image gets the same answer alone, among others and from
        another library. It may be called from several threads at once.
        """
        x: Array = np.atleast_2d(np.asarray(images, np.float64))
        return [x.astype(np.float32), *(layer.astype(np.float32) for layer in self._shown(x))]

    def _shown(self, x: Array) -> Iterator[Array]:
        """Yield what each layer after the input shows for `x` (N, 784), float64."""
        for module in self.model.modules:
            x = _in_float64(module).forward(x)
            if not isinstance(module, Linear | Dropout):
                yield x
        if isinstance(self.model.modules[-1], Linear):
            yield output_probabilities(self.loss, x)

    def train(
        self,
        training_data: Data,
        epochs: int = 5,
        mini_batch_size: int = 10,
        learning_rate: float = 3.0,
        test_data: Data | None = None,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
        progress: Callable[[EpochRecord], None] | None = None,
        state: TrainingState | None = None,
        validation_data: Data | None = None,
        **options: Any,
    ) -> list[EpochRecord]:
        """Train with gradient descent and return one record per epoch (see `hippo.training.train`).

        Parameters
        ----------
        training_data, test_data, validation_data : Dataset, or list of column pairs
            What is learned from; what loss and accuracy are measured on after each epoch.
        epochs, mini_batch_size, learning_rate, seed
            As in `TrainingConfig`.
        callbacks : sequence of Callback
            Attached to the loop.
        progress : callable, optional
            Given the record of each epoch as it ends.
        state : TrainingState, optional
            Where an interrupted run goes on.
        **options
            Any other setting of `TrainingConfig`, such as ``optimizer="adam"``.

        Raises
        ------
        InvalidValue
            For a setting outside its range, or a set that this network cannot learn from.
        Diverged
            When the loss or a weight stops being finite.
        """
        config = TrainingConfig(epochs, mini_batch_size, learning_rate, seed, **options)
        return train(
            self.model,
            self.loss,
            _digits(training_data),
            config,
            shuffling(seed),
            _digits(test_data) if test_data is not None else None,
            [*callbacks, *([Progress(progress)] if progress else [])],
            state,
            _digits(validation_data) if validation_data is not None else None,
        )

    def evaluate(self, test_data: Data) -> int:
        """Return how many examples of `test_data` the network gets right."""
        return evaluate(self.model, self.loss, _digits(test_data)).correct


def shuffling(seed: int) -> np.random.Generator:
    """Return the generator that orders the examples of a run; another stream than that of the weights."""
    return np.random.default_rng([seed, 1])


def _digits(data: Data) -> Dataset:
    """Return `data` as a Dataset; raises InvalidValue when it does not fit the network's inputs and outputs."""
    digits = as_dataset(data)
    if not len(digits) or digits.pixels.shape[1] != INPUTS or digits.classes > OUTPUTS:
        raise InvalidValue(
            f"A set must hold at least one picture, each of {INPUTS} pixels and labelled 0 to {OUTPUTS - 1}."
        )
    # Columns may stand for fewer classes than the network has outputs.
    return digits if digits.classes == OUTPUTS else digits.with_classes(OUTPUTS)


def _build(spec: NetworkSpec, initializer: str) -> Sequential:
    rng = np.random.default_rng(spec.seed)
    modules = make_layers(spec.layer_sizes, spec.activation, initializer, rng, spec.dropout)
    if spec.loss == "quadratic":
        modules.append(Sigmoid())
    return Sequential(modules).eval()


def _in_float64(module: Module) -> Module:
    """Return the module with its parameters in float64, to be run forward once; it leaves nothing in the other."""
    exact = copy.copy(module)
    exact.parameters = {name: array.astype(np.float64) for name, array in module.parameters.items()}
    exact.keeps_arrays = False
    return exact.eval()


def make_layers(
    sizes: Sequence[int],
    activation: str,
    initializer: str,
    rng: np.random.Generator,
    dropout: float = 0.0,
    dtype: Any = np.float32,
) -> list[Module]:
    """Return the modules of a network whose last layer is linear, for whatever is to stand behind it.

    Parameters
    ----------
    sizes : sequence of int
        Neurons per layer, inputs and outputs included; two or more.
    activation, initializer, dropout
        As in `NetworkSpec`.
    rng : numpy.random.Generator
        Where the weights come from.
    dtype : dtype
        Of weights and biases.
    """
    modules: list[Module] = []
    for position, (i, o) in enumerate(pairwise(sizes)):
        if position:
            modules.append(ACTIVATIONS[activation]())
            if dropout:
                modules.append(Dropout(dropout))
        modules.append(Linear(i, o, initializer, rng, dtype))
    return modules
