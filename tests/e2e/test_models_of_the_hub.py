"""A server with HF_MODEL_REPO: it starts at once, answers with models of the Hub, and goes on without it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import write_model
from tests.persistence.fake_hub import TOKEN, fake_hub
from tests.serving import Server, serving

pytestmark = pytest.mark.process

REPO = "someone/digits"


def answer(server: Server, model: str) -> Any:
    return server.post("/predict", json={"pixels": [0.5] * 784, "model": model})


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_models_of_the_hub_answer_and_stay(mode: str, tmp_path: Path) -> None:
    network = NeuralNetwork([784, 12, 10], seed=4)
    write_model(tmp_path / "made.safetensors", network, {"accuracy": 0.5})
    told = {"HIPPO_ASYNC_MODE": mode, "HF_MODEL_REPO": REPO, "HUGGINGFACE_TOKEN": TOKEN, "LOG_LEVEL": "DEBUG"}
    with fake_hub() as hub:
        told["HF_ENDPOINT"] = hub.endpoint
        hub.add(REPO, {"classic.safetensors": (tmp_path / "made.safetensors").read_bytes()}, private=True)
        stall = hub.faults["stall"] = threading.Event()
        with serving(tmp_path, **told) as server:
            assert hub.halfway.wait(30)
            assert server.get("/api/status").status_code == 200  # while the Hub is silent
            assert server.get("/models").json()["models"] == []
            assert answer(server, "classic").status_code == 404
            assert TOKEN not in server.output
        stall.set()
        hub.faults.clear()
        with serving(tmp_path, **told) as server:
            server.wait_for_line("Model classic of someone/digits is here")
            (model,) = server.get("/models").json()["models"]
            assert (model["name"], model["source"], model["accuracy"]) == ("classic", "hub", 0.5)
            said = answer(server, "classic").json()
            assert said["predicted_digit"] == int(network.predict([[0.5] * 784]).argmax())
            assert TOKEN not in server.output
    with serving(tmp_path, **told) as server:  # and now without the Hub
        assert answer(server, "classic").json() == said
        assert answer(server, "../classic").status_code == 404
