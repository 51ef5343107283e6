"""The examples of the documents are run as they stand, against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import onnx
import pytest
from PIL import Image, ImageDraw

from hippo.network import NeuralNetwork
from hippo.persistence.interchange import export
from tests.docs import played_connection
from tests.docs.markdown import PROJECT, blocks, documents, section, text_of
from tests.serving import Server
from tests.watched import split

pytestmark = pytest.mark.process

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
API = "docs/API_DOCUMENTATION.md"
SOCKETS = "docs/WEBSOCKET_API_DOCUMENTATION.md"


def need(program: str) -> str:
    """Return where a program is; a machine without it leaves the test out, which strict mode does not accept."""
    found = shutil.which(program, path=PATH)
    if found is None:
        pytest.skip(f"{program} is missing, so the examples that use it are not run.")
    return found


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a command and return what it printed; it must end well."""
    environment = {"PATH": PATH, "HOME": str(folder), **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_first_training_by_curl(server: Server, tmp_path: Path) -> None:
    need("curl")
    (script,) = blocks(section(text_of("README.md"), "A first training by curl"), "bash")
    run([need("bash"), "-eu", "-c", script], tmp_path, HIPPO=server.url)

    job = server.get("/api/training?limit=1").json()["jobs"][0]
    assert (job["status"], job["epoch"]) == ("completed", 3)
    assert job["accuracy"] > 0.9
    assert (tmp_path / "digit.png").read_bytes().startswith(b"\x89PNG")


def test_first_training_from_python(tmp_path: Path) -> None:
    (script,) = blocks(section(text_of("README.md"), "A first training from Python"), "python")
    (tmp_path / "first.py").write_text(script)
    lines = run([sys.executable, "first.py"], tmp_path, PYTHONPATH=str(PROJECT / "src")).splitlines()

    right = [int(found[1]) for line in lines if (found := re.match(r"epoch \d: (\d+) of 10000 ", line))]
    assert len(right) == 3
    assert right[-1] > 9_000
    assert re.fullmatch(r"the first test digit is a \d; the label says 7", lines[-1])


def test_javascript_example_gets_every_event_once_and_in_order(server: Server, tmp_path: Path) -> None:
    example = blocks(section(text_of(SOCKETS), "In plain JavaScript"), "js")[0]
    (tmp_path / "watch.mjs").write_text(example)
    (tmp_path / "run.mjs").write_text(
        'import { watchJob } from "./watch.mjs";\n'
        "const seen = [];\n"
        "const stop = watchJob(process.argv[2], process.argv[3], (name, data) => {\n"
        "  seen.push([name, data.seq]);\n"
        '  if (name !== "training_update") { stop(); console.log(JSON.stringify(seen)); }\n'
        "});\n"
    )
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    job_id = train(server, epochs=6)["job_id"]
    printed = run([need("node"), "run.mjs", server.url, job_id], tmp_path)
    assert json.loads(printed) == [*(["training_update", seq] for seq in range(1, 7)), ["training_complete", 7]]


def test_javascript_example_fills_gaps_and_drops_repetitions(tmp_path: Path) -> None:
    example = blocks(section(text_of(SOCKETS), "In plain JavaScript"), "js")[0]
    (tmp_path / "watch.mjs").write_text(example)
    played_connection.install(tmp_path)
    (tmp_path / "run.mjs").write_text(
        'import { watchJob } from "./watch.mjs";\nwatchJob("", "j", (name, data) => console.log(name, data.seq));\n'
    )
    assert run([need("node"), "run.mjs"], tmp_path).splitlines() == [*played_connection.HEARD, "training_complete 5"]


def train(server: Server, epochs: int) -> Any:
    """Create a network and train it; return the reply, with both ids."""
    network_id = server.post("/api/networks").json()["network_id"]
    return server.post(f"/api/networks/{network_id}/train", json={"epochs": epochs}).json()


def calls() -> list[Any]:
    """Return each curl command of the REST document with the JSON that is shown after it, if any."""
    found = []
    for part in re.split(r"(?m)^```bash\n", text_of(API))[1:]:
        command, _, rest = part.partition("\n```")
        shown = re.search(r"```json\n(.*?)```", rest.partition("\n### ")[0].partition("\n## ")[0], re.DOTALL)
        if "curl" in command:
            name = re.sub(r"curl|-s|\s+|\"", " ", command).split(" -")[0].strip()
            found.append(pytest.param(command, json.loads(shown[1]) if shown else None, id=name[:70]))
    return found


@pytest.fixture
def names(request: pytest.FixtureRequest, server: Server) -> Iterator[dict[str, str]]:
    """Return what the commands of the REST document take for granted: a network, and a job if one is named."""
    command = request.node.callspec.params["command"]
    if "/network/" in command or "/predict" in command or "/activations" in command:
        server.post("/network/create", json={"sizes": [784, 10]})
    if "/predict" in command or "/activations" in command:
        server.post("/network/train", json={"epochs": 1, "mini_batch_size": 1000})  # replies when it has ended
    if "$JOB" in command or "/api/training" in command:
        started = train(server, epochs=10_000)
        if any(route in command for route in ("/resume", "/step", "/explanation")):
            server.post(f"/api/training/{started['job_id']}/pause")
            while server.get(f"/api/training/{started['job_id']}").json()["state"] != "paused":
                pass  # the worker finishes its mini-batch
        yield {"NETWORK": started["network_id"], "JOB": started["job_id"]}
    else:
        yield {"NETWORK": server.post("/api/networks").json()["network_id"], "HIPPO_TOKEN": "none"}
    for job in server.get("/api/training").json()["jobs"]:
        if job["finished_at"] is None:  # also what the command began: the next one would wait for its end
            server.post(f"/api/training/{job['job_id']}/cancel")


@pytest.mark.parametrize(("command", "shown"), calls())
def test_rest_example(command: str, shown: Any, names: dict[str, str], server: Server, tmp_path: Path) -> None:
    need("curl")
    strict = 'curl() { command curl --fail "$@"; }\n'
    draw_digit(tmp_path / "digit.png")
    (tmp_path / "network.npz").write_bytes(export(NeuralNetwork([784, 30, 10], seed=1), {}, "npz"))
    printed = run([need("bash"), "-eu", "-c", strict + command], tmp_path, HIPPO=server.url, **names)
    if "/export" in command:
        assert printed == ""
        onnx.checker.check_model(onnx.load(tmp_path / "network.onnx"))
        return
    if "/frame" in command:
        assert printed == ""
        assert split((tmp_path / "network.frame").read_bytes())[0]["neuron"]["index"] == 7
        return
    if "/network/train" in command:
        assert [stream_shape(line) for line in printed.splitlines()] == shown_stream()
        return
    reply = json.loads(printed)
    if shown is not None and "Authorization" not in command:
        assert shape(reply) == shape(shown)


class Starting(BaseHTTPRequestHandler):
    """A server that takes no jobs yet when it is first asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(503 if len(self.asked) == 1 else 200)
        self.end_headers()
        self.wfile.write(b'{"code": "not_ready"}' if len(self.asked) == 1 else b'{"status": "ready"}')

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_who_asks_just_after_the_start_waits_until_the_server_is_ready(tmp_path: Path) -> None:
    need("curl")
    (script,) = blocks(section(text_of(API), "GET /readyz"), "bash")
    with ThreadingHTTPServer(("127.0.0.1", 0), Starting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            assert run([need("bash"), "-eu", "-c", script], tmp_path, HIPPO=address) == '{"status": "ready"}'
        finally:
            server.shutdown()
            thread.join()
    assert Starting.asked == ["/readyz"] * 2


def draw_digit(path: Path) -> None:
    """Draw a 7 on white paper."""
    paper = Image.new("L", (200, 150), 250)
    ImageDraw.Draw(paper).line([(60, 30), (120, 30), (80, 120)], fill=30, width=12)
    paper.save(path)


def shown_stream() -> list[tuple[str, Any]]:
    """Return what the example of a stream prints as it stands in the document."""
    (example,) = blocks(section(text_of(API), "POST /network/train"), "text")
    return [stream_shape(line) for line in example.splitlines()]


def stream_shape(line: str) -> tuple[str, Any]:
    """Return the kind of a line of a stream, and the names of the fields of its data."""
    return line.partition(" ")[0], sorted(json.loads(line[6:])) if line.startswith("data: ") else None


def shape(value: Any) -> Any:
    """Return the names of the fields of a reply, at every depth of objects; what lists hold may be shortened."""
    if not isinstance(value, dict):
        return None
    return {name: shape(inner) for name, inner in value.items() if name != "data"}


def test_a_wrong_example_would_be_seen() -> None:
    assert shape({"status": "ready"}) != shape({"status": "ready", "mood": "good"})
    assert len(calls()) >= 16


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_every_example_can_be_read(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    for script in blocks(text, "bash"):
        run([need("bash"), "-n", "-c", script], tmp_path)
    for script in blocks(text, "python"):
        compile(script, path.name, "exec")
    for content in blocks(text, "json"):
        json.loads(content)
