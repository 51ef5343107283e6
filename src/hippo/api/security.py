"""The guard: what stands in front of Flask and Socket.IO and lets only proper requests through to either.

It is a WSGI wrapper because Flask's own checks do not cover `/socket.io/`. In this order it looks at how the body is
framed, which host is asked for (against DNS rebinding), which web origin asks (against other people's pages), and
whether the token is there. It takes away headers that a client must not be believed, and adds the security headers
to every reply. Limits of the websockets themselves are in `sockets.py` and `websockets.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hippo.api.errors import WebError, to_wsgi
from hippo.settings import LOOPBACK_HOSTS, WILDCARD_HOSTS, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SOCKET_PREFIX = "/socket.io/"
#: Asked by platforms under names of their own, and before anybody has a token.
HEALTH_PATHS = frozenset({"/healthz", "/v1/healthz", "/readyz"})
_OPEN_PATHS = HEALTH_PATHS | {"/", "/docs", "/openapi.json", "/favicon.ico"}
# Socket.IO asks for the token itself, when a client connects to its namespace.
_OPEN_PREFIXES = ("/static/", "/vendor/", "/docs/", SOCKET_PREFIX)

_LOCAL_ORIGIN = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$")
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_MAX_PORT = 65_535
_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)
_DISTRUSTED = ("HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_PORT", "HTTP_FORWARDED")


def content_security_policy(index: Path) -> str:
    """Allow what the page at `/` needs and nothing else: files of this server, and its one inline import map."""
    match = _IMPORT_MAP.search(index.read_bytes()) if index.is_file() else None
    digest = base64.b64encode(hashlib.sha256(match[1]).digest()).decode() if match else ""
    scripts = f"'self' 'sha256-{digest}'" if digest else "'self'"
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def token_matches(settings: Settings, given: object) -> bool:
    """Compare a client's token with the server's in a time that says nothing about either."""
    expected = settings.token or ""
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def bearer_token(environ: WSGIEnvironment) -> str | None:
    """Return the token of the header Authorization, if there is one."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


class HostPolicy:
    """Which names requests may ask for."""

    def __init__(self, settings: Settings) -> None:
        railway = settings.railway_static_url or ""
        named = [
            *LOOPBACK_HOSTS,
            settings.listen_host,
            settings.railway_public_domain or "",
            urlsplit(railway).hostname or railway,
            *settings.allowed_hosts,
        ]
        # Who opens the server to everybody and every origin has nothing left that a rebound name could reach.
        is_open = settings.auth == "off" and "*" in settings.allowed_origins
        self._any = is_open or "*" in settings.allowed_hosts
        self._wildcard = settings.listen_host in WILDCARD_HOSTS
        if self._wildcard:
            named += [socket.gethostname(), f"{socket.gethostname()}.local"]
        self._names = {name.lower().strip("[]") for name in named if name}

    def allows(self, header: str) -> bool:
        """Say whether a request with this header Host may pass."""
        match = _HOST.fullmatch(header)
        if match is None or int(match["port"] or 0) > _MAX_PORT:
            return False
        name = match["name"].strip("[]").lower()
        return self._any or name in self._names or (self._wildcard and _is_address(name))


def _is_address(name: str) -> bool:
    # A rebinding attack needs a name whose address it can change; an address is never one.
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class OriginPolicy:
    """Which web origins may use the server. Socket.IO and CORS ask the same object."""

    def __init__(self, settings: Settings) -> None:
        self._any = "*" in settings.allowed_origins
        self._named = frozenset(settings.allowed_origins)
        self._local = not settings.production

    @property
    def patterns(self) -> list[str | re.Pattern[str]]:
        """The allowed origins besides the server's own, as flask-cors wants them."""
        local: list[str | re.Pattern[str]] = [_LOCAL_ORIGIN] if self._local else []
        return ["*"] if self._any else [*self._named, *local]

    def allows(self, origin: str | None, environ: WSGIEnvironment) -> bool:
        """Say whether a page of this origin may send this request."""
        if origin is None:
            return False
        return self.is_foreign_friend(origin) or _same_origin(origin, environ.get("HTTP_HOST", ""))

    def is_foreign_friend(self, origin: str) -> bool:
        """Say whether this origin is allowed although it is not the server's own."""
        if self._any:
            return True
        if origin == "null":
            return False
        if origin.lower() in self._named:
            return True
        return self._local and _LOCAL_ORIGIN.fullmatch(origin) is not None


def _same_origin(origin: str, host: str) -> bool:
    """Compare without the scheme: behind a proxy that speaks TLS the server sees http where the page has https."""
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme not in ("http", "https"):
        return False
    default = ":443" if scheme == "https" else ":80"
    return authority.removesuffix(default) == host.lower().removesuffix(default)


class Guard:
    """The WSGI application that asks all the questions before the real one is called."""

    def __init__(
        self,
        application: WSGIApplication,
        settings: Settings,
        origins: OriginPolicy,
        policy: str,
        check_socket: Callable[[WSGIEnvironment], None],
    ) -> None:
        self._application = application
        self._settings = settings
        self._hosts = HostPolicy(settings)
        self._origins = origins
        self._check_socket = check_socket
        self._headers = [
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let the request through, or answer it with the reason why not."""
        time.sleep(0)  # a turn for the others, also when one client sends request upon request
        start = self._with_headers(start_response)
        try:
            self._check(environ)
            return self._application(environ, start)
        except ConnectionError:
            raise  # the client is gone, or was served over a websocket
        except Exception as error:  # noqa: BLE001 - the last place that can still put it into the one shape
            return to_wsgi(error, self._readable_for(environ.get("HTTP_ORIGIN"), start))

    def _readable_for(self, origin: str | None, start_response: StartResponse) -> StartResponse:
        """Let the pages that may use the server read also what the guard itself answers."""
        if origin is None or not self._origins.is_foreign_friend(origin):
            return start_response
        allow = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
        return lambda status, headers, *exc_info: start_response(status, [*headers, *allow], *exc_info)

    def _check(self, environ: WSGIEnvironment) -> None:
        for name in _DISTRUSTED:
            environ.pop(name, None)
        _check_framing(environ)
        path = environ.get("PATH_INFO", "")
        if path not in HEALTH_PATHS and not self._hosts.allows(environ.get("HTTP_HOST", "")):
            raise WebError(
                403,
                "host_not_allowed",
                "The server does not answer to this host name. Whoever runs it can add it to HIPPO_ALLOWED_HOSTS.",
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._origins.allows(origin, environ):
            raise WebError(
                403,
                "origin_not_allowed",
                "Pages of this web origin may not use the server. Whoever runs it can add the origin to "
                "ALLOWED_ORIGINS.",
            )
        self._check_token(path, environ)
        if path.startswith(SOCKET_PREFIX):
            self._check_socket(environ)

    def _check_token(self, path: str, environ: WSGIEnvironment) -> None:
        if not self._settings.wants_token or path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES):
            return
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return  # browsers send no token with a preflight
        if not token_matches(self._settings, bearer_token(environ)):
            raise WebError(
                401,
                "unauthorized",
                "This server wants its token: send the header Authorization: Bearer TOKEN. It was printed when the "
                "server started, or set as HIPPO_TOKEN.",
                headers={"WWW-Authenticate": 'Bearer realm="Hippo"'},
            )

    def _with_headers(self, start_response: StartResponse) -> StartResponse:
        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            if not any(name.lower() == "cache-control" for name, _ in headers):
                headers = [*headers, ("Cache-Control", "no-store")]
            return start_response(status, [*headers, *self._headers], *exc_info)

        return start


def _check_framing(environ: WSGIEnvironment) -> None:
    """Refuse bodies whose end two readers could see in two places."""
    length = environ.get("CONTENT_LENGTH") or ""
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    if length and not re.fullmatch(r"[0-9]{1,18}", length):
        raise WebError(400, "bad_request", "The header Content-Length is not a number.", headers=_CLOSE)
    if coding is None:
        return
    if coding.strip().lower() != "chunked" or length:
        text = "Send the body with the header Content-Length, or with Transfer-Encoding: chunked."
        raise WebError(400, "bad_request", text, headers=_CLOSE)
    environ["wsgi.input_terminated"] = True  # every server here undoes the chunks and knows where they end


_CLOSE = {"Connection": "close"}
