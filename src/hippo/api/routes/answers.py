"""Answers: what a network takes test digits for, one by one, all together, and those that are chosen.

All answers come from one pass over the test set, which is kept beside the network; nothing is computed here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag

from hippo.api.evaluation_replies import ChosenAnswersReply, EvaluationReply
from hippo.api.images import png_base64
from hippo.api.inference_replies import MisclassifiedReply, TestAnswerReply, TestAnswersReply
from hippo.api.inference_schemas import AnswersQuery, BatchBody, ExampleBody, MisclassifiedQuery
from hippo.api.routes import BODY, current_engine, named_after_view, replies
from hippo.api.schemas import NetworkPath
from hippo.datasets.dataset import Dataset
from hippo.inference import distribution
from hippo.nn import Array
from hippo.outcomes import Outcomes

blueprint = APIBlueprint(
    "answers",
    __name__,
    url_prefix="/api/networks/<string:network_id>",
    abp_tags=[Tag(name="Examples", description="Images that a network gets right or wrong.")],
    operation_id_callback=named_after_view,
)

#: Pictures that are made before others have their turn.
_AT_ONCE = 8


@blueprint.post("/predict", responses=replies({200: TestAnswerReply}, 404, *BODY, 503))
def predict_example(path: NetworkPath, body: ExampleBody) -> dict[str, Any]:
    """Say what the network takes one test digit for."""
    found, digits = current_engine().networks.answers(path.network_id)
    index = body.example_index
    scores = distribution(found.outputs[index : index + 1])[0].tolist()
    return {**_answer(index, found.outputs, digits), "confidence_scores": scores}


@blueprint.post("/predict_batch", responses=replies({200: TestAnswersReply}, 404, *BODY, 503))
def predict_examples(path: NetworkPath, body: BatchBody) -> dict[str, Any]:
    """Say what the network takes some test digits for, that stand one after the other.

    Where the test set ends, so does the list.
    """
    found, digits = current_engine().networks.answers(path.network_id)
    places = range(body.start_index, min(body.start_index + body.count, len(digits)))
    results = _pictured(places, found.outputs, digits)
    return {"results": results, "total": len(results)}


@blueprint.get("/misclassified", responses=replies({200: MisclassifiedReply}, 404, 422, 503))
def list_misclassified(path: NetworkPath, query: MisclassifiedQuery) -> dict[str, Any]:
    """List test digits that the network gets wrong, in the order of the test set.

    They are looked for among the first `max_check`.
    """
    found, digits = current_engine().networks.answers(path.network_id)
    checked = min(query.max_check, len(digits))
    wrong = np.flatnonzero(found.outputs[:checked].argmax(axis=1) != digits.labels[:checked])
    pictured = _pictured(wrong[: query.max_count].tolist(), found.outputs, digits)
    return {"misclassified": pictured, "checked": checked, "wrong": len(wrong)}


@blueprint.get("/evaluation", responses=replies({200: EvaluationReply}, 404, 503))
def evaluate_network(path: NetworkPath) -> dict[str, Any]:
    """Show what the network makes of the whole test set.

    The confusion matrix, how well it recognises each digit, and how many answers its last epoch changed. While it is
    trained, that is of the weights it had before.
    """
    found, digits = current_engine().networks.answers(path.network_id)
    return {"network_id": path.network_id, **Outcomes.of(found, digits.labels).summary()}


@blueprint.get("/answers", responses=replies({200: ChosenAnswersReply}, 404, 422, 503))
def list_answers(path: NetworkPath, query: AnswersQuery) -> dict[str, Any]:
    """List the network's answers for test digits that are chosen by what they are, are taken for, and became.

    `total` counts all that fit, also those beyond `limit`.
    """
    found, digits = current_engine().networks.answers(path.network_id)
    outcomes = Outcomes.of(found, digits.labels)
    places = outcomes.places(query.actual, query.predicted, query.outcome, query.sort)
    page = places[query.offset : query.offset + query.limit].tolist()
    answers = _pictured(page, found.outputs, digits)
    for place, answer in zip(page, answers, strict=True):
        answer["previous_digit"] = None if outcomes.previous is None else int(outcomes.previous[place])
        answer["confidence"] = float(outcomes.confidence[place])
        answer["output"] = float(outcomes.output[place])
    return {"answers": answers, "total": len(places)}


def _pictured(places: Iterable[int], outputs: Array, digits: Dataset) -> list[dict[str, Any]]:
    made = []
    for number, place in enumerate(places):
        if number % _AT_ONCE == _AT_ONCE - 1:
            time.sleep(0)
        made.append({**_answer(place, outputs, digits), "image_data": png_base64(digits.pixels[place])})
    return made


def _answer(place: int, outputs: Array, digits: Dataset) -> dict[str, Any]:
    predicted, actual = int(outputs[place].argmax()), int(digits.labels[place])
    return {
        "example_index": place,
        "predicted_digit": predicted,
        "actual_digit": actual,
        "correct": predicted == actual,
    }
