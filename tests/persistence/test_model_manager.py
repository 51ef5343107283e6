"""Models of a Hub repository: listed, fetched, checked, pinned and served without it; no fault shows half a model."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hippo.errors import DataError, InvalidValue, UnknownModel
from hippo.network import NeuralNetwork
from hippo.persistence import model_manager
from hippo.persistence.hub_cache import (
    MAX_MODEL_BYTES,
    MAX_MODELS,
    HubCache,
    HubModel,
    Pin,
    check_model_name,
    check_repo,
)
from hippo.persistence.hub_fetch import fetch
from hippo.persistence.model_manager import ModelManager
from hippo.persistence.model_persistence import ModelFiles, read_model, write_checkpoint, write_model
from hippo.training import TrainingState
from tests.persistence.fake_hub import TOKEN, FakeHub, fake_hub

REPO = "someone/digits"
Manage = Callable[..., ModelManager]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


class Inline(ModelManager):
    """A manager that does without the process."""

    def _run_process(self) -> Iterator[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        fetch(self.cache, self._order["token"], told.append)
        yield from told


@pytest.fixture
def manage(hub: FakeHub, tmp_path: Path) -> Iterator[Manage]:
    """Return a maker of managers of one cache, which are closed at the end."""
    made: list[ModelManager] = []

    def make(
        repo: str = REPO, revision: str = "main", token: str | None = TOKEN, kind: type = Inline, **more: Any
    ) -> ModelManager:
        made.append(kind(repo, revision, tmp_path / "cache", token, hub.endpoint, **more))
        return made[-1]

    yield make
    for manager in made:
        manager.close()


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return the warnings since the last call."""
    caplog.set_level(logging.INFO)

    def warnings() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert all("\n" not in text for text in found)
        assert TOKEN not in caplog.text
        caplog.clear()
        return found

    return warnings


def model_file(folder: Path, seed: int = 1, **facts: Any) -> bytes:
    path = folder / "made.safetensors"
    write_model(path, NeuralNetwork([784, 12, 10], seed=seed), facts)
    return path.read_bytes()


def weights(network: NeuralNetwork) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in network.model.parameters.items()}


def visible(folder: Path) -> list[str]:
    """Return the names of all files of models, also of half ones."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix == ".safetensors" or "unfinished" in path.name)


# ---- Listed, fetched, loaded


@pytest.mark.process
@pytest.mark.parametrize("kind", [ModelManager, Inline])
def test_models_are_listed_and_loaded_bit_for_bit(
    kind: type[ModelManager], hub: FakeHub, manage: Manage, tmp_path: Path
) -> None:
    good = model_file(tmp_path, 1, accuracy=0.95, created_at="2026-02-03T04:05:06.000Z")
    plain = model_file(tmp_path, 2)
    hub.add(REPO, {"good.safetensors": good, "plain.safetensors": plain, "README.md": b"# Digits"})
    manager = manage(kind=kind)
    assert manager.models() == []
    assert manager.fetch() is True
    common = {"architecture": [784, 12, 10], "activation": "sigmoid", "source": "hub"}
    assert manager.models() == [
        {"name": "good", "accuracy": 0.95, "created_at": "2026-02-03T04:05:06.000Z", **common},
        {"name": "plain", "accuracy": None, "created_at": "2026-01-31T12:00:00.000Z", **common},
    ]
    assert list(manager.names) == ["good", "plain"]
    assert weights(manager.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))
    assert weights(manager.load("plain")) == weights(NeuralNetwork([784, 12, 10], seed=2))


@pytest.mark.parametrize(
    ("facts", "accuracy", "created_at"),
    [
        ({"accuracy": 0, "created_at": "2026-02-03"}, 0, "2026-02-03"),
        ({"accuracy": 1.5, "created_at": "<b>yesterday</b>"}, None, "2026-01-31T12:00:00.000Z"),
        ({"accuracy": True, "created_at": 7}, None, "2026-01-31T12:00:00.000Z"),
        ({"accuracy": "high", "created_at": None}, None, "2026-01-31T12:00:00.000Z"),
    ],
)
def test_facts_of_a_file_are_believed_only_where_they_can_be_true(
    facts: dict[str, Any], accuracy: float | None, created_at: str, hub: FakeHub, manage: Manage, tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path, **facts)})
    manager = manage()
    assert manager.fetch()
    (model,) = manager.models()
    assert (model["accuracy"], model["created_at"]) == (accuracy, created_at)


@pytest.mark.parametrize("name", ["none", "", "../good", "good.safetensors", "/etc/passwd", "good\0", "a" * 5000])
def test_what_is_not_in_the_list_is_unknown(name: str, hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    manager = manage()
    manager.fetch()
    with pytest.raises(UnknownModel):
        manager.load(name)


def test_only_models_are_fetched(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    others = dict.fromkeys(("pytorch_model.bin", "model.pkl", "run.py", "config.json", "README.md"), b"content")
    hub.add(REPO, {"good.safetensors": model_file(tmp_path), **others})
    assert manage().fetch()
    fetched = [request.path for request in hub.requests if "/resolve/" in request.path]
    assert [path.rpartition("/")[2] for path in fetched] == ["good.safetensors"]


def test_a_model_that_git_keeps_without_lfs_is_checked_too(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    content = model_file(tmp_path)
    hub.add(REPO, {"small.safetensors": content})
    hub.faults["lfs"] = False
    hub.faults["altered"] = True
    manager = manage()
    assert not manager.fetch()
    assert manager.names == []
    del hub.faults["altered"]
    assert manager.fetch()
    assert manager.names == ["small"]


def test_a_hub_that_likes_to_compress_is_asked_not_to(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["gzip"] = True
    assert manage().fetch()


@pytest.mark.process
def test_the_server_waits_for_nothing(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["stall"] = threading.Event()
    manager = manage(kind=ModelManager)
    manager.refresh()
    manager.refresh()  # does not begin a second time
    assert hub.halfway.wait(30)
    assert manager.models() == []
    assert not manager.wait(0)
    assert hub.count("/resolve/") == 1
    manager.close()
    assert manager.wait(0)
    assert said() == []


@pytest.mark.process
def test_a_model_answers_while_the_next_one_comes(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"one.safetensors": model_file(tmp_path, 1)})
    hub.add(REPO, {"two.safetensors": model_file(tmp_path, 2)})
    hub.faults |= {"stall": threading.Event(), "stalled": model_file(tmp_path, 2)}
    manager = manage(kind=ModelManager)
    assert manager.names == []
    arrived = threading.Event()
    manager._forget = lambda forget=manager._forget: (forget(), arrived.set())  # type: ignore[method-assign]
    manager.refresh()
    assert hub.halfway.wait(30)
    assert arrived.wait(30)
    assert manager.names == ["one"]


# ---- Offline, and at the same revision for ever


def test_what_was_fetched_is_served_without_the_hub(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    assert manage().fetch()
    hub.stop()
    later = manage()
    assert later.names == ["good"]
    assert later.fetch() is True
    assert weights(later.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))


def test_the_hub_moves_on_and_the_server_does_not(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    first = hub.add(REPO, {"good.safetensors": model_file(tmp_path, 1)})
    assert manage().fetch()
    hub.add(REPO, {"good.safetensors": model_file(tmp_path, 2), "more.safetensors": model_file(tmp_path, 3)})
    hub.requests.clear()
    later = manage()
    assert later.fetch()
    assert hub.requests == []  # nothing is missing, so nothing is asked
    assert later.names == ["good"]
    assert weights(later.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))
    # Who names another revision gets it; and the first by its commit.
    by_commit = manage(revision=first)
    assert by_commit.fetch()
    assert by_commit.names == ["good"]
    newest = manage(revision=hub.repositories[REPO].commits[-1].id)
    assert newest.fetch()
    assert newest.names == ["good", "more"]
    assert weights(newest.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=2))


def test_a_commit_that_was_begun_is_finished_after_the_hub_moved_on(
    hub: FakeHub, manage: Manage, tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path, 1)})
    hub.faults["file_status"] = 503
    assert not manage().fetch()
    hub.faults.clear()
    hub.add(REPO, {"good.safetensors": model_file(tmp_path, 2)})
    manager = manage()
    assert manager.fetch()
    assert weights(manager.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))


def test_the_pin_of_another_hub_does_not_count(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    assert manage().fetch()
    assert ModelManager(REPO, "main", tmp_path / "cache", None, "http://127.0.0.1:9").names == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"models": [{"name": "../x", "size": 1, "checksum": "git:"}]}']
)
def test_a_damaged_pin_is_made_again(content: bytes, hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    assert manage().fetch()
    (tmp_path / "cache/someone--digits/main.json").write_bytes(content)
    manager = manage()
    assert manager.names == []
    assert manager.fetch()
    assert manager.names == ["good"]
    assert hub.count("/resolve/") == 1  # the file itself was there, whole


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    manager = manage()
    assert manager.fetch()
    assert manager.names == ["good"]
    (path,) = (tmp_path / "cache").rglob("good.safetensors")
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    later = manage()
    assert later.names == []
    path.write_bytes(b"\xff" * len(content))
    assert manage().names == []
    with pytest.raises(DataError):
        manager.load("good")  # was in its list, and is not served
    assert later.fetch()
    assert weights(later.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))


# ---- Faults


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "down": ({"status": 503}, r"The Hub failed for the repository someone/digits at revision main \(503\)\."),
    "files down": ({"file_status": 503}, r"The Hub failed for good\.safetensors \(503\)\."),
    "busy": ({"status": 429}, r"The Hub failed for the repository .* \(429\)\."),
    "token refused": ({"status": 401}, r"The Hub refused the token .* \(401\)\. See HUGGINGFACE_TOKEN\."),
    "not allowed": ({"status": 403}, r"The Hub does not let this token use .* \(403\)\."),
    "file gone": ({"file_status": 404}, r"The Hub has no such thing as good\.safetensors \(404\)\."),
    "cut off": ({"cut": 20_000}, r"The connection was cut off after 20,000 of 38,\d{3} bytes of good\.safetensors\."),
    "cut off at once": ({"cut": 0}, r"The connection was cut off after 0 of 38,\d{3} bytes of good\.safetensors\."),
    "too long": ({"longer": 1}, r"good\.safetensors is longer than the 38,\d{3} bytes that the Hub said\."),
    "too short": ({"size": 50_000}, r"good\.safetensors ended after 38,\d{3} of 50,000 bytes\."),
    "altered": ({"altered": True}, r"good\.safetensors has another checksum than the Hub said\."),
    "wrong checksum": ({"checksum": "0" * 64}, r"good\.safetensors has another checksum than the Hub said\."),
    "nonsense": ({"info": {"siblings": 7}}, r"The Hub's answer for the repository .* cannot be understood"),
    "no commit": ({"info": {"sha": "main"}}, r"The Hub's answer for the repository .* cannot be understood"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_shows_no_half_model_costs_one_line_and_passes(
    fault: str, hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    faults, text = FAULTS[fault]
    hub.faults.update(faults)
    manager = manage()
    assert manager.fetch() is False
    assert manager.models() == []
    assert visible(tmp_path / "cache") == []
    (line,) = said()
    assert re.fullmatch(rf"Models of someone/digits: {text}.*", line)
    assert manager.fetch() is False
    assert said() == []  # the same once more is no news
    hub.faults.clear()
    assert manager.fetch() is True
    assert manager.names == ["good"]
    assert weights(manager.load("good")) == weights(NeuralNetwork([784, 12, 10], seed=1))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_what_is_cached(fault: str, hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path, 1), "later.safetensors": model_file(tmp_path, 2)})
    assert manage().fetch()
    (path,) = (tmp_path / "cache").rglob("later.safetensors")
    path.unlink()
    hub.faults.update(FAULTS[fault][0])
    manager = manage()
    assert manager.fetch() is False
    assert manager.names == ["good"]
    hub.faults.clear()
    assert manager.fetch() is True
    assert manager.names == ["good", "later"]


@pytest.mark.parametrize(
    ("repo", "revision", "token", "text"),
    [
        ("someone/none", "main", TOKEN, r"no such thing as the repository someone/none at revision main \(404\)\."),
        ("someone/none", "main", None, r"or shows it only with a token, see HUGGINGFACE_TOKEN \(401\)\."),
        ("someone/secret", "main", None, r"or shows it only with a token, see HUGGINGFACE_TOKEN \(401\)\."),
        (REPO, "v2", TOKEN, r"no such thing as the repository someone/digits at revision v2 \(404\)\."),
        (REPO, "main", "hf_wrong", r"refused the token for the repository .* \(401\)\. See HUGGINGFACE_TOKEN\."),
    ],
)
def test_what_is_not_there_or_not_for_us(
    repo: str,
    revision: str,
    token: str | None,
    text: str,
    hub: FakeHub,
    manage: Manage,
    said: Callable[[], list[str]],
    tmp_path: Path,
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.add("someone/secret", {"good.safetensors": model_file(tmp_path)}, private=True)
    assert manage(repo, revision, token).fetch() is False
    (line,) = said()
    assert re.search(text, line)
    assert "hf_wrong" not in line


def test_a_hub_that_cannot_be_reached(hub: FakeHub, manage: Manage, said: Callable[[], list[str]]) -> None:
    hub.stop()
    assert manage().fetch() is False
    assert said() == [
        "Models of someone/digits: The connection for the repository someone/digits at revision main failed "
        "(ConnectError)."
    ]


def test_a_hub_that_fails_is_not_asked_for_the_rest(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {f"{name}.safetensors": model_file(tmp_path) for name in ("one", "two", "three")})
    hub.faults["file_status"] = 503
    manage().fetch()
    assert hub.count("/resolve/") == 1
    assert len(said()) == 1
    hub.faults["file_status"] = 404  # of one file, and nothing about the next
    manage().fetch()
    assert hub.count("/resolve/") == 4
    assert len(said()) == 3


def test_it_is_tried_again_until_nothing_is_missing(hub: FakeHub, manage: Manage, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["status"] = 503
    hub.faults["times"] = 3
    manager = manage(pauses=(0.0,))
    manager.refresh()
    assert manager.wait(60)
    assert manager.names == ["good"]
    assert hub.count("/revision/") == 4


def test_the_pauses_grow(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = manage(pauses=(1.0, 2.0, 4.0))
    answers = iter([False] * 5 + [True])
    pauses: list[float] = []
    monkeypatch.setattr(manager, "fetch", lambda: next(answers))
    monkeypatch.setattr(manager._stopping, "wait", pauses.append)
    manager.refresh()
    assert manager.wait(10)
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0]
    assert list(model_manager.PAUSES) == sorted(model_manager.PAUSES)


def test_a_cache_that_cannot_be_written(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    (tmp_path / "cache").write_bytes(b"a file, not a folder")
    manager = manage()
    assert manager.fetch() is False
    assert manager.models() == []
    assert said() == ["Models of someone/digits: The cache of models cannot be written: Not a directory."]


@pytest.mark.process
def test_a_cache_that_another_process_fills(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["stall"] = threading.Event()
    first = manage(kind=ModelManager)
    first.refresh()
    assert hub.halfway.wait(30)
    assert manage().fetch() is False
    assert said() == ["Models of someone/digits: Another process is fetching models into the same cache."]


# ---- Files that are no models


def no_models(folder: Path) -> dict[str, bytes]:
    path = folder / "made.safetensors"
    good = model_file(folder)
    network = NeuralNetwork([784, 12, 10], seed=1)
    network.model.parameters["0.bias"][0] = np.nan
    write_model(path, network, {})
    not_finite = path.read_bytes()
    write_checkpoint(path, NeuralNetwork([784, 12, 10], seed=1), TrainingState(arrays={"m": np.zeros(3)}))
    checkpoint = path.read_bytes()
    write_checkpoint(path, NeuralNetwork([784, 12, 10], seed=1), TrainingState())
    begun = path.read_bytes()
    ModelFiles(folder).save_outputs("x", np.zeros((5, 10), np.float32), np.zeros((12, 10), np.float32), "r")
    return {
        "text": b"# a file",
        "pickle": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94.",
        "header": (2**62).to_bytes(8, "little") + good[8:],
        "short": good[:1000],
        "shapes": good.replace(b"[12]", b"[13]"),
        "spec": good.replace(b"784, 12", b"784, 14"),
        "foreign": good.replace(b"hippo", b"hippx"),
        "odd": good.replace(b"2.bias", b"2\\nbia"),
        "long": (2**24).to_bytes(8, "little") + good[8 : 8 + int.from_bytes(good[:8], "little")] + b" " * 2**24,
        "infinite": not_finite,
        "checkpoint": checkpoint,
        "begun": begun,
        "outputs": (folder / "x.outputs.safetensors").read_bytes(),
    }


def test_what_is_no_model_is_named_once_and_not_fetched_again(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    wrong = no_models(tmp_path)
    hub.add(REPO, {f"{name}.safetensors": content for name, content in wrong.items()})
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    manager = manage()
    assert manager.fetch() is True
    assert manager.names == ["good"]
    assert visible(tmp_path / "cache") == ["good.safetensors"]
    lines = sorted(line.removeprefix("Models of someone/digits: ") for line in said())
    assert [line.partition(".safetensors")[0] for line in lines] == sorted(wrong)
    assert all(line.isprintable() for line in lines)
    hub.requests.clear()
    assert manage().fetch() is True
    assert hub.requests == []


def test_what_is_too_large_is_not_begun(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["size"] = MAX_MODEL_BYTES + 1
    manager = manage()
    manager.fetch()
    assert manager.names == []
    assert hub.count("/resolve/") == 0
    (line,) = said()
    assert "good has 268435457 bytes; 1 to 268,435,456 are allowed." in line


def test_there_may_be_so_many_models_and_no_more(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    small = model_file(tmp_path)
    hub.add(REPO, {f"m{number}.safetensors": small for number in range(MAX_MODELS + 1)})
    manager = manage()
    assert manager.fetch()
    assert len(manager.names) == MAX_MODELS
    assert "holds 101 models; only the first 100 are served." in said()[0]


# ---- Names that climb out of the folder, or would be trouble in it

BAD_NAMES = [
    "../x",
    "../../../../tmp/x",
    "/etc/x",
    "a/../x",
    "folder/x",
    "..\\x",
    "C:x",
    "a\0b",
    "a\nb",
    "a b",
    "",
    ".",
    "..",
    ".hidden",
    "x.",
    "-x",
    "nul",
    "CON",
    "com1.a",
    "LPT9",
    "größe",
    "x" * 65,
    "x" * 5000,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be the name of a model"):
        check_model_name(name)
    with pytest.raises(InvalidValue):
        HubModel(name, 1, "sha256:" + "0" * 64)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=70) | st.text("./\\:~%\0 \nabcCONULPT019", min_size=1, max_size=70))
def test_whatever_name_is_taken_stays_in_the_folder(name: str) -> None:
    try:
        check_model_name(name)
    except InvalidValue:
        return
    path = Path("/cache") / f"{name}.safetensors"
    assert path.parent == Path("/cache")
    assert path == Path(os.path.normpath(path))
    assert path.name.isascii()
    assert path.name.isprintable()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_pin_that_was_damaged_is_none_or_one_that_can_be_used(data: st.DataObject, tmp_path: Path) -> None:
    cache = HubCache(tmp_path, "https://example.org", "a/b", "main")
    model = HubModel("m", 1, "git:" + "1" * 40)
    cache.write_pin(Pin(cache.endpoint, cache.repo, "main", "0" * 40, None, (model,), {"n": "why"}))
    values = json.loads((cache.folder / "main.json").read_bytes())
    odd = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
    place = data.draw(st.sampled_from([values, values["models"][0]]))
    place[data.draw(st.sampled_from([*place, "more"]))] = data.draw(odd)
    (cache.folder / "main.json").write_text(json.dumps(values))
    pin = cache.pin()
    if pin is not None:
        assert list(cache.present(pin)) == []
        assert all(isinstance(found, HubModel) for found in pin.models)
        assert isinstance(pin.refused | {}, dict)


@pytest.mark.parametrize("name", ["a", "mnist-0.98", "A_b.c-d", "7", "console", "nullable", "x" * 64])
def test_a_good_name_is_taken(name: str) -> None:
    assert check_model_name(name) == name


def test_a_bad_name_on_the_hub_touches_nothing(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    content = model_file(tmp_path)
    hub.add(REPO, {f"{name}.safetensors": content for name in BAD_NAMES} | {"good.safetensors": content})
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    manager = manage()
    assert manager.fetch()
    assert manager.names == ["good"]
    assert visible(tmp_path / "cache") == ["good.safetensors"]
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert [request.path.rpartition("/")[2] for request in hub.requests if "/resolve/" in request.path] == [
        "good.safetensors"
    ]
    lines = said()
    assert len(lines) == len(BAD_NAMES) - 1  # the two longest look the same
    assert all(len(line) < 400 for line in lines)


@pytest.mark.parametrize(
    ("repo", "revision"),
    [
        ("", "main"),
        ("digits", "main"),
        ("a/b/c", "main"),
        ("../x", "main"),
        ("a/..", "main"),
        ("a/b..c", "main"),
        ("a/b--c", "main"),
        ("https://example.org/a/b", "main"),
        ("a/b", ""),
        ("a/b", "../main"),
        ("a/b", "refs/../x"),
        ("a/b", "x" * 101),
        ("a/b", "a?b"),
    ],
)
def test_what_is_no_repository_is_refused(repo: str, revision: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue):
        check_repo(repo, revision)
    with pytest.raises(InvalidValue):
        ModelManager(repo, revision, tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_a_revision_with_a_slash_gets_a_pin_of_its_own(tmp_path: Path) -> None:
    cache = HubCache(tmp_path, "https://example.org", "a/b", "refs/pr/1")
    pin = Pin("https://example.org", "a/b", "refs/pr/1", "0" * 40, None, (HubModel("m", 1, "git:" + "1" * 40),))
    cache.write_pin(pin)
    assert [path.name for path in cache.folder.iterdir()] == ["refs%2Fpr%2F1.json"]
    assert cache.pin() == pin
    assert HubCache(tmp_path, "https://example.org", "a/b", "main").pin() is None
    with pytest.raises(InvalidValue):
        replace(pin, commit="main")


# ---- Killed


@pytest.mark.process
def test_a_kill_in_the_middle_of_a_download_leaves_nothing_visible(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], tmp_path: Path
) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["stall"] = threading.Event()
    manager = manage(kind=ModelManager)
    attempt = threading.Thread(target=manager.fetch)
    attempt.start()
    assert hub.halfway.wait(30)
    assert manager.pid is not None
    os.kill(manager.pid, signal.SIGKILL)
    attempt.join(30)
    assert manager.pid is None
    assert manager.models() == []
    assert [path.name for path in (tmp_path / "cache").rglob("*.safetensors")] == []
    hub.faults.pop("stall").set()
    later = manage()
    assert later.models() == []
    assert later.fetch() is True
    assert later.names == ["good"]
    assert visible(tmp_path / "cache") == ["good.safetensors"]  # and what the killed one left is gone
    assert said() == ["Models of someone/digits: The process that fetches them died."]


@pytest.mark.process
def test_the_process_ends_with_the_server(hub: FakeHub, tmp_path: Path) -> None:
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    hub.faults["stall"] = threading.Event()
    ours, theirs = socket.socketpair()
    process = model_manager._spawn(theirs.fileno())
    theirs.close()
    order = {"cache_dir": str(tmp_path / "c"), "endpoint": hub.endpoint, "repo": REPO, "revision": "main"}
    ours.sendall(json.dumps(order | {"token": None}).encode() + b"\n")
    assert hub.halfway.wait(30)
    ours.close()
    assert process.wait(30) == 1


# ---- The token


def test_the_token_goes_to_the_hub_and_to_nobody_else(
    hub: FakeHub, manage: Manage, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)}, private=True)
    assert manage().fetch()
    assert {(request.server, request.token) for request in hub.requests} == {("hub", TOKEN), ("store", None)}
    for faults, _ in FAULTS.values():
        hub.faults.clear()
        hub.faults.update(faults)
        manage(revision=hub.repositories[REPO].commits[-1].id).fetch()
    assert {request.token for request in hub.requests if request.server == "store"} == {None}
    assert TOKEN not in caplog.text
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert all(TOKEN.encode() not in path.read_bytes() for path in kept)


@pytest.mark.process
def test_no_token_is_found_elsewhere(
    hub: FakeHub, manage: Manage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody")
    monkeypatch.setenv("HF_ENDPOINT", hub.store)  # the one that the settings name counts
    hub.add(REPO, {"good.safetensors": model_file(tmp_path)})
    assert manage(token=None, kind=ModelManager).fetch()
    assert {request.token for request in hub.requests} == {None}


@pytest.mark.process
def test_a_user_may_forbid_the_network(
    hub: FakeHub, manage: Manage, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert manage(kind=ModelManager).fetch() is False
    assert said() == ["Models of someone/digits: HF_HUB_OFFLINE is set: the Hub is not asked."]
    assert hub.requests == []


@pytest.mark.process
def test_the_server_does_not_import_the_package() -> None:
    code = "import sys, hippo.persistence.model_manager; print('huggingface_hub' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(model_manager.__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(model_file(tmp_path, 5))
    assert weights(read_model(tmp_path / "m.safetensors")[0]) == weights(NeuralNetwork([784, 12, 10], seed=5))
