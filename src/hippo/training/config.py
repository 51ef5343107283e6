"""What a run is told: epochs, mini-batch size, learning rate, seed. Checked once, here, and then trusted."""

import sys
from dataclasses import asdict, dataclass
from typing import Any

from hippo.errors import InvalidValue

MAX_EPOCHS = 10_000
MAX_BATCH = 50_000
#: Seeds are below 2^53, so that JSON and JavaScript carry them without loss.
MAX_SEED = 2**53 - 1


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of one run.

    Attributes
    ----------
    epochs : int
        Passes over the training set, 1 to 10,000.
    mini_batch_size : int
        Examples per step, 1 to 50,000.
    learning_rate : float
        Step size of gradient descent, finite and above 0.
    seed : int
        Decides the order of the examples, 0 to 2^53 - 1.

    Raises
    ------
    InvalidValue
        For a value outside its range.
    """

    epochs: int = 5
    mini_batch_size: int = 10
    learning_rate: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_integer("epochs", self.epochs, 1, MAX_EPOCHS)
        _check_integer("mini_batch_size", self.mini_batch_size, 1, MAX_BATCH)
        _check_integer("seed", self.seed, 0, MAX_SEED)
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= sys.float_info.max:
            raise InvalidValue(f"learning_rate must be a finite number above 0, not {rate!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain numbers by name."""
        return asdict(self)


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
