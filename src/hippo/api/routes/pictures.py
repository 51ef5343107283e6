"""Pictures: a digit as it was drawn or photographed, prepared as MNIST was, recognised, and what it looks like."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask_openapi.blueprint import APIBlueprint

from hippo.api.images import png_base64
from hippo.api.inference_replies import NearestReply, PicturePredictionReply
from hippo.api.inference_schemas import NearestBody, PictureQuery
from hippo.api.requests import takes
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.routes.inference import TAG
from hippo.api.uploads import FILE_TYPE, PICTURE_TYPES, read_picture
from hippo.pictures import MAX_PICTURE_BYTES

blueprint = APIBlueprint("pictures", __name__, abp_tags=[TAG], operation_id_callback=named_after_view)

PICTURE_BODY = {
    "description": "The picture as it is: PNG or JPEG, up to 2 MB and 16 megapixels.",
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (*PICTURE_TYPES, FILE_TYPE)},
}
PICTURE_PREDICTION = replies({200: PicturePredictionReply}, 404, *BODY, 503)
NEAREST = replies({200: NearestReply}, *BODY, 503)


@blueprint.post(
    "/v1/predict/image",
    endpoint="predict_picture_v1",
    operation_id="predict_picture_v1",
    responses=PICTURE_PREDICTION,
    request_body=PICTURE_BODY,
)
@blueprint.post("/predict/image", responses=PICTURE_PREDICTION, request_body=PICTURE_BODY)
@takes(MAX_PICTURE_BYTES)
def predict_picture(query: PictureQuery) -> dict[str, Any]:
    """Say which digit a picture of any size shows.

    It is prepared as MNIST was: grey, inverted when the paper is light, cropped to the ink, fitted into 20x20, centred
    by mass in 28x28. The reply shows that image, which is what the network saw.
    """
    return recognised(query, query.model)


@blueprint.post("/v1/nearest", endpoint="nearest_v1", operation_id="nearest_v1", responses=NEAREST)
@blueprint.post("/nearest", responses=NEAREST)
def find_nearest(body: NearestBody) -> dict[str, Any]:
    """Find the training digits that look most like an image, the nearest first.

    Near is meant pixel by pixel: no network is asked.
    """
    return {"neighbours": _neighbours(np.rint(body.pixels.rows[0] * 255).astype(np.uint8), body.count)}


def recognised(query: PictureQuery, model: str | None) -> dict[str, Any]:
    """Answer with what the network `model`, or the one that answers in its place, takes the picture sent for."""
    engine = current_engine()
    prepared = engine.questions.prepare(read_picture())
    prediction = engine.inference.predict(prepared.pixels[np.newaxis].astype(np.float32) / np.float32(255), model)
    probabilities: list[float] = prediction.probabilities[0].tolist()
    digit = int(prediction.digits[0])
    answer = {
        "model": prediction.model,
        "predicted_digit": digit,
        "confidence": probabilities[digit],
        "probabilities": probabilities,
        "network_output": prediction.outputs[0].tolist(),
        "pixels": [byte / 255 for byte in prepared.pixels.tolist()],
        "image_data": png_base64(prepared.pixels),
        "inverted": prepared.inverted,
        "width": prepared.width,
        "height": prepared.height,
    }
    if query.neighbours:
        answer["neighbours"] = _neighbours(prepared.pixels, query.neighbours)
    return answer


def _neighbours(pixels: Any, count: int) -> list[dict[str, Any]]:
    engine = current_engine()
    digits = engine.data().training_data
    return [
        {
            "index": index,
            "label": int(digits.labels[index]),
            "distance": distance,
            "image_data": png_base64(digits.pixels[index]),
        }
        for index, distance in engine.questions.nearest(pixels, count)
    ]
