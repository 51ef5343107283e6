"""Examples: images of the test set that a network gets right or wrong."""

from __future__ import annotations

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo import strict_json
from hippo.api.images import png_base64
from hippo.api.inference_replies import ExampleReply
from hippo.api.pieces import pieces
from hippo.api.routes import current_engine, named_after_view, replies
from hippo.api.schemas import NetworkPath

blueprint = APIBlueprint(
    "examples",
    __name__,
    url_prefix="/api/networks/<string:network_id>",
    abp_tags=[Tag(name="Examples", description="Images that a network gets right or wrong.")],
    operation_id_callback=named_after_view,
)


@blueprint.get("/successful_example", responses=replies({200: ExampleReply}, 404, 503))
def successful_example(path: NetworkPath) -> Response:
    """Show an image that the network gets right.

    One at random, evenly, among all such images of the test set; 404 where there is none.
    """
    return _example(path.network_id, correct=True)


@blueprint.get("/unsuccessful_example", responses=replies({200: ExampleReply}, 404, 503))
def unsuccessful_example(path: NetworkPath) -> Response:
    """Show an image that the network gets wrong.

    One at random, evenly, among all such images of the test set; 404 where there is none.
    """
    return _example(path.network_id, correct=False)


def _example(network_id: str, *, correct: bool) -> Response:
    example = current_engine().networks.example(network_id, correct)
    head = {
        "network_id": network_id,
        "example_index": example.index,
        "predicted_digit": example.predicted,
        "actual_digit": example.actual,
        "correct": example.correct,
        "image_data": png_base64(example.pixels),
    }
    weights = "".join(pieces(example.output_weights))
    rest = strict_json.dumps({"network_output": example.network_output})
    text = f'{strict_json.dumps(head)[:-1]},"output_weights":{weights},{rest[1:]}'
    return Response(text, mimetype="application/json")
