"""Inspection: a network brought into memory; its weights in numbers and as a picture; a frame of it as it is now."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.inference_replies import LoadedReply, StatisticsReply, VisualizationReply
from hippo.api.inference_schemas import EmptyBody
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import NetworkPath
from hippo.api.uploads import FILE_TYPE
from hippo.api.watching import FrameQuery
from hippo.training.snapshots import Wish

blueprint = APIBlueprint(
    "inspection",
    __name__,
    url_prefix="/api/networks/<string:network_id>",
    abp_tags=[Tag(name="Networks", description="Make, list and delete networks.")],
    operation_id_callback=named_after_view,
)

_FRAME: Any = {
    "description": "The frame: 4 bytes of length, the header as JSON, the arrays.",
    "content": {FILE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
}


@blueprint.post("/load", responses=replies({200: LoadedReply}, 404, *BODY))
def load_network(path: NetworkPath, body: EmptyBody) -> dict[str, Any]:
    """Bring a saved network into memory.

    Every other route does so by itself; a network can be used whether or not it is in memory.
    """
    networks = current_engine().networks
    record = networks.get(path.network_id)
    status = networks.load(path.network_id)
    return {"network_id": path.network_id, "architecture": record["architecture"], "status": status}


@blueprint.get("/stats", responses=replies({200: StatisticsReply}, 404, 503))
def show_statistics(path: NetworkPath) -> dict[str, Any]:
    """Show the statistics of a network's weights and biases, layer by layer."""
    engine = current_engine()
    record = engine.networks.get(path.network_id)
    with engine.networks.asked(path.network_id) as network:
        statistics = engine.questions.statistics(network)
    return {**{name: record[name] for name in ("network_id", "architecture", "trained", "accuracy")}, **statistics}


@blueprint.get("/visualize", responses=replies({200: VisualizationReply}, 404, 503))
def visualize_network(path: NetworkPath) -> dict[str, Any]:
    """Draw what the neurons of a network's first layer look for.

    A tile of 28x28 for each of the first 100: orange where ink makes it active, blue where ink quiets it. Where the
    next layer is the last, ten cells below a tile say for which of the digits 0 to 9 the neuron speaks, and against
    which.
    """
    engine = current_engine()
    with engine.networks.asked(path.network_id) as network:
        picture = engine.questions.portrait(network)
    return {"network_id": path.network_id, "visualization": base64.b64encode(picture).decode("ascii")}


@blueprint.get("/frame", responses=replies({200: _FRAME}, 404, 422, 503))
def show_frame(path: NetworkPath, query: FrameQuery) -> Response:
    """Show a network as it is now, as one frame of the live view: its weights, and what they make of one test digit.

    The weights are those of the last checkpoint of its run, if one is queued, running or paused; else the saved ones;
    else the first ones. The layout is that of the Socket.IO event `frame`, header and payload in one.
    """
    engine = current_engine()
    with engine.networks.asked(path.network_id) as network:
        job_id = engine.jobs.active_jobs().get(path.network_id)
        job = engine.store.job(job_id) if job_id else None
        frame = engine.questions.frame(network, job, Wish(query.example, query.layer, query.neuron))
    return Response(frame, mimetype=FILE_TYPE)
