"""MNIST over HTTP: samples to look at and to try a network with."""

from __future__ import annotations

from typing import Any

import numpy as np
from flask import Response
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.inference_replies import MnistReply, SamplesReply
from hippo.api.inference_schemas import EmptyBody, SamplesQuery
from hippo.api.routes import BODY, current_engine, named_after_view, replies

blueprint = APIBlueprint(
    "mnist",
    __name__,
    abp_tags=[Tag(name="MNIST", description="The digits that networks learn from.")],
    operation_id_callback=named_after_view,
)

#: How each byte of a picture is written as a number from 0 to 1: pixel / 255, which reads back as the same float32.
_WRITTEN = [repr(byte / 255) for byte in range(256)]


@blueprint.get(
    "/v1/mnist/samples",
    endpoint="samples_v1",
    operation_id="samples_v1",
    responses=replies({200: SamplesReply}, 422, 503),
)
@blueprint.get("/mnist/samples", responses=replies({200: SamplesReply}, 422, 503))
def draw_samples(query: SamplesQuery) -> Response:
    """Draw digits of MNIST at random, evenly, none twice.

    `pixels` can be sent to /predict as they are. With a `seed` the same ones are drawn again.
    """
    data = current_engine().data()
    digits = {"train": data.training_data, "validation": data.validation_data, "test": data.test_data}[query.dataset]
    chosen = np.random.default_rng(query.seed).choice(len(digits), query.count, replace=False)
    samples = ",".join(
        f'{{"pixels":[{",".join(map(_WRITTEN.__getitem__, digits.pixels[index].tolist()))}],'
        f'"label":{digits.labels[index]},"index":{index}}}'
        for index in chosen
    )
    # Written by hand: 78,400 numbers would take a JSON writer longer than everybody else should wait.
    return Response(f'{{"samples":[{samples}],"count":{query.count}}}', mimetype="application/json")


@blueprint.post(
    "/v1/mnist/load",
    endpoint="load_mnist_v1",
    operation_id="load_mnist_v1",
    responses=replies({200: MnistReply}, *BODY, 503),
)
@blueprint.post("/mnist/load", responses=replies({200: MnistReply}, *BODY, 503))
def load_mnist(body: EmptyBody) -> dict[str, Any]:
    """Load MNIST, unless it is loaded, and say how many images there are."""
    data = current_engine().data()
    counts = {"train": len(data.training_data), "validation": len(data.validation_data), "test": len(data.test_data)}
    return {"status": "loaded", **counts}
