"""The log and the start message: a line per event, and no token but the one made for this start, once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from hippo.api import logs
from hippo.api.start_message import announce, start_message
from hippo.settings import Settings

EVERYWHERE = ".".join("0000")
SECRET = "-".join(["a", "long", "token"])


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("hippo")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def logged(capsys: pytest.CaptureFixture[str], **settings: Any) -> list[str]:
    """Log a few things under these settings, and return the lines."""
    logs.set_up(Settings(**settings))
    log = logging.getLogger("hippo.test")
    log.debug("not shown")
    log.info("a token: %s", SECRET)
    log.warning("two\nlines")
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
    return capsys.readouterr().err.splitlines()


def test_text_says_when_how_important_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    lines = logged(capsys, token=SECRET)
    assert lines[0].endswith("INFO    hippo.test: a token: ***")
    assert lines[1].endswith("WARNING hippo.test: two")
    assert all(line.startswith("    ") or line.split()[2] in ("INFO", "WARNING", "ERROR") for line in lines)
    assert SECRET not in "\n".join(lines)


def test_in_production_every_line_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    lines = logged(capsys, token=SECRET, flask_env="production")
    first, second, third = map(json.loads, lines)
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "hippo.test", "a token: ***")
    assert first["time"].endswith("Z")
    assert second["message"] == "two\nlines"
    assert "ValueError" in third["exception"]
    assert SECRET not in "\n".join(lines)


def test_the_level_is_that_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(logged(capsys, log_level="WARNING", flask_env="production", auth="off")) == 2


def test_on_loopback_the_message_says_how_others_could_get_in() -> None:
    message = "\n".join(start_message(Settings(), 8123))
    assert "http://127.0.0.1:8123" in message
    assert "run: HOST=0.0.0.0 make run\n" in message
    assert "token" not in message
    assert "Networks are kept in models, MNIST in data." in message


def test_elsewhere_it_holds_the_way_in_with_the_token_that_was_made() -> None:
    settings = Settings(host=EVERYWHERE)
    message = "\n".join(start_message(settings, 8123))
    assert f"http://127.0.0.1:8123/#token={settings.token}" in message
    assert "From another machine: http://" in message
    assert "HIPPO_TOKEN" in message


def test_a_token_that_was_set_is_not_shown() -> None:
    assert SECRET not in "\n".join(start_message(Settings(host=EVERYWHERE, token=SECRET), 8123))


def test_an_open_door_is_named() -> None:
    message = "\n".join(start_message(Settings(host="::", auth="off"), 8123))
    assert "HIPPO_AUTH=off" in message
    assert "#token" not in message


def test_addresses_of_ip_version_6_are_written_as_urls_have_them() -> None:
    assert "http://[::1]:8123" in start_message(Settings(host="::1"), 8123)[0]


def test_in_production_the_message_is_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    announce(Settings(flask_env="production"), 8123)
    lines = capsys.readouterr().out.splitlines()
    assert all(json.loads(line)["logger"] == "hippo.server" for line in lines)
