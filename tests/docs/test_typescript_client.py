"""A client made from a running server's OpenAPI document compiles, says no to what the API has not, and works."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import blocks, section, text_of
from tests.docs.npm import FOLDER, compiled, package
from tests.docs.test_examples import need, run
from tests.serving import Server

pytestmark = pytest.mark.process

GUIDE = "docs/FRONTEND_GUIDE.md"


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages, and with the types as the guide's own command makes them of the running server."""
    made = tmp_path_factory.mktemp("client")
    (made / "node_modules").symlink_to(FOLDER)
    (made / "package.json").write_text('{"type": "module"}')
    for name in ("openapi-typescript", "openapi-fetch", "typescript"):
        package(name)
    (commands,) = blocks(section(text_of(GUIDE), "A client in TypeScript"), "bash")
    (command,) = re.findall(r"^npx (openapi-typescript .+)$", commands, re.MULTILINE)
    name, address, *options = command.split()
    assert address == "http://127.0.0.1:8000/openapi.json"
    cli = package(name) / "bin" / "cli.js"
    run([need("node"), str(cli), f"{server.url}/openapi.json", *options], made)
    return made


def program() -> str:
    (source,) = blocks(section(text_of(GUIDE), "A client in TypeScript"), "ts")
    return source


def test_it_compiles_and_does_what_it_says(folder: Path, server: Server) -> None:
    (folder / "client.ts").write_text(program())
    assert compiled(folder, "client.ts") == ""
    (folder / "run.mjs").write_text(
        'import { trainAndLook } from "./out/client.js";\nawait trainAndLook(process.argv[2]);'
    )
    network_id = server.post("/api/networks").json()["network_id"]

    printed = run([need("node"), "run.mjs", server.url], folder).splitlines()
    assert f"{network_id} [ 784, 30, 10 ] null" in printed
    assert re.fullmatch(r"completed, 100 %, accuracy 0\.\d+", printed[-3])
    found = re.fullmatch(r"It reads this (\d) as (\d):", printed[-2])
    assert found is not None
    assert found[1] == found[2]
    picture = base64.b64decode(printed[-1].removeprefix("data:image/png;base64,"), validate=True)
    assert picture.startswith(b"\x89PNG")


def test_the_token_is_sent_and_an_error_is_thrown_in_the_servers_words(folder: Path, server: Server) -> None:
    (folder / "wrong.ts").write_text(program().replace("epochs: 3", "epochs: 0"))
    assert compiled(folder, "wrong.ts") == ""
    (folder / "wrong.mjs").write_text(
        'import { trainAndLook } from "./out/wrong.js";\n'
        "const real = fetch, tokens = new Set();\n"
        "globalThis.fetch = (request) => { tokens.add(request.headers.get('Authorization')); return real(request); };\n"
        "await trainAndLook(process.argv[2], 'secret').catch((error) => console.log(...tokens, error.message));"
    )
    last = run([need("node"), "wrong.mjs", server.url], folder).splitlines()[-1]
    network_id = server.post("/api/networks").json()["network_id"]
    wrong = server.post(f"/api/networks/{network_id}/train", json={"epochs": 0})
    assert last == f"Bearer secret {wrong.json()['error']}"


WRONG = {
    "a path": ('"/api/networks"', '"/api/nets"'),
    "a type in a list": ("layer_sizes: [784, 30, 10]", 'layer_sizes: ["784", 30, 10]'),
    "a type of a body": ("epochs: 3", 'epochs: "3"'),
    "no parameters": ("params: { path }, body", "body"),
    "a field of a reply": ("job.accuracy ??", "job.acuracy ??"),
    "what is null at times": ("job.progress.toFixed()", "job.eta_seconds.toFixed()"),
    "a value of a reply": ('job.status === "completed"', 'job.status === "done"'),
    "another field of a reply": ("example.image_data", "example.picture"),
}


def test_what_the_api_has_not_does_not_compile(folder: Path) -> None:
    names = {f"wrong{number}.ts": what for number, what in enumerate(WRONG)}
    for name, what in names.items():
        right, wrong = WRONG[what]
        assert right in program()
        (folder / name).write_text(program().replace(right, wrong))
    said = compiled(folder, *names)
    assert {what for name, what in names.items() if f"{name}(" in said} == WRONG.keys(), said


def test_the_document_is_read_without_a_warning(folder: Path, server: Server) -> None:
    spec = folder / "openapi.json"
    spec.write_text(json.dumps(server.get("/openapi.json").json()))
    cli = package("openapi-typescript") / "bin" / "cli.js"
    done = subprocess.run(
        [need("node"), str(cli), str(spec), "--output", str(folder / "all.ts")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    text = (folder / "all.ts").read_text()
    for path in server.get("/openapi.json").json()["paths"]:
        assert f'"{path}": {{' in text
