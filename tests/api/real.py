"""The app around a real engine of which only the assistant starts: for the tests of inference and of streams.

What a worker would report is said by the test itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from hippo.api.app import create_app
from hippo.clock import now
from hippo.engine import Engine
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.settings import Settings
from tests.api.conftest import ReadingClient


class House:
    """An app, its engine, and clients."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.app = create_app(Settings(async_mode="threading", models_dir=folder, **settings))
        self.engine: Engine = self.app.extensions["hippo"]
        self.app.test_client_class = ReadingClient

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def trained(self, name: str | None = None, accuracy: float = 0.9, **options: Any) -> tuple[str, NeuralNetwork]:
        """Add a network with weights as a run would leave them; return its id and the network."""
        spec = NetworkSpec.make(options.pop("sizes", [784, 12, 10]), **{"seed": 1, **options})
        network_id: str = self.engine.networks.create(spec, name)["network_id"]
        return network_id, self.train(network_id, accuracy)

    def train(self, network_id: str, accuracy: float = 0.9) -> NeuralNetwork:
        """Give a network other weights, as a run would."""
        spec = self.engine.store.network(network_id).spec
        network = NeuralNetwork(spec.layer_sizes, spec.activation, spec.loss, seed=77)
        self.engine._files.save_model(network_id, network, "r1", {})
        self.engine.store.change_network(network_id, revision="r1", accuracy=accuracy, trained_at=now())
        return network

    def say(self, job_id: str, *reports: dict[str, Any]) -> None:
        """Report in the place of a worker."""
        for report in reports:
            self.engine.jobs._inbox.put(job_id, report)


@contextmanager
def house(folder: Path, **settings: Any) -> Iterator[House]:
    """Open one, and take it down in the end."""
    made = House(folder, **settings)
    try:
        yield made
    finally:
        made.engine.shutdown(5)
