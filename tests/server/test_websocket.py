"""What each async mode makes of Engine.IO: large, cut, compressed and binary messages, floods, and lost clients."""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import websocket

from tests.serving import Server

pytestmark = pytest.mark.process

PATH = "/socket.io/?EIO=4&transport=websocket"
MB = 1_000_000


_opened: list[Any] = []


@pytest.fixture(autouse=True)
def closed_at_the_end() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    while _opened:
        client = _opened.pop()
        getattr(client, "shutdown", client.close)()


def open_websocket(server: Server, path: str = PATH, **options: Any) -> websocket.WebSocket:
    """Connect and, unless it is an upgrade, read Engine.IO's greeting."""
    client = websocket.create_connection(f"ws://127.0.0.1:{server.port}{path}", timeout=30, **options)
    _opened.append(client)
    assert "sid=" in path or client.recv().startswith("0{")
    return client


def join(server: Server, **options: Any) -> websocket.WebSocket:
    """Connect to Socket.IO's namespace too."""
    client = open_websocket(server, **options)
    client.send("40")
    assert client.recv().startswith("40{")
    return client


def ends(client: websocket.WebSocket) -> bool:
    """Read until the server ends the connection."""
    try:
        while True:
            opcode, _ = client.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return True
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True
    except websocket.WebSocketTimeoutException:
        return False


def test_events_are_acknowledged(server: Server) -> None:
    client = join(server)
    client.send('421["subscribe", {"job_id": "nobody", "after": 0}]')
    answer = client.recv()
    assert answer.startswith("431[")
    assert json.loads(answer[3:])[0]["code"] == "unknown_job"
    client.send('422["keepalive", {"timestamp": 1}]')
    assert client.recv() == "432[]"


def test_a_page_behind_a_proxy_that_speaks_tls_may_connect(server: Server) -> None:
    assert open_websocket(server, host="localhost", origin="https://localhost").connected


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}], ids=str
)
def test_foreign_pages_may_not_connect(server: Server, headers: dict[str, str]) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        open_websocket(server, **headers)
    assert refused.value.status_code == 403


def test_compression_is_not_agreed_to(server: Server) -> None:
    client = open_websocket(server, header={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    assert "sec-websocket-extensions" not in client.headers
    client.sock.sendall(frame(b"4" * 100, rsv1=True))
    assert ends(client)


def frame(
    payload: bytes, *, opcode: int = 1, final: bool = True, rsv1: bool = False, length: int | None = None
) -> bytes:
    """Build a masked frame, which may claim another length than it has."""
    length = len(payload) if length is None else length
    head = struct.pack("!B", (final << 7) | (rsv1 << 6) | opcode)
    if length < 126:
        head += struct.pack("!B", 0x80 | length)
    elif length < 65_536:
        head += struct.pack("!BH", 0x80 | 126, length)
    else:
        head += struct.pack("!BQ", 0x80 | 127, length)
    return head + bytes(4) + payload  # a mask of zeros changes nothing


def flood(client: websocket.WebSocket, piece: bytes, times: int) -> None:
    """Send until the server has had enough."""
    try:
        for _ in range(times):
            client.sock.sendall(piece)
    except (ConnectionError, TimeoutError):
        pass


def send_huge_frame(client: websocket.WebSocket) -> None:
    flood(client, frame(b"4" * MB, length=200 * MB), 1)
    flood(client, b"4" * MB, 60)


def send_endless_message(client: websocket.WebSocket) -> None:
    flood(client, frame(b"42", final=False), 1)
    flood(client, frame(b"x" * 60_000, opcode=0, final=False), 1_000)


def send_endless_empty_fragments(client: websocket.WebSocket) -> None:
    flood(client, frame(b"42", final=False), 1)
    flood(client, frame(b"", opcode=0, final=False) * 1_000, 2_000)


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(send_huge_frame, id="huge frame"),
        pytest.param(send_endless_message, id="endless message"),
        pytest.param(send_endless_empty_fragments, id="endless empty fragments"),
        pytest.param(lambda c: c.send("4" + "x" * 70_000), id="message over the limit"),
        pytest.param(lambda c: c.send_binary(b"4hello"), id="binary message"),
        pytest.param(lambda c: c.send("bNGhlbGxv"), id="binary in base64"),
        pytest.param(lambda c: c.send(""), id="empty message"),
        pytest.param(lambda c: c.send("hello"), id="not a packet"),
    ],
)
def test_what_no_client_should_send_ends_its_connection_and_is_not_kept(
    server: Server, attack: Callable[[websocket.WebSocket], None]
) -> None:
    client = join(server)
    before = server.memory()
    attack(client)
    assert ends(client)
    assert server.memory() - before < 15 * MB


@pytest.mark.parametrize(
    "packet",
    [
        '451-["subscribe", {"_placeholder": true, "num": 0}]',
        '459999999999-["subscribe", {"_placeholder": true, "num": 0}]',
        '461-1[{"_placeholder": true, "num": 0}]',
        "42",
        "42{}",
        "42[]",
        "42[1]",
        '42["connect"]',
        '42["disconnect"]',
        '42["subscribe", NaN]',
        '42["subscribe", 1e999]',
        "42" + "[" * 10_000,
        "47",
        "4x",
        "9",
        "43" + "1" * 200 + "[]",
    ],
)
def test_nonsense_is_passed_over(server: Server, packet: str) -> None:
    client = join(server)
    answer = " "
    try:
        client.send(packet)
        client.send('427["keepalive"]')
        while answer and "437[]" not in answer:  # an empty one is the end, which is also fine
            answer = client.recv()
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        pass


def test_a_flood_of_small_messages_is_not_kept(server: Server) -> None:
    client = join(server)
    before = server.memory()
    flood(client, frame(b'42["keepalive"]') * 2_000, 100)
    assert server.memory() - before < 30 * MB


def test_many_connections_to_one_namespace_are_one(server: Server) -> None:
    client = join(server)
    for _ in range(200):
        client.send("40")
    client.send('421["keepalive"]')
    while client.recv() != "431[]":
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Version": None},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": "short"},
        {"Upgrade": "h2c"},
    ],
    ids=str,
)
def test_only_proper_handshakes_are_answered(server: Server, headers: dict[str, str | None]) -> None:
    proper = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    given = {name: value for name, value in {**proper, **headers}.items() if value is not None}
    reply = server.get(PATH, headers=given)
    assert reply.status_code == 400
    assert reply.json()["code"] == "bad_request"


class Poller:
    """A client that polls, as far as these tests need one."""

    def __init__(self, server: Server) -> None:
        self.session = requests.Session()
        _opened.append(self.session)
        self.url = server.url + "/socket.io/?EIO=4&transport=polling"
        self.url += "&sid=" + json.loads(self.receive()[1:])["sid"]
        assert self.send("40").status_code == 200
        assert self.receive().startswith("40{")

    def receive(self) -> str:
        return self.session.get(self.url, timeout=30).text

    def send(self, packets: str | bytes, **options: Any) -> requests.Response:
        return self.session.post(self.url, data=packets, timeout=30, **options)


def test_polling_works(server: Server) -> None:
    client = Poller(server)
    assert client.send('421["keepalive"]').text == "OK"
    assert client.receive() == "431[]"


def test_a_polling_body_over_the_limit_is_refused(server: Server) -> None:
    reply = Poller(server).send(b"4" * 70_000)
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_chunked_polling_body_is_refused(server: Server) -> None:
    reply = Poller(server).send(iter([b"4"]))  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["code"]) == (411, "length_required")


def test_binary_attachments_are_refused_when_polling(server: Server) -> None:
    client = Poller(server)
    client.send('4599999-["subscribe", {"_placeholder": true, "num": 0}]\x1ebAAAA\x1e421["keepalive"]')
    assert client.receive() == "431[]"


def test_an_unknown_session_is_refused_in_the_shape_of_all_errors(server: Server) -> None:
    reply = server.get("/socket.io/?EIO=4&transport=polling&sid=nobody")
    assert reply.status_code == 400
    assert set(reply.json()) == {"error", "message", "detail", "code"}


def test_a_polling_client_can_become_a_websocket(server: Server) -> None:
    poller = Poller(server)
    sid = poller.url.rsplit("=", 1)[1]
    client = open_websocket(server, f"{PATH}&sid={sid}")
    client.send("2probe")
    assert client.recv() == "3probe"
    client.send("5")
    client.send('421["keepalive"]')
    assert client.recv() in ("6", "431[]")
