"""Inference over HTTP: predictions, activations, models, samples, and the current network; and everything bad."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hippo.api import pieces
from hippo.errors import DataError
from hippo.inference import distribution
from hippo.network import NetworkSpec, NeuralNetwork
from tests.api.real import House, house

IMAGES = np.round(np.random.default_rng(1).random((3, 784)), 3)
ONE = IMAGES[0].tolist()
PREDICT = ("/predict", "/v1/predict", "/network/predict")
ACTIVATIONS = ("/activations", "/v1/activations", "/network/activations")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def assert_error(reply: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = reply.get_json()
    assert (reply.status_code, body["code"]) == (status, code), body
    assert body["error"] == body["message"]
    assert body["error"]
    return body


@pytest.mark.parametrize("path", [*PREDICT, *ACTIVATIONS])
def test_without_a_model_there_is_no_answer(home: House, path: str) -> None:
    reply = home.client.post(path, json={"pixels": ONE})
    assert_error(reply, *((404, "unknown_network") if path.startswith("/network") else (503, "no_model")))
    assert home.client.get("/healthz").get_json()["network_loaded"] is False
    assert home.client.get("/models").get_json() == {"models": []}


@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("path", PREDICT)
def test_an_image_is_answered_with_a_distribution(home: House, path: str, loss: str) -> None:
    _, network = home.trained("first try", loss=loss)
    reply = home.client.post(path, json={"pixels": ONE})
    body = reply.get_json()
    assert reply.status_code == 200
    assert list(body) == ["predicted_digit", "confidence", "probabilities", "model"]
    assert body["model"] == "first try"
    expected = distribution(network.predict(IMAGES[:1]))[0]
    assert np.allclose(body["probabilities"], expected)
    assert sum(body["probabilities"]) == pytest.approx(1, abs=1e-9)
    assert body["confidence"] == max(body["probabilities"]) == body["probabilities"][body["predicted_digit"]]
    assert home.client.get("/healthz").get_json()["network_loaded"] is True


@pytest.mark.parametrize("path", PREDICT)
def test_a_list_of_images_is_answered_with_a_list(home: House, path: str) -> None:
    home.trained("first try")
    alone = [home.client.post(path, json={"pixels": image.tolist()}).get_json() for image in IMAGES]
    body = home.client.post(path, json={"pixels": IMAGES.tolist()}).get_json()
    assert list(body) == ["predictions", "count", "model"]
    assert (body["count"], body["model"]) == (3, "first try")
    for one, answer in zip(alone, body["predictions"], strict=True):
        assert list(answer) == ["predicted_digit", "confidence", "probabilities"]
        assert answer["probabilities"] == pytest.approx(one["probabilities"], abs=1e-6)
    single = home.client.post(path, json={"pixels": [ONE]}).get_json()
    assert single["count"] == len(single["predictions"]) == 1


def test_a_thousand_images_are_taken_and_no_more(home: House) -> None:
    home.trained()
    few = json.dumps([0.125] * 784)
    body = f'{{"pixels": [{",".join([few] * 1000)}]}}'
    assert home.client.post("/predict", data=body, content_type="application/json").get_json()["count"] == 1000
    body = f'{{"pixels": [{",".join([few] * 1001)}]}}'
    error = assert_error(home.client.post("/predict", data=body, content_type="application/json"), 422, "invalid_value")
    assert "1,000" in error["error"]


def test_long_bodies_are_read_by_the_assistant(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    home.trained("first try")
    asked: list[int] = []
    read = home.engine.questions.read
    monkeypatch.setattr(home.engine.questions, "read", lambda raw: asked.append(len(raw)) or read(raw))
    pad = " " * 65_536
    short = json.dumps({"pixels": ONE})
    expected = home.client.post("/predict", json={"pixels": ONE}).get_json()
    assert asked == []

    def send(body: str, path: str = "/predict") -> Any:
        return home.client.post(path, data=body, content_type="application/json")

    assert send(short + pad).get_json() == expected
    assert asked == [len(short + pad)]
    assert send(json.dumps({"pixels": [ONE], "model": "first try"}) + pad).get_json()["count"] == 1
    assert send(short + pad, "/activations").get_json()["layer_sizes"] == [784, 12, 10]
    assert_error(send(json.dumps({"pixels": [ONE]}) + pad, "/activations"), 422, "invalid_value")
    body = assert_error(send(json.dumps({"pixels": [ONE, with_one(True)]}) + pad), 422, "invalid_value")
    assert body["detail"][0]["field"] == "pixels[1][5]"
    assert_error(send(json.dumps({"pixels": ONE, "model": "x" * 100_000})), 422, "invalid_value")
    assert send('{"layer_sizes": [784, 10]}' + pad, "/api/networks").status_code == 201
    assert len(asked) == 6


def test_only_routes_for_images_take_large_bodies(home: House) -> None:
    home.trained()
    for path in (*PREDICT, *ACTIVATIONS):
        padded = json.dumps({"pixels": ONE}) + " " * 7_000_000
        assert home.client.post(path, data=padded, content_type="application/json").status_code == 200, path
        padded += " " * 1_000_000
        assert_error(home.client.post(path, data=padded, content_type="application/json"), 413, "too_large")
    padded = json.dumps({"sizes": [784, 30, 10]}) + " " * 1_000_000
    for path in ("/network/create", "/network/train", "/api/networks"):
        assert_error(home.client.post(path, data=padded, content_type="application/json"), 413, "too_large")


def test_a_request_may_name_who_answers(home: House) -> None:
    home.trained("good", accuracy=0.9)
    other, network = home.trained("other", accuracy=0.1, activation="relu")
    for model in (other, "other"):
        for path in PREDICT:
            body = home.client.post(path, json={"pixels": ONE, "model": model}).get_json()
            assert body["model"] == "other"
            assert np.allclose(body["probabilities"], distribution(network.predict(IMAGES[:1]))[0])
        for path in ACTIVATIONS:
            assert home.client.post(path, json={"pixels": ONE, "model": model}).get_json()["model"] == "other"
    assert home.client.post("/predict", json={"pixels": ONE, "model": None}).get_json()["model"] == "good"
    for path in (*PREDICT, *ACTIVATIONS):
        assert_error(home.client.post(path, json={"pixels": ONE, "model": "nobody"}), 404, "unknown_model")


def test_the_default_model_is_a_setting(tmp_path: Path) -> None:
    with house(tmp_path, default_model="plain") as home:
        home.trained("better", accuracy=0.99)
        assert_error(home.client.post("/predict", json={"pixels": ONE}), 503, "no_model")
        assert "'plain', is not there" in str(home.engine.inference.problem())
        home.trained("plain", accuracy=0.5)
        assert home.engine.inference.problem() is None
        assert home.client.post("/predict", json={"pixels": ONE}).get_json()["model"] == "plain"
        assert [model["default"] for model in home.client.get("/models").get_json()["models"]] == [False, True]


@pytest.mark.parametrize(("default", "warned"), [("nobody", 1), ("good", 0), (None, 0)])
def test_a_default_model_that_is_not_there_is_a_warning_at_the_start(
    default: str | None, warned: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with house(tmp_path, default_model=default) as home:
        if default == "good":
            home.trained("good")
        monkeypatch.setattr(home.engine.jobs, "start", lambda: None)
        monkeypatch.setattr(home.engine, "data", lambda: None)
        home.engine.start()
        home.engine.close()
    assert [record.levelname for record in caplog.records if "DEFAULT_MODEL" in record.message] == ["WARNING"] * warned


@pytest.mark.parametrize("path", ["/models", "/v1/models"])
def test_models_are_listed(home: House, path: str) -> None:
    network_id, _ = home.trained(accuracy=0.75)
    record = home.engine.networks.get(network_id)
    assert home.client.get(path).get_json() == {
        "models": [
            {
                "name": network_id,
                "network_id": network_id,
                "architecture": [784, 12, 10],
                "activation": "sigmoid",
                "accuracy": 0.75,
                "source": "local",
                "created_at": record["created_at"],
                "default": True,
            }
        ]
    }


@pytest.mark.parametrize("path", ACTIVATIONS)
def test_activations_are_shown_layer_by_layer(home: House, path: str) -> None:
    _, network = home.trained("first try", sizes=[784, 12, 11, 10])
    body = home.client.post(path, json={"pixels": ONE}).get_json()
    assert list(body) == ["activations", "layer_sizes", "model"]
    assert body["layer_sizes"] == [784, 12, 11, 10] == [len(layer) for layer in body["activations"]]
    for layer, expected in zip(body["activations"], network.activations(IMAGES[:1]), strict=True):
        assert np.allclose(layer, expected[0])
    assert body["model"] == "first try"


def test_replies_with_many_numbers_let_others_have_their_turn(
    with_data: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    network_id, _ = with_data.trained("first try")
    with_data.client.post("/network/create")
    turns: list[float] = []
    monkeypatch.setattr(pieces, "NUMBERS_AT_ONCE", 10)
    monkeypatch.setattr(pieces, "time", SimpleNamespace(sleep=turns.append))
    for numbers, ask in (
        (784 * 30, lambda: with_data.client.get("/network/state")),
        (784, lambda: with_data.client.post("/activations", json={"pixels": ONE, "model": network_id})),
        (12 * 10, lambda: with_data.client.get(f"/api/networks/{network_id}/unsuccessful_example")),
    ):
        turns.clear()
        reply = ask()
        assert (reply.status_code, reply.mimetype) == (200, "application/json")
        assert reply.get_json()
        assert len(turns) >= numbers / 10


def with_one(value: object, place: int = 5) -> list[object]:
    return [*ONE[:place], value, *ONE[place + 1 :]]


BAD_IMAGES: list[tuple[object, str]] = [
    (ONE[:783], "pixels"),
    ([*ONE, 0.0], "pixels"),
    ([], "pixels"),
    ("0" * 784, "pixels"),
    (None, "pixels"),
    (784, "pixels"),
    ({"0": 1}, "pixels"),
    (with_one(1.0000001), "pixels[5]"),
    (with_one(-1e-9), "pixels[5]"),
    (with_one(255), "pixels[5]"),
    (with_one(10**400), "pixels[5]"),
    (with_one(-(10**400)), "pixels[5]"),
    (with_one(True), "pixels[5]"),
    (with_one(None), "pixels[5]"),
    (with_one("0.5"), "pixels[5]"),
    (with_one([0.5]), "pixels[5]"),
    (with_one({}), "pixels[5]"),
    (with_one(2, place=783), "pixels[783]"),
]


@pytest.mark.parametrize("path", [*PREDICT, *ACTIVATIONS])
def test_bad_images_are_refused_by_place(home: House, path: str) -> None:
    home.trained()
    for value, field in BAD_IMAGES:
        body = assert_error(home.client.post(path, json={"pixels": value}), 422, "invalid_value")
        assert [part["field"] for part in body["detail"]] == [field], value
        assert body["detail"][0]["allowed"]
        if path in PREDICT:
            body = assert_error(home.client.post(path, json={"pixels": [ONE, value]}), 422, "invalid_value")
            assert body["detail"][0]["field"] == field.replace("pixels", "pixels[1]"), value
        else:
            assert_error(home.client.post(path, json={"pixels": [ONE]}), 422, "invalid_value")


@pytest.mark.parametrize("pad", ["", " " * 65_536], ids=["short", "long"])
@pytest.mark.parametrize("path", [*PREDICT, *ACTIVATIONS])
def test_bad_bodies_are_refused(home: House, path: str, pad: str) -> None:
    home.trained()
    numbers = ",".join(["0"] * 783)

    def send(body: str, content_type: str = "application/json") -> Any:
        return home.client.post(path, data=body + pad, content_type=content_type)

    for wrong in ("NaN", "Infinity", "-Infinity", "1e999", "01", ".5", "+1", "0x1", ""):
        assert_error(send(f'{{"pixels": [{numbers},{wrong}]}}'), 400, "malformed_json")
    one = json.dumps(ONE)
    for wrong in ("1e999", "NaN", "[" * 64 + "]" * 64, "9" * 5_000):
        assert_error(send(f'{{"pixels": {one}, "more": {wrong}}}'), 400, "malformed_json")
    packed = json.dumps(json.dumps({"pixels": ONE}))
    for wrong in ("{", '{"pixels": ', "[" * 100_000, '"{}"', packed, '{"pixels": [0], }', "\ufeff{}", "{} {}"):
        assert_error(send(wrong), 400, "malformed_json")
    assert_error(send("{}", "text/plain"), 415, "unsupported_media_type")
    for name, value in (("modell", "x"), ("model", 5), ("model", ""), ("model", "x" * 201), ("model", "\ud800")):
        body = assert_error(send(json.dumps({"pixels": ONE, name: value})), 422, "invalid_value")
        assert body["detail"][0]["field"] == name
    for no_object in ("{}", "[]", "5", '"text"', "null"):
        assert_error(send(no_object), 422, "invalid_value")
    assert_error(home.client.post(path), 422, "invalid_value")
    assert home.client.post(path, json={"pixels": [0, 1] * 392}).status_code == 200  # whole numbers are numbers


_PIECES = (
    "NaN",
    "1e999",
    "-1",
    "1.5",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    ",",
    '"',
    "\\",
    "\0",
    "9" * 400,
    "e5",
    ":",
    "",
)


def test_spoiled_bodies_get_a_clear_answer(home: House) -> None:
    home.trained("first try")
    rng = random.Random(7)  # noqa: S311 - which bodies are tried is no secret
    bodies = [json.dumps({"pixels": ONE, "model": "first try"}), json.dumps({"pixels": [ONE, ONE]})]
    refused = 0
    for _ in range(300):
        body = rng.choice(bodies)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(body))
            body = body[:at] + rng.choice(_PIECES) + body[at + rng.choice((0, 1, 5, 500)) :]
        reply = home.client.post("/predict", data=body, content_type="application/json")
        if reply.status_code == 200:
            assert reply.get_json()["model"] == "first try"
            continue
        refused += 1
        assert reply.status_code in (400, 404, 422), body
        assert {"error", "message", "detail", "code"} <= reply.get_json().keys()
    assert refused > 200


@pytest.fixture(scope="module")
def with_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HIPPO_DATA_DIR", raising=False)
        with house(tmp_path_factory.mktemp("models"), _env_file=None) as made:
            yield made


@pytest.mark.parametrize(("dataset", "length"), [("train", 50_000), ("validation", 10_000), ("test", 10_000)])
@pytest.mark.parametrize("path", ["/mnist/samples", "/v1/mnist/samples"])
def test_samples_are_those_of_the_set(with_data: House, path: str, dataset: str, length: int) -> None:
    body = with_data.client.get(f"{path}?count=100&dataset={dataset}&seed=3").get_json()
    data = with_data.engine.data()
    digits = {"train": data.training_data, "validation": data.validation_data, "test": data.test_data}[dataset]
    places = [sample["index"] for sample in body["samples"]]
    assert body["count"] == len(set(places)) == 100
    assert max(places) < length
    assert max(places) > 0.9 * length  # from the whole set
    for sample in body["samples"]:
        assert sample["label"] == digits.labels[sample["index"]]
        assert np.array_equal(np.array(sample["pixels"], np.float32), digits.images[sample["index"]])


def test_samples_are_drawn_anew_unless_a_seed_is_given(with_data: House) -> None:
    def drawn(query: str) -> list[int]:
        return [sample["index"] for sample in with_data.client.get(f"/mnist/samples{query}").get_json()["samples"]]

    assert len(drawn("")) == 10
    assert drawn("?seed=1") == drawn("?seed=1&dataset=test") != drawn("?seed=2")
    assert drawn("") != drawn("?seed=")


@pytest.mark.parametrize(
    "query", ["count=0", "count=101", "count=1.5", "count=x", "dataset=all", "seed=-1", "seed=x", "size=3"]
)
def test_wrong_questions_for_samples_are_refused(with_data: House, query: str) -> None:
    assert_error(with_data.client.get(f"/mnist/samples?{query}"), 422, "invalid_value")


def test_a_sample_can_be_predicted_as_it_is(with_data: House) -> None:
    with_data.trained()
    (sample,) = with_data.client.get("/mnist/samples?count=1").get_json()["samples"]
    assert with_data.client.post("/predict", json={"pixels": sample["pixels"]}).status_code == 200


@pytest.mark.parametrize("path", ["/mnist/load", "/v1/mnist/load"])
def test_mnist_is_loaded(with_data: House, path: str) -> None:
    body = with_data.client.post(path).get_json()
    assert body == {"status": "loaded", "train": 50_000, "validation": 10_000, "test": 10_000}


@pytest.mark.parametrize("path", ["/mnist/load", "/v1/mnist/load"])
def test_loading_takes_no_fields_and_json_alone(with_data: House, path: str) -> None:
    assert with_data.client.post(path, json={}).status_code == 200
    assert_error(with_data.client.post(path, json={"path": "x"}), 422, "invalid_value")
    assert_error(with_data.client.post(path, data="train", content_type="text/plain"), 415, "unsupported_media_type")


def test_without_mnist_there_are_no_samples(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DataError("MNIST is missing.")

    monkeypatch.setattr(home.engine, "data", missing)
    for reply in (home.client.get("/mnist/samples"), home.client.post("/mnist/load")):
        assert_error(reply, 503, "data_missing")


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_current_network_is_made_and_shown(home: House, activation: str) -> None:
    assert_error(home.client.get("/network/state"), 404, "unknown_network")
    reply = home.client.post("/network/create", json={"sizes": [784, 30, 20, 10], "activation": activation})
    body = reply.get_json()
    assert reply.status_code == 201
    assert list(body) == ["network_id", "sizes", "activation", "weights", "biases"]
    assert (body["sizes"], body["activation"]) == ([784, 30, 20, 10], activation)
    record = home.engine.networks.get(body["network_id"])
    parameters = NeuralNetwork(NetworkSpec.from_dict({**_spec(record), "dropout": 0.0})).model.parameters
    weights = [array for name, array in parameters.items() if name.endswith("weights")]
    for matrix, expected in zip(body["weights"], weights, strict=True):
        assert np.array_equal(np.array(matrix, np.float32), expected.T)
    assert [np.array(column).shape for column in body["biases"]] == [(30, 1), (20, 1), (10, 1)]
    assert home.client.get("/network/state").get_json() == body


def _spec(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("layer_sizes", "activation", "loss", "initializer", "seed")}


def test_the_current_network_is_the_classic_one_unless_said(home: House) -> None:
    body = home.client.post("/network/create").get_json()
    assert (body["sizes"], body["activation"]) == ([784, 30, 10], "sigmoid")


@pytest.mark.parametrize(
    "body",
    [
        {"sizes": [784, 1_300, 10]},
        {"sizes": [783, 10]},
        {"sizes": [784, 9]},
        {"sizes": [784]},
        {"sizes": [784, 0, 10]},
        {"sizes": [784, "30", 10]},
        {"activation": "tanh"},
        {"activation": 1},
        {"layer_sizes": [784, 10]},
    ],
)
def test_a_current_network_that_cannot_be_is_refused(home: House, body: dict[str, Any]) -> None:
    assert_error(home.client.post("/network/create", json=body), 422, "invalid_value")
    assert_error(home.client.get("/network/state"), 404, "unknown_network")


def test_the_current_network_answers_under_its_address(home: House) -> None:
    home.trained("best")
    assert home.client.post("/network/predict", json={"pixels": ONE}).get_json()["model"] == "best"
    current = home.client.post("/network/create").get_json()["network_id"]
    for path in ("predict", "activations"):
        assert home.client.post(f"/network/{path}", json={"pixels": ONE}).get_json()["model"] == current
        named = home.client.post(f"/network/{path}", json={"pixels": ONE, "model": "best"}).get_json()
        assert named["model"] == "best"
    assert home.client.post("/predict", json={"pixels": ONE}).get_json()["model"] == "best"
    shown = home.client.get("/network/state").get_json()
    home.train(current)
    assert home.client.get("/network/state").get_json()["weights"] != shown["weights"]


def test_the_current_network_outlives_the_server_but_not_its_deletion(tmp_path: Path) -> None:
    with house(tmp_path) as before:
        first = before.client.post("/network/create").get_json()
        second = before.client.post("/network/create").get_json()
        assert before.client.get(f"/api/networks/{first['network_id']}").status_code == 200
    with house(tmp_path) as after:
        assert after.client.get("/network/state").get_json() == second
        after.client.delete(f"/api/networks/{second['network_id']}")
        assert_error(after.client.get("/network/state"), 404, "unknown_network")
        assert_error(after.client.post("/network/train", json={"epochs": 1}), 404, "unknown_network")
