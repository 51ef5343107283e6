"""The OpenAPI 3.1 document: what flask-openapi makes of the views and models, with its liberties put right.

flask-openapi adds a 422 of its own to every route that documents none, says that every body is required, whatever is
in it, and leaves the definitions of a schema inside it as well as beside it.
"""

from __future__ import annotations

from typing import Any

from flask_openapi.models.info import Info
from flask_openapi.models.security_scheme import SecurityScheme
from flask_openapi.openapi import OpenAPI

from hippo import __version__
from hippo.api.security import HEALTH_PATHS

INFO = Info(
    title="Hippo",
    version=__version__,
    description="A training server that you can watch learn: neural networks in plain NumPy, on MNIST.\n\nEvery error "
    "is JSON of the shape `ErrorReply`. Live events come over Socket.IO at `/socket.io/`.",
)
SECURITY: dict[str, SecurityScheme | dict[str, Any]] = {
    "token": SecurityScheme(
        type="http",
        scheme="bearer",
        description="The token printed when the server started, where it wants one.",
    )
}


def document(app: OpenAPI) -> dict[str, Any]:
    """Return the document of an app, ready to be sent."""
    spec: dict[str, Any] = app.api_doc
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            _mend(operation, spec["components"]["schemas"], needs_token=path not in HEALTH_PATHS)
    for schema in spec["components"]["schemas"].values():
        schema.pop("$defs", None)
        if schema.get("additionalProperties") is True:
            # It says nothing, but generators of typed clients then accept any name for a field.
            del schema["additionalProperties"]
    spec["components"]["schemas"] = {
        name: schema for name, schema in spec["components"]["schemas"].items() if name != "ValidationErrorModel"
    }
    return spec


def _mend(operation: dict[str, Any], schemas: dict[str, Any], *, needs_token: bool) -> None:
    unprocessable = operation["responses"].get("422", {})
    schema = unprocessable.get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("type") == "array":
        del operation["responses"]["422"]
    body = operation.get("requestBody")
    if body is not None and "application/json" in body["content"]:
        name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        body["required"] = bool(schemas[name].get("required"))  # one that is absent counts as {}
    operation["security"] = [{}, {"token": []}] if needs_token else []
    if not needs_token:
        del operation["responses"]["401"]
    operation["description"] = operation.get("description", "").replace("<br/>", "\n").strip() or operation["summary"]
