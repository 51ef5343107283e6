"""What requests may hold: the bodies, the queries and the ids in paths, each with its range and what it means.

These are the requests about networks and jobs; the settings of a training stand in `training_schemas.py`, requests to
a trained network in `inference_schemas.py`. The descriptions and examples are the ones of the OpenAPI document. How
values are checked is in `checked.py`; the replies are described in `replies.py`.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator

from hippo.api.checked import HALF_A_CHARACTER, Allowed, Checked, OneOf, QueryNumber, Whole, unset
from hippo.errors import UnknownJob, UnknownNetwork
from hippo.network_spec import (
    ACTIVATIONS,
    INPUTS,
    LOSSES,
    MAX_LAYERS,
    MAX_PARAMETERS,
    MAX_WIDTH,
    MIN_LAYERS,
    OUTPUTS,
)
from hippo.nn import INITIALIZERS
from hippo.persistence.interchange import FORMATS
from hippo.training.config import MAX_SEED

PublicStatus = Literal["pending", "training", "completed", "failed"]
State = Literal["queued", "running", "paused", "completed", "failed", "cancelled", "diverged", "interrupted"]

LayerSize = Annotated[Whole, Field(ge=1, le=MAX_WIDTH)]
Seed = Annotated[Whole | None, Field(ge=0, le=MAX_SEED), Allowed(f"a whole number from 0 to {MAX_SEED}")]

_LAYERS = (
    f"{MIN_LAYERS} to {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH:,}, the first {INPUTS} (the pixels), "
    f"the last {OUTPUTS} (the digits), together at most {MAX_PARAMETERS // 10**6} million parameters"
)
_ACTIVATIONS, _LOSSES, _INITIALIZERS = OneOf(ACTIVATIONS), OneOf(LOSSES), OneOf(INITIALIZERS)
_FORMATS = OneOf(FORMATS)


def few_layers(value: object) -> object:
    """Return `value`; raises ValueError for a list of too many or too few layers."""
    # Looked at before the elements are, so that a list of a million wrong ones costs nothing.
    if isinstance(value, list) and not MIN_LAYERS <= len(value) <= MAX_LAYERS:
        raise ValueError(f"a list of length {len(value):,} cannot be used")
    return value


def fits_mnist(sizes: list[int], most_parameters: int) -> list[int]:
    """Return the sizes; raises ValueError for layers that do not fit MNIST, or make too many parameters."""
    if sizes[0] != INPUTS:
        raise ValueError(f"the first layer has {sizes[0]} neurons, but an image has {INPUTS} pixels")
    if sizes[-1] != OUTPUTS:
        raise ValueError(f"the last layer has {sizes[-1]} neurons, but there are {OUTPUTS} digits")
    parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    if parameters > most_parameters:
        raise ValueError(f"these layers make {parameters:,} parameters")
    return sizes


def _printable(name: str | None) -> str | None:
    if name is None:
        return None
    if not 1 <= len(name.strip()) <= len(name) <= 100:
        raise ValueError(f"a name of {len(name)} characters cannot be used" if name.strip() else "it is empty")
    kinds = {unicodedata.category(character) for character in name}
    if "Cs" in kinds:
        raise ValueError(HALF_A_CHARACTER)
    if kinds & {"Cc", "Zl", "Zp"}:
        raise ValueError("it holds control characters")
    return name


NetworkName = Annotated[
    str | None,
    AfterValidator(_printable),
    Field(description="A name for people: 1 to 100 characters, no control characters.", examples=["first try"]),
    Allowed("1 to 100 characters, none of them control characters"),
]


class NetworkBody(Checked):
    """A network to be made."""

    layer_sizes: Annotated[
        list[LayerSize],
        BeforeValidator(few_layers, json_schema_input_type=list[LayerSize]),
        Field(description=f"Neurons per layer: {_LAYERS}.", examples=[[784, 30, 10]]),
        Allowed(_LAYERS, each=f"a whole number from 1 to {MAX_WIDTH:,}"),
    ] = Field([INPUTS, 30, OUTPUTS])
    name: NetworkName = None
    activation: Annotated[
        Annotated[str, _ACTIVATIONS],
        Field(description=f"The activation of the hidden layers: {_ACTIVATIONS}."),
        Allowed(f"{_ACTIVATIONS}"),
    ] = "sigmoid"
    loss: Annotated[
        Annotated[str, _LOSSES] | None,
        Field(
            description="quadratic (sigmoid outputs) or cross_entropy (softmax outputs). Unless given: quadratic for "
            "sigmoid, cross_entropy for the others."
        ),
        Allowed(f"{_LOSSES}"),
    ] = None
    initializer: Annotated[
        Annotated[str, _INITIALIZERS] | None,
        Field(description=f"How weights begin: {_INITIALIZERS}. Unless given: he for the two ReLUs, else xavier."),
        Allowed(f"{_INITIALIZERS}"),
    ] = None
    seed: Annotated[
        Seed, Field(description="Decides the first weights; the same seed gives the same network.", examples=[7])
    ] = None
    dropout: Annotated[
        float,
        Field(ge=0, lt=1, description="The fraction of every hidden layer that is dropped in training: 0 to below 1."),
        Allowed("a number from 0 to below 1"),
    ] = 0.0

    @field_validator("layer_sizes")
    @classmethod
    def _fits(cls, sizes: list[int]) -> list[int]:
        return fits_mnist(sizes, MAX_PARAMETERS)


class CleanupBody(Checked):
    """Which networks to tidy away."""

    days: Annotated[
        float,
        Field(ge=0, le=36_500, description="Networks older than so many days are deleted: 0 to 36,500.", examples=[2]),
        Allowed("a number from 0 to 36,500"),
    ] = 2.0


class ImportQuery(Checked):
    """What an imported network is to be called."""

    name: NetworkName = None


class ExportQuery(Checked):
    """The format of an exported network."""

    format: Annotated[
        Annotated[str, _FORMATS],
        Field(
            description=f"{_FORMATS}. npz holds sizes, weight_0 (out, in), bias_0 (out, 1) and so on; npz-layers holds "
            "layers, W0 (in, out), b0 and so on."
        ),
        Allowed(f"{_FORMATS}"),
    ] = "safetensors"


class JobsQuery(Checked):
    """Which jobs to list."""

    status: Annotated[
        Literal[PublicStatus, State] | None,
        BeforeValidator(unset),
        Field(description="One of the public words pending, training, completed and failed, or an exact state."),
        Allowed(
            "pending, training, completed, failed, or a state: queued, running, paused, cancelled, diverged, "
            "interrupted"
        ),
    ] = None
    network_id: Annotated[
        Annotated[str, Field(max_length=100)] | None,
        BeforeValidator(unset),
        Field(description="Only the jobs of this network."),
        Allowed("the id of a network"),
    ] = None
    limit: Annotated[
        QueryNumber, Field(ge=1, le=500, description="At most so many jobs: 1 to 500."), Allowed("1 to 500")
    ] = 50
    offset: Annotated[
        QueryNumber,
        Field(ge=0, le=MAX_SEED, description="Leave out so many of the newest."),
        Allowed(f"a whole number from 0 to {MAX_SEED}"),
    ] = 0


class EventsQuery(Checked):
    """Where in a job's history to begin."""

    after: Annotated[
        QueryNumber,
        Field(ge=0, le=MAX_SEED, description="The `seq` of the last event known; 0 for all of them."),
        Allowed(f"a whole number from 0 to {MAX_SEED}"),
    ] = 0


_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXAMPLE_ID = "3f2b8c1e-5a4d-4f6b-9e7a-1c2d3e4f5a6b"


class NetworkPath(BaseModel):
    """The network that an address names."""

    network_id: str = Field(description="The id that POST /api/networks gave.", examples=[_EXAMPLE_ID])

    @field_validator("network_id")
    @classmethod
    def _could_be_an_id(cls, network_id: str) -> str:
        if not _ID.fullmatch(network_id):
            raise UnknownNetwork("There is no network with this id. GET /api/networks lists those there are.")
        return network_id


class JobPath(BaseModel):
    """The training job that an address names."""

    job_id: str = Field(description="The id that POST /api/networks/{id}/train gave.", examples=[_EXAMPLE_ID])

    @field_validator("job_id")
    @classmethod
    def _could_be_an_id(cls, job_id: str) -> str:
        if not _ID.fullmatch(job_id):
            raise UnknownJob("There is no training job with this id. GET /api/training lists those there are.")
        return job_id
