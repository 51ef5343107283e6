"""Settings that may change while a run is under way, and what is noted of a change.

A run is described by the settings it began with and the changes made on the way. A change is a dict of ``step`` (the
optimizer steps before it), ``epoch`` (the one under way, from 1), ``batch`` (finished mini-batches of that epoch), and
the new values by name. A learning rate and a momentum hold from the next step on. A mini-batch size holds from the next
epoch on, for the order of the examples is cut into mini-batches when an epoch begins.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hippo.training.config import TrainingConfig

#: What may be changed.
CHANGEABLE = ("learning_rate", "momentum", "mini_batch_size")

Change = dict[str, Any]


def place_of(change: Change) -> tuple[int, int]:
    """Return where a change was made: finished epochs, and finished mini-batches of the next one."""
    return change["epoch"] - 1, change["batch"]


def settings_after(
    config: TrainingConfig, changes: Sequence[Change], place: tuple[int, int] | None = None
) -> TrainingConfig:
    """Return what `config` has become by `changes`.

    Parameters
    ----------
    config : TrainingConfig
        The settings that the run began with.
    changes : sequence of dict
        In the order in which they were made.
    place : (int, int), optional
        Finished epochs and mini-batches: a mini-batch size that was set within the epoch under way is then left out,
        for it does not hold yet.

    Raises
    ------
    InvalidValue
        For a value outside its range.
    """
    latest: dict[str, Any] = {}
    for change in changes:
        held = {name: change[name] for name in CHANGEABLE if name in change}
        if place is not None and change["batch"] and place_of(change)[0] == place[0]:
            held.pop("mini_batch_size", None)
        latest |= held
    return replace(config, **latest)


def differences(before: TrainingConfig, after: TrainingConfig) -> dict[str, dict[str, Any]]:
    """Return ``{"from": old, "to": new}`` for every setting that differs, by name."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in CHANGEABLE}
    return {name: {"from": old, "to": new} for name, (old, new) in pairs.items() if old != new}
