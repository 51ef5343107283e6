"""What a run is told: epochs, mini-batch size, learning rate, optimizer and the rest. Checked once, here, then trusted.

The defaults are those of the classic run: plain stochastic gradient descent at a constant rate, and nothing else.
"""

import math
import sys
from dataclasses import asdict, dataclass
from typing import Any

from hippo.errors import InvalidValue
from hippo.nn import SGD, Adam, AdamW, Module, Optimizer
from hippo.nn.schedules import Schedule, constant, cosine, one_cycle, step_decay, warm_up

MAX_EPOCHS = 10_000
MAX_BATCH = 50_000
#: Seeds are below 2^53, so that JSON and JavaScript carry them without loss.
MAX_SEED = 2**53 - 1

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "step", "cosine", "one_cycle")
AUGMENTATIONS = ("shift", "rotate", "elastic")


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
        Step size of gradient descent, finite and above 0; with a schedule its highest value.
    seed : int
        Decides the order of the examples, and what dropout and augmentation draw; 0 to 2^53 - 1.
    optimizer : {"sgd", "adam", "adamw"}
    momentum : float
        Of SGD, 0 or more and below 1.
    nesterov : bool
        Nesterov's form of momentum, which must then be above 0.
    weight_decay : float
        0 or more; in the optimizer's own way (see ``hippo.nn.optimizers``).
    schedule : {"constant", "step", "cosine", "one_cycle"}
        How the rate changes (see ``hippo.nn.schedules``).
    step_every, step_factor : int, float
        The schedule "step": after so many epochs the rate is multiplied by the factor, above 0 and at most 1.
    warm_up : float
        Epochs in which the rate first rises to its full value, 0 or more.
    clip_norm : float or None
        Longest gradient, in the Euclidean norm over all parameters; None for any.
    label_smoothing : float
        Fraction of certainty taken from the targets, 0 or more and below 1.
    augment : tuple of {"shift", "rotate", "elastic"}
        How every picture is changed, anew in each epoch.
    shuffle : bool
        Whether each epoch takes the examples in a new order; without it, in the order in which they lie.

    Raises
    ------
    InvalidValue
        For a value outside its range, or values that do not go together; ``extra["field"]`` names the one to change.
    """

    epochs: int = 5
    mini_batch_size: int = 10
    learning_rate: float = 3.0
    seed: int = 0
    optimizer: str = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    step_every: int = 10
    step_factor: float = 0.1
    warm_up: float = 0.0
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    augment: tuple[str, ...] = ()
    shuffle: bool = True

    def __post_init__(self) -> None:
        _check_integer("epochs", self.epochs, 1, MAX_EPOCHS)
        _check_integer("mini_batch_size", self.mini_batch_size, 1, MAX_BATCH)
        _check_integer("seed", self.seed, 0, MAX_SEED)
        _check_integer("step_every", self.step_every, 1, MAX_EPOCHS)
        _check_number("learning_rate", self.learning_rate, lambda x: x > 0, "a finite number above 0")
        _check_number("momentum", self.momentum, lambda x: 0 <= x < 1, "a number from 0 to below 1")
        _check_number("weight_decay", self.weight_decay, lambda x: x >= 0, "a finite number from 0")
        _check_number("step_factor", self.step_factor, lambda x: 0 < x <= 1, "a number above 0 and up to 1")
        _check_number("warm_up", self.warm_up, lambda x: x >= 0, "a finite number of epochs from 0")
        _check_number("label_smoothing", self.label_smoothing, lambda x: 0 <= x < 1, "a number from 0 to below 1")
        if self.clip_norm is not None:
            _check_number("clip_norm", self.clip_norm, lambda x: x > 0, "a finite number above 0")
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        if not isinstance(self.shuffle, bool):
            raise InvalidValue(f"shuffle must be true or false, not {self.shuffle!r}.", field="shuffle")
        if not isinstance(self.nesterov, bool) or (self.nesterov and not self.momentum):
            raise InvalidValue("nesterov must be true or false, and needs a momentum above 0.", field="nesterov")
        if (self.momentum or self.nesterov) and self.optimizer != "sgd":
            raise InvalidValue(f"momentum belongs to sgd; {self.optimizer} has its own averages.", field="momentum")
        if self.warm_up and (self.schedule == "one_cycle" or self.warm_up >= self.epochs):
            text = "warm_up must be shorter than the training, and one_cycle has its own rise."
            raise InvalidValue(text, field="warm_up")
        object.__setattr__(self, "augment", tuple(self.augment))  # JSON knows lists only
        for kind in self.augment:
            _check_choice("augment", kind, AUGMENTATIONS)

    def batches(self, examples: int) -> int:
        """Return how many mini-batches so many examples make; the last one may be smaller."""
        return -(-examples // self.mini_batch_size)

    def make_optimizer(self, model: Module) -> Optimizer:
        """Return a new optimizer for `model`, as these settings say."""
        if self.optimizer == "sgd":
            return SGD(model, self.learning_rate, self.momentum, self.nesterov, self.weight_decay)
        kind = Adam if self.optimizer == "adam" else AdamW
        return kind(model, self.learning_rate, weight_decay=self.weight_decay)

    def make_schedule(self) -> Schedule | None:
        """Return the factor of the learning rate as a function of time; None where it is 1 at all times."""
        schedules = {
            "constant": constant,
            "step": step_decay(self.step_every, self.step_factor),
            "cosine": cosine(),
            "one_cycle": one_cycle(),
        }
        schedule = schedules[self.schedule]
        if self.warm_up:
            return warm_up(self.warm_up, schedule)
        return None if schedule is constant else schedule

    def to_dict(self) -> dict[str, Any]:
        """Return the settings by name, as values of JSON."""
        return asdict(self) | {"augment": list(self.augment)}


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidValue(f"{name} must be a whole number from {low} to {high}, not {value!r}.", field=name)


def _check_number(name: str, value: Any, holds: Any, allowed: str) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not number or not abs(value) <= sys.float_info.max or math.isnan(value) or not holds(value):
        raise InvalidValue(f"{name} must be {allowed}, not {value!r}.", field=name)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidValue(f"{name} must be one of {', '.join(choices)}, not {value!r}.", field=name)
