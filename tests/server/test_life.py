"""How the server comes and goes: start message, tokens, wrong settings, signals, a port in use."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests
import websocket

from tests.server.conftest import MODES
from tests.serving import environment, serving, start

pytestmark = pytest.mark.process


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order_and_clients_are_told(tmp_path: Path, mode: str, number: signal.Signals) -> None:
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server:
        client = websocket.create_connection(
            f"ws://127.0.0.1:{server.port}/socket.io/?EIO=4&transport=websocket", timeout=30
        )
        client.recv()
        client.send("40")
        client.recv()
        kept = requests.Session()
        assert kept.get(server.url + "/healthz", timeout=30).status_code == 200
        assert server.stop(number) == 0
        assert json.loads(client.recv()[2:])[0] == "server_stopping"
        client.shutdown()
        kept.close()
        assert "Traceback" not in server.output
        with pytest.raises(requests.ConnectionError):
            server.get("/healthz")


@pytest.mark.parametrize("mode", MODES)
def test_silent_clients_do_not_keep_it_from_stopping(tmp_path: Path, mode: str) -> None:
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server:
        silent = [server.connect() for _ in range(3)]
        silent[0].sendall(b"GET / HTTP/1.1\r\nHost:")
        assert server.get("/healthz").status_code == 200  # so that the connections have been accepted
        assert server.stop() == 0
        for connection in silent:
            connection.close()


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, HIPPO_ASYNC_MODE="eventlet") as server:
        while server.get("/readyz").status_code != 200:
            pass  # a worker that is suspended while it is being started would hold up whoever starts it
        workers = server.children()
        for worker in workers:
            worker.suspend()  # so that the first signal alone would take its time
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("Stopping")
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(0.5)  # one that comes within 0.1 s counts as the same
        assert server.process.returncode == 1
        for worker in workers:
            worker.resume()


@pytest.mark.parametrize("mode", MODES)
def test_a_signal_while_it_starts_is_not_lost(tmp_path: Path, mode: str) -> None:
    server = start(tmp_path, HIPPO_ASYNC_MODE=mode)
    wait_until_signals_are_noted(server.process.pid)
    assert server.stop() == 0
    assert server.reader is not None
    server.reader.join(10)
    assert "Traceback" not in server.output


def wait_until_signals_are_noted(pid: int) -> None:
    """Wait until the process catches SIGTERM (bit 14 of what the kernel shows)."""
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1):
            return


@pytest.mark.parametrize("mode", MODES)
def test_a_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path, mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        server = start(tmp_path, HIPPO_ASYNC_MODE=mode, PORT=port)
        assert server.process.wait(30) == 2
        assert server.reader is not None
        server.reader.join(10)
        assert len(server.lines) == 1
        assert port in server.output
        assert "PORT" in server.output


@pytest.mark.parametrize(
    "wrong",
    [{"PORT": "abc"}, {"HIPPO_WORKERS": "0"}, {"HIPPO_ASYNC_MODE": "asyncio"}, {"HOST": "no such host"}],
    ids=str,
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path, wrong: dict[str, str]) -> None:
    server = start(tmp_path, **wrong)
    assert server.process.wait(30) == 2
    assert server.reader is not None
    server.reader.join(10)
    assert len(server.lines) == 1
    ((name, value),) = wrong.items()
    assert name in server.output
    assert value in server.output


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"HIPPO_MODELS_DIR": "/dev/null/models"}, "HIPPO_MODELS_DIR"),
        ({"HIPPO_DATABASE_URL": "sqlite:////dev/null/hippo.sqlite3"}, "HIPPO_DATABASE_URL"),
        ({"HIPPO_DATABASE_URL": "nonsense://user:secret@host/db"}, "HIPPO_DATABASE_URL"),
        ({"HIPPO_DATABASE_URL": "postgresql://user:secret@host/db"}, "HIPPO_DATABASE_URL"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    server = start(tmp_path, **variables)
    assert server.process.wait(30) == 2
    assert server.reader is not None
    server.reader.join(10)
    assert len(server.lines) == 1, server.output
    assert named in server.output
    assert "secret" not in server.output


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with serving(tmp_path):
        second = start(tmp_path)
        assert second.process.wait(30) == 2
        assert second.reader is not None
        second.reader.join(10)
        assert "Another server" in second.output
    with serving(tmp_path):  # the lock ended with the first one
        pass


def test_a_signal_to_the_whole_group_lets_workers_save_first(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        network_id = server.post("/api/networks", json={}).json()["network_id"]
        job_id = server.post(f"/api/networks/{network_id}/train", json={"epochs": 1000}).json()["job_id"]
        while server.get(f"/api/training/{job_id}").json()["state"] != "running":
            pass
        for worker in server.children():
            worker.send_signal(signal.SIGTERM)
        assert server.stop() == 0
    assert (tmp_path / "models" / "checkpoints" / f"{job_id}.safetensors").exists()


def test_on_other_addresses_it_makes_a_token_and_wants_it(tmp_path: Path) -> None:
    with serving(tmp_path, HOST=".".join("0000")) as server:
        assert server.token is not None
        assert "From another machine: http://" in server.output
        assert server.get("/healthz").status_code == 200
        assert server.get("/").status_code in (200, 503)
        refused = server.get("/api/status")
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert server.get("/api/status", headers={"Authorization": f"Bearer {server.token}"}).status_code == 200
        assert server.get(f"/api/status?token={server.token}").status_code == 401


def test_a_token_that_was_set_is_never_printed(tmp_path: Path) -> None:
    token = secrets.token_urlsafe()
    with serving(tmp_path, HIPPO_TOKEN=token, LOG_LEVEL="DEBUG") as server:
        assert server.get("/api/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert server.get(f"/api/status?token={token}").status_code == 401
        assert server.stop() == 0
        assert token not in server.output


def test_production_logs_json_and_listens_everywhere(tmp_path: Path) -> None:
    with serving(tmp_path, FLASK_ENV="production", HOST="") as server:
        assert server.get("/api/status").status_code == 401
        assert server.get("/healthz", headers={"Origin": "http://localhost:4200"}).status_code == 403
        assert server.stop() == 0
        assert server.reader is not None
        server.reader.join(10)
        assert {"time", "level", "logger", "message"} <= set(json.loads(server.lines[0]))
        assert all(json.loads(line) for line in server.lines)


def test_the_settings_of_a_test_server_are_all_its_own(tmp_path: Path) -> None:
    assert set(environment(tmp_path)) & {"PYTHONPATH", "RAILWAY_STATIC_URL"} == set()
