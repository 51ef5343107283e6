"""What a network is before it has learned anything: its layers, activation, loss, initializer, seed and dropout.

The limits within which a network may be asked for, and the choices there are, stand here, too. What is made of a spec
is in `network`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hippo.errors import InvalidValue
from hippo.nn import (
    INITIALIZERS,
    CrossEntropyLoss,
    LeakyReLU,
    Loss,
    Module,
    QuadraticLoss,
    ReLU,
    Sigmoid,
    Tanh,
)
from hippo.training.config import MAX_SEED

ACTIVATIONS: dict[str, type[Module]] = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU, "leaky_relu": LeakyReLU}
#: Activations whose units pass on what is above 0 only, and whose weights start after He.
RECTIFIERS = ("relu", "leaky_relu")
LOSSES: dict[str, type[Loss]] = {"quadratic": QuadraticLoss, "cross_entropy": CrossEntropyLoss}

INPUTS, OUTPUTS = 784, 10
MIN_LAYERS, MAX_LAYERS = 2, 20
MAX_WIDTH = 10_000
#: About 200 MB of float32 weights; training holds some four times that.
MAX_PARAMETERS = 50_000_000


@dataclass(frozen=True)
class NetworkSpec:
    """All that makes a network, before it has learned anything: from it the same first weights can be made again.

    Attributes
    ----------
    layer_sizes : tuple of int
        Neurons per layer, 784 first and 10 last; 2 to 20 layers of 1 to 10,000, at most 50 million parameters.
    activation : {"sigmoid", "tanh", "relu", "leaky_relu"}
        Of the hidden layers.
    loss : {"quadratic", "cross_entropy"}
        Quadratic cost goes with sigmoid outputs, cross-entropy with a softmax.
    initializer : {"xavier", "xavier_uniform", "he", "normal", "zeros"}
        Of the weights; biases start at 0.
    seed : int
        Of the weights, 0 to 2^53 - 1.
    dropout : float
        Fraction of every hidden layer that is dropped in training, 0 or more and below 1.

    Raises
    ------
    InvalidValue
        For a value outside its range; nothing is allocated before.
    """

    layer_sizes: tuple[int, ...]
    activation: str
    loss: str
    initializer: str
    seed: int
    dropout: float = 0.0

    @classmethod
    def make(
        cls,
        layer_sizes: Sequence[int],
        activation: str = "sigmoid",
        loss: str | None = None,
        initializer: str | None = None,
        seed: int | None = None,
        dropout: float = 0.0,
    ) -> NetworkSpec:
        """Return a spec with the usual choice for what is not said.

        Sigmoid networks get the quadratic cost, others cross-entropy; networks of ReLU or leaky ReLU start after He,
        others after Xavier; the seed is drawn by the operating system.
        """
        return cls(
            tuple(layer_sizes),
            activation,
            loss or ("quadratic" if activation == "sigmoid" else "cross_entropy"),
            initializer or ("he" if activation in RECTIFIERS else "xavier"),
            secrets.randbelow(2**32) if seed is None else seed,
            dropout,
        )

    def __post_init__(self) -> None:
        sizes = self.layer_sizes
        if not MIN_LAYERS <= len(sizes) <= MAX_LAYERS:
            raise InvalidValue(f"layer_sizes must name {MIN_LAYERS} to {MAX_LAYERS} layers, not {len(sizes)}.")
        for size in sizes:
            if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_WIDTH:
                raise InvalidValue(f"layer_sizes must be whole numbers from 1 to {MAX_WIDTH}, not {size!r}.")
        if sizes[0] != INPUTS or sizes[-1] != OUTPUTS:
            raise InvalidValue(
                f"layer_sizes must begin with {INPUTS} (the pixels of a picture) and end with {OUTPUTS} (the digits)."
            )
        if self.parameter_count > MAX_PARAMETERS:
            raise InvalidValue(
                f"layer_sizes make {self.parameter_count:,} parameters; at most {MAX_PARAMETERS:,} are allowed."
            )
        for name, value, choices in (
            ("activation", self.activation, ACTIVATIONS),
            ("loss", self.loss, LOSSES),
            ("initializer", self.initializer, INITIALIZERS),
        ):
            if not isinstance(value, str) or value not in choices:
                raise InvalidValue(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed <= MAX_SEED:
            raise InvalidValue(f"seed must be a whole number from 0 to {MAX_SEED}, not {self.seed!r}.")
        rate = self.dropout
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise InvalidValue(f"dropout must be a number from 0 to below 1, not {rate!r}.")

    @property
    def parameter_count(self) -> int:
        """Weights and biases in total."""
        return sum(i * o + o for i, o in zip(self.layer_sizes, self.layer_sizes[1:], strict=False))

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as plain values by name."""
        return asdict(self) | {"layer_sizes": list(self.layer_sizes)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetworkSpec:
        """Return the spec that `to_dict` described."""
        return cls(**(values | {"layer_sizes": tuple(values["layer_sizes"])}))
