"""The lessons of docs/PAGE.md: every link fills in the whole form, and its run is told what the document says it is."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import numpy as np
import pytest

from hippo.datasets.mnist_loader import MNISTLoader
from hippo.network import NeuralNetwork
from hippo.training.callbacks import Callback
from hippo.training.health import layers_of
from hippo.training.layer_view import LayerView
from hippo.training.state import TrainingRun
from tests.docs.markdown import PROJECT, headings, section, text_of
from tests.docs.test_examples import need
from tests.serving import Server

DOCUMENT = "docs/PAGE.md"
_LINK = re.compile(r"\(http://127\.0\.0\.1:8000/#/new\?([^)]+)\)")
_QUOTE = re.compile(r"^> (.+)$", re.MULTILINE)


def ask(command: str, *arguments: str, read: str = "") -> Any:
    """Ask the page's own logic."""
    program = [need("node"), str(PROJECT / "tests/docs/lesson.mjs"), command, *arguments]
    return json.loads(
        subprocess.run(program, input=read, capture_output=True, text=True, timeout=60, check=True).stdout
    )


def lessons() -> list[str]:
    return [heading for heading in headings(text_of(DOCUMENT)) if re.match(r"\d+\. ", heading)]


def links() -> list[str]:
    return _LINK.findall(text_of(DOCUMENT))


def quoting() -> list[str]:
    return [lesson for lesson in lessons() if _QUOTE.search(section(text_of(DOCUMENT), lesson))]


@pytest.mark.parametrize("query", links())
def test_a_link_is_a_whole_experiment(query: str) -> None:
    form = ask("form", query)
    assert form["ignored"] == []
    assert (form["network"]["seed"], form["training"]["seed"]) == (1, 1)


@pytest.mark.process
@pytest.mark.parametrize("lesson", quoting())
def test_the_page_says_what_the_lesson_says_it_does(server: Server, lesson: str) -> None:
    text = section(text_of(DOCUMENT), lesson)
    (query,), (quote,) = _LINK.findall(text), _QUOTE.findall(text)
    form = ask("form", query)
    network_id = server.post("/api/networks", json=form["network"]).json()["network_id"]
    job_id = server.post(f"/api/networks/{network_id}/train", json=form["training"]).json()["job_id"]
    while (job := server.get(f"/api/training/{job_id}").json())["state"] in ("queued", "running"):
        pass
    events = server.get(f"/api/training/{job_id}/events").json()["events"]
    network = server.get(f"/api/networks/{network_id}").json()
    said = ask("said", read=json.dumps({"network": network, "job": job, "events": events}))
    assert quote in " ".join(said)


class Norms(Callback):
    """Keeps the gradient norm of every layer at every step."""

    def on_train_begin(self, run: TrainingRun) -> None:
        self._layers = [LayerView(linear, activation) for linear, activation in layers_of(run.model)]
        self.rows: list[list[float]] = []

    def on_batch_end(self, run: TrainingRun) -> None:
        self.rows.append([layer.gradient_norm() or 0.0 for layer in self._layers])


def test_gradients_vanish_as_the_seventh_lesson_says() -> None:
    (lesson,) = (lesson for lesson in lessons() if lesson.startswith("7. "))
    sigmoid, relu = _LINK.findall(section(text_of(DOCUMENT), lesson))
    norms = {}
    data = MNISTLoader().load_data(verify=False)
    for query, epochs in ((sigmoid, 4), (relu, 1)):
        form = ask("form", query)
        sizes = form["network"].pop("layer_sizes")
        seen = Norms()
        options = form["training"] | {"epochs": epochs, "callbacks": [seen]}
        (*_, last) = NeuralNetwork(sizes, **form["network"]).train(
            data.training_data, test_data=data.test_data, **options
        )
        norms[query] = np.array(seen.rows)
    ratio = norms[sigmoid][:, -1] / norms[sigmoid][:, 0]
    assert ratio[0] > 100
    assert 20 < np.median(ratio[25:]) < 30
    assert (norms[sigmoid][25:].argmin(axis=1) == 1).all()
    assert norms[relu][0].max() < 10 * norms[relu][0].min()
    assert (norms[relu][0].argmax(), last["accuracy"] > 0.7) == (0, True)


def test_there_are_lessons() -> None:
    assert (len(lessons()), len(quoting())) == (9, 5)
