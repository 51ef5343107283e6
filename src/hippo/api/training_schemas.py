"""What a request to train may hold: every setting of a run, each with its range and what it means.

Descriptions and examples are the ones of the OpenAPI document, as in `schemas.py`. Which settings go together is said
by `TrainingConfig` alone.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hippo.api.checked import Allowed, Checked, OneOf, Whole
from hippo.api.schemas import Seed
from hippo.training.config import (
    AUGMENTATIONS,
    MAX_BATCH,
    MAX_EPOCHS,
    OPTIMIZERS,
    SCHEDULES,
    TrainingConfig,
)

_OPTIMIZERS, _SCHEDULES, _AUGMENTATIONS = OneOf(OPTIMIZERS), OneOf(SCHEDULES), OneOf(AUGMENTATIONS)


class TrainingBody(Checked):
    """A training run to be queued."""

    epochs: Annotated[
        Whole,
        Field(
            ge=1,
            le=MAX_EPOCHS,
            description=f"Passes over the 50,000 training images: 1 to {MAX_EPOCHS:,}.",
            examples=[30],
        ),
        Allowed(f"a whole number from 1 to {MAX_EPOCHS:,}"),
    ] = TrainingConfig.epochs
    mini_batch_size: Annotated[
        Whole,
        Field(
            ge=1, le=MAX_BATCH, description=f"Images per step of gradient descent: 1 to {MAX_BATCH:,}.", examples=[10]
        ),
        Allowed(f"a whole number from 1 to {MAX_BATCH:,}"),
    ] = TrainingConfig.mini_batch_size
    learning_rate: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False, description="The size of a step: a finite number above 0.", examples=[3.0]),
        Allowed("a finite number above 0"),
    ] = TrainingConfig.learning_rate
    seed: Annotated[
        Seed, Field(description="Decides the order of the images; unless given, one is drawn.", examples=[7])
    ] = None
    optimizer: Annotated[
        Annotated[str, _OPTIMIZERS],
        Field(description=f"How weights follow their gradients: {_OPTIMIZERS}."),
        Allowed(f"{_OPTIMIZERS}"),
    ] = TrainingConfig.optimizer
    momentum: Annotated[
        float,
        Field(ge=0, lt=1, description="Of sgd: the fraction of the last step that is taken again, 0 to below 1."),
        Allowed("a number from 0 to below 1"),
    ] = TrainingConfig.momentum
    nesterov: Annotated[
        bool,
        Field(description="Nesterov's form of momentum, which must then be above 0."),
        Allowed("true or false"),
    ] = TrainingConfig.nesterov
    weight_decay: Annotated[
        float,
        Field(ge=0, allow_inf_nan=False, description="The pull of the weights towards 0: a finite number from 0."),
        Allowed("a finite number from 0"),
    ] = TrainingConfig.weight_decay
    schedule: Annotated[
        Annotated[str, _SCHEDULES],
        Field(description=f"How the learning rate changes: {_SCHEDULES}."),
        Allowed(f"{_SCHEDULES}"),
    ] = TrainingConfig.schedule
    step_every: Annotated[
        Whole,
        Field(ge=1, le=MAX_EPOCHS, description=f"Of the schedule step: epochs between two steps, 1 to {MAX_EPOCHS:,}."),
        Allowed(f"a whole number from 1 to {MAX_EPOCHS:,}"),
    ] = TrainingConfig.step_every
    step_factor: Annotated[
        float,
        Field(gt=0, le=1, description="Of the schedule step: what multiplies the rate, above 0 and up to 1."),
        Allowed("a number above 0 and up to 1"),
    ] = TrainingConfig.step_factor
    warm_up: Annotated[
        float,
        Field(
            ge=0,
            le=MAX_EPOCHS,
            description="Epochs in which the rate first rises to its full value: from 0, fewer than epochs.",
        ),
        Allowed("a number of epochs from 0"),
    ] = TrainingConfig.warm_up
    clip_norm: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        Field(description="The longest gradient, over all weights and biases, above 0; null for any.", examples=[1.0]),
        Allowed("a finite number above 0, or null"),
    ] = TrainingConfig.clip_norm
    label_smoothing: Annotated[
        float,
        Field(ge=0, lt=1, description="The certainty that is taken from the targets: 0 to below 1."),
        Allowed("a number from 0 to below 1"),
    ] = TrainingConfig.label_smoothing
    augment: Annotated[
        list[Annotated[str, _AUGMENTATIONS]],
        Field(
            max_length=len(AUGMENTATIONS),
            description="How every picture is changed, anew in each epoch: any of shift, rotate and elastic.",
            examples=[["shift"]],
        ),
        Allowed(f"a list of up to {len(AUGMENTATIONS)} of {_AUGMENTATIONS}", each=f"{_AUGMENTATIONS}"),
    ] = Field([])
    shuffle: Annotated[
        bool,
        Field(description="Whether each epoch takes the images in a new order; else always in their own."),
        Allowed("true or false"),
    ] = TrainingConfig.shuffle

    def config(self, seed: int) -> TrainingConfig:
        """Return the settings with this seed, where none was given; raises InvalidValue if they do not go together."""
        given = self.model_dump()
        return TrainingConfig(**(given | {"seed": seed if self.seed is None else self.seed}))
