"""Inference: which trained networks there are, what they take images for, and what their neurons show.

The addresses are those that other front ends know: at the root and under /v1; those of the current network are in
`current_network`.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Response, jsonify
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo import strict_json
from hippo.api.inference_replies import ActivationsReply, ModelsReply, Predicted
from hippo.api.inference_schemas import ActivationsBody, PredictBody
from hippo.api.pieces import pieces
from hippo.api.requests import MAX_IMAGES_BYTES, takes
from hippo.api.routes import BODY, current_engine, named_after_view, replies

#: Answers after which others have their turn; each has eleven long numbers to be written.
_WRITTEN_AT_ONCE = 100

TAG = Tag(name="Inference", description="What trained networks take images for.")

blueprint = APIBlueprint("inference", __name__, abp_tags=[TAG], operation_id_callback=named_after_view)


@blueprint.get("/v1/models", endpoint="models_v1", operation_id="models_v1", responses=replies({200: ModelsReply}))
@blueprint.get("/models", responses=replies({200: ModelsReply}))
def list_models() -> dict[str, Any]:
    """List the trained networks, the most accurate first.

    `default` marks the one that answers requests that name none: that of DEFAULT_MODEL, else the most accurate, of
    equals the one trained last.
    """
    return {"models": current_engine().inference.models()}


PREDICTION = replies({200: Predicted}, 404, *BODY, 503)
ACTIVATIONS = replies({200: ActivationsReply}, 404, *BODY, 503)


@blueprint.post("/v1/predict", endpoint="predict_v1", operation_id="predict_v1", responses=PREDICTION)
@blueprint.post("/predict", responses=PREDICTION)
@takes(MAX_IMAGES_BYTES)
def predict(body: PredictBody) -> Response:
    """Say which digit an image shows.

    `pixels` may also be a list of up to 1,000 images; then the reply holds a list `predictions`.
    """
    return predicted(body, body.model)


@blueprint.post("/v1/activations", endpoint="activations_v1", operation_id="activations_v1", responses=ACTIVATIONS)
@blueprint.post("/activations", responses=ACTIVATIONS)
@takes(MAX_IMAGES_BYTES)
def activations(body: ActivationsBody) -> Response:
    """Show what every neuron of a network shows for an image."""
    return activated(body, body.model)


def predicted(body: PredictBody, model: str | None) -> Response:
    """Answer with what the network `model`, or the one that answers in its place, takes the image or images for."""
    images = body.pixels
    prediction = current_engine().inference.predict(images.rows, model)
    answers = [
        {"predicted_digit": digit, "confidence": row[digit], "probabilities": row}
        for digit, row in zip(prediction.digits.tolist(), prediction.probabilities.tolist(), strict=True)
    ]
    if not images.is_list:
        return jsonify(answers[0] | {"model": prediction.model})
    parts = []
    for begin in range(0, len(answers), _WRITTEN_AT_ONCE):
        time.sleep(0)
        parts.append(strict_json.dumps(answers[begin : begin + _WRITTEN_AT_ONCE])[1:-1])
    rest = strict_json.dumps({"count": len(answers), "model": prediction.model})
    return Response(f'{{"predictions":[{",".join(parts)}],{rest[1:]}', mimetype="application/json")


def activated(body: ActivationsBody, model: str | None) -> Response:
    """Answer with what the neurons of the network `model`, or of the one in its place, show for the image."""
    layers, sizes, name = current_engine().inference.activations(body.pixels.rows[0], model)
    written = ",".join("".join(pieces(layer)) for layer in layers)
    rest = strict_json.dumps({"layer_sizes": sizes, "model": name})
    return Response(f'{{"activations":[{written}],{rest[1:]}', mimetype="application/json")
