"""Pictures over a real connection, in each async mode: framing, limits, others meanwhile, an assistant that dies."""

from __future__ import annotations

import contextlib
import json
import select
import socket
from collections.abc import Callable

import psutil
import pytest

from hippo.jobs.questions import MOST_WAITING
from hippo.pictures import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS
from tests.pictures.drawn import encoded, png, seven
from tests.server.test_http import SHAPE, body_of, status_of, talk
from tests.serving import Server

pytestmark = pytest.mark.process

PICTURE = encoded(seven())
#: Large enough that the assistant prepares it, which takes a moment.
LARGE = encoded(seven(2000, 1500, pen=120))
#: As large as may be, of the kind that takes longest.
LARGEST = encoded(seven(4000, 4000, (250, 250, 250, 255), (30, 30, 30, 255), "RGBA", pen=240))


@pytest.fixture(scope="module")
def path(server: Server) -> str:
    """Return the address that asks a network of the server's; that it was never trained is the same to these tests."""
    while server.get("/readyz").status_code != 200:
        pass
    return f"/predict/image?model={server.post('/api/networks', json={'seed': 1}).json()['network_id']}"


@pytest.fixture(scope="module", autouse=True)
def trainers(server: Server, path: str) -> set[int]:
    """Return the ids of the processes there are before the first large picture, which are there for training."""
    return {process.pid for process in server.children()}


def declared(data: bytes) -> tuple[bytes, bytes]:
    return b"Content-Length: %d" % len(data), data


def chunked(data: bytes, size: int = 65_000) -> tuple[bytes, bytes]:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"Transfer-Encoding: chunked", b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


FRAMINGS = pytest.mark.parametrize("framed", [declared, chunked])


def head(path: str, framing: bytes) -> bytes:
    lines = (f"POST {path} HTTP/1.1".encode(), b"Host: localhost", b"Content-Type: image/png", b"Connection: close")
    return b"\r\n".join((*lines, framing)) + b"\r\n\r\n"


def send(server: Server, path: str, framing: bytes, body: bytes) -> bytes:
    return talk(server, head(path, framing), body)


def received(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def answer_in(reply: bytes) -> dict[str, object]:
    """Return what a network says; it must have answered."""
    assert status_of(reply) == 200, reply
    return body_of(reply)


def assert_refused(reply: bytes, status: int, code: str) -> None:
    error = json.loads(reply[reply.index(b"{") : reply.rindex(b"}") + 1])
    assert (status_of(reply), error["code"], set(error)) == (status, code, SHAPE)


@pytest.mark.parametrize("size", [1, 1_000, 10_000])
def test_a_chunked_picture_is_read_whole(server: Server, path: str, size: int) -> None:
    whole = answer_in(send(server, path, *declared(PICTURE)))
    assert answer_in(send(server, path, *chunked(PICTURE, size))) == whole
    assert (whole["width"], whole["height"], whole["inverted"]) == (200, 150, True)


@FRAMINGS
def test_a_picture_of_just_2_mb_is_taken_and_one_byte_more_is_not(
    server: Server, path: str, framed: Callable[[bytes], tuple[bytes, bytes]]
) -> None:
    most = PICTURE + bytes(MAX_PICTURE_BYTES - len(PICTURE))
    assert answer_in(send(server, path, *framed(most)))["width"] == 200
    assert_refused(send(server, path, *framed(most + b"\0")), 413, "too_large")


def test_a_picture_that_is_declared_too_large_is_refused_before_it_is_sent(server: Server, path: str) -> None:
    assert_refused(send(server, path, b"Content-Length: %d" % (MAX_PICTURE_BYTES + 1), b""), 413, "too_large")


@FRAMINGS
@pytest.mark.parametrize("missing", [5, 7, 400])
def test_a_picture_that_is_cut_off_is_refused_even_where_all_of_it_has_come(
    server: Server, path: str, framed: Callable[[bytes], tuple[bytes, bytes]], missing: int
) -> None:
    framing, body = framed(PICTURE + bytes(1_000))  # what is behind the end of a PNG is nothing to its reader
    with server.connect() as connection:
        connection.sendall(head(path, framing) + body[:-missing])
        connection.shutdown(socket.SHUT_WR)
        reply = received(connection)
    assert_refused(reply, 400, "bad_request")
    assert status_of(send(server, path, *declared(PICTURE))) == 200


def test_16_megapixels_are_taken_and_one_pixel_more_is_not(server: Server, path: str) -> None:
    reply = answer_in(send(server, path, *chunked(LARGEST)))
    assert (reply["width"], reply["height"]) == (4000, 4000)
    assert MAX_PICTURE_PIXELS + 1 == 641 * 24_961
    assert_refused(send(server, path, *declared(png(641, 24_961, bytes(1_000)))), 413, "too_large")


def assistant(server: Server, path: str, trainers: set[int]) -> psutil.Process:
    """Return the process that prepares large pictures, which is up and has nothing to do."""
    assert status_of(send(server, path, *declared(LARGE))) == 200
    (found,) = (process for process in server.children() if process.pid not in trainers)
    return found


def computed(process: psutil.Process) -> float:
    """Return the seconds that a process has computed for."""
    times = process.cpu_times()
    return float(times.user + times.system)


def test_others_are_answered_while_a_picture_is_prepared(server: Server, path: str, trainers: set[int]) -> None:
    process = assistant(server, path, trainers)
    with server.connect() as connection:
        process.suspend()
        framing, body = declared(LARGE)
        connection.sendall(head(path, framing) + body)
        for _ in range(20):
            assert server.get("/api/status").json()["status"] == "online"
            assert status_of(send(server, path, *declared(PICTURE))) == 200  # a small one needs no assistant
        assert select.select([connection], [], [], 0)[0] == []
        process.resume()
        assert answer_in(received(connection))["width"] == 2000


def test_an_assistant_that_dies_over_a_picture_is_an_error_and_the_next_picture_is_read(
    server: Server, path: str, trainers: set[int]
) -> None:
    process = assistant(server, path, trainers)
    before = computed(process)
    whole = answer_in(send(server, path, *declared(LARGEST)))
    takes = computed(process) - before
    while True:
        connection, at_first = server.connect(), computed(process)
        framing, body = declared(LARGEST)
        connection.sendall(head(path, framing) + body)
        while computed(process) == at_first:
            pass
        process.suspend()
        if computed(process) - at_first < takes / 2:
            break  # it has begun, and is not nearly done
        process.resume()
        connection.close()
    process.kill()
    with connection:
        reply = received(connection)
    assert_refused(reply, 503, "not_ready")
    assert b"Retry-After: " in reply
    assert answer_in(send(server, path, *declared(LARGEST))) == whole


def test_an_assistant_that_dies_between_pictures_is_replaced(server: Server, path: str, trainers: set[int]) -> None:
    process = assistant(server, path, trainers)
    process.kill()
    reply = send(server, path, *declared(LARGE))  # it may come before the death is noticed
    if status_of(reply) != 200:
        assert_refused(reply, 503, "not_ready")
    other = assistant(server, path, trainers)
    assert other.pid != process.pid
    assert server.get("/api/status").status_code == 200


def test_more_large_pictures_than_may_wait_are_refused_at_once_and_the_others_read(
    server: Server, path: str, trainers: set[int]
) -> None:
    process = assistant(server, path, trainers)
    process.suspend()
    with contextlib.ExitStack() as opened:
        waiting = [opened.enter_context(server.connect()) for _ in range(MOST_WAITING + 1)]
        framing, body = declared(LARGE)
        for connection in waiting:
            connection.sendall(head(path, framing) + body)
        refused, _, _ = select.select(waiting, [], [], 30)
        process.resume()
        assert len(refused) == 1
        assert_refused(received(refused[0]), 503, "not_ready")
        for connection in set(waiting) - set(refused):
            assert answer_in(received(connection))["width"] == 2000
