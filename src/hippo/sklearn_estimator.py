"""Hippo's networks as an estimator of scikit-learn: for any table of numbers, in pipelines and searches.

It translates between scikit-learn's conventions and the one loop of ``training``, and computes nothing of its own.
scikit-learn is an extra: nothing else in Hippo imports this file.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError("HippoClassifier needs scikit-learn: pip install scikit-learn==1.9.1") from error

from hippo.errors import InvalidValue
from hippo.network import ACTIVATIONS, MAX_PARAMETERS, RECTIFIERS, make_layers, shuffling
from hippo.nn import Array, CrossEntropyLoss, Sequential, softmax
from hippo.training import EpochRecord, Labels, TrainingConfig, TrainingState, train
from hippo.training.config import MAX_EPOCHS

#: Rows that are answered at once.
CHUNK = 1_000


@dataclass(frozen=True)
class _Table:
    """Examples as scikit-learn hands them over: float32 (N, features), the place of each one's class in `classes_`."""

    inputs: NDArray[np.float32]
    labels: Labels
    classes: int

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class _Plan:
    """The network of a fit, so that settings that are changed later change nothing about it, and where its run is."""

    sizes: tuple[int, ...]
    activation: str
    dropout: float
    seed: int
    state: TrainingState = field(default_factory=TrainingState)

    def __post_init__(self) -> None:
        for size in self.sizes:
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ValueError(f"hidden_layer_sizes must be whole numbers from 1, not {size!r}.")
        if sum(i * o + o for i, o in pairwise(self.sizes)) > MAX_PARAMETERS:
            raise ValueError(f"A network may have at most {MAX_PARAMETERS:,} parameters; {self.sizes} has more.")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}.")
        if isinstance(self.dropout, bool) or not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be a number from 0 to below 1, not {self.dropout!r}.")

    def network(self, dtype: Any, parameters: dict[str, Array] | None) -> Sequential:
        """Return it with these parameters, or with its first ones."""
        start = "zeros" if parameters else "he" if self.activation in RECTIFIERS else "xavier"
        rng = np.random.default_rng(self.seed)
        network = Sequential(make_layers(self.sizes, self.activation, start, rng, self.dropout, dtype))
        for name, array in (parameters or {}).items():
            np.copyto(network.parameters[name], array)
        return network


class HippoClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A fully connected network with a softmax, trained with cross-entropy, for any number of features and classes.

    Features should be of similar size, so put a ``StandardScaler`` before it; pixels divided by 255 will do.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, or int
        Neurons of each hidden layer, each 1 or more; with none it is a logistic regression. One number is one layer.
    activation : {"sigmoid", "tanh", "relu", "leaky_relu"}
        Of the hidden layers.
    dropout : float
        Fraction of every hidden layer that is dropped in training, 0 or more and below 1.
    epochs : int
        Passes over the training set, 1 to 10,000.
    mini_batch_size : int
        Examples per step, 1 to 50,000.
    learning_rate : float
        Above 0.
    optimizer : {"adam", "adamw", "sgd"}
    momentum : float
        Of sgd, 0 or more and below 1.
    weight_decay : float
        0 or more, in the optimizer's own way.
    random_state : int, RandomState instance or None
        Of first weights, order and dropout. The same number gives the same network.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Features seen in training; ``feature_names_in_`` are their names where they are texts.
    parameters_ : dict of str to ndarray
        Weights (in, out) and biases (out,), float32, by the names of a `hippo.nn.Sequential`.
    history_ : list of dict
        The record of each epoch (see `hippo.training.train`).
    """

    parameters_: dict[str, Array]
    history_: list[EpochRecord]

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "relu",
        dropout: float = 0.0,
        epochs: int = 50,
        mini_batch_size: int = 32,
        learning_rate: float = 0.005,
        optimizer: str = "adam",
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.epochs = epochs
        self.mini_batch_size = mini_batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array-like of numbers (N, features)
        y : array-like (N,)
            Labels: numbers or texts.

        Raises
        ------
        ValueError
            For data or a setting that will not do.
        Diverged
            When the loss stops being finite: the learning rate is too high.
        """
        inputs, y = self._checked(X, y, first=True)
        classes, labels = np.unique(y, return_inverse=True)
        return self._learn(_Table(inputs, labels, len(classes)), classes, self._plan(inputs, classes), self.epochs)

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Go on with one pass over these examples, from the weights and the optimizer's state as they are.

        Parameters
        ----------
        X, y
            As in `fit`.
        classes : array-like (n_classes,), optional
            All labels there will ever be; needed in the first call.

        Raises
        ------
        ValueError, Diverged
            As in `fit`; the network then stays as it was.
        """
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError("The first call of partial_fit must name all classes, with classes=...")
        known = np.unique(np.asarray(classes)) if first else self.classes_
        if classes is not None and not np.array_equal(known, np.unique(np.asarray(classes))):
            raise ValueError(f"The classes are {known.tolist()} since the first call of partial_fit.")
        inputs, y = self._checked(X, y, first)
        place = {label: number for number, label in enumerate(known.tolist())}
        labels = np.array([place.get(label, -1) for label in y.tolist()])
        if labels.min() < 0:
            raise ValueError(f"y holds labels that are not among the classes {known.tolist()}.")
        plan = self._plan(inputs, known) if first else self._plan_
        return self._learn(_Table(inputs, labels, len(known)), known, plan, plan.state.epoch % MAX_EPOCHS + 1)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, in the order of `classes_`: (N, n_classes), rows sum to 1."""
        check_is_fitted(self)
        inputs = validate_data(self, X, dtype=np.float32, reset=False)
        # In float64 the answer to an example does not depend on what else is asked in the same call.
        network = self._plan_.network(np.float64, self.parameters_).eval()
        answers = np.empty((len(inputs), len(self.classes_)))
        for begin in range(0, len(inputs), CHUNK):
            rows = slice(begin, begin + CHUNK)
            answers[rows] = softmax(network.forward(inputs[rows].astype(np.float64)))
        return answers

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each row of `X` (N, features): (N,), as the labels were given."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def _checked(self, X: ArrayLike, y: ArrayLike, first: bool) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Return both as arrays; the names and the number of features are kept, or compared with those kept."""
        inputs, labels = validate_data(self, X, y, dtype=np.float32, reset=first)
        check_classification_targets(labels)
        return inputs, column_or_1d(labels, warn=True)

    def _plan(self, inputs: NDArray[np.float32], classes: NDArray[Any]) -> _Plan:
        """Return the network that the settings describe; raises ValueError where they are out of range."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        given = self.hidden_layer_sizes
        if isinstance(given, int | np.integer):
            given = (given,)
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise ValueError(f"hidden_layer_sizes must be a sequence of whole numbers, or one of them, not {given!r}.")
        hidden = tuple(_plain(size) for size in given)
        return _Plan((inputs.shape[1], *hidden, len(classes)), self.activation, _plain(self.dropout), seed)

    def _learn(self, table: _Table, classes: NDArray[Any], plan: _Plan, epochs: int) -> Self:
        """Train until `epochs` are finished. What was learned before stays as it was unless that succeeds.

        A run counts no further than `MAX_EPOCHS`, but partial_fit may be called for ever: then it counts from 0 again.
        """
        values = (epochs, self.mini_batch_size, self.learning_rate, plan.seed, self.optimizer)
        more = {"momentum": self.momentum, "weight_decay": self.weight_decay}
        try:
            config = TrainingConfig(
                *(_plain(value) for value in values), **{name: _plain(value) for name, value in more.items()}
            )
        except InvalidValue as error:
            raise ValueError(error.message) from error
        state, before = copy.deepcopy(plan.state), plan.state.epoch
        state.epoch = before % MAX_EPOCHS
        network = plan.network(np.float32, self.parameters_ if before else None)
        records = train(network, CrossEntropyLoss(), table, config, shuffling(plan.seed), state=state)
        for number, record in enumerate(records, before + 1):
            record["epoch"] = number
        # kept here alone: in the state it would be copied with every call
        state.epoch, state.history = before + len(records), []
        self.classes_, self.parameters_, self.history_ = classes, network.parameters, self.history_ if before else []
        self.history_ += records
        self._plan_ = replace(plan, state=state)
        return self


def _plain(value: Any) -> Any:
    """Return a NumPy number, as searches hand them over, as one of Python."""
    return value.item() if isinstance(value, np.generic) else value
