"""The routes by which networks come and go as files: what they take, hand on and answer, around a fake engine."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hippo.api import uploads
from hippo.errors import DataError, ImportRefused, NotReady
from hippo.persistence.interchange import FORMATS, MAX_MODEL_BYTES
from tests.api.fake_engine import FakeEngine

SHAPE = {"error", "message", "detail", "code"}
FILE = {"content_type": "application/octet-stream"}
VIEW = "exchange.import_network"


def send(client: FlaskClient, data: bytes = b"a file", query: str = "", **options: Any) -> Any:
    return client.post(f"/api/networks/import{query}", data=data, **{**FILE, **options})


def test_a_file_that_comes_in_too_slowly_is_given_up(
    client: FlaskClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 299.0, 301.0])
    monkeypatch.setattr(uploads, "time", SimpleNamespace(monotonic=lambda: next(times)))
    reply = send(client, b"x" * 3 * uploads.PIECE_BYTES)
    assert (reply.status_code, reply.get_json()["code"]) == (503, "not_ready")
    assert "within 5 minutes" in reply.get_json()["error"]
    assert [call[0] for call in engine.calls] == ["incoming"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_network_is_sent_as_an_attachment(
    form: str, client: FlaskClient, engine: FakeEngine, new_network: Callable[[], str]
) -> None:
    network_id = new_network()
    reply = client.get(f"/api/networks/{network_id}/export?format={form}")
    assert (reply.status_code, reply.mimetype) == (200, "application/octet-stream")
    assert reply.data == b"the file " * 20_000
    assert reply.headers["Content-Length"] == "180000"
    ending = ("-layers" if form == "npz-layers" else "") + FORMATS[form]
    assert reply.headers["Content-Disposition"] == f'attachment; filename="network-{network_id[:8]}{ending}"'
    assert engine.calls[-1] == ("export", network_id, form)
    assert client.head(f"/api/networks/{network_id}/export?format={form}").headers["Content-Length"] == "180000"


def test_the_format_is_our_own_unless_said(
    client: FlaskClient, engine: FakeEngine, new_network: Callable[[], str]
) -> None:
    network_id = new_network()
    client.get(f"/api/networks/{network_id}/export")
    assert engine.calls[-1] == ("export", network_id, "safetensors")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("first try", "first-try"),
        ("größe 2.0", "groe-2-0"),
        ('a"; b=c/../d\\', "a-b-c-d"),
        ("数字", "network"),
        ("--", "network"),
        ("x" * 100, "x" * 60),
    ],
)
def test_a_file_is_named_so_that_any_system_takes_it(name: str, shown: str, client: FlaskClient) -> None:
    network_id = client.post("/api/networks", json={"name": name}).get_json()["network_id"]
    said = client.get(f"/api/networks/{network_id}/export?format=onnx").headers["Content-Disposition"]
    assert said == f'attachment; filename="{shown}-{network_id[:8]}.onnx"'


def test_pages_of_allowed_origins_may_read_the_name_of_the_file(
    client: FlaskClient, new_network: Callable[[], str]
) -> None:
    reply = client.get(f"/api/networks/{new_network()}/export", headers={"Origin": "http://localhost:4200"})
    assert reply.headers["Access-Control-Expose-Headers"] == "Content-Disposition, Retry-After"


@pytest.mark.parametrize("query", ["?format=pickle", "?format=", "?form=npz", "?format=npz&more=1", "?format=NPZ"])
def test_other_formats_are_refused(query: str, client: FlaskClient, new_network: Callable[[], str]) -> None:
    reply = client.get(f"/api/networks/{new_network()}/export{query}")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_value")
    assert "format" in reply.get_json()["error"]


def test_what_cannot_be_sent(client: FlaskClient, engine: FakeEngine, new_network: Callable[[], str]) -> None:
    assert client.get("/api/networks/nobody/export").status_code == 404
    assert client.get("/api/networks/..%2Fx/export").status_code == 404
    for error, status in ((DataError("It is damaged."), 503), (NotReady("Later."), 503)):
        engine.fails["export"] = error
        reply = client.get(f"/api/networks/{new_network()}/export")
        assert (reply.status_code, set(reply.get_json())) == (status, SHAPE)


def test_a_file_becomes_a_network(client: FlaskClient, engine: FakeEngine) -> None:
    data = bytes(range(256)) * 1000
    reply = send(client, data, "?name=from%20afar")
    record = reply.get_json()
    assert reply.status_code == 201
    assert ("adopt", data, "from afar") in engine.calls
    assert (record["name"], record["trained"], record["claimed_accuracy"]) == ("from afar", True, 0.5)
    assert record["message"] == "The network 784-30-10 was imported."
    assert send(client, b"x", content_type=None).status_code == 201
    assert engine.calls[-2] == ("adopt", b"x", None)


@pytest.mark.parametrize("query", ["?name=", "?name=%20", "?name=" + "x" * 101, "?name=a%00b", "?title=a"])
def test_names_that_cannot_be_are_refused_before_the_file_is_taken(
    query: str, client: FlaskClient, engine: FakeEngine
) -> None:
    reply = send(client, query=query)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "invalid_value")
    assert engine.calls == []


@pytest.mark.parametrize(
    "options",
    [
        {"content_type": "application/json"},
        {"content_type": "multipart/form-data; boundary=a"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
def test_bodies_that_are_not_simply_a_file_are_refused(
    options: dict[str, Any], client: FlaskClient, engine: FakeEngine
) -> None:
    reply = send(client, **options)
    assert (reply.status_code, set(reply.get_json())) == (415, SHAPE)
    assert "adopt" not in [call[0] for call in engine.calls]


def test_a_refusal_is_told_in_its_own_words(client: FlaskClient, engine: FakeEngine) -> None:
    engine.fails["adopt"] = ImportRefused("The file is a pickle.")
    reply = send(client)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "import_refused")
    assert reply.get_json()["error"] == "The file is a pickle."


def limited(app: Flask, most: int, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of the app with another limit for model files."""
    view = app.view_functions[VIEW]
    assert view.most_bytes == MAX_MODEL_BYTES == 256_000_000  # type: ignore[attr-defined]
    monkeypatch.setattr(view, "most_bytes", most, raising=True)
    return app.test_client()


@pytest.mark.parametrize(("size", "status"), [(1_500_000, 201), (1_500_001, 413)])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_exact(
    size: int, status: int, chunked: bool, app: Flask, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = limited(app, 1_500_000, monkeypatch), bytes(size)
    undeclared = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    reply = send(client, data, environ_overrides=undeclared if chunked else {})
    assert reply.status_code == status
    assert [len(call[1]) for call in engine.calls if call[0] == "adopt"] == ([size] if status == 201 else [])


def test_the_large_limit_is_of_this_route_alone(client: FlaskClient) -> None:
    for path in ("/api/networks", "/api/networks/cleanup", "/api/networks/import/more"):
        assert client.post(path, data=b" " * 1_000_001, **FILE).status_code == 413


def test_a_full_disk_is_told_and_nothing_is_kept(
    client: FlaskClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r": Full() if mode == "xb" else opened(self, mode))
    reply = send(client)
    assert (reply.status_code, reply.get_json()["code"]) == (503, "not_ready")
    assert "No space left on device" in reply.get_json()["error"]
    assert "adopt" not in [call[0] for call in engine.calls]


def test_a_file_is_taken_piece_by_piece(
    client: FlaskClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = uploads._write
    monkeypatch.setattr(uploads, "_write", lambda file, piece: (sizes.append(len(piece)), write(file, piece)))
    data = bytes(1_000_000)
    assert send(client, data).status_code == 201
    assert max(sizes) == 65_536
    assert sum(sizes) == len(data)
    assert ("adopt", data, None) in engine.calls


def test_both_routes_want_the_token(make_app: Callable[..., Flask], engine: FakeEngine) -> None:
    client = make_app(token="-".join(["a", "long", "token"])).test_client()
    assert send(client).status_code == 401
    assert client.get("/api/networks/x/export").status_code == 401
    assert engine.calls == []
    right = {"headers": {"Authorization": "Bearer a-long-token"}}
    assert send(client, **right).status_code == 201
