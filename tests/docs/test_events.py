"""The Socket.IO document lists every event with every field, and no other."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import ClassVar

import pytest

from hippo.api.checked import Checked
from hippo.api.sockets import MAX_BEHIND, MAX_CLIENTS, MAX_MESSAGE_BYTES, SubscribeMessage
from hippo.api.watching import WatchMessage
from hippo.jobs.events import EVENTS, TrainingEvent
from hippo.network import NeuralNetwork
from hippo.training import Orders, TrainingConfig, TrainingState
from hippo.training.phases import Phases
from hippo.training.snapshots import Snapshots, Wish, where
from tests.docs.markdown import PROJECT, blocks, first_cells, section, text_of
from tests.jobs.made_data import made_mnist

DOCUMENT = "docs/WEBSOCKET_API_DOCUMENTATION.md"


def wrong_fields(text: str, event: type) -> set[str]:
    """Return the fields of an event that stand on one side only; all of them where the event has no section."""
    names = {field.name for field in fields(event)}
    try:
        return names ^ set(first_cells(section(text, event.name)))
    except KeyError:
        return names


def test_every_event_is_documented_with_every_field() -> None:
    text = text_of(DOCUMENT)
    assert {event.name: wrong_fields(text, event) for event in EVENTS} == {event.name: set() for event in EVENTS}


def test_an_undocumented_event_or_field_would_be_seen() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Paused(TrainingEvent):
        name: ClassVar[str] = "training_paused"

    text = text_of(DOCUMENT)
    assert "seq" in wrong_fields(text, Paused)
    update = EVENTS[0]
    assert wrong_fields(text.replace("| `test_loss` |", "| `test` |"), update) == {"test_loss", "test"}


def test_what_server_and_client_send_is_what_is_listed() -> None:
    source = "".join(path.read_text() for path in (PROJECT / "src/hippo/api").glob("*.py"))
    heard = set(re.findall(r"@socketio\.on\(\"(\w+)\"\)", source)) - {"connect", "disconnect"}
    said = set(re.findall(r"\.emit\(\s*\"(\w+)\"", source)) | {event.name for event in EVENTS}
    text = text_of(DOCUMENT)
    listed = set(re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (server|client) \|", text, re.MULTILINE))
    assert listed == {(name, "client") for name in heard} | {(name, "server") for name in said}
    for name, _ in listed:
        section(text, name)


@pytest.mark.parametrize(("event", "message"), [("subscribe", SubscribeMessage), ("watch", WatchMessage)])
def test_the_fields_of_what_clients_send_are_documented(event: str, message: type[Checked]) -> None:
    assert set(first_cells(section(text_of(DOCUMENT), event))) == set(message.model_fields)


def test_a_frame_is_documented_with_every_field_and_every_part() -> None:
    network = NeuralNetwork([784, 5, 10], seed=1)
    data = made_mnist(train=20, test=20)
    snapshots = Snapshots(network.model, network.loss, data.test_data, data.validation_data)
    facts = where(TrainingState(), TrainingConfig(), 20)
    (frame,) = snapshots.make([Wish(0, 1, 2)], facts, has_gradients=True)
    names = {"job_id", "network_id", "activation", "loss_name", *frame.header}
    layer, parts = frame.header["layers"][0], {part["name"] for part in frame.header["parts"]}
    said = set(first_cells(section(text_of(DOCUMENT), "frame")))
    assert said == names | set(layer) | {re.sub(r"\d+$", "L", part) for part in parts}


def test_limits_are_the_real_ones() -> None:
    limits = section(text_of(DOCUMENT), "Limits")
    for number in (MAX_CLIENTS, MAX_MESSAGE_BYTES, MAX_BEHIND):
        assert f"{number:,}" in limits


def test_the_angular_types_have_every_field() -> None:
    source = "".join(blocks(text_of(DOCUMENT), "ts"))
    for event in EVENTS:
        if issubclass(event, TrainingEvent):
            own = re.search(rf"interface {event.__name__} extends JobEvent {{(.*?)}}", source, re.DOTALL)
            base = re.search(r"interface JobEvent {(.*?)}", source, re.DOTALL)
            assert own is not None
            assert base is not None
            names = set(re.findall(r"^  (\w+):", own[1] + base[1], re.MULTILINE))
            assert names == {field.name for field in fields(event)}, event.name


def test_the_events_of_the_live_view_are_documented_with_every_field() -> None:
    told: dict[str, set[str]] = {}
    network, data = NeuralNetwork([784, 100, 10], seed=1), made_mnist(train=20, test=20)
    phases = Phases(data.training_data, lambda name, values: told.setdefault(name, set()).update(values), Orders(), 0)
    network.train(data.training_data, 10, 50_000, 0.5, callbacks=[phases], validation_data=data.validation_data)
    text = text_of(DOCUMENT)
    assert {name: set(first_cells(section(text, name))) for name in told} == told
    assert told.keys() == {"network_update", "validation_metrics"}
