"""What browsers load: the page at /, its files, the libraries it uses, the documentation of the API.

Libraries are served from `node_modules` by a list of what may be asked for, `VENDOR`; nothing else of that folder can
be reached. None of this needs a token: there is nothing in it that is not public.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, Response, current_app, jsonify, send_file
from flask_openapi.openapi import OpenAPI
from werkzeug.exceptions import NotFound

from hippo.api.openapi import document
from hippo.settings import PROJECT_DIR

STATIC_DIR = PROJECT_DIR / "static"
NODE_MODULES = PROJECT_DIR / "node_modules"

#: The files of node_modules that may be asked for under /vendor/.
VENDOR = re.compile(
    r"(lit|lit-html|lit-element|@lit/reactive-element)/(?!development/|node/)([a-z][a-z0-9-]*/)*[a-z][a-z0-9-]*\.js"
    r"|socket\.io-client/dist/socket\.io\.esm\.min\.js"
    r"|uplot/dist/uPlot\.esm\.js"
    r"|uplot/dist/uPlot\.min\.css"
)
_SAMPLES = ("lit/index.js", "socket.io-client/dist/socket.io.esm.min.js", "uplot/dist/uPlot.esm.js")

_DOCS_DIR = Path(__file__).parents[1] / "docs"
_SWAGGER_DIR = Path(str(files("flask_openapi_swagger"))) / "templates" / "swagger"
#: The files of /docs/, and where they are.
_DOCS = {
    "docs.css": _DOCS_DIR / "docs.css",
    "docs.js": _DOCS_DIR / "docs.js",
    "swagger-ui.css": _SWAGGER_DIR / "css" / "swagger-ui.css",
    "swagger-ui-bundle.js": _SWAGGER_DIR / "js" / "swagger-ui-bundle.js",
}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}

_HELP = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Hippo</title></head>
<body>
<h1>Hippo is running, but its page cannot be shown</h1>
<p>The libraries that the page uses are not installed. Run <code>make setup</code> in the project's folder, then load
this page again.</p>
<p>The API works without them: see <a href="/docs">its documentation</a>.</p>
</body>
</html>
"""

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def index() -> Response:
    """Show the page, or what is missing for it."""
    page = static_dir() / "index.html"
    if not page.is_file() or not all((node_modules() / sample).is_file() for sample in _SAMPLES):
        return Response(_HELP, status=503, mimetype="text/html", headers={"Cache-Control": "no-store"})
    return _send(page)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Show the icon to browsers that ask for it by its old name."""
    return _send(static_dir() / "favicon.svg")


@blueprint.get("/vendor/<path:name>")
def vendor_file(name: str) -> Response:
    """Send a file of a browser library, if it is on the list."""
    if not VENDOR.fullmatch(name):
        raise NotFound
    return _send(node_modules() / name)


@blueprint.get("/docs")
def docs() -> Response:
    """Show the API's documentation."""
    return _send(_DOCS_DIR / "index.html")


@blueprint.get("/docs/<name>")
def docs_file(name: str) -> Response:
    """Send a file that the documentation loads."""
    if name not in _DOCS:
        raise NotFound
    return _send(_DOCS[name])


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Send the OpenAPI document."""
    app = cast("OpenAPI", current_app)
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = document(app)
    return jsonify(app.extensions["openapi"])


def static_dir(app: Flask | None = None) -> Path:
    """Return the folder of the page."""
    return Path((app or current_app).static_folder or STATIC_DIR)


def node_modules() -> Path:
    """Return the folder of the browser libraries."""
    return Path(current_app.config.get("NODE_MODULES", NODE_MODULES))


def _send(path: Path) -> Response:
    """Send a file with its ETag; a browser asks each time whether it is still the same."""
    if not path.is_file():
        raise NotFound
    return send_file(path, mimetype=_TYPES[path.suffix], conditional=True, max_age=None)
