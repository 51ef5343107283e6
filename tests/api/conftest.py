"""The app around a fake engine, and clients for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hippo.api.app import create_app
from hippo.settings import Settings
from tests.api.fake_engine import FakeEngine


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's environment and .env out of the tests."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


class ReadingClient(FlaskClient):
    """A client that reads every reply to its end, so that no file stays open."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        return super().open(*arguments, **{"buffered": True, **options})


@pytest.fixture
def make_app(engine: FakeEngine) -> Callable[..., Flask]:
    """Return the function that makes an app with some settings changed."""

    def make(**settings: Any) -> Flask:
        app = create_app(Settings(async_mode="threading", **settings), engine)  # type: ignore[arg-type]
        app.test_client_class = ReadingClient
        return app

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def new_network(client: FlaskClient) -> Callable[[], str]:
    """Return the function that makes a network and gives its id."""

    def make() -> str:
        network_id: str = client.post("/api/networks").get_json()["network_id"]
        return network_id

    return make
