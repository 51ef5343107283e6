"""The current network: made, shown, trained and asked without an id, for front ends that know of one network only.

Training is a job like any other, shown here as a stream of server-sent events (see `hippo.api.sse`).
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, cast

from flask import Response, current_app, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from hippo import strict_json
from hippo.api.inference_replies import CurrentNetworkReply
from hippo.api.inference_schemas import ActivationsBody, NewNetworkBody, PictureQuery, PredictBody
from hippo.api.inference_schemas import StreamBody as StreamFields
from hippo.api.pieces import pieces
from hippo.api.requests import MAX_IMAGES_BYTES, takes
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.routes.inference import ACTIVATIONS, PREDICTION, activated, predicted
from hippo.api.routes.pictures import PICTURE_BODY, PICTURE_PREDICTION, recognised
from hippo.errors import NoModel, UnknownJob, UnknownNetwork
from hippo.network import NetworkSpec
from hippo.pictures import MAX_PICTURE_BYTES
from hippo.training.config import MAX_SEED, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hippo.api.sse import Streams
    from hippo.network import NeuralNetwork

blueprint = APIBlueprint(
    "current_network",
    __name__,
    url_prefix="/network",
    abp_tags=[Tag(name="Current network", description="One network of the server, used without its id.")],
    operation_id_callback=named_after_view,
)

_LAST_EVENT_ID = re.compile(r"([A-Za-z0-9_-]{1,64}):([0-9]{1,15})")
_STREAM: Any = {
    "description": "Server-sent events: one for each epoch and one for the end.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


@blueprint.post("/create", responses=replies({201: CurrentNetworkReply}, 409, *BODY, 503))
def create_current_network(body: NewNetworkBody) -> tuple[Response, int]:
    """Create a network and make it the current one.

    The reply holds all its weights. 409 while the one before it is in training; otherwise that stays in the list of
    networks.
    """
    network_id = current_engine().current.create(NetworkSpec.make(body.sizes, body.activation))
    return _shown(network_id), 201


@blueprint.get("/state", responses=replies({200: CurrentNetworkReply}, 404, 503))
def show_current_network() -> Response:
    """Show the current network with all its weights; 404 before one was created."""
    return _shown(current_engine().current.id())


class StreamHeader(BaseModel):
    """Where a stream goes on."""

    model_config = ConfigDict(str_strip_whitespace=True)

    last_event_id: str = Field(
        "",
        alias="Last-Event-ID",
        description="The `id` of the last event that was seen, JOB:SEQ: the stream of that job goes on behind it, and "
        "no run is started. JOB:0 begins at the start.",
    )


class StreamBody(StreamFields):
    """A run of the current network, to be watched as a stream of events."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Check a parsed request; one that goes on with a stream need not say again what it wants."""
        return cls.model_construct() if _last_event_id() else super().model_validate(obj, **options)


@blueprint.post("/train", responses=replies({200: _STREAM}, 404, 409, *BODY, 429, 503))
def stream_training(header: StreamHeader, body: StreamBody) -> Response:
    """Train the current network and send an event for each epoch, as it ends.

    With the header `Last-Event-ID` the stream of that event's job goes on behind it, and no other run is started. A
    client that goes away does not stop the training.
    """
    engine, streams = current_engine(), cast("Streams", current_app.extensions["streams"])
    streams.check_room()
    if header.last_event_id:
        job_id, after = _parsed(header.last_event_id)
        of_validation = engine.store.note(f"stream:{job_id}") == "validation"
    else:
        config = TrainingConfig(body.epochs, body.mini_batch_size, body.learning_rate, secrets.randbelow(MAX_SEED + 1))
        job_id, after = engine.jobs.submit(engine.current.id(), config)["job_id"], 0
        of_validation = not body.use_test_data
        if of_validation:
            engine.store.keep_note(f"stream:{job_id}", "validation")
    stream = streams.text(job_id, after, of_validation=of_validation)
    return Response(stream, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


@blueprint.post("/predict", responses=PREDICTION)
@takes(MAX_IMAGES_BYTES)
def predict_with_current_network(body: PredictBody) -> Response:
    """Say which digit an image shows, by the current network unless another is named.

    Without a current network the one that answers /predict does; 404 where there is none either.
    """
    with _unknown_without_model():
        return predicted(body, body.model or _current())


@blueprint.post("/predict/image", responses=PICTURE_PREDICTION, request_body=PICTURE_BODY)
@takes(MAX_PICTURE_BYTES)
def predict_picture_with_current_network(query: PictureQuery) -> dict[str, Any]:
    """Say which digit a picture of any size shows, by the current network unless another is named."""
    with _unknown_without_model():
        return recognised(query, query.model or _current())


@blueprint.post("/activations", responses=ACTIVATIONS)
@takes(MAX_IMAGES_BYTES)
def activate_current_network(body: ActivationsBody) -> Response:
    """Show what every neuron shows for an image, of the current network unless another is named."""
    with _unknown_without_model():
        return activated(body, body.model or _current())


def _last_event_id() -> str:
    return request.headers.get("Last-Event-ID", "").strip()


def _parsed(last_event_id: str) -> tuple[str, int]:
    found = _LAST_EVENT_ID.fullmatch(last_event_id)
    if found is None:
        raise UnknownJob("Last-Event-ID is not the id of an event of this server. Leave it out to start a run.")
    job_id, seq = found[1], int(found[2])
    last = current_engine().jobs.get(job_id)["last_seq"]  # unknown: better said before the stream begins
    if seq > last:
        raise UnknownJob(f"The job has sent no event {seq} yet: its last is {last}. {job_id}:0 begins at the start.")
    return job_id, seq


def _current() -> str | None:
    try:
        return current_engine().current.id()
    except UnknownNetwork:
        return None


@contextmanager
def _unknown_without_model() -> Iterator[None]:
    try:
        yield
    except NoModel as error:
        raise UnknownNetwork(f"{error.message} POST /network/create makes one.") from None


def _shown(network_id: str) -> Response:
    _, network = current_engine().inference.network(network_id)
    return Response(_written(network_id, network), mimetype="application/json")


def _written(network_id: str, network: NeuralNetwork) -> Iterator[str]:
    """Write the network piece by piece: it can be many megabytes."""
    head = {"network_id": network_id, "sizes": list(network.sizes), "activation": network.spec.activation}
    yield strict_json.dumps(head)[:-1]
    parameters = network.model.parameters
    for field, kind in (("weights", "weights"), ("biases", "bias")):
        yield f',"{field}":['
        for place, name in enumerate(name for name in parameters if name.endswith(f".{kind}")):
            yield "," if place else ""
            # (in, out) here, a row for each neuron there; a bias becomes a column
            yield from pieces(parameters[name].T if kind == "weights" else parameters[name][:, None])
        yield "]"
    yield "}"
