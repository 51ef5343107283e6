"""Every way to fail: its status, its code, and the one shape."""

from __future__ import annotations

import gzip
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hippo import errors
from hippo.api.errors import STATUS
from tests.api.fake_engine import FakeEngine

NOBODY = str(uuid.uuid4())


def assert_shape(reply: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check the shape, and return the body."""
    assert reply.status_code == status
    assert reply.mimetype == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = json.loads(reply.data)
    assert body["code"] == code
    assert isinstance(body["error"], str)
    assert body["error"]
    assert body["message"] == body["error"]
    assert body["detail"] == body["error"] or all(
        set(field) == {"field", "message", "allowed"} for field in body["detail"]
    )
    assert "Traceback" not in reply.text
    assert "/work" not in reply.text
    assert "pydantic" not in reply.text.lower()
    return body


JSON = {"content_type": "application/json"}
GZIP = gzip.compress(b'{"layer_sizes": [784, 10]}')
ENCODED = {"headers": {"Content-Encoding": "gzip"}}

REQUESTS: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "unknown path": ("GET", "/nowhere", {}, 404, "not_found"),
    "unknown path under /api": ("GET", "/api/nowhere", {}, 404, "not_found"),
    "unknown method": ("PUT", "/api/networks", {}, 405, "method_not_allowed"),
    "method nobody knows": ("BREW", "/api/networks", {}, 405, "method_not_allowed"),
    "post to the status": ("POST", "/api/status", {}, 405, "method_not_allowed"),
    "get of what imports": ("GET", "/api/networks/import", {}, 405, "method_not_allowed"),
    "delete of what imports": ("DELETE", "/api/networks/import", {}, 405, "method_not_allowed"),
    "get of what cleans up": ("GET", "/api/networks/cleanup", {}, 405, "method_not_allowed"),
    "unknown network": ("GET", f"/api/networks/{NOBODY}", {}, 404, "unknown_network"),
    "malformed network id": ("GET", "/api/networks/%00", {}, 404, "unknown_network"),
    "very long network id": ("GET", "/api/networks/" + "a" * 5_000, {}, 404, "unknown_network"),
    "delete unknown network": ("DELETE", f"/api/networks/{NOBODY}", {}, 404, "unknown_network"),
    "train unknown network": ("POST", f"/api/networks/{NOBODY}/train", {}, 404, "unknown_network"),
    "example of unknown network": ("GET", f"/api/networks/{NOBODY}/successful_example", {}, 404, "unknown_network"),
    "unknown job": ("GET", f"/api/training/{NOBODY}", {}, 404, "unknown_job"),
    "malformed job id": ("GET", "/api/training/%F0%9F%A6%9B", {}, 404, "unknown_job"),
    "cancel unknown job": ("POST", f"/api/training/{NOBODY}/cancel", {}, 404, "unknown_job"),
    "events of unknown job": ("GET", f"/api/training/{NOBODY}/events", {}, 404, "unknown_job"),
    "malformed JSON": ("POST", "/api/networks", {"data": "{", **JSON}, 400, "malformed_json"),
    "blank body": ("POST", "/api/networks", {"data": " ", **JSON}, 400, "malformed_json"),
    "NaN": ("POST", "/api/networks", {"data": '{"seed": NaN}', **JSON}, 400, "malformed_json"),
    "number too large": ("POST", "/api/networks", {"data": '{"seed": 1e999}', **JSON}, 400, "malformed_json"),
    "number too long": ("POST", "/api/networks", {"data": "1" * 5_000, **JSON}, 400, "malformed_json"),
    "nested too deeply": ("POST", "/api/networks", {"data": "[" * 100_000, **JSON}, 400, "malformed_json"),
    "nested and closed": ("POST", "/api/networks", {"data": "[" * 9_000 + "]" * 9_000, **JSON}, 400, "malformed_json"),
    "encoded twice": ("POST", "/api/networks", {"data": '"{}"', **JSON}, 400, "malformed_json"),
    "not UTF-8": ("POST", "/api/networks", {"data": b'{"name": "\xff"}', **JSON}, 400, "malformed_json"),
    "plain text": (
        "POST",
        "/api/networks",
        {"data": "{}", "content_type": "text/plain"},
        415,
        "unsupported_media_type",
    ),
    "a form": ("POST", "/api/networks", {"data": {"name": "x"}}, 415, "unsupported_media_type"),
    "no type": ("POST", "/api/networks", {"data": "{}"}, 415, "unsupported_media_type"),
    "too large": ("POST", "/api/networks", {"data": b" " * 1_000_001, **JSON}, 413, "too_large"),
    "too large where nothing is read": ("DELETE", "/api/networks", {"data": b" " * 1_000_001}, 413, "too_large"),
    "an array": ("POST", "/api/networks", {"data": "[]", **JSON}, 422, "invalid_value"),
    "a string": ("POST", "/api/networks", {"data": '"hello"', **JSON}, 422, "invalid_value"),
    "null": ("POST", "/api/networks", {"data": "null", **JSON}, 422, "invalid_value"),
    "unknown field": ("POST", "/api/networks", {"json": {"layers": [784, 10]}}, 422, "invalid_value"),
    "value out of range": ("POST", f"/api/networks/{NOBODY}/train", {"json": {"epochs": 0}}, 422, "invalid_value"),
    "unknown status": ("GET", "/api/training?status=busy", {}, 422, "invalid_value"),
    "limit out of range": ("GET", "/api/training?limit=501", {}, 422, "invalid_value"),
    "unknown query": ("GET", "/api/training?page=1", {}, 422, "invalid_value"),
    "seq that is no number": ("GET", f"/api/training/{NOBODY}/events?after=-1", {}, 422, "invalid_value"),
    "gzip": ("POST", "/api/networks", {"data": GZIP, **JSON, **ENCODED}, 415, "unsupported_media_type"),
    "gzip that is not": ("POST", "/api/networks", {"data": "{}", **JSON, **ENCODED}, 415, "unsupported_media_type"),
    "port too large": ("GET", "/api/status", {"headers": {"Host": "localhost:65536"}}, 403, "host_not_allowed"),
    "foreign host": ("GET", "/api/status", {"headers": {"Host": "evil.example"}}, 403, "host_not_allowed"),
    "foreign origin": (
        "GET",
        "/api/status",
        {"headers": {"Origin": "https://evil.example"}},
        403,
        "origin_not_allowed",
    ),
    "not Engine.IO": ("GET", "/socket.io/", {}, 400, "bad_request"),
    "two framings": (
        "POST",
        "/api/networks",
        {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "2"}},
        400,
        "bad_request",
    ),
}


@pytest.mark.parametrize(("method", "path", "options", "status", "code"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_bad_request_has_its_status_and_the_shape_and_changes_nothing(
    client: FlaskClient, engine: FakeEngine, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    body = assert_shape(client.open(path, method=method, **options), status, code)
    assert (isinstance(body["detail"], list)) == (status == 422)
    assert not {"create", "submit", "cleanup"} & {name for name, *_ in engine.calls} or code == "unknown_network"
    assert engine.records == {}


@pytest.mark.parametrize(
    ("path", "most", "text"),
    [
        ("/api/networks", 1_000_000, "at most 1 MB (1,000,000 bytes). Send less"),
        ("/nowhere", 1_000_000, "at most 1 MB (1,000,000 bytes)."),
        ("/v1/predict", 8_000_000, "at most 8 MB (8,000,000 bytes). Send fewer images at once, or round their numbers"),
        ("/network/predict/image", 2_000_000, "at most 2 MB (2,000,000 bytes). Make the picture smaller"),
        ("/api/networks/import", 256_000_000, "at most 256 MB (256,000,000 bytes). "),
    ],
)
def test_a_body_that_is_too_large_is_told_the_limit_and_a_way_out(
    client: FlaskClient, path: str, most: int, text: str
) -> None:
    # Only declared: nothing of it is read.
    reply = client.post(path, environ_overrides={"CONTENT_LENGTH": str(most + 1)}, content_type="application/json")
    assert text in assert_shape(reply, 413, "too_large")["error"]


def test_every_error_of_the_engine_has_a_status() -> None:
    raised = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HippoError)}
    # A server that cannot start answers nobody.
    assert set(STATUS) == raised - {errors.HippoError, errors.CannotStart}


@pytest.mark.parametrize(("kind", "status"), STATUS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_an_error_of_the_engine_has_its_status_its_code_and_its_facts(
    client: FlaskClient, engine: FakeEngine, kind: type[errors.HippoError], status: int
) -> None:
    engine.fails["list_networks"] = kind("What to do about it.", job_id="a-job")
    reply = client.get("/api/networks")
    body = assert_shape(reply, status, kind.code)
    assert body["job_id"] == "a-job"
    assert body["error"] == "What to do about it."
    assert ("Retry-After" in reply.headers) == (status in (429, 503))


def test_a_surprise_shows_an_id_and_logs_the_rest(
    client: FlaskClient, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fails["list_networks"] = RuntimeError("the secret path /srv/secret")
    with caplog.at_level(logging.ERROR):
        body = assert_shape(client.get("/api/networks"), 500, "internal_error")
    (record,) = caplog.records
    assert body["error_id"] in record.getMessage()
    assert body["error_id"] in body["error"]
    assert "secret" not in json.dumps(body)
    assert record.exc_info is not None


def test_an_answer_that_is_not_json_is_a_surprise(
    client: FlaskClient, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.records["x"] = {"accuracy": float("nan")}
    assert_shape(client.get("/api/networks"), 500, "internal_error")
    assert len(caplog.records) == 1


def test_a_fault_in_front_of_flask_has_the_shape_too(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(app.wsgi_app, "_application", fail)
    assert_shape(client.get("/api/status"), 500, "internal_error")
    assert len(caplog.records) == 1


def test_a_compressed_body_is_told_what_to_do(client: FlaskClient) -> None:
    reply = client.post("/api/networks", data=GZIP, **JSON, **ENCODED)
    assert "not compressed" in reply.get_json()["error"]
    assert reply.headers["Accept-Encoding"] == "identity"
    plain = {"headers": {"Content-Encoding": "identity"}}
    assert client.post("/api/networks", data="{}", **JSON, **plain).status_code == 201


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    allowed = client.put("/api/networks").headers["Allow"]
    assert {"GET", "POST", "DELETE"} <= set(allowed.split(", "))


def test_an_address_that_could_pass_for_an_id_says_which_methods_are_right(client: FlaskClient) -> None:
    reply = client.get("/api/networks/import")
    assert set(reply.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_conflict_names_the_job_in_the_way(client: FlaskClient, new_network: Callable[[], str]) -> None:
    network = new_network()
    job = client.post(f"/api/networks/{network}/train").json["job_id"]
    for reply in (client.post(f"/api/networks/{network}/train"), client.delete(f"/api/networks/{network}")):
        assert assert_shape(reply, 409, "training_in_progress")["job_id"] == job


def test_a_job_is_cancelled_once(client: FlaskClient, new_network: Callable[[], str]) -> None:
    job = client.post(f"/api/networks/{new_network()}/train").json["job_id"]
    assert client.post(f"/api/training/{job}/cancel").status_code == 202
    assert_shape(client.post(f"/api/training/{job}/cancel"), 409, "job_ended")


@pytest.mark.parametrize("setting", ["ready", "data_ready"])
def test_readiness_says_what_is_missing(client: FlaskClient, engine: FakeEngine, setting: str) -> None:
    setattr(engine, setting, False)
    assert_shape(client.get("/readyz"), 503, "not_ready")
    assert client.get("/healthz").status_code == 200
