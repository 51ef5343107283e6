"""The whole test set over HTTP: summed up, and its answers chosen, sorted and paged; and everything bad.

What is expected is counted with plain loops over lists, without NumPy and without what the server counts with.
"""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hippo.errors import DataError, NotReady
from hippo.jobs.training_spec import INITIAL
from hippo.network import NeuralNetwork
from tests.api.real import House, house

N = 10_000


@dataclass
class Asked:
    """A house with MNIST and an untrained network whose outputs are kept, made up by Python's own generator."""

    home: House
    at: str
    outputs: list[list[float]]
    previous: list[int]
    labels: list[int]

    def get(self, path: str) -> Any:
        return self.home.client.get(f"{self.at}/{path}")

    @cached_property
    def predicted(self) -> list[int]:
        return [row.index(max(row)) for row in self.outputs]

    @cached_property
    def confidence(self) -> list[float]:
        return [max(row) / sum(row) for row in self.outputs]

    @cached_property
    def output(self) -> list[float]:
        return [max(row) for row in self.outputs]


def made_up(labels: list[int]) -> tuple[list[list[float]], list[int]]:
    """Outputs that are right about half of the time, and earlier answers that are so, too."""
    rng = random.Random(11)  # noqa: S311 - nothing depends on its being secret
    outputs, previous = [], []
    for label in labels:
        row = [rng.randrange(1, 64) / 64 for _ in range(10)]
        if rng.random() < 0.5:
            row[label] = 1.0
        outputs.append(row)
        previous.append(label if rng.random() < 0.5 else rng.randrange(10))
    return outputs, previous


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HIPPO_DATA_DIR", raising=False)
        with house(tmp_path_factory.mktemp("models"), _env_file=None) as home:
            labels = home.engine.data().test_data.labels.tolist()
            outputs, previous = made_up(labels)
            network_id = home.engine.networks.create(NeuralNetwork([784, 12, 10], seed=1).spec)["network_id"]
            home.engine._files.save_outputs(
                network_id,
                np.array(outputs, np.float32),
                np.zeros((12, 10), np.float32),
                INITIAL,
                np.array(previous, np.uint8),
            )
            yield Asked(home, f"/api/networks/{network_id}", outputs, previous, labels)


def test_the_whole_test_set_is_summed_up(asked: Asked) -> None:
    reply = asked.get("evaluation")
    body = reply.get_json()
    assert reply.status_code == 200
    assert list(body) == ["network_id", "accuracy", "correct", "total", "confusion_matrix", "digits", "changed"]
    matrix = [[0] * 10 for _ in range(10)]
    for actual, predicted in zip(asked.labels, asked.predicted, strict=True):
        matrix[actual][predicted] += 1
    assert body["confusion_matrix"] == matrix
    assert [sum(row) for row in matrix] == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert body["correct"] == sum(matrix[digit][digit] for digit in range(10))
    assert (body["accuracy"], body["total"]) == (body["correct"] / N, N)
    for digit, one in enumerate(body["digits"]):
        correct, total = matrix[digit][digit], sum(matrix[digit])
        assert one == {"digit": digit, "total": total, "correct": correct, "accuracy": correct / total}
    turns = [
        (before == actual, now == actual)
        for before, now, actual in zip(asked.previous, asked.predicted, asked.labels, strict=True)
    ]
    turned_wrong, turned_right = turns.count((True, False)), turns.count((False, True))
    assert body["changed"] == {"known": True, "turned_wrong": turned_wrong, "turned_right": turned_right}
    assert min(turned_wrong, turned_right) > 1_000


def fits(asked: Asked, place: int, query: dict[str, Any]) -> bool:
    actual, now, before = asked.labels[place], asked.predicted[place], asked.previous[place]
    return {
        None: True,
        "right": now == actual,
        "wrong": now != actual,
        "turned_wrong": before == actual != now,
        "turned_right": before != actual == now,
    }[query.get("outcome")] and (query.get("actual", actual) == actual and query.get("predicted", now) == now)


@pytest.mark.parametrize("sort", ["index", "confidence", "-confidence", "output", "-output"])
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"actual": 5, "predicted": 3},
        {"actual": 0, "outcome": "wrong"},
        {"predicted": 9, "outcome": "right"},
        {"outcome": "turned_wrong"},
        {"outcome": "turned_right", "actual": 8},
    ],
    ids=str,
)
def test_answers_are_chosen_sorted_and_paged(asked: Asked, query: dict[str, Any], sort: str) -> None:
    expected = [place for place in range(N) if fits(asked, place, query)]
    if sort != "index":  # Python's sort keeps equals in their order, also when it is turned round
        key = asked.confidence if sort.endswith("confidence") else asked.output
        expected.sort(key=key.__getitem__, reverse=sort.startswith("-"))
    options = "".join(f"&{name}={value}" for name, value in query.items())
    for limit, offset in ((1, 0), (30, 7), (100, len(expected) - 3), (5, len(expected)), (1, 10**15 - 1)):
        body = asked.get(f"answers?sort={sort}&limit={limit}&offset={offset}{options}").get_json()
        assert body["total"] == len(expected) > 30
        assert [one["example_index"] for one in body["answers"]] == expected[offset : offset + limit]


def test_an_answer_tells_all_of_a_digit_and_shows_it(asked: Asked) -> None:
    pixels = asked.home.engine.data().test_data.pixels
    body = asked.get("answers?outcome=wrong&sort=-confidence&offset=3").get_json()
    assert len(body["answers"]) == 24
    for one in body["answers"]:
        place = one["example_index"]
        assert {name: one[name] for name in one if name not in ("image_data", "confidence", "output")} == {
            "example_index": place,
            "predicted_digit": asked.predicted[place],
            "actual_digit": asked.labels[place],
            "correct": False,
            "previous_digit": asked.previous[place],
        }
        assert one["confidence"] == pytest.approx(asked.confidence[place], rel=1e-12)
        assert one["output"] == asked.output[place]
        shown = Image.open(io.BytesIO(base64.b64decode(one["image_data"])))
        assert np.array_equal(np.asarray(shown).ravel(), pixels[place])
        scores = asked.home.client.post(f"{asked.at}/predict", json={"example_index": place}).get_json()
        assert one["confidence"] == scores["confidence_scores"][one["predicted_digit"]]


def test_pictures_are_made_for_the_page_alone(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    monkeypatch.setattr("hippo.api.routes.answers.png_base64", lambda pixels: made.append(pixels.tobytes()) or "x")
    assert len(asked.get("answers?limit=7").get_json()["answers"]) == len(made) == 7
    asked.get("evaluation")
    assert len(made) == 7


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *((f"actual={value}", "actual") for value in ("10", "-1", "five", "1.5")),
        ("predicted=10", "predicted"),
        *((f"outcome={value}", "outcome") for value in ("Right", "turned", "wrong,right")),
        *((f"sort={value}", "sort") for value in ("", "-index", "random")),
        *((f"limit={value}", "limit") for value in ("0", "101", "", "x")),
        *((f"offset={value}", "offset") for value in ("-1", "x", "9" * 40)),
        ("digit=5", "digit"),
    ],
)
def test_wrong_questions_are_refused_by_name(asked: Asked, query: str, field: str) -> None:
    reply = asked.get(f"answers?{query}")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_value")
    (wrong,) = reply.get_json()["detail"]
    assert wrong["field"] == field
    assert wrong["allowed"]


def test_empty_filters_are_none(asked: Asked) -> None:
    assert asked.get("answers?actual=&predicted=&outcome=&limit=1").get_json()["total"] == N


@pytest.mark.parametrize("path", ["evaluation", "answers"])
def test_what_cannot_be_answered_is_refused(asked: Asked, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for network_id in ("nobody", "a.b"):
        reply = asked.home.client.get(f"/api/networks/{network_id}/{path}")
        assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_network")

    def fail(error: Exception) -> None:
        raise error

    networks = asked.home.engine.networks
    kept = networks._answers
    other = networks.create(NeuralNetwork([784, 10], seed=2).spec)["network_id"]
    with monkeypatch.context() as patch:
        patch.setattr(kept, "_compute_outputs", lambda _: fail(NotReady("The pass is not finished yet.")))
        assert asked.home.client.get(f"/api/networks/{other}/{path}").get_json()["code"] == "not_ready"
        patch.setattr(kept, "_test_data", lambda: fail(DataError("MNIST is missing.")))
        assert asked.get(path).get_json()["code"] == "data_missing"


def test_nothing_is_known_of_the_epoch_before_the_first(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HIPPO_DATA_DIR", raising=False)
        with house(tmp_path, _env_file=None) as home:
            network_id = home.engine.networks.create(NeuralNetwork([784, 10], seed=2).spec)["network_id"]
            outputs = np.ones((N, 10), np.float32)
            home.engine._files.save_outputs(network_id, outputs, np.zeros((784, 10), np.float32), INITIAL)
            body = home.client.get(f"/api/networks/{network_id}/evaluation").get_json()
            assert body["changed"] == {"known": False, "turned_wrong": 0, "turned_right": 0}
            assert [row[0] for row in body["confusion_matrix"]][:2] == [980, 1135]
            for outcome in ("turned_wrong", "turned_right"):
                page = home.client.get(f"/api/networks/{network_id}/answers?outcome={outcome}").get_json()
                assert page == {"answers": [], "total": 0}
            page = home.client.get(f"/api/networks/{network_id}/answers?limit=2").get_json()
            assert [(one["previous_digit"], one["confidence"]) for one in page["answers"]] == [(None, 0.1)] * 2
            assert json.loads(json.dumps(page, allow_nan=False)) == page
