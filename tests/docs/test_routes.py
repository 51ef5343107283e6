"""The REST document says of every route what the OpenAPI document says, and of no other."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask_openapi.openapi import OpenAPI

from hippo import errors
from hippo.api.app import create_app
from hippo.api.errors import STATUS
from hippo.api.openapi import document
from hippo.settings import Settings
from tests.docs.markdown import PROJECT, blocks, code, first_cells, headings, rows, section, text_of

DOCUMENT = "docs/API_DOCUMENTATION.md"
#: Fields of replies that are described in a sentence, not in a table.
IN_PROSE = ("networks", "jobs", "total", "event", "data")
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("models")
    app: OpenAPI = create_app(Settings(_env_file=None, async_mode="threading", models_dir=folder))
    made = document(app)
    app.extensions["hippo"].store.close()
    return made


def wrong_routes(text: str, spec: Any) -> set[str]:
    """Return the routes that stand on one side only."""
    documented = {f"{method} {path}" for heading in headings(text) for method, path in _ROUTE.findall(heading)}
    served = {f"{method.upper()} {path}" for path, methods in spec["paths"].items() for method in methods}
    return documented ^ served


def test_every_route_is_documented_and_every_documented_route_is_served(spec: Any) -> None:
    assert wrong_routes(text_of(DOCUMENT), spec) == set()


def test_the_list_on_top_names_every_route(spec: Any) -> None:
    listed = set(_ROUTE.findall(" ".join(row[0] for row in rows(text_of(DOCUMENT)) if row[0].startswith("[GET"))))
    for path, methods in spec["paths"].items():
        for method in methods:
            assert f"[{method.upper()} {path}](" in text_of(DOCUMENT), f"{method} {path} is not in the list"
    assert listed


def test_an_undocumented_route_would_be_seen(spec: Any) -> None:
    more = {**spec, "paths": {**spec["paths"], "/api/secret": {"get": {}}}}
    assert wrong_routes(text_of(DOCUMENT), more) == {"GET /api/secret"}
    without = text_of(DOCUMENT).replace("### GET /readyz", "### Ready")
    assert wrong_routes(without, spec) == {"GET /readyz"}


def requests(spec: Any) -> dict[str, dict[str, Any]]:
    """Return the fields of the body and of the query of every route, with their schemas."""
    found = {}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            fields = {part["name"]: part["schema"] for part in operation.get("parameters", []) if part["in"] == "query"}
            content = operation.get("requestBody", {}).get("content", {})
            for body in content.values():
                if "$ref" not in body["schema"]:
                    continue  # a file
                name = body["schema"]["$ref"].rpartition("/")[2]
                fields |= spec["components"]["schemas"][name]["properties"]
            found[f"{method.upper()} {path}"] = fields
    return found


def request_table(text: str, route: str) -> dict[str, str]:
    """Return the documented request fields of a route with their defaults: the tables of four columns."""
    return {code(row[0])[0]: row[3] for row in rows(section(text, route)) if len(row) == 4}


def test_request_fields_and_defaults_are_documented(spec: Any) -> None:
    text = text_of(DOCUMENT)
    for route, fields in requests(spec).items():
        documented = request_table(text, route)
        assert documented.keys() == fields.keys(), route
        for name, schema in fields.items():
            if schema.get("default") is None:
                continue
            shown = code(documented[name])[0]
            default = shown if isinstance(schema["default"], str) else json.loads(shown)
            assert default == schema["default"], f"{route}: {name}"


def test_an_undocumented_field_would_be_seen(spec: Any) -> None:
    text = text_of(DOCUMENT).replace("| `learning_rate` | number | finite and above 0 | `3.0` |\n", "")
    route = "POST /api/networks/{network_id}/train"
    assert requests(spec)[route].keys() - request_table(text, route).keys() == {"learning_rate"}


def undocumented_reply_fields(text: str, spec: Any) -> set[str]:
    """Return the fields of replies that stand in no table of the document."""
    replies = (schema for name, schema in spec["components"]["schemas"].items() if name.endswith("Reply"))
    known = {*first_cells(text), *IN_PROSE, "error", "message", "detail", "code"}
    return {field for schema in replies for field in schema["properties"]} - known


def test_reply_fields_are_documented(spec: Any) -> None:
    text = text_of(DOCUMENT)
    assert undocumented_reply_fields(text, spec) == set()
    for name in IN_PROSE:
        assert f"`{name}`" in text


def test_an_undocumented_reply_field_would_be_seen(spec: Any) -> None:
    more = {"components": {"schemas": {"XReply": {"properties": {"status": {}, "mood": {}}}}}}
    assert undocumented_reply_fields(text_of(DOCUMENT), more) == {"mood"}


@pytest.mark.parametrize(
    ("heading", "schema"), [("The record of a network", "NetworkReply"), ("The record of a job", "JobReply")]
)
def test_records_hold_what_the_document_says(heading: str, schema: str, spec: Any) -> None:
    fields = {name for row in rows(section(text_of(DOCUMENT), heading)) if row[1] != "" for name in code(row[0])}
    states = set(spec["components"]["schemas"]["JobReply"]["properties"]["state"]["enum"])
    assert fields - states == set(spec["components"]["schemas"][schema]["properties"])


def error_codes() -> set[str]:
    """Return every error code in the source: of the engine's errors, and of what the web layer raises or describes."""
    found = {kind.code for kind in STATUS}
    for path in (PROJECT / "src" / "hippo" / "api").rglob("*.py"):
        found |= _codes_in(path)
    return found | {errors.DataError.code}


def _codes_in(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("WebError", "error_body")
        ):
            words = [part.value for part in node.args[:2] if isinstance(part, ast.Constant)]
            found |= {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z]+(_[a-z]+)*", word)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "_HTTP_ERRORS":
            assert node.value is not None
            found |= {code for code, _ in ast.literal_eval(node.value).values()}
    return found


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = {word for row in rows(section(text_of(DOCUMENT), "Errors")) for word in code(row[1])}
    assert documented == error_codes()


def test_examples_are_json() -> None:
    for name in (DOCUMENT, "docs/WEBSOCKET_API_DOCUMENTATION.md"):
        examples = blocks(text_of(name), "json")
        assert examples
        for example in examples:
            json.loads(example)
