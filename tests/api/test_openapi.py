"""The OpenAPI document: valid, complete, and true about errors; and the page that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from hippo.api.security import HEALTH_PATHS

FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
PICTURE = {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in ("image/png", "image/jpeg", "application/octet-stream")
}
METHODS = {"get", "post", "put", "patch", "delete"}
#: Routes that are not of the API: what browsers load.
PAGES = {"/", "/favicon.ico", "/docs", "/docs/{name}", "/openapi.json", "/vendor/{name}", "/static/{filename}"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    spec: dict[str, Any] = client.get("/openapi.json").get_json()
    return spec


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def undocumented(app: Flask, document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the routes of the app that the document does not have."""
    routes = {
        (str(rule).replace("<path:", "<").replace("<string:", "<").replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method.lower() in METHODS
    }
    return {
        (path, method) for path, method in routes if path not in PAGES and method not in document["paths"].get(path, {})
    }


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_route_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    assert undocumented(app, document) == set()


def test_a_route_that_is_left_out_is_noticed(app: Flask) -> None:
    app.add_url_rule("/api/secret/<string:name>", view_func=lambda name: name, methods=["POST"])
    assert undocumented(app, app.test_client().get("/openapi.json").get_json()) == {("/api/secret/{name}", "post")}


def test_every_operation_has_a_name_of_its_own_and_is_described(document: dict[str, Any]) -> None:
    found = operations(document)
    names = [operation["operationId"] for _, _, operation in found]
    assert len(names) == len(set(names)) >= 16
    for path, method, operation in found:
        assert operation["summary"].endswith("."), (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)


def test_every_error_is_documented_with_the_one_shape(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        errors = {status: reply for status, reply in operation["responses"].items() if status >= "400"}
        assert {"403", "500"} <= set(errors), (method, path)
        assert ("401" in errors) == (path not in HEALTH_PATHS), (method, path)
        for reply in errors.values():
            assert reply["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorReply"}
        # `model` in a body names a network as an id in an address does; and there may be no current network.
        names_one = "{" in path or path.rpartition("/")[2] in ("predict", "image", "activations", "state", "train")
        assert ("404" in errors) == names_one, (method, path)
        assert ("415" in errors) == ("requestBody" in operation), (method, path)
        takes_input = "requestBody" in operation or any(p["in"] == "query" for p in operation.get("parameters", []))
        assert ("422" in errors) == takes_input, (method, path)
    error = document["components"]["schemas"]["ErrorReply"]
    assert set(error["required"]) == {"error", "message", "detail", "code"}


def test_every_success_is_documented_with_a_schema(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        (success,) = (reply for status, reply in operation["responses"].items() if status < "300")
        if "text/event-stream" in success["content"]:
            assert path == "/network/train"
            continue
        if "application/octet-stream" in success["content"]:
            assert path in ("/api/networks/{network_id}/export", "/api/networks/{network_id}/frame")
            assert success["content"] == FILE
            continue
        schema = success["content"]["application/json"]["schema"]
        for one in named(document, schema):
            assert all(field.get("description") for field in one["properties"].values()), (method, path, schema)


def named(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schema that is referred to, or, where it is a choice, those it is of."""
    found = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return [one for part in found["anyOf"] for one in named(document, part)] if "anyOf" in found else [found]


def test_a_body_is_required_where_a_field_is_and_every_field_has_a_description(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if "requestBody" not in operation:
            continue
        if "application/octet-stream" in operation["requestBody"]["content"] and not path.endswith("/image"):
            assert path == "/api/networks/import"
            assert operation["requestBody"]["content"] == FILE
            assert operation["requestBody"]["required"] is True
            continue
        if path.endswith("/image"):
            assert operation["requestBody"]["content"] == PICTURE
            assert operation["requestBody"]["required"] is True
            continue
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][name]
        assert schema["additionalProperties"] is False
        assert operation["requestBody"]["required"] is ("required" in schema)
        assert schema.get("required", []) in ([], ["pixels"], ["epochs"], ["batches_per_second"])
        assert all(field.get("description") for field in schema["properties"].values()), (method, path)


def test_the_header_that_takes_a_stream_up_again_is_in_it(document: dict[str, Any]) -> None:
    (header,) = document["paths"]["/network/train"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == ("Last-Event-ID", "header", False)
    assert "JOB:0" in header["description"]


def test_nothing_is_left_over(document: dict[str, Any]) -> None:
    text = str(document)
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text, name
    assert "$defs" not in text


def test_the_token_is_a_bearer(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, method, operation in operations(document):
        assert operation["security"] == ([] if path in HEALTH_PATHS else [{}, {"token": []}]), (method, path)


def test_what_the_document_says_of_the_token_is_true(make_app: Callable[..., Flask], document: dict[str, Any]) -> None:
    client = make_app(token="-".join(["a", "long", "token"])).test_client()
    for path, method, operation in operations(document):
        reply = client.open(path.replace("{", "").replace("}", ""), method=method.upper())
        assert (reply.status_code == 401) == ({"token": []} in operation["security"]), (method, path)


def test_a_summary_is_plain_text(document: dict[str, Any]) -> None:
    # Swagger UI reads Markdown in descriptions alone.
    assert [operation["summary"] for _, _, operation in operations(document) if "`" in operation["summary"]] == []


def test_the_document_is_the_same_when_asked_again(client: FlaskClient, document: dict[str, Any]) -> None:
    assert client.get("/openapi.json").get_json() == document


def test_the_page_has_no_inline_script_and_loads_only_files_of_this_server(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.mimetype == "text/html"
    assert "<script>" not in page.text
    assert "style=" not in page.text
    assert "://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.css", "docs.js"):
        assert f'"/docs/{name}"' in page.text
        assert client.get(f"/docs/{name}").status_code == 200
    assert client.get("/docs/index.html").status_code == 404
