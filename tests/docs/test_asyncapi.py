"""docs/asyncapi.yaml is a valid AsyncAPI document, names every event and no other, and is what a real server sends."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, get_origin, get_type_hints

import pytest
import yaml
from jsonschema import Draft7Validator

from hippo import __version__
from hippo.api.checked import Checked
from hippo.api.live_view import NothingMessage
from hippo.api.replies import ErrorReply
from hippo.api.sockets import MAX_SEQ, SubscribeMessage
from hippo.api.watching import UnwatchMessage, WatchMessage
from hippo.jobs.events import EVENTS, Event, TrainingEvent
from tests.docs.markdown import PROJECT, text_of
from tests.docs.npm import package
from tests.e2e.rest import create, train
from tests.ordered_client import OrderedClient
from tests.serving import serving

#: JSON Schema's words, and those that pydantic leaves in their place in a type of its own making.
KEYWORDS = {"type": "type", "minimum": "ge", "maximum": "le", "maxLength": "max_length", "default": "default"}
TYPES: dict[Any, Any] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    int | None: ["integer", "null"],
    float | None: ["number", "null"],
}


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load(text_of("docs/asyncapi.yaml"))


def resolve(document: Any, value: Any) -> Any:
    """Follow a reference, and those it leads to; KeyError where one leads nowhere."""
    while isinstance(value, dict) and "$ref" in value:
        where, _, path = value["$ref"].partition("#/")
        assert where == "", "only this document is referred to"
        value = document
        for name in path.split("/"):
            value = value[name]
    return value


def references(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def events(document: Any, action: str) -> dict[str, Any]:
    """Return the payload of every event that the server sends or receives, by the event's name."""
    found = {}
    for operation in document["operations"].values():
        if operation["action"] == action:
            messages = resolve(document, operation["channel"])["messages"]
            own = [one["$ref"].rpartition("/")[2] for one in operation.get("messages", [])]
            for name in own or messages:
                found[name] = resolve(document, messages[name])["payload"]
    return found


def check(document: Any, schema: Any, value: Any) -> list[str]:
    """Return what is wrong with a value, by a schema of the document."""
    validator = Draft7Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


# ---- The document by itself


def test_it_is_valid(document: Any) -> None:
    path = package("@asyncapi/specs") / "schemas" / "3.0.0-without-$id.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(document)] == []
    broken = copy.deepcopy(document)
    broken["operations"]["tellOfJobs"]["action"] = "shout"
    assert not Draft7Validator(schema).is_valid(broken)


def test_every_reference_leads_somewhere_and_everything_is_used(document: Any) -> None:
    used = set()
    for reference in references(document):
        assert resolve(document, reference)
        used.add(reference["$ref"])
    for kind in ("messages", "schemas", "securitySchemes"):
        assert {f"#/components/{kind}/{name}" for name in document["components"][kind]} <= used
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


def test_the_messages_of_an_operation_are_those_of_its_channel(document: Any) -> None:
    for operation in document["operations"].values():
        for part in (operation, operation.get("reply", {})):
            channel = part.get("channel", {}).get("$ref")
            for message in part.get("messages", []):
                assert message["$ref"].startswith(f"{channel}/messages/")


def test_its_version_is_that_of_hippo(document: Any) -> None:
    assert document["info"]["version"] == __version__


# ---- The document and the code


def wrong_payload(document: Any, event: type[Event]) -> set[str]:
    """Return the fields of an event that are missing, too many, optional or of another type in the document."""
    schema = resolve(document, events(document, "send").get(event.name, {}))
    properties = schema.get("properties", {})
    types = get_type_hints(event)
    names = {field.name for field in fields(event)}
    wrong = (names ^ properties.keys()) | (names ^ set(schema.get("required", [])))
    shown = {name: resolve(document, properties[name])["type"] for name in names & properties.keys()}
    return wrong | {
        name
        for name, kind in shown.items()
        if kind != TYPES[types[name] if types[name] in TYPES else get_origin(types[name])]
    }


def test_every_event_class_is_there_with_every_field(document: Any) -> None:
    assert {event.name: wrong_payload(document, event) for event in EVENTS} == {event.name: set() for event in EVENTS}
    for event in EVENTS:
        schema = resolve(document, events(document, "send")[event.name])
        assert schema["additionalProperties"] is False
        for field in fields(event):
            if isinstance(field.default, str | float):
                assert schema["properties"][field.name]["const"] == field.default


def test_what_the_server_sends_and_hears_is_there_and_no_more(document: Any) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "src/hippo/api").glob("*.py"))
    heard = set(re.findall(r"@socketio\.on\(\"(\w+)\"\)", source)) - {"connect", "disconnect"}
    said = set(re.findall(r"\.emit\(\s*\"(\w+)\"", source)) | {event.name for event in EVENTS}
    assert events(document, "receive").keys() == heard
    assert events(document, "send").keys() == said


def test_an_event_or_a_field_that_is_missing_would_be_seen(document: Any) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Paused(TrainingEvent):
        name: ClassVar[str] = "training_paused"

    assert "seq" in wrong_payload(document, Paused)
    update = EVENTS[0]
    for path, value in (
        ("required", ["seq"]),
        ("properties", {"seq": {"type": "integer"}}),
        ("properties", resolve(document, events(document, "send")[update.name])["properties"] | {"mood": {}}),
        (
            "properties",
            resolve(document, events(document, "send")[update.name])["properties"] | {"epoch": {"type": "string"}},
        ),
    ):
        changed = copy.deepcopy(document)
        changed["components"]["schemas"]["TrainingUpdate"][path] = value
        assert wrong_payload(changed, update)


def one_of_two(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that may be null, as this document writes it."""
    whole, null = field.get("anyOf", [None, None])
    return field if whole is None else {**field, **whole, "type": [whole["type"], null["type"]]}


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("subscribe", SubscribeMessage),
        ("watch", WatchMessage),
        ("unwatch", UnwatchMessage),
        ("start_training", NothingMessage),
        ("stop_training", NothingMessage),
    ],
)
def test_what_clients_send_is_what_the_server_takes(document: Any, event: str, message: type[Checked]) -> None:
    schema = resolve(document, events(document, "receive")[event])
    taken = message.model_json_schema()
    assert schema.get("required") == taken.get("required")
    assert schema["additionalProperties"] is False
    for name, given in taken["properties"].items():
        field = one_of_two(given)
        for keyword, pydantic in KEYWORDS.items():
            limit = field.get(keyword, field.get(pydantic))
            assert schema["properties"][name].get(keyword) == limit, f"{name}: {keyword}"
    assert schema.get("properties", {}).keys() == taken["properties"].keys()


def test_the_last_number_and_the_shape_of_errors_are_those_of_the_server(document: Any) -> None:
    schema = resolve(document, events(document, "receive")["subscribe"])
    assert schema["properties"]["after"]["maximum"] == MAX_SEQ
    error = document["components"]["schemas"]["Error"]
    assert set(error["required"]) == error["properties"].keys() == set(ErrorReply.model_fields)


# ---- The document and a real server


class Everything:
    """A client that keeps every event it is sent, whatever its name."""

    def __init__(self, url: str) -> None:
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self._changed = threading.Condition()
        self.client = OrderedClient()
        self.client.on("*", self._hear)
        self.client.connect(url, transports=["websocket"])

    def _hear(self, name: str, *arguments: Any) -> None:
        with self._changed:
            self.heard.append((name, arguments))
            self._changed.notify_all()

    def wait(self, wanted: Callable[[str, Any], bool]) -> None:
        with self._changed:
            arrived = self._changed.wait_for(lambda: any(wanted(name, args[0]) for name, args in self.heard), 60)
        assert arrived, f"it did not come; so far: {self.heard}"

    def wait_for(self, event: str, job_id: str) -> None:
        self.wait(lambda name, data: name == event and data.get("job_id") == job_id)


@pytest.mark.process
def test_everything_a_real_server_sends_is_as_the_document_says(document: Any, tmp_path: Path) -> None:
    with serving(tmp_path, HIPPO_PHASE_SECONDS="0") as server:
        everything = Everything(server.url)
        live = [everything.client.call("start_training", given, timeout=10) for given in ({}, {"epochs": 3})]
        everything.wait(lambda name, _: name == "validation_metrics")
        assert everything.client.call("stop_training", timeout=10) == {}
        small = create(server, layer_sizes=[784, 10, 10])
        completed = train(server, small, epochs=2, mini_batch_size=100)
        everything.wait_for("training_complete", completed)
        diverged = train(server, create(server, activation="relu", seed=1), epochs=2, learning_rate=1e30)
        everything.wait_for("training_error", diverged)
        # An epoch that lasts longer than the time after which progress is told.
        cancelled = train(server, create(server, layer_sizes=[784, 2000, 10]), epochs=9, mini_batch_size=1)
        everything.wait_for("training_progress", cancelled)
        views = {
            request: everything.client.call("watch", json.loads(request), timeout=10)
            for request in (
                json.dumps({"job_id": completed}),
                json.dumps({"job_id": cancelled, "rate": 0.5}),
                json.dumps({"job_id": cancelled, "mood": "good"}),
                json.dumps({"job_id": cancelled, "layer": 2, "neuron": 9}),
            )
        }
        everything.wait(lambda name, data: name == "frame" and data["neuron"] is not None)
        assert everything.client.call("unwatch", {}, timeout=10) == {}
        server.post(f"/api/training/{cancelled}/settings", json={"learning_rate": 0.5, "mini_batch_size": 2})
        everything.wait_for("training_changed", cancelled)
        server.post(f"/api/training/{cancelled}/pause")
        everything.wait_for("training_paused", cancelled)
        server.post(f"/api/training/{cancelled}/cancel")
        everything.wait_for("training_error", cancelled)

        everything.client.emit("keepalive", {"timestamp": "2026-11-21T09:30:03.600Z"})
        replies = {
            request: everything.client.call("subscribe", json.loads(request), timeout=10)
            for request in (
                json.dumps({"job_id": completed}),
                json.dumps({"job_id": diverged, "after": 0}),
                json.dumps({"job_id": cancelled}),
                json.dumps({"job_id": "nobody's"}),
                json.dumps({"job_id": completed, "after": -1, "mood": "good"}),
            )
        }
        assert server.stop() == 0
        everything.wait(lambda name, _: name == "server_stopping")
        everything.client.disconnect()

    sent = events(document, "send")
    assert {name for name, _ in everything.heard} == sent.keys()
    for name, arguments in everything.heard:
        assert len(arguments) == (2 if name == "frame" else 1)
        assert check(document, sent[name], arguments[0]) == [], name

    reply = document["operations"]["answerStartTraining"]["reply"]
    shapes = [resolve(document, message)["payload"] for message in reply["messages"]]
    assert [[check(document, shape, answer) == [] for shape in shapes] for answer in live] == [
        [True, False],
        [False, True],
    ]

    reply = document["operations"]["answerWatch"]["reply"]
    shapes = [resolve(document, message)["payload"] for message in reply["messages"]]
    for request, answer in views.items():
        good, refused = (check(document, shape, answer) == [] for shape in shapes)
        assert good != refused
        assert good == (
            cancelled in request and check(document, events(document, "receive")["watch"], json.loads(request)) == []
        )

    reply = document["operations"]["answerSubscribe"]["reply"]
    shapes = [resolve(document, message)["payload"] for message in reply["messages"]]
    for request, answer in replies.items():
        good, refused = (check(document, shape, answer) == [] for shape in shapes)
        assert good != refused
        valid = check(document, events(document, "receive")["subscribe"], json.loads(request)) == []
        assert good == (valid and "nobody" not in request)


def test_a_wrong_packet_would_be_seen(document: Any) -> None:
    schema = events(document, "send")["training_complete"]
    right = {
        "job_id": "9a8b7c6d-1e2f-4a3b-8c4d-5e6f7a8b9c0d",
        "network_id": "3f2b8c1e-5a4d-4f6b-9e7a-1c2d3e4f5a6b",
        "timestamp": "2026-11-21T09:30:03.600Z",
        "seq": 3,
        "accuracy": 0.9,
        "message": "Done.",
        "status": "completed",
        "progress": 100.0,
    }
    assert check(document, schema, right) == []
    for name, value in (
        ("job_id", "7"),
        ("timestamp", "2026-11-21"),
        ("seq", 0),
        ("accuracy", 90),
        ("accuracy", None),
        ("status", "done"),
        ("mood", "good"),
    ):
        assert check(document, schema, {**right, name: value}), name
    assert check(document, schema, {name: value for name, value in right.items() if name != "seq"})
