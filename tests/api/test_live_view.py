"""The live view on the wire: what is sent to the client that began it, and to no other, and how it ends."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from hippo.api.live_view import MAX_PHASES_BEHIND
from hippo.api.websockets import engine_io
from hippo.errors import DataError, NotReady, TooManyJobs
from tests.api.fake_engine import FakeEngine
from tests.api.test_sockets import Poller

UPDATE = {"iteration": 0, "phase": "init", "loss": 1.25, "trueClass": None, "weights": {"W1": [[0.5]]}}
METRICS = {"iteration": 10, "train_loss": 0.5}
BEGUN = {"job_id": "j", "network_id": "n"}


@pytest.fixture
def client(app: Flask) -> Poller:
    """A client for which something is trained."""
    poller = Poller(app)
    assert poller.acknowledgement('["start_training"]') == BEGUN
    return poller


def names(engine: FakeEngine) -> list[str]:
    return [name for name, *_ in engine.calls]


def test_phases_go_to_that_client_alone_and_ask_for_nothing(app: Flask, client: Poller, engine: FakeEngine) -> None:
    other = Poller(app)
    (show,) = engine.live_view.shows.values()
    show("network_update", UPDATE)
    show("validation_metrics", METRICS)
    assert client.receive() == [
        f"42{json.dumps([name, payload], separators=(',', ':'))}"
        for name, payload in (("network_update", UPDATE), ("validation_metrics", METRICS))
    ]
    assert other.exchange('427["stop_training"]') == ["437[{}]"]


def test_it_is_begun_without_an_acknowledgement_and_with_an_empty_object(app: Flask, engine: FakeEngine) -> None:
    poller = Poller(app)
    poller.send('42["start_training"]')
    assert names(engine) == ["start_training"]
    assert poller.acknowledgement('["start_training",{}]') == BEGUN


@pytest.mark.parametrize("event", ["start_training", "stop_training"])
@pytest.mark.parametrize("argument", ["5", "null", "[]", '{"epochs":3}', '"now"'])
def test_nonsense_is_refused(app: Flask, engine: FakeEngine, event: str, argument: str) -> None:
    assert Poller(app).acknowledgement(f'["{event}",{argument}]')["code"] == "invalid_value"
    assert not engine.calls


@pytest.mark.parametrize("error", [TooManyJobs("Too many."), NotReady("Stopping."), DataError("It is missing.")])
def test_what_the_engine_refuses_is_said(app: Flask, engine: FakeEngine, error: TooManyJobs) -> None:
    engine.fails["start_training"] = error
    answer = Poller(app).acknowledgement('["start_training"]')
    assert answer == dict.fromkeys(("error", "message", "detail"), error.message) | {"code": error.code}


def test_who_has_seen_enough_says_so(client: Poller, engine: FakeEngine) -> None:
    for payload in ('["stop_training"]', '["stop_training",{}]'):
        assert client.acknowledgement(payload) == {}
    assert names(engine) == ["start_training", "stop_training", "stop_training"]


def test_who_goes_is_forgotten(client: Poller, engine: FakeEngine) -> None:
    client.send("41")
    assert names(engine) == ["start_training", "leave", "leave_training"]


def test_a_lost_connection_ends_it(app: Flask, client: Poller, engine: FakeEngine) -> None:
    (show,) = engine.live_view.shows.values()
    for socket in list(engine_io(app.extensions["socketio"]).sockets.values()):
        socket.close(wait=False, abort=True)
    assert names(engine) == ["start_training", "leave", "leave_training"]
    show("network_update", UPDATE)  # reaches nobody and harms nobody


def test_who_is_gone_before_the_job_is_known_as_theirs_leaves_nothing_running(
    app: Flask, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = engine.live_view.start

    def slowly(sid: str, show: object) -> dict[str, str]:
        for socket in list(engine_io(app.extensions["socketio"]).sockets.values()):
            socket.close(wait=False, abort=True)
        return start(sid, show)

    monkeypatch.setattr(engine.live_view, "start", slowly)
    poller = Poller(app)
    poller.client.post(poller.path, data='427["start_training"]', content_type="text/plain")
    assert names(engine) == ["leave", "leave_training", "start_training", "leave_training"]


def test_a_client_that_does_not_read_is_spared(client: Poller, engine: FakeEngine) -> None:
    (show,) = engine.live_view.shows.values()
    for number in range(100):
        show("network_update", {"iteration": number})
    show("validation_metrics", METRICS)
    packets = [json.loads(packet[2:]) for packet in client.receive()]
    assert [data["iteration"] for _, data in packets[:-1]] == list(range(MAX_PHASES_BEHIND + 1))
    assert packets[-1] == ["validation_metrics", METRICS]
    show("network_update", UPDATE)
    assert json.loads(client.receive()[0][2:]) == ["network_update", UPDATE]
