"""What requests to trained networks may hold: images, pictures, examples of the test set, and the current network.

Descriptions and examples are the ones of the OpenAPI document, as in `schemas.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from hippo.api.checked import Allowed, Checked, QueryNumber, Whole, unset
from hippo.api.pixels import OneImage, OneOrMoreImages
from hippo.api.schemas import LayerSize, few_layers, fits_mnist
from hippo.network_spec import (
    INPUTS,
    MAX_LAYERS,
    MAX_WIDTH,
    MIN_LAYERS,
    OUTPUTS,
)
from hippo.outcomes import Order, Outcome
from hippo.training.config import MAX_BATCH, MAX_SEED, TrainingConfig

ModelName = Annotated[
    Annotated[str, Field(min_length=1, max_length=200)] | None,
    Field(description="The name or id of the network that is to answer; see GET /models.", examples=["first try"]),
    Allowed("the name or id of a network, as GET /models lists them"),
]


class PredictBody(Checked):
    """Images to be recognised."""

    pixels: Annotated[
        OneOrMoreImages,
        Field(description="The image: 784 numbers, 0 is paper and 1 is ink, row by row; or up to 1,000 such lists."),
    ]
    model: ModelName = None


class ActivationsBody(Checked):
    """An image to be followed through a network."""

    pixels: Annotated[OneImage, Field(description="The image: 784 numbers, 0 is paper and 1 is ink, row by row.")]
    model: ModelName = None


_MOST_NEIGHBOURS = 20


class PictureQuery(Checked):
    """Who is to recognise a picture, and what else is to be told."""

    model: Annotated[ModelName, BeforeValidator(unset)] = None
    neighbours: Annotated[
        QueryNumber,
        Field(
            ge=0, le=_MOST_NEIGHBOURS, description=f"So many of the nearest training digits: 0 to {_MOST_NEIGHBOURS}."
        ),
        Allowed(f"a whole number from 0 to {_MOST_NEIGHBOURS}"),
    ] = 0


class NearestBody(Checked):
    """An image, to be compared with the training images."""

    pixels: Annotated[OneImage, Field(description="The image: 784 numbers, 0 is paper and 1 is ink, row by row.")]
    count: Annotated[
        Whole,
        Field(ge=1, le=_MOST_NEIGHBOURS, description=f"How many: 1 to {_MOST_NEIGHBOURS}."),
        Allowed(f"a whole number from 1 to {_MOST_NEIGHBOURS}"),
    ] = 5


_LAST_EXAMPLE, _MOST_EXAMPLES = 9_999, 1_000
_EXAMPLE_RANGE = f"a whole number from 0 to {_LAST_EXAMPLE:,}"


class EmptyBody(Checked):
    """A request that says everything in its address."""


class ExampleBody(Checked):
    """A digit of the test set."""

    example_index: Annotated[
        Whole,
        Field(ge=0, le=_LAST_EXAMPLE, description=f"Its place in the test set: 0 to {_LAST_EXAMPLE:,}."),
        Allowed(_EXAMPLE_RANGE),
    ] = 0


class BatchBody(Checked):
    """Digits of the test set, one after the other."""

    start_index: Annotated[
        Whole,
        Field(ge=0, le=_LAST_EXAMPLE, description=f"The place of the first: 0 to {_LAST_EXAMPLE:,}."),
        Allowed(_EXAMPLE_RANGE),
    ] = 0
    count: Annotated[
        Whole,
        Field(ge=1, le=_MOST_EXAMPLES, description=f"How many: 1 to {_MOST_EXAMPLES:,}."),
        Allowed(f"a whole number from 1 to {_MOST_EXAMPLES:,}"),
    ] = 10


class MisclassifiedQuery(Checked):
    """How many mistakes to list, and among how many digits to look for them."""

    max_count: Annotated[
        QueryNumber,
        Field(ge=1, le=_MOST_EXAMPLES, description=f"At most so many: 1 to {_MOST_EXAMPLES:,}."),
        Allowed(f"a whole number from 1 to {_MOST_EXAMPLES:,}"),
    ] = 10
    max_check: Annotated[
        QueryNumber,
        Field(ge=1, le=_LAST_EXAMPLE + 1, description="Among so many of the first test digits: 1 to 10,000."),
        Allowed(f"a whole number from 1 to {_LAST_EXAMPLE + 1:,}"),
    ] = 500


_A_DIGIT = Annotated[QueryNumber, Field(ge=0, lt=OUTPUTS)] | None
_OUTCOMES = "right, wrong, turned_wrong or turned_right"


class AnswersQuery(Checked):
    """Which answers for test digits to show, in which order."""

    actual: Annotated[
        _A_DIGIT,
        BeforeValidator(unset),
        Field(description="Only test digits that are this one, 0 to 9.", examples=[5]),
        Allowed("a digit, 0 to 9"),
    ] = None
    predicted: Annotated[
        _A_DIGIT,
        BeforeValidator(unset),
        Field(description="Only those that the network takes for this one, 0 to 9.", examples=[3]),
        Allowed("a digit, 0 to 9"),
    ] = None
    outcome: Annotated[
        Outcome | None,
        BeforeValidator(unset),
        Field(
            description=f"{_OUTCOMES}: only those that are right or wrong, or became so in the network's last epoch.",
            examples=["wrong"],
        ),
        Allowed(_OUTCOMES),
    ] = None
    sort: Annotated[
        Order,
        Field(
            description="index, as in the test set; confidence, the least sure first; -confidence, the most sure; "
            "output and -output: by the largest output as it is."
        ),
        Allowed("index, confidence, -confidence, output or -output"),
    ] = "index"
    limit: Annotated[
        QueryNumber, Field(ge=1, le=100, description="At most so many: 1 to 100."), Allowed("1 to 100")
    ] = 24
    offset: Annotated[
        QueryNumber,
        Field(ge=0, le=MAX_SEED, description="Leave out so many of the first."),
        Allowed(f"a whole number from 0 to {MAX_SEED}"),
    ] = 0


class SamplesQuery(Checked):
    """Which samples of MNIST to draw."""

    count: Annotated[
        QueryNumber, Field(ge=1, le=100, description="How many: 1 to 100."), Allowed("a whole number from 1 to 100")
    ] = 10
    dataset: Annotated[
        Literal["train", "validation", "test"],
        Field(description="The set they are drawn from: train, validation or test."),
        Allowed("train, validation or test"),
    ] = "test"
    seed: Annotated[
        Annotated[QueryNumber, Field(ge=0, le=MAX_SEED)] | None,
        BeforeValidator(unset),
        Field(description="Decides which; the same seed draws the same ones. Drawn unless given."),
        Allowed(f"a whole number from 0 to {MAX_SEED}"),
    ] = None


_MOST_SENT = 1_000_000
_SENT_LAYERS = (
    f"{MIN_LAYERS} to {MAX_LAYERS} whole numbers from 1 to {MAX_WIDTH:,}, the first {INPUTS} (the pixels), "
    f"the last {OUTPUTS} (the digits), together at most {_MOST_SENT:,} parameters, which the reply holds"
)


class NewNetworkBody(Checked):
    """A network that the server is to hold as its current one."""

    sizes: Annotated[
        list[LayerSize],
        BeforeValidator(few_layers, json_schema_input_type=list[LayerSize]),
        Field(description=f"Neurons per layer: {_SENT_LAYERS}.", examples=[[784, 30, 10]]),
        Allowed(_SENT_LAYERS, each=f"a whole number from 1 to {MAX_WIDTH:,}"),
    ] = Field([INPUTS, 30, OUTPUTS])
    activation: Annotated[
        Literal["sigmoid", "relu"],
        Field(description="The activation of the hidden layers: sigmoid or relu."),
        Allowed("sigmoid or relu"),
    ] = "sigmoid"

    @field_validator("sizes")
    @classmethod
    def _fits(cls, sizes: list[int]) -> list[int]:
        return fits_mnist(sizes, _MOST_SENT)


class StreamBody(Checked):
    """A run of the current network, to be watched as a stream of events."""

    epochs: Annotated[
        Whole,
        Field(ge=1, le=100, description="Passes over the 50,000 training images: 1 to 100.", examples=[3]),
        Allowed("a whole number from 1 to 100"),
    ]
    mini_batch_size: Annotated[
        Whole,
        Field(ge=1, le=MAX_BATCH, description=f"Images per step of gradient descent: 1 to {MAX_BATCH:,}."),
        Allowed(f"a whole number from 1 to {MAX_BATCH:,}"),
    ] = TrainingConfig.mini_batch_size
    learning_rate: Annotated[
        float,
        Field(gt=0, le=10, allow_inf_nan=False, description="The size of a step: above 0, up to 10."),
        Allowed("a number above 0, up to 10"),
    ] = TrainingConfig.learning_rate
    use_test_data: Annotated[
        bool,
        Field(description="Whether the counts are of the test set; else they are of the validation set."),
        Allowed("true or false"),
    ] = True
