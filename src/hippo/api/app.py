"""The app: Flask, Socket.IO and the guard in front of both, put together around an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_cors import CORS
from flask_openapi.openapi import OpenAPI

from hippo.api import errors
from hippo.api.openapi import INFO, SECURITY
from hippo.api.requests import MAX_JSON_BYTES, StrictProvider, StrictRequest, refuse_large_bodies, refuse_wrong_methods
from hippo.api.routes import (
    answers,
    controls,
    current_network,
    examples,
    exchange,
    inference,
    insight,
    inspection,
    mnist,
    networks,
    pages,
    pictures,
    status,
    training,
)
from hippo.api.security import Guard, OriginPolicy, content_security_policy
from hippo.api.sockets import SocketGate, create_socketio
from hippo.api.sse import Streams

if TYPE_CHECKING:
    from hippo.engine import Engine
    from hippo.settings import Settings


class _App(OpenAPI):
    def log_exception(self, exc_info: Any) -> None:
        """Leave the log to `errors`, which gives what happened an id."""


def create_app(settings: Settings, engine: Engine | None = None) -> OpenAPI:
    """Assemble the web application.

    The engine is neither started nor stopped here. It can be found as `app.extensions["hippo"]`, Socket.IO as
    `app.extensions["socketio"]`, the streams of server-sent events as `app.extensions["streams"]`.

    Parameters
    ----------
    settings
        Decides who may ask, from where, and how the server does many things at once.
    engine
        What the views call; the real one unless a test brings its own.
    """
    if engine is None:
        from hippo.engine import Engine

        engine = Engine(settings)
    app = _App("hippo", info=INFO, security_schemes=SECURITY, doc_ui=False, static_folder=str(pages.STATIC_DIR))
    app.openapi_version = "3.1.0"
    app.request_class = StrictRequest
    app.json = StrictProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_JSON_BYTES
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.extensions["hippo"] = engine
    app.extensions["streams"] = Streams(engine.jobs)
    errors.register(app)
    app.before_request(refuse_large_bodies)
    for resource in (
        *(status, networks, inspection, exchange, training, controls, insight, examples, answers),
        *(inference, pictures, current_network, mnist),
    ):
        app.register_api(resource.blueprint)
    app.register_blueprint(pages.blueprint)
    refuse_wrong_methods(app)

    origins = OriginPolicy(settings)
    CORS(
        app,
        origins=origins.patterns,
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=["Content-Disposition", "Retry-After"],  # the name of a file, and when to ask again
        max_age=600,
    )
    socketio = create_socketio(app, engine, settings, origins)
    gate = SocketGate(app.wsgi_app, socketio)
    policy = content_security_policy(pages.STATIC_DIR / "index.html")
    app.wsgi_app = Guard(gate, settings, origins, policy, gate.check)  # type: ignore[method-assign]  # as Flask advises
    return app
