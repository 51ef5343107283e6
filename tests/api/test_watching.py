"""Watching on the wire: a frame is one event of text and bytes, asks to be acknowledged, and stays in one piece."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
from flask import Flask

from hippo.api.websockets import engine_io
from hippo.errors import InvalidValue, JobEnded, TooManyViews
from hippo.training.frame import Frame
from hippo.training.snapshots import Wish
from tests.api.fake_engine import FakeEngine
from tests.api.test_sockets import JOB, Poller

FRAME = Frame({"job_id": JOB, "step": 3, "loss": None}, bytes(range(256)))


@pytest.fixture
def watching(app: Flask, engine: FakeEngine) -> Poller:
    """A client that watches."""
    engine.training[JOB] = {}
    poller = Poller(app)
    assert poller.acknowledgement(f'["watch",{{"job_id":"{JOB}"}}]') == {"job_id": JOB, "rate": 10.0}
    return poller


def viewer(engine: FakeEngine) -> str:
    """Return who watches."""
    (sid,) = engine.jobs.viewers.sending
    return sid


def send(engine: FakeEngine, frame: Frame = FRAME) -> None:
    engine.jobs.viewers.sending[viewer(engine)](frame)


def test_a_frame_is_text_and_bytes_and_asks_for_an_acknowledgement(watching: Poller, engine: FakeEngine) -> None:
    send(engine)
    text, attachment = watching.receive()
    header = json.dumps(FRAME.header, separators=(",", ":"))
    assert text == f'451-1["frame",{header},{{"_placeholder":true,"num":0}}]'
    assert attachment == "b" + base64.b64encode(FRAME.payload).decode()
    assert ("acknowledged", viewer(engine)) not in engine.calls
    watching.exchange("431[]", '429["keepalive"]')
    assert ("acknowledged", viewer(engine)) in engine.calls


def test_what_is_wanted_reaches_the_engine(app: Flask, engine: FakeEngine) -> None:
    engine.training[JOB] = {}
    wish = {"job_id": JOB, "rate": 20, "example": 9999, "layer": 2, "neuron": 7}
    answer = Poller(app).acknowledgement(json.dumps(["watch", wish]))
    assert answer == {"job_id": JOB, "rate": 20}
    ((_, _, *arguments),) = [call for call in engine.calls if call[0] == "watch"]
    assert arguments == [JOB, Wish(9999, 2, 7), 20]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rate": 0}, "rate"),
        ({"rate": 0.99}, "rate"),
        ({"rate": 20.5}, "rate"),
        ({"rate": -1}, "rate"),
        ({"rate": "10"}, "rate"),
        ({"rate": True}, "rate"),
        ({"rate": None}, "rate"),
        ({"example": -1}, "example"),
        ({"example": 10_000}, "example"),
        ({"example": 0.5}, "example"),
        ({"layer": 0, "neuron": 0}, "layer"),
        ({"layer": 20, "neuron": 0}, "layer"),
        ({"layer": 1, "neuron": -1}, "neuron"),
        ({"layer": 1, "neuron": 10_000}, "neuron"),
        ({"job_id": 5}, "job_id"),
        ({"mood": "good"}, "mood"),
    ],
    ids=str,
)
def test_a_wish_out_of_range_is_refused_by_name(
    app: Flask, engine: FakeEngine, change: dict[str, Any], field: str
) -> None:
    engine.training[JOB] = {}
    answer = Poller(app).acknowledgement(json.dumps(["watch", {"job_id": JOB} | change]))
    assert (answer["code"], answer["detail"][0]["field"]) == ("invalid_value", field)
    assert answer["detail"][0]["allowed"]
    assert not engine.jobs.viewers.sending


@pytest.mark.parametrize(
    "payload", ['["watch"]', '["watch",null]', '["watch",[]]', '["unwatch",5]', '["unwatch",{"x":1}]']
)
def test_nonsense_is_refused(app: Flask, payload: str) -> None:
    assert Poller(app).acknowledgement(payload)["code"] == "invalid_value"


@pytest.mark.parametrize(
    "error", [JobEnded("It has ended."), TooManyViews("Too many."), InvalidValue("No such neuron.")]
)
def test_what_the_engine_refuses_is_said(app: Flask, engine: FakeEngine, error: Any) -> None:
    engine.fails["watch"] = error
    answer = Poller(app).acknowledgement(f'["watch",{{"job_id":"{JOB}"}}]')
    assert (answer["code"], answer["error"]) == (error.code, error.message)


def test_an_unknown_job_cannot_be_watched(app: Flask) -> None:
    assert Poller(app).acknowledgement('["watch",{"job_id":"nobody"}]')["code"] == "unknown_job"


def test_who_has_seen_enough_says_so(watching: Poller, engine: FakeEngine) -> None:
    for payload in ('["unwatch"]', '["unwatch",{}]'):
        assert watching.acknowledgement(payload) == {}
    assert engine.calls.count(("unwatch", viewer(engine))) == 2


def test_who_goes_is_forgotten(watching: Poller, engine: FakeEngine) -> None:
    watching.send("41")
    assert ("leave", viewer(engine)) in engine.calls


def test_a_lost_connection_is_forgotten(app: Flask, watching: Poller, engine: FakeEngine) -> None:
    for client in list(engine_io(app.extensions["socketio"]).sockets.values()):
        client.close(wait=False, abort=True)
    assert ("leave", viewer(engine)) in engine.calls
    send(engine)  # reaches nobody and harms nobody


@pytest.mark.parametrize("nonsense", ["430[]", '431{"a":1}', '431"abc"', "431", "439[]", "431[1,2,3]", "451-1[]"])
def test_an_acknowledgement_that_is_nonsense_harms_nobody_else(
    app: Flask, watching: Poller, engine: FakeEngine, nonsense: str
) -> None:
    other = Poller(app)
    send(engine)
    watching.receive()
    watching.send(nonsense)
    send(engine)
    send(engine)
    assert other.exchange('421["keepalive"]') == ["431[]"]


def test_nothing_comes_between_the_two_packets_of_a_frame(
    app: Flask, watching: Poller, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first packet is sent, another thread gets all the time it would need to send its own."""
    (client,) = engine_io(app.extensions["socketio"]).sockets.values()
    put = client.queue.put
    sent = threading.Event()
    other = threading.Thread(target=lambda: engine.jobs.bus.publish("training_update", {"job_id": JOB}))

    def slowly(packet: Any) -> None:
        put(packet)
        if isinstance(packet.data, str) and packet.data.startswith("51-"):
            other.start()
            sent.wait(0.3)
        elif isinstance(packet.data, str):
            sent.set()

    monkeypatch.setattr(client.queue, "put", slowly)
    send(engine)
    other.join(10)
    kinds = [packet[:4] for packet in watching.receive()]
    assert kinds == ["451-", "bAAE", '42["']
