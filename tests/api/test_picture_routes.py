"""Pictures and the older routes over HTTP: what is asked of the assistant is computed here, in its place."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hippo.errors import DataError
from hippo.inference import distribution
from hippo.jobs.looks import Looks
from hippo.jobs.resting import Resting
from hippo.jobs.training_spec import INITIAL
from hippo.jobs.worker_keeper import Task
from hippo.network import NeuralNetwork
from tests.api.real import House, house
from tests.pictures.drawn import encoded, png, seven
from tests.watched import arrays, split

PICTURE = encoded(seven())
PATHS = ("/predict/image", "/v1/predict/image", "/network/predict/image")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    with house(tmp_path) as made:
        looks, resting = Looks(made.engine.data), Resting(made.engine._files, made.engine.data)

        def answer(task: Task) -> None:
            message = task.message
            if message["type"] == "prepare":
                task.report(looks.prepared(message["payload"]))
            elif message["type"] == "nearest":
                task.report(looks.nearest(message["count"], message["payload"]))
            elif message["type"] == "stills":
                for report in resting.answers(message):
                    task.report(report)
            else:
                spec = made.engine.store.network(message["network"]["network_id"]).spec
                task.report(looks.described(NeuralNetwork(spec), message["drawn"]))

        monkeypatch.setattr(made.engine.backend, "submit_short", answer)
        yield made


def send(home: House, path: str, data: bytes, kind: str = "image/png") -> Any:
    return home.client.post(path, data=data, content_type=kind)


@pytest.mark.parametrize("path", PATHS)
def test_a_picture_is_prepared_and_recognised(home: House, path: str) -> None:
    _, network = home.trained("first try")
    body = send(home, path, PICTURE).get_json()
    assert (body["model"], body["inverted"], body["width"], body["height"]) == ("first try", True, 200, 150)
    assert "neighbours" not in body
    pixels = np.array(body["pixels"], np.float32)
    expected = distribution(network.predict(pixels[np.newaxis]))[0]
    assert np.allclose(body["probabilities"], expected, atol=1e-6)
    assert np.allclose(body["network_output"], network.predict(pixels[np.newaxis])[0], atol=1e-6)
    assert sum(body["network_output"]) != pytest.approx(1)  # sigmoids
    assert body["confidence"] == max(body["probabilities"]) == body["probabilities"][body["predicted_digit"]]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(body["image_data"]))), np.float32) / 255
    assert np.allclose(shown.reshape(-1), pixels)
    again = home.client.post("/predict", json={"pixels": body["pixels"]}).get_json()
    assert np.allclose(again["probabilities"], body["probabilities"], atol=1e-6)


@pytest.mark.parametrize("path", PATHS)
def test_who_answers_may_be_named(home: House, path: str) -> None:
    home.trained("good", accuracy=0.9)
    home.trained("other", accuracy=0.1)
    assert send(home, f"{path}?model=other", PICTURE).get_json()["model"] == "other"
    assert send(home, f"{path}?model=", PICTURE).get_json()["model"] == "good"
    assert send(home, f"{path}?model=nobody", PICTURE).status_code == 404


def test_neighbours_are_the_nearest_training_digits(home: House) -> None:
    home.trained()
    digits = home.engine.data().training_data
    image = np.asarray(digits.pixels[4321])
    found = home.client.post("/nearest", json={"pixels": (image / 255).tolist(), "count": 3}).get_json()["neighbours"]
    assert (found[0]["index"], found[0]["label"], found[0]["distance"]) == (4321, digits.labels[4321], 0)
    squares = ((digits.pixels.astype(np.int32) - image) ** 2).sum(axis=1)
    assert [one["index"] for one in found] == np.argsort(squares, kind="stable")[:3].tolist()
    assert found[2]["distance"] == pytest.approx(np.sqrt(squares[found[2]["index"]]) / 255)
    body = send(home, "/predict/image?neighbours=5", encoded(seven(2000, 1500))).get_json()  # prepared elsewhere
    assert (len(body["neighbours"]), body["width"]) == (5, 2000)
    for wrong in ("21", "-1", "x"):
        assert send(home, f"/predict/image?neighbours={wrong}", PICTURE).status_code == 422


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"", "image/png", 422, "invalid_picture"),
        (encoded(seven(), "GIF"), "image/png", 422, "invalid_picture"),
        (PICTURE[:200], "image/png", 422, "invalid_picture"),
        (encoded(Image.new("L", (50, 50), 255)), "image/png", 422, "invalid_picture"),
        (png(30_000, 30_000, bytes(1_000)), "image/png", 413, "too_large"),
        (PICTURE + bytes(2_000_001 - len(PICTURE)), "image/png", 413, "too_large"),
        (PICTURE, "image/gif", 415, "unsupported_media_type"),
        (PICTURE, "application/json", 415, "unsupported_media_type"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_bad_pictures_are_refused(home: House, path: str, data: bytes, kind: str, status: int, code: str) -> None:
    home.trained()
    reply = send(home, path, data, kind)
    assert (reply.status_code, reply.get_json()["code"]) == (status, code)


def test_what_a_picture_is_shows_its_content(home: House) -> None:
    home.trained()
    for kind in ("image/jpeg", "application/octet-stream", ""):
        assert send(home, "/predict/image", PICTURE, kind).status_code == 200
    assert send(home, "/predict/image", PICTURE + bytes(2_000_000 - len(PICTURE))).status_code == 200


def test_without_a_model_there_is_no_answer(home: House) -> None:
    assert [send(home, path, PICTURE).status_code for path in PATHS] == [503, 503, 404]


@pytest.fixture
def asked(home: House) -> tuple[House, str, np.ndarray]:
    """Keep outputs for an untrained network, as a pass would; return them and where its routes are."""
    network_id = home.engine.networks.create(NeuralNetwork([784, 12, 10], seed=1).spec)["network_id"]
    outputs = np.random.default_rng(3).random((10_000, 10), np.float32)
    home.engine._files.save_outputs(network_id, outputs, np.zeros((12, 10), np.float32), INITIAL)
    return home, f"/api/networks/{network_id}", outputs


def test_a_test_digit_is_asked_for_by_its_number(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, outputs = asked
    labels = home.engine.data().test_data.labels
    for index in (0, 9_999):
        body = home.client.post(f"{at}/predict", json={"example_index": index}).get_json()
        assert (body["example_index"], body["actual_digit"]) == (index, labels[index])
        assert body["predicted_digit"] == outputs[index].argmax()
        assert body["correct"] is bool(outputs[index].argmax() == labels[index])
        assert np.allclose(body["confidence_scores"], outputs[index] / outputs[index].sum())
    assert home.client.post(f"{at}/predict").get_json()["example_index"] == 0
    for wrong in (-1, 10_000, 1.5, "1", None):
        assert home.client.post(f"{at}/predict", json={"example_index": wrong}).status_code == 422


def test_test_digits_come_in_batches(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, outputs = asked
    body = home.client.post(f"{at}/predict_batch").get_json()
    assert [one["example_index"] for one in body["results"]] == list(range(10))
    assert body["total"] == 10
    assert [one["predicted_digit"] for one in body["results"]] == outputs[:10].argmax(axis=1).tolist()
    body = home.client.post(f"{at}/predict_batch", json={"start_index": 9_998, "count": 30}).get_json()
    assert (body["total"], body["results"][1]["example_index"]) == (2, 9_999)
    for wrong in ({"start_index": 10_000}, {"count": 0}, {"count": 1_001}, {"first": 1}):
        assert home.client.post(f"{at}/predict_batch", json=wrong).status_code == 422


def test_mistakes_are_listed_in_order(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, outputs = asked
    wrong = np.flatnonzero(outputs.argmax(axis=1) != home.engine.data().test_data.labels)
    body = home.client.get(f"{at}/misclassified").get_json()
    assert [one["example_index"] for one in body["misclassified"]] == wrong[:10].tolist()
    assert (body["checked"], body["wrong"]) == (500, (wrong < 500).sum())
    body = home.client.get(f"{at}/misclassified?max_count=1000&max_check=3").get_json()
    assert [one["example_index"] for one in body["misclassified"]] == wrong[wrong < 3].tolist()
    for query in ("max_count=0", "max_check=10001", "max_count=x"):
        assert home.client.get(f"{at}/misclassified?{query}").status_code == 422


def test_weights_are_described_and_drawn(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, _ = asked
    body = home.client.get(f"{at}/stats").get_json()
    weights = NeuralNetwork([784, 12, 10], seed=1).model.parameters["0.weights"]
    assert [one["shape"] for one in body["weight_stats"]] == [[12, 784], [10, 12]]
    assert [one["shape"] for one in body["bias_stats"]] == [[12, 1], [10, 1]]
    first = body["weight_stats"][0]
    assert (first["layer"], first["min"], first["max"]) == (1, weights.min(), weights.max())
    assert first["mean"] == pytest.approx(weights.mean(), abs=1e-6)
    assert first["std"] == pytest.approx(weights.std(), rel=1e-4)
    assert (body["trained"], body["accuracy"]) == (False, None)
    drawn = [home.client.get(f"{at}/visualize").get_json()["visualization"] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert Image.open(io.BytesIO(base64.b64decode(drawn[0]))).size == (928, 216)


def test_a_network_is_shown_as_it_is_now(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, _ = asked
    network = NeuralNetwork([784, 12, 10], seed=1)
    reply = home.client.get(f"{at}/frame?example=4&layer=1&neuron=11")
    assert (reply.status_code, reply.mimetype) == (200, "application/octet-stream")
    header, payload = split(reply.data)
    found = arrays(header, payload)
    assert np.array_equal(found["incoming"], network.model.parameters["0.weights"][:, 11])
    assert np.allclose(found["a.2"], network.predict(home.engine.data().test_data.images[4:5])[0], atol=1e-6)
    assert (header["job_id"], header["example"]["index"], header["neuron"]["index"]) == (None, 4, 11)
    assert split(home.client.get(f"{at}/frame?layer=&neuron=").data)[0]["neuron"] is None

    job_id = home.client.post(f"{at}/train", json={"epochs": 3, "learning_rate": 0.5}).get_json()["job_id"]
    header, _ = split(home.client.get(f"{at}/frame").data)
    assert (header["job_id"], header["epoch"], header["step"], header["learning_rate"]) == (job_id, 1, 0, 0.5)


@pytest.mark.parametrize("question", ["stats", "visualize", "frame", "gradient_check"])
def test_what_is_deleted_during_a_question_is_unknown(
    asked: tuple[House, str, np.ndarray], monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    home, at, _ = asked
    network_id = at.rpartition("/")[2]

    def gone(_: object) -> None:
        home.engine.networks.delete(network_id)
        raise DataError("the file is missing")

    monkeypatch.setattr(home.engine.questions, "_done", gone)
    reply = home.client.get(f"{at}/{question}")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "unknown_network")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("example=10000", "0 to 9,999"),
        ("example=-1", "0 to 9,999"),
        ("example=x", "0 to 9,999"),
        ("layer=1", "go together"),
        ("neuron=1", "go together"),
        ("layer=3&neuron=0", "from 1 to 2"),
        ("layer=0&neuron=0", "from 1"),
        ("layer=1&neuron=12", "from 0 to 11 in layer 1"),
        ("mood=good", "there is no such field"),
    ],
)
def test_a_frame_of_what_there_is_not_is_refused(asked: tuple[House, str, np.ndarray], query: str, text: str) -> None:
    home, at, _ = asked
    reply = home.client.get(f"{at}/frame?{query}")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_value")
    assert text in reply.get_json()["error"]


def test_a_network_is_brought_into_memory(asked: tuple[House, str, np.ndarray]) -> None:
    home, at, _ = asked
    body = home.client.post(f"{at}/load").get_json()
    assert (body["architecture"], body["status"]) == ([784, 12, 10], "already_loaded")
    home.engine.networks._in_memory.clear()
    assert home.client.post(f"{at}/load").get_json()["status"] == "loaded"
    for path in ("load", "predict", "predict_batch"):
        assert home.client.post(f"/api/networks/nobody/{path}").status_code == 404
    for path in ("stats", "visualize", "frame", "misclassified"):
        assert home.client.get(f"/api/networks/nobody/{path}").status_code == 404
