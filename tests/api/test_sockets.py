"""Socket.IO on the wire: what is sent to whom, in which order, and what is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hippo.api import sockets
from hippo.api.websockets import engine_io
from hippo.errors import UnknownJob
from tests.api.fake_engine import FakeEngine

JOB = "9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d"
SEPARATOR = "\x1e"


class Poller:
    """A client of Engine.IO that polls the app: it sends and receives packets as they are on the wire."""

    def __init__(self, app: Flask, auth: object = None) -> None:
        self.client: FlaskClient = app.test_client()
        self.path = "/socket.io/?EIO=4&transport=polling"
        self.greeting = json.loads(self.client.get(self.path).text[1:])
        self.path += f"&sid={self.greeting['sid']}"
        self.answer = self.exchange("40" if auth is None else f"40{json.dumps(auth)}")[0]

    def send(self, *packets: str) -> None:
        reply = self.client.post(self.path, data=SEPARATOR.join(packets), content_type="text/plain")
        assert (reply.status_code, reply.text) == (200, "OK")

    def receive(self) -> list[str]:
        """Return the packets that wait; blocks while there is none."""
        return self.client.get(self.path).text.split(SEPARATOR)

    def exchange(self, *packets: str) -> list[str]:
        self.send(*packets)
        return self.receive()

    def acknowledgement(self, event: str) -> Any:
        """Send an event and return what its acknowledgement carries."""
        (packet,) = self.exchange(f"427{event}")
        assert packet.startswith("437")
        (answer,) = json.loads(packet[3:])
        return answer


def update(seq: int) -> dict[str, Any]:
    return {"job_id": JOB, "seq": seq, "epoch": seq, "accuracy": 0.5, "progress": 10.0 * seq, "elapsed_time": 0.25}


def test_a_client_is_greeted_with_the_limits(app: Flask) -> None:
    poller = Poller(app)
    assert poller.greeting["maxPayload"] == sockets.MAX_MESSAGE_BYTES
    assert poller.answer.startswith('40{"sid":')


def test_events_reach_every_client_as_they_were_published_and_in_order(app: Flask, engine: FakeEngine) -> None:
    pollers = [Poller(app), Poller(app)]
    for seq in range(1, 6):
        engine.jobs.bus.publish("training_update", update(seq))
    engine.jobs.bus.publish("training_complete", {"job_id": JOB, "seq": 6, "progress": 100.0})
    expected = [
        f'42["training_update",{{"job_id":"{JOB}","seq":{seq},"epoch":{seq},"accuracy":0.5,'
        f'"progress":{10.0 * seq},"elapsed_time":0.25}}]'
        for seq in range(1, 6)
    ] + [f'42["training_complete",{{"job_id":"{JOB}","seq":6,"progress":100.0}}]']
    for poller in pollers:
        assert poller.receive() == expected


def test_an_event_that_is_not_json_is_not_sent(app: Flask, engine: FakeEngine) -> None:
    poller = Poller(app)
    with pytest.raises(ValueError, match="not JSON"):
        engine.jobs.bus.publish("training_update", {"accuracy": float("nan")})
    engine.jobs.bus.publish("training_update", {"accuracy": 0.5})
    assert poller.receive() == ['42["training_update",{"accuracy":0.5}]']


@pytest.mark.parametrize(("after", "missed"), [(0, [1, 2, 3]), (2, [3]), (3, []), (9, []), (1.0, [2, 3])])
def test_a_client_that_was_away_gets_what_it_missed(
    app: Flask, engine: FakeEngine, after: float, missed: list[int]
) -> None:
    engine.training[JOB] = {}
    engine.events[JOB] = [{"event": "training_update", "data": update(seq)} for seq in (1, 2, 3)]
    answer = Poller(app).acknowledgement(json.dumps(["subscribe", {"job_id": JOB, "after": after}]))
    assert [event["data"]["seq"] for event in answer["events"]] == missed
    assert answer["last_seq"] == 3


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ('["subscribe",{"job_id":"nobody"}]', "unknown_job"),
        ('["subscribe"]', "invalid_value"),
        ('["subscribe",null]', "invalid_value"),
        ('["subscribe",[]]', "invalid_value"),
        ('["subscribe","x"]', "invalid_value"),
        ('["subscribe",{}]', "invalid_value"),
        ('["subscribe",{"job_id":5}]', "invalid_value"),
        ('["subscribe",{"job_id":"x","after":"1"}]', "invalid_value"),
        ('["subscribe",{"job_id":"x","after":-1}]', "invalid_value"),
        ('["subscribe",{"job_id":"x","more":1}]', "invalid_value"),
    ],
)
def test_a_bad_subscription_is_acknowledged_with_the_shape_of_all_errors(app: Flask, payload: str, code: str) -> None:
    answer = Poller(app).acknowledgement(payload)
    assert answer["code"] == code
    assert answer["error"] == answer["message"]
    assert "detail" in answer


@pytest.mark.parametrize("payload", ['["subscribe"]', '["subscribe",{}]', '["subscribe",{"after":1}]'])
def test_a_subscription_without_a_job_is_told_what_is_missing(app: Flask, payload: str) -> None:
    answer = Poller(app).acknowledgement(payload)
    assert answer["error"] == "job_id is required (allowed: the id of a training job)."
    assert answer["detail"] == [{"field": "job_id", "message": "is required", "allowed": "the id of a training job"}]


def test_a_surprise_is_acknowledged_with_an_id_and_logged(
    app: Flask, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fails["get_job"] = RuntimeError("secret")
    answer = Poller(app).acknowledgement('["subscribe",{"job_id":"x"}]')
    assert answer["code"] == "internal_error"
    assert "secret" not in str(answer)
    assert answer["error_id"] in caplog.text


def test_a_sign_of_life_is_accepted_and_ignored(app: Flask) -> None:
    poller = Poller(app)
    poller.send('42["keepalive",{"timestamp":1}]', '42["keepalive"]')
    assert poller.exchange('421["keepalive",{"timestamp":1}]') == ["431[]"]


@pytest.mark.parametrize(
    "packet",
    [
        '42["nobody handles this"]',
        '42["connect"]',
        '42["disconnect"]',
        "42{}",
        "42[",
        '451-["x",{}]',
        "bAAAA",
        "4",
        "47",
    ],
)
def test_nonsense_is_passed_over_without_a_word(app: Flask, packet: str, caplog: pytest.LogCaptureFixture) -> None:
    poller = Poller(app)
    with caplog.at_level(logging.INFO):
        assert poller.exchange(packet, '421["keepalive"]') == ["431[]"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", ["connect", "disconnect"])
def test_the_servers_own_events_cannot_be_sent_to_it(app: Flask, name: str) -> None:
    assert Poller(app).exchange(f'421["{name}",{{}}]', '422["keepalive"]') == ["432[]"]


def test_who_debugs_hears_of_nonsense_in_one_line(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    poller = Poller(app)
    with caplog.at_level(logging.DEBUG, logger="hippo"):
        poller.exchange("42[", '421["keepalive"]')
    assert any("handler error" in record.getMessage() for record in caplog.records)
    assert "Traceback" not in caplog.text


def test_other_namespaces_are_refused(app: Flask) -> None:
    assert Poller(app).exchange("40/admin,")[0].startswith("44/admin,")


TOKEN = "-".join(["a", "long", "token"])


@pytest.mark.parametrize(
    "auth", [None, {}, {"token": "wrong"}, {"token": None}, {"token": 5}, "x", [], {"token": [TOKEN]}]
)
def test_without_the_token_nobody_gets_in_or_hears_anything(
    make_app: Callable[..., Flask], engine: FakeEngine, auth: object
) -> None:
    app = make_app(token=TOKEN)
    poller = Poller(app, auth)
    assert poller.answer.startswith("44{")
    assert json.loads(poller.answer[2:])["data"]["code"] == "unauthorized"
    engine.jobs.bus.publish("training_update", update(1))
    assert engine_io(app.extensions["socketio"]).sockets[poller.greeting["sid"]].queue.qsize() == 0


def test_with_the_token_a_client_gets_in(make_app: Callable[..., Flask]) -> None:
    assert Poller(make_app(token=TOKEN), {"token": TOKEN}).answer.startswith("40{")


def test_one_client_too_many_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MAX_CLIENTS", 2)
    pollers = [Poller(app), Poller(app)]
    reply = app.test_client().get("/socket.io/?EIO=4&transport=polling")
    assert (reply.status_code, reply.get_json()["code"]) == (503, "too_many_clients")
    assert pollers[0].exchange('421["keepalive"]') == ["431[]"]


def test_a_client_that_falls_too_far_behind_is_dropped(
    app: Flask, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MAX_BEHIND", 10)
    slow, quick = Poller(app), Poller(app)
    for seq in range(1, 14):
        engine.jobs.bus.publish("training_update", update(seq))
        assert len(quick.receive()) == 1
    assert engine_io(app.extensions["socketio"]).sockets[quick.greeting["sid"]].closed is False
    assert slow.client.get(slow.path).status_code == 400


def test_clients_are_told_that_the_server_stops_and_are_let_go(app: Flask) -> None:
    poller = Poller(app)
    socketio = app.extensions["socketio"]
    sockets.tell_stopping(socketio)
    assert poller.receive()[0].startswith('42["server_stopping",{"message":')
    sockets.disconnect_all(socketio)
    assert all(client.closed for client in engine_io(socketio).sockets.values())
    assert poller.client.get(poller.path).status_code == 400


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b"4" * (sockets.MAX_MESSAGE_BYTES + 1)}, 413),
        ({"data": b"4", "environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}}, 411),
        ({"data": b"4", "headers": {"Upgrade": "websocket"}}, 400),
    ],
)
def test_requests_that_could_cost_memory_are_refused_before_they_are_read(
    app: Flask, options: dict[str, Any], status: int
) -> None:
    poller = Poller(app)
    reply = poller.client.post(poller.path, content_type="text/plain", **options)
    assert reply.status_code == status
    assert {"error", "message", "detail", "code"} == set(reply.get_json())
    assert poller.exchange('421["keepalive"]') == ["431[]"]


def test_the_test_client_of_flask_socketio_sees_the_same(app: Flask, engine: FakeEngine) -> None:
    socketio = app.extensions["socketio"]
    client = socketio.test_client(app)
    engine.jobs.bus.publish("training_error", {"job_id": JOB, "seq": 1, "error": "cancelled"})
    assert client.get_received() == [
        {"name": "training_error", "args": [{"job_id": JOB, "seq": 1, "error": "cancelled"}], "namespace": "/"}
    ]
    engine.fails["get_job"] = UnknownJob("There is no such job.")
    assert client.emit("subscribe", {"job_id": "x"}, callback=True)["code"] == "unknown_job"
    client.disconnect()
