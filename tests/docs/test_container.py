"""The Dockerfile, the compose file and railway.json agree with each other and with the project.

No container engine is needed: what the image is made of, as whom it runs and how it is asked for its health is read
from the files; the health check is run against a real server.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml

from tests.docs.markdown import PROJECT, text_of
from tests.serving import Server

#: The keys of Railway's configuration that are used, of those it publishes.
RAILWAY = {
    "build": {"builder", "dockerfilePath"},
    "deploy": {
        "startCommand",
        "healthcheckPath",
        "healthcheckTimeout",
        "restartPolicyType",
        "restartPolicyMaxRetries",
        "numReplicas",
        "drainingSeconds",
    },
}


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with what they say, lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in lines.splitlines() if line.strip())
    return [(name, re.sub(r"\s+", " ", rest)) for name, rest in pairs]


@pytest.fixture(scope="module")
def image() -> list[tuple[str, str]]:
    return instructions(text_of("Dockerfile"))


@pytest.fixture(scope="module")
def service() -> Any:
    return yaml.safe_load(text_of("docker-compose.yml"))["services"]["hippo"]


def said(image: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in image if instruction == name]


def copied(image: list[tuple[str, str]]) -> list[str]:
    """Return what the image takes from the project's folder."""
    return [name for rest in said(image, "COPY") if "--from" not in rest for name in shlex.split(rest)[:-1]]


def health_check(image: list[tuple[str, str]]) -> list[str]:
    (check,) = said(image, "HEALTHCHECK")
    command: list[str] = json.loads(check.partition("CMD ")[2])
    return command


def test_what_the_image_copies_exists_and_is_let_through(image: list[tuple[str, str]]) -> None:
    let_in = [line[1:] for line in text_of(".dockerignore").splitlines() if line.startswith("!")]
    for name in copied(image):
        assert (PROJECT / name).exists(), name
        assert any(fnmatch(name.removeprefix("./"), pattern) for pattern in let_in), name
    assert set(let_in) == {name.removeprefix("./") for name in copied(image)}


def test_the_image_runs_the_server_as_nobody_in_particular(image: list[tuple[str, str]]) -> None:
    (user,) = said(image, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert json.loads(said(image, "CMD")[-1]) == ["python", "src/api_server.py"]
    assert said(image, "STOPSIGNAL") == ["SIGTERM"]
    assert said(image, "VOLUME") == [], "Railway refuses images with VOLUME"
    assert said(image, "FROM")[-1].startswith("python:3.11")
    assert user.partition(":")[0] in text_of("docs/DEPLOYMENT.md")


def test_compose_asks_for_health_as_the_image_does(image: list[tuple[str, str]], service: Any) -> None:
    assert service["healthcheck"]["test"] == ["CMD", *health_check(image)]


@pytest.mark.process
def test_the_health_check_works_also_where_a_proxy_is_set(image: list[tuple[str, str]], server: Server) -> None:
    python, *arguments = health_check(image)
    assert python == "python"
    for port, expected in ((server.port, True), (1, False)):
        environment = {"PATH": os.environ["PATH"], "PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
        assert (done.returncode == 0) is expected, done.stderr


def test_compose_keeps_the_container_in(service: Any) -> None:
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - of the container
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert {volume.partition(":")[2] for volume in service["volumes"]} == {"/app/models", "/app/data"}


def test_railway_starts_the_same_server(image: list[tuple[str, str]]) -> None:
    railway = json.loads(text_of("railway.json"))
    assert {name: set(railway[name]) for name in RAILWAY} == RAILWAY
    assert railway["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}
    assert shlex.split(railway["deploy"]["startCommand"]) == json.loads(said(image, "CMD")[-1])
    assert railway["deploy"]["healthcheckPath"] == "/healthz"
    assert railway["deploy"]["restartPolicyType"] in ("ON_FAILURE", "ALWAYS", "NEVER")
    assert railway["deploy"]["numReplicas"] == 1
