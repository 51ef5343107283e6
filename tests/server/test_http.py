"""What each async mode makes of HTTP: kept connections, framing, bodies over the limit, foreign hosts and origins."""

from __future__ import annotations

import json
import socket

import pytest
import requests

from tests.serving import Server

pytestmark = pytest.mark.process

SHAPE = {"error", "message", "detail", "code"}


def talk(server: Server, *pieces: bytes) -> bytes:
    """Send bytes over a bare connection, whatever they are, and return all that comes back until it is closed."""
    with server.connect() as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except (ConnectionError, TimeoutError):
            pass
    return received


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def body_of(reply: bytes) -> dict[str, object]:
    body: dict[str, object] = json.loads(reply.split(b"\r\n\r\n", 1)[1])
    return body


def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    request = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reply = talk(server, request, request, last)
    assert reply.count(b"HTTP/1.1 200") == 3


def test_the_page_and_its_files_are_served_with_an_etag(server: Server) -> None:
    first = server.get("/static/app.css")
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-cache"
    again = server.get("/static/app.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_head_has_no_body(server: Server) -> None:
    reply = talk(server, b"HEAD /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200")
    assert reply.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/api/status", "/", "/static/app.css", "/socket.io/?EIO=4&transport=polling"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": "127.0.0.1.evil.example:8000"}, "host_not_allowed"),
        ({"Host": "evil.example", "X-Forwarded-Host": "localhost"}, "host_not_allowed"),
        ({"Origin": "https://evil.example"}, "origin_not_allowed"),
        ({"Origin": "null"}, "origin_not_allowed"),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, "origin_not_allowed"),
    ],
)
def test_foreign_hosts_and_origins_are_refused_everywhere(
    server: Server, path: str, headers: dict[str, str], code: str
) -> None:
    reply = server.get(path, headers=headers)
    assert reply.status_code == 403
    assert reply.json()["code"] == code
    assert set(reply.json()) == SHAPE


def test_health_answers_under_any_name(server: Server) -> None:
    assert server.get("/healthz", headers={"Host": "healthcheck.example"}).status_code == 200


def test_a_chunked_body_is_read(server: Server) -> None:
    reply = server.post(
        "/api/networks", data=iter([b'{"layer_', b'sizes": [784, 10]}']), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 201
    assert server.delete(f"/api/networks/{reply.json()['network_id']}").status_code == 200


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 201), (1_000_001, 413), (1_500_000, 413)])
def test_a_chunked_body_is_never_cut_off_and_believed(server: Server, size: int, status: int) -> None:
    body = b'{"layer_sizes": [784, 10]}'.ljust(size)
    pieces = [body[at : at + 100_000] for at in range(0, size, 100_000)]
    reply = server.post("/api/networks", data=iter(pieces), headers={"Content-Type": "application/json"})
    assert reply.status_code == status


@pytest.mark.parametrize("path", ["/api/networks", "/api/training/some-job/cancel", "/nowhere"])
def test_a_declared_body_over_the_limit_is_refused_readably(server: Server, path: str) -> None:
    reply = server.post(path, data=b" " * 5_000_000, headers={"Content-Type": "application/json"})
    assert reply.status_code == 413
    assert set(reply.json()) == SHAPE


def test_who_sends_the_whole_of_a_refused_body_before_reading_still_gets_the_reply(server: Server) -> None:
    head = b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6000000\r\n\r\n"
    reply = talk(server, head, b" " * 6_000_000)
    assert status_of(reply) == 413
    assert set(body_of(reply)) == SHAPE


def test_a_chunked_body_over_the_limit_is_refused_and_not_kept(server: Server) -> None:
    before = server.memory()
    head = (
        b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with server.connect() as connection:
        connection.sendall(head)
        chunk = b"%x\r\n%s\r\n" % (1_000_000, b" " * 1_000_000)
        try:
            for _ in range(60):
                connection.sendall(chunk)
        except (ConnectionError, TimeoutError):
            pass
        else:
            raise AssertionError("60 MB were taken")
    assert server.memory() - before < 20_000_000


def test_an_endless_line_of_a_chunk_is_not_kept(server: Server) -> None:
    before = server.memory()
    head = b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head)
        try:
            for _ in range(60):
                connection.sendall(b"1" * 1_000_000)
        except (ConnectionError, TimeoutError):
            pass
    assert server.memory() - before < 30_000_000


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b"Content-Length: -5",
        b"Content-Length: 2, 2",
    ],
)
def test_a_body_with_two_ends_is_refused_and_nothing_after_it_is_read(server: Server, framing: bytes) -> None:
    smuggled = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + framing
    reply = talk(server, head + b"\r\n\r\n" + smuggled)
    assert b"online" not in reply
    assert status_of(reply) == 400 or b"Content-Length: 2\r\n" in head


def test_a_body_cut_off_is_an_error_of_the_client(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        connection.shutdown(socket.SHUT_WR)
        assert status_of(connection.recv(65_536)) == 400


HEAD = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/networks HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (b"NONSENSE\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/one\r\n\r\n", 400, "bad_request"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "request_uri_too_long"),
        (HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n", 431, "request_header_fields_too_large"),
        (HEAD + b"".join(b"X-%d: a\r\n" % i for i in range(300)) + b"\r\n", 431, "request_header_fields_too_large"),
        (POST + b"Content-Length: abc\r\n\r\n", 400, "bad_request"),
        (POST + b"Content-Length: -5\r\n\r\n", 400, "bad_request"),
        (POST + b"Content-Length: \r\n\r\n", 400, "bad_request"),
        (POST + b"Content-Length: 1e3\r\n\r\n", 400, "bad_request"),
        (POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400, "bad_request"),
    ],
    ids=["words", "tls", "version", "address", "header", "headers", "abc", "negative", "empty", "float", "digits"],
)
def test_what_is_not_http_is_refused_with_the_one_shape(server: Server, text: bytes, status: int, code: str) -> None:
    reply = talk(server, text)
    assert status_of(reply) == status
    assert b"Connection: close" in reply
    assert (set(body_of(reply)), body_of(reply)["code"]) == (SHAPE, code)


def test_two_hosts_are_no_host(server: Server) -> None:
    reply = talk(
        server,
        b"GET /api/status HTTP/1.1\r\nHost: evil.example\r\nX_Host: a\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    assert b"online" not in reply


def test_bad_input_is_refused_with_the_one_shape(server: Server) -> None:
    session = requests.Session()
    for body, status in ((b"{", 400), (b"[" * 100_000, 400), (b'{"layer_sizes": [784, 1e999, 10]}', 400), (b"[]", 422)):
        reply = session.post(
            server.url + "/api/networks", data=body, headers={"Content-Type": "application/json"}, timeout=30
        )
        assert reply.status_code == status
        assert set(reply.json()) == SHAPE
