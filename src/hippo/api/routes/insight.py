"""Insight: the next step of a paused run in numbers, and a gradient check of a network as it is."""

from __future__ import annotations

from typing import Annotated, Any

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from pydantic import BeforeValidator, Field

from hippo.api.checked import Allowed, Checked, QueryNumber, unset
from hippo.api.images import png_base64
from hippo.api.insight_replies import ExplanationReply, GradientCheckReply
from hippo.api.routes import current_engine, named_after_view, replies
from hippo.api.schemas import JobPath, NetworkPath
from hippo.network_spec import MAX_LAYERS, MAX_WIDTH

blueprint = APIBlueprint(
    "insight",
    __name__,
    url_prefix="/api",
    abp_tags=[Tag(name="Training")],
    operation_id_callback=named_after_view,
)

MOST_PER_LAYER = 200


class NeuronQuery(Checked):
    """Which neuron is looked at."""

    layer: Annotated[
        QueryNumber,
        Field(ge=1, le=MAX_LAYERS - 1, description="The layer of the neuron, from 1 to that of the outputs."),
        Allowed("a layer of the network from 1"),
    ] = 1
    neuron: Annotated[
        QueryNumber,
        Field(ge=0, le=MAX_WIDTH - 1, description="The neuron in it, from 0."),
        Allowed("a neuron of that layer from 0"),
    ] = 0
    input: Annotated[
        Annotated[QueryNumber, Field(ge=0, le=MAX_WIDTH - 1)] | None,
        BeforeValidator(unset),
        Field(description="An input of the neuron, from 0, whose weight is told of anyway; none unless given."),
        Allowed("an input of that neuron from 0"),
    ] = None


class CheckQuery(Checked):
    """How much is compared."""

    per_layer: Annotated[
        QueryNumber,
        Field(
            ge=1, le=MOST_PER_LAYER, description=f"Weights and biases to compare in each layer: 1 to {MOST_PER_LAYER}."
        ),
        Allowed(f"a whole number from 1 to {MOST_PER_LAYER}"),
    ] = 20


@blueprint.get("/training/<string:job_id>/explanation", responses=replies({200: ExplanationReply}, 404, 409, 422, 503))
def explain_step(path: JobPath, query: NeuronQuery) -> dict[str, Any]:
    """Explain the next step of a paused job by the numbers of one neuron.

    The mini-batch is known, for the seed and the place in the shuffle are: after POST .../step the weights are what
    this says. Nothing is changed.
    """
    engine = current_engine()
    run = engine.jobs.controls.resting(path.job_id)
    answer = engine.questions.explanation(run, query.layer, query.neuron, query.input)
    pixels = engine.data().training_data.pixels
    for example in answer["examples"]:
        example["image_data"] = png_base64(pixels[example["index"]])
    return answer


@blueprint.get(
    "/networks/<string:network_id>/gradient_check", responses=replies({200: GradientCheckReply}, 404, 422, 503)
)
def check_gradients(path: NetworkPath, query: CheckQuery) -> dict[str, Any]:
    """Compare gradients by backpropagation with difference quotients, for some weights of every layer.

    The weights are those of the last checkpoint of the network's run, if one is queued, running or paused; else the
    saved ones; else the first ones. Computed in float64 on a copy.
    """
    engine = current_engine()
    with engine.networks.asked(path.network_id) as network:
        job_id = engine.jobs.active_jobs().get(path.network_id)
        return engine.questions.gradient_check(network, job_id, query.per_layer)
