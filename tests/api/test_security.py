"""The guard: hosts, origins, tokens, headers, in front of Flask and Socket.IO alike."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hippo.api.security import HostPolicy, OriginPolicy, content_security_policy
from hippo.settings import Settings

EVERYWHERE = ".".join("0000")
SOCKET = "/socket.io/?EIO=4&transport=polling"
OPEN_HOST = {"host": EVERYWHERE, "auth": "off"}


@pytest.mark.parametrize(
    ("settings", "host", "allowed"),
    [
        ({}, "localhost", True),
        ({}, "LOCALHOST:8000", True),
        ({}, "127.0.0.1:80", True),
        ({}, "[::1]:8000", True),
        ({}, "", False),
        ({}, "evil.example", False),
        ({}, "localhost.evil.example", False),
        ({}, "localhost:evil", False),
        ({}, "localhost:65535", True),
        ({}, "localhost:65536", False),
        ({}, "localhost:99999", False),
        ({}, "localhost:\N{ARABIC-INDIC DIGIT EIGHT}", False),
        ({"allowed_hosts": ("*",)}, "whatever.example:65536", False),
        ({}, "localhost,evil.example", False),
        ({}, "evil.example@localhost", False),
        ({}, "localhost/", False),
        ({}, "192.0.2.7", False),
        ({}, socket.gethostname(), False),
        ({"host": "192.0.2.7"}, "192.0.2.7:8000", True),
        ({"host": "192.0.2.7"}, "192.0.2.8", False),
        ({"host": "hippo.example"}, "hippo.example", True),
        (OPEN_HOST, "192.0.2.7:8000", True),
        (OPEN_HOST, "[2001:db8::7]", True),
        (OPEN_HOST, socket.gethostname(), True),
        (OPEN_HOST, "evil.example", False),
        (OPEN_HOST, "192.0.2.7.evil.example", False),
        ({"railway_public_domain": "hippo.up.example"}, "hippo.up.example", True),
        ({"railway_static_url": "hippo.up.example"}, "hippo.up.example", True),
        ({"railway_static_url": "https://hippo.up.example"}, "hippo.up.example", True),
        ({"allowed_hosts": ("a.example", "b.example")}, "b.example:443", True),
        ({"allowed_hosts": ("a.example",)}, "x.a.example", False),
        ({"allowed_hosts": ("*",)}, "whatever.example", True),
        ({"auth": "off", "allowed_origins": ("*",)}, "whatever.example", True),
        ({"auth": "on", "allowed_origins": ("*",)}, "whatever.example", False),
    ],
)
def test_only_named_hosts_are_answered(settings: dict[str, Any], host: str, allowed: bool) -> None:
    assert HostPolicy(Settings(**settings)).allows(host) is allowed


PRODUCTION = {"flask_env": "production"}


@pytest.mark.parametrize(
    ("settings", "origin", "host", "allowed"),
    [
        ({}, "http://localhost:8000", "localhost:8000", True),
        ({}, "http://localhost:4200", "localhost:8000", True),
        ({}, "http://127.0.0.1:4200", "localhost:8000", True),
        ({}, "https://[::1]:4200", "localhost:8000", True),
        ({}, "http://localhost.evil.example", "localhost:8000", False),
        ({}, "http://localhost:4200\n", "localhost:8000", False),
        ({}, "http://evil.example", "localhost:8000", False),
        ({}, "null", "localhost:8000", False),
        ({}, "null", "null", False),
        ({}, "", "", False),
        ({}, "file://", "", False),
        ({}, "chrome-extension://localhost:8000", "localhost:8000", False),
        (PRODUCTION, "http://localhost:4200", "hippo.example", False),
        (PRODUCTION, "https://hippo.example", "hippo.example", True),
        (PRODUCTION, "https://hippo.example", "hippo.example:443", True),
        (PRODUCTION, "http://hippo.example", "hippo.example:80", True),
        (PRODUCTION, "https://hippo.example:8443", "hippo.example:8443", True),
        (PRODUCTION, "https://hippo.example:8443", "hippo.example", False),
        ({"allowed_origins": ("https://a.example",)}, "https://a.example", "localhost", True),
        ({"allowed_origins": ("https://a.example",)}, "http://a.example", "localhost", False),
        ({"allowed_origins": ("*",)}, "https://anything.example", "localhost", True),
        ({"allowed_origins": ("*",)}, "null", "localhost", True),
    ],
)
def test_only_known_origins_are_answered(settings: dict[str, Any], origin: str, host: str, allowed: bool) -> None:
    assert OriginPolicy(Settings(**settings)).allows(origin, {"HTTP_HOST": host}) is allowed


@pytest.mark.parametrize("path", ["/api/status", SOCKET, "/", "/docs", "/openapi.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example", "X-Forwarded-Host": "localhost"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"},
        {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
    ],
)
def test_flask_and_socketio_are_guarded_alike(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    assert client.get(path, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/v1/healthz", "/readyz"])
def test_health_is_asked_under_any_name_without_a_token(make_app: Callable[..., Flask], path: str) -> None:
    client = make_app(flask_env="production").test_client()
    assert client.get(path, headers={"Host": "healthcheck.example"}).status_code == 200


TOKEN = "-".join(["a", "long", "token"])


@pytest.fixture
def closed(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app(token=TOKEN).test_client()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer g\u00e9heim"},
        {"Cookie": f"token={TOKEN}"},
    ],
)
def test_without_the_token_the_api_is_closed(closed: FlaskClient, headers: dict[str, str]) -> None:
    for method, path in (
        ("GET", "/api/status"),
        ("POST", "/api/networks"),
        ("GET", "/nowhere"),
    ):
        reply = closed.open(path, method=method, headers=headers)
        assert (reply.status_code, reply.get_json()["code"]) == (401, "unauthorized")
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="Hippo"'
        assert TOKEN not in reply.text


def test_a_token_in_the_address_does_not_count(closed: FlaskClient) -> None:
    assert closed.get(f"/api/status?token={TOKEN}&access_token={TOKEN}").status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_with_the_token_it_is_open(closed: FlaskClient, scheme: str) -> None:
    assert closed.get("/api/status", headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/healthz", "/v1/healthz", "/readyz", "/static/app.css", "/docs", "/openapi.json", "/"]
)
def test_health_and_static_files_need_no_token(closed: FlaskClient, path: str) -> None:
    assert closed.get(path).status_code != 401


@pytest.mark.parametrize(
    "path", ["/static/../api/status", "/vendor/..%2fapi/status", "/docs/../api/status", "/healthz/"]
)
def test_no_detour_leads_around_the_token(closed: FlaskClient, path: str) -> None:
    assert closed.get(path).status_code in (401, 404)


def test_preflights_carry_no_token_and_pass(closed: FlaskClient) -> None:
    headers = {
        "Origin": "http://localhost:4200",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    reply = closed.options("/api/networks", headers=headers)
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost:4200"
    assert "authorization" in reply.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", ["/api/status", "/nowhere", SOCKET, "/socket.io/"])
def test_friends_may_read_answers_and_refusals(client: FlaskClient, path: str) -> None:
    reply = client.get(path, headers={"Origin": "http://localhost:4200"})
    assert reply.headers.getlist("Access-Control-Allow-Origin") == ["http://localhost:4200"]
    assert "Access-Control-Allow-Credentials" not in reply.headers


def test_friends_may_read_that_a_token_is_wanted(closed: FlaskClient) -> None:
    reply = closed.get("/api/status", headers={"Origin": "http://localhost:4200"})
    assert reply.status_code == 401
    assert reply.headers.getlist("Access-Control-Allow-Origin") == ["http://localhost:4200"]


def test_every_origin_is_allowed_when_that_is_written_out(make_app: Callable[..., Flask]) -> None:
    client = make_app(allowed_origins=("*",)).test_client()
    for path in ("/api/status", SOCKET):
        reply = client.get(path, headers={"Origin": "https://anything.example"})
        assert reply.status_code == 200
        assert reply.headers["Access-Control-Allow-Origin"] in ("*", "https://anything.example")


@pytest.mark.parametrize("path", ["/", "/api/status", "/nowhere", SOCKET, "/static/app.css", "/docs", "/healthz"])
@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}])
def test_every_reply_has_the_security_headers(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    reply = client.get(path, headers=headers)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in reply.headers["Permissions-Policy"]
    assert reply.headers["Cache-Control"] in ("no-store", "no-cache")


def test_what_a_client_says_of_its_proxy_reaches_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        seen.update(environ)
        start_response("200 OK", [])
        return []

    monkeypatch.setattr(app.wsgi_app, "_application", application)
    names = ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Other"]
    assert app.test_client().get("/", headers=dict.fromkeys(names, "evil.example")).status_code == 200
    assert [name for name, value in seen.items() if value == "evil.example"] == ["HTTP_X_OTHER"]


def test_the_one_inline_script_is_allowed_by_its_hash(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    text = '\n  {"imports": {}}\n'
    page.write_text(f'<script type="importmap">{text}</script><script>alert(1)</script>')
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert re.findall(r"'sha256-([^']+)'", content_security_policy(page)) == [digest]
    assert "sha256" not in content_security_policy(tmp_path / "missing.html")
