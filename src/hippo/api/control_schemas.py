"""What requests may hold that control a training run under way; those that begin one stand in `schemas.py`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from hippo.api.checked import Allowed, Checked, Whole, refusal
from hippo.training.config import MAX_BATCH

SLOWEST, FASTEST = 0.1, 1_000


class StepBody(Checked):
    """How far a paused run is to go on."""

    unit: Annotated[
        Literal["batch", "epoch"],
        Field(description="batch: one mini-batch. epoch: to the end of the epoch under way."),
        Allowed("batch or epoch"),
    ] = "batch"


class PaceBody(Checked):
    """How fast a run may be."""

    batches_per_second: Annotated[
        Annotated[float, Field(ge=SLOWEST, le=FASTEST)] | None,
        Field(
            description=f"At most so many mini-batches a second: {SLOWEST} to {FASTEST:,}; null for full speed.",
            examples=[2.0],
        ),
        Allowed(f"a number from {SLOWEST} to {FASTEST:,}, or null"),
    ]


class SettingsBody(Checked):
    """Other settings for a run, at least one; those that are not named stay as they are."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    learning_rate: Annotated[
        float,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="The size of a step, from the next mini-batch on: a finite number above 0.",
            examples=[0.5],
        ),
        Allowed("a finite number above 0"),
    ] = None  # type: ignore[assignment]  # not given; null is no number
    momentum: Annotated[
        float,
        Field(ge=0, lt=1, description="Of sgd, from the next mini-batch on: 0 to below 1.", examples=[0.9]),
        Allowed("a number from 0 to below 1"),
    ] = None  # type: ignore[assignment]  # not given; null is no number
    mini_batch_size: Annotated[
        Whole,
        Field(
            ge=1,
            le=MAX_BATCH,
            description=f"Images per step, from the next epoch on: 1 to {MAX_BATCH:,}.",
            examples=[20],
        ),
        Allowed(f"a whole number from 1 to {MAX_BATCH:,}"),
    ] = None  # type: ignore[assignment]  # not given; null is no number

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Check a parsed request; one that names no setting is refused, for it was meant to name one."""
        body = super().model_validate(obj, **options)
        if not body.model_fields_set:
            problem = {"field": "", "message": "name at least one setting", "allowed": cls._known()}
            raise refusal([problem])
        return body
