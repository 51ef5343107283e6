"""Messages over a socket: whole, in order, whatever the pieces they arrive in; anything strange is the end."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from hippo.jobs.frames import MAX_LENGTH, receive_message, send_message


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    with a, b:
        yield a, b


def test_messages_arrive_whole_and_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    messages = [{"type": "a", "n": n, "text": "é" * n} for n in (0, 1, 100_000)]
    sender = threading.Thread(target=lambda: [send_message(pair[0], m) for m in messages])
    sender.start()
    assert [receive_message(pair[1]) for _ in messages] == messages
    sender.join()


def test_a_message_may_carry_bytes(pair: tuple[socket.socket, socket.socket]) -> None:
    messages = [{"n": n, "payload": bytes(range(256)) * n} for n in (0, 1, 10_000)]
    messages.insert(1, {"n": 7})
    sender = threading.Thread(target=lambda: [send_message(pair[0], m) for m in messages])
    sender.start()
    assert [receive_message(pair[1]) for _ in messages] == messages
    sender.join()


def test_a_limit_is_for_sending_and_not_for_waiting(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        end.settimeout(0.05)
    with pytest.raises(TimeoutError):
        send_message(pair[0], {"payload": bytes(2_000_000)})  # nobody reads
    received: list[object] = []
    reader = threading.Thread(target=lambda: received.append(receive_message(pair[0])))
    reader.start()
    reader.join(0.2)  # four times as long as the limit
    assert reader.is_alive()
    send_message(pair[1], {"type": "late"})
    reader.join()
    assert received == [{"type": "late"}]


def test_a_frame_with_bytes_says_where_they_begin(pair: tuple[socket.socket, socket.socket]) -> None:
    send_message(pair[0], {"a": 1, "payload": b"\xff\x00"})
    pair[0].close()
    with pair[1].makefile("rb") as sent:
        assert sent.read() == struct.pack(">IBI", 4 + 8 + 2, 1, 8) + b'{"a": 1}' + b"\xff\x00"


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00", struct.pack(">I", 5) + b"{}"])
def test_a_frame_whose_parts_do_not_fit_is_the_end(pair: tuple[socket.socket, socket.socket], content: bytes) -> None:
    pair[0].sendall(struct.pack(">IB", len(content), 1) + content)
    assert receive_message(pair[1]) is None


def test_a_message_too_long_to_be_received_is_not_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(ValueError, match="too long"):
        send_message(pair[0], {"payload": bytes(MAX_LENGTH)})


def test_a_message_may_come_byte_by_byte(pair: tuple[socket.socket, socket.socket]) -> None:
    content = b'{"x": 1}'
    received: list[object] = []
    reader = threading.Thread(target=lambda: received.append(receive_message(pair[1])))
    reader.start()
    for byte in struct.pack(">IB", len(content), 0) + content:
        pair[0].sendall(bytes([byte]))
    reader.join()
    assert received == [{"x": 1}]


@pytest.mark.parametrize("sent", [b"", b"\x00\x00", struct.pack(">IB", 10, 0) + b"{"])
def test_the_end_of_the_other_side_is_none(pair: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    pair[0].sendall(sent)
    pair[0].close()
    assert receive_message(pair[1]) is None


@pytest.mark.parametrize("header", [struct.pack(">IB", MAX_LENGTH + 1, 0), struct.pack(">IB", 2, 9)])
def test_a_frame_that_is_not_ours_is_the_end(pair: tuple[socket.socket, socket.socket], header: bytes) -> None:
    pair[0].sendall(header + b"{}")
    assert receive_message(pair[1]) is None


def test_numbers_that_json_does_not_know_are_refused(pair: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        send_message(pair[0], {"x": float("nan")})
