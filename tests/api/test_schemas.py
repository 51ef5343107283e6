"""What bodies and queries may hold, value by value."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippo.api.checked import HALF_A_CHARACTER, Checked
from hippo.api.errors import WebError
from hippo.api.schemas import CleanupBody, EventsQuery, JobsQuery, NetworkBody
from hippo.api.sockets import SubscribeMessage
from hippo.api.training_schemas import TrainingBody
from hippo.network import ACTIVATIONS, LOSSES
from hippo.nn import INITIALIZERS
from hippo.training.config import AUGMENTATIONS, OPTIMIZERS, SCHEDULES, TrainingConfig

ACCEPTED: list[tuple[type[Checked], dict[str, Any]]] = [
    (NetworkBody, {}),
    (NetworkBody, {"layer_sizes": [784, 10]}),
    (NetworkBody, {"layer_sizes": [784.0, 30.0, 10.0]}),
    (NetworkBody, {"layer_sizes": [784, *[10] * 18, 10]}),
    (NetworkBody, {"layer_sizes": [784, 10_000, 10]}),
    (NetworkBody, {"layer_sizes": [784, 6_500, 6_500, 10]}),
    (NetworkBody, {"name": "x" * 100, "activation": "relu", "loss": "cross_entropy", "initializer": "he", "seed": 0}),
    (NetworkBody, {"name": None, "loss": None, "initializer": None, "seed": None}),
    (NetworkBody, {"name": "Größe 大 🦛"}),
    (TrainingBody, {}),
    (TrainingBody, {"epochs": 1, "mini_batch_size": 1, "learning_rate": 1e-300, "seed": 2**53 - 1}),
    (TrainingBody, {"epochs": 10_000, "mini_batch_size": 50_000, "learning_rate": 1e300}),
    (TrainingBody, {"epochs": 5.0, "learning_rate": 3}),
    *((NetworkBody, {"dropout": value}) for value in (0, 0.5, 0.999)),
    *((TrainingBody, {"optimizer": value}) for value in ("sgd", "adam", "adamw")),
    *((TrainingBody, {"schedule": value}) for value in ("constant", "step", "cosine", "one_cycle")),
    (TrainingBody, {"momentum": 0.999, "nesterov": True, "weight_decay": 1e300, "label_smoothing": 0.999}),
    (TrainingBody, {"step_every": 10_000, "step_factor": 1, "warm_up": 0.5, "clip_norm": 1e-300, "shuffle": False}),
    (TrainingBody, {"clip_norm": None, "augment": ["shift", "rotate", "elastic"]}),
    (CleanupBody, {}),
    (CleanupBody, {"days": 0}),
    (CleanupBody, {"days": 0.5}),
    (JobsQuery, {"status": "", "network_id": "", "limit": "500", "offset": "0"}),
    (JobsQuery, {"status": "pending"}),
    (JobsQuery, {"status": "diverged"}),
    (EventsQuery, {"after": "12"}),
    (SubscribeMessage, {"job_id": "x", "after": 3.0}),
]

REFUSED: list[tuple[type[Checked], dict[str, Any], str]] = [
    *((NetworkBody, {"layer_sizes": sizes}, "layer_sizes") for sizes in ([], [784], [784, *[10] * 19, 10], "784", 784)),
    *((NetworkBody, {"layer_sizes": sizes}, "layer_sizes") for sizes in ([783, 10], [784, 11], None, {}, True)),
    (NetworkBody, {"layer_sizes": [784, 6_700, 6_700, 10]}, "layer_sizes"),
    *(
        (NetworkBody, {"layer_sizes": [784, size, 10]}, "layer_sizes[1]")
        for size in (0, -1, 10_001, 1.5, "30", True, None, [30], 1e30, 10**30)
    ),
    *((NetworkBody, {"name": name}, "name") for name in ("", "  ", "x" * 101, "a\nb", "a\x00b", "\ud800", 5, ["a"])),
    *((NetworkBody, {"activation": value}, "activation") for value in ("softmax", "Sigmoid", None, 1)),
    (NetworkBody, {"loss": "mse"}, "loss"),
    (NetworkBody, {"initializer": "random"}, "initializer"),
    *((NetworkBody, {"seed": seed}, "seed") for seed in (-1, 2**53, 1.5, "7", False)),
    *((TrainingBody, {"epochs": value}, "epochs") for value in (0, -3, 10_001, 2.5, "5", True, None, 1e300)),
    *((TrainingBody, {"mini_batch_size": value}, "mini_batch_size") for value in (0, 50_001, "10", False, None)),
    *(
        (TrainingBody, {"learning_rate": value}, "learning_rate")
        for value in (0, -0.1, "3", True, None, math.inf, math.nan, 10**400)
    ),
    *((NetworkBody, {"dropout": value}, "dropout") for value in (-0.1, 1, "0.5", True, None, math.nan)),
    *((TrainingBody, {"optimizer": value}, "optimizer") for value in ("SGD", "lbfgs", None, 1, ["sgd"])),
    *((TrainingBody, {"schedule": value}, "schedule") for value in ("linear", None, 0)),
    *(
        (TrainingBody, {name: value}, name)
        for name in ("momentum", "label_smoothing")
        for value in (-0.1, 1, "0", True, None, math.nan)
    ),
    *(
        (TrainingBody, {name: value}, name)
        for name in ("weight_decay", "warm_up")
        for value in (-1, "0", True, None, math.inf, math.nan, 10**400)
    ),
    (TrainingBody, {"warm_up": 10_001}, "warm_up"),
    *((TrainingBody, {"step_every": value}, "step_every") for value in (0, 10_001, 1.5, None, True)),
    *((TrainingBody, {"step_factor": value}, "step_factor") for value in (0, -1, 1.1, None, math.nan)),
    *((TrainingBody, {"clip_norm": value}, "clip_norm") for value in (0, -1, "1", True, math.inf, math.nan)),
    *((TrainingBody, {name: value}, name) for name in ("nesterov", "shuffle") for value in (0, 1, "true", None)),
    *((TrainingBody, {"augment": value}, "augment") for value in ("shift", None, {}, ["shift"] * 4)),
    *((TrainingBody, {"augment": value}, "augment[1]") for value in (["shift", "mirror"], ["shift", None])),
    *((CleanupBody, {"days": value}, "days") for value in (-1, 36_501, "2", None, True)),
    (TrainingBody, {"epoch": 5}, "epoch"),
    *((JobsQuery, {"limit": value}, "limit") for value in ("0", "501", "-1", "1.5", "ten", "")),
    (JobsQuery, {"offset": "9" * 40}, "offset"),
    (EventsQuery, {"after": "x"}, "after"),
    (SubscribeMessage, {"job_id": 5}, "job_id"),
    (SubscribeMessage, {"job_id": "x", "after": -1}, "after"),
]


@pytest.mark.parametrize(("model", "values"), ACCEPTED, ids=str)
def test_a_value_within_its_range_is_taken(model: type[Checked], values: dict[str, Any]) -> None:
    checked = model.model_validate(obj=values).model_dump()
    for name, value in values.items():
        assert checked[name] == (None if value == "" else int(value) if isinstance(checked[name], int) else value)


@pytest.mark.parametrize(("model", "values", "field"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_value_outside_its_range_is_refused_by_name_with_the_range(
    model: type[Checked], values: dict[str, Any], field: str
) -> None:
    with pytest.raises(WebError) as refused:
        model.model_validate(obj=values)
    assert refused.value.status == 422
    (wrong,) = refused.value.detail
    assert wrong["field"] == field
    assert wrong["message"]
    assert wrong["allowed"]
    assert refused.value.message.startswith(f"{field}: {wrong['message']} (allowed: {wrong['allowed']})")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (r'{"name": "\ud800"}', "name"),
        (r'{"name": "a\udfffb"}', "name"),
        (r'{"activation": "\ud800"}', "activation"),
        (r'{"\ud800": 1}', ""),
    ],
)
def test_half_a_character_is_refused_in_words(client: FlaskClient, body: str, field: str) -> None:
    reply = client.post("/api/networks", data=body, content_type="application/json")
    assert reply.status_code == 422
    (wrong,) = reply.get_json()["detail"]
    assert (wrong["field"], wrong["message"]) == (field, HALF_A_CHARACTER)
    assert wrong["allowed"]


def test_a_character_in_two_halves_is_whole(client: FlaskClient) -> None:
    reply = client.post("/api/networks", data=r'{"name": "\ud83e\udd9b"}', content_type="application/json")
    assert (reply.status_code, reply.get_json()["name"]) == (201, "\N{HIPPOPOTAMUS}")


def test_names_and_limits_are_those_of_the_engine() -> None:
    properties = NetworkBody.model_json_schema()["properties"]
    assert properties["activation"]["enum"] == list(ACTIVATIONS)
    for name, names in (("loss", LOSSES), ("initializer", INITIALIZERS)):
        assert properties[name]["anyOf"][0]["enum"] == list(names)
    assert TrainingBody.model_validate({}).config(seed=0) == TrainingConfig()
    assert TrainingBody.model_validate({"seed": 3}).config(seed=5).seed == 3
    assert TrainingBody.model_fields.keys() == TrainingConfig.__dataclass_fields__.keys()
    properties = TrainingBody.model_json_schema()["properties"]
    assert properties["optimizer"]["enum"] == list(OPTIMIZERS)
    assert properties["schedule"]["enum"] == list(SCHEDULES)
    assert properties["augment"]["items"]["enum"] == list(AUGMENTATIONS)


def test_several_wrong_fields_are_named_together_but_not_without_end() -> None:
    with pytest.raises(WebError) as refused:
        TrainingBody.model_validate({"epochs": 0, "mini_batch_size": 0, **{f"x{n}": n for n in range(40)}})
    assert len(refused.value.detail) == 8
    with pytest.raises(WebError, match="too many"):
        TrainingBody.model_validate({f"x{n}": n for n in range(100_000)})


def test_every_field_has_a_range_in_words() -> None:
    for model in (NetworkBody, TrainingBody, CleanupBody):
        for name in model.model_fields:
            with pytest.raises(WebError) as refused:
                model.model_validate({name: {"not": "this"}})
            assert refused.value.detail[0]["allowed"], name


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*NetworkBody.model_fields, *TrainingBody.model_fields, "days", "x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(body=ANYTHING | st.dictionaries(NAMES, ANYTHING, max_size=5), path=st.sampled_from(["", "/cleanup", "/x/train"]))
def test_any_json_body_is_taken_or_refused_in_the_shape(client: FlaskClient, body: object, path: str) -> None:
    reply = client.post(f"/api/networks{path}", data=json.dumps(body), content_type="application/json")
    assert reply.status_code in (200, 201, 202, 400, 404, 422)
    if reply.status_code >= 400:
        assert {"error", "message", "detail", "code"} <= set(reply.get_json())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_in_the_shape(client: FlaskClient, body: bytes) -> None:
    reply = client.post("/api/networks", data=body, content_type="application/json")
    assert reply.status_code in (201, 400, 422)
    assert reply.is_json
