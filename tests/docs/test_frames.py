"""The readers of frames that the documents show, in Python and in JavaScript, read what a real server sends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import requests

from tests.docs.markdown import PROJECT, blocks, section, text_of
from tests.docs.test_examples import SOCKETS, need, run, train
from tests.serving import Server
from tests.watched import arrays, split

pytestmark = pytest.mark.process


def test_the_reader_in_python_reads_a_frame_over_http(server: Server, tmp_path: Path) -> None:
    network_id = server.post("/api/networks", json={"layer_sizes": [784, 300, 10]}).json()["network_id"]
    program = str(PROJECT / "docs/examples/read_frame.py")
    lines = run([sys.executable, "-I", program, server.url, network_id], tmp_path).splitlines()
    assert lines[0].startswith("a 7, taken for a ")
    assert lines[1].startswith("layer 1: sigmoid, weights 784x200, most active: neuron ")
    assert lines[2].startswith("layer 2: sigmoid, weights 200x10, most active: neuron ")


def test_the_reader_in_javascript_watches_and_reads_the_same(server: Server, tmp_path: Path) -> None:
    (example,) = blocks(section(text_of(SOCKETS), "frame"), "js")
    (tmp_path / "frames.mjs").write_text(example)
    (tmp_path / "run.mjs").write_text(
        'import { io } from "socket.io-client";\n'
        'import { arraysOf, watch } from "./frames.mjs";\n'
        "const [address, job, network] = process.argv.slice(2);\n"
        "const socket = io(address);\n"
        # In Node the payload is a Buffer: what a browser hands on is played by the server's own frame over HTTP.
        "const reply = await fetch(`${address}/api/networks/${network}/frame?example=5&layer=1&neuron=2`);\n"
        "const frame = await reply.arrayBuffer();\n"
        "const length = new DataView(frame).getUint32(0);\n"
        "const header = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length)));\n"
        "const arrays = arraysOf(header, frame.slice(4 + length));\n"
        "const told = (arrays) => Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, Array.from(v)]));\n"
        "console.log(JSON.stringify(told(arrays)));\n"
        "const on = socket.on.bind(socket);\n"
        'socket.on = (name, take) => on(name, name === "frame"\n'
        "  ? (header, payload, done) => take(header, Uint8Array.from(payload).buffer, done) : take);\n"
        "let seen = 0;\n"
        "const stop = watch(socket, job, (header, arrays) => {\n"
        '  console.log(JSON.stringify([header.job_id, header.example.index, arrays["weights.1"].length]));\n'
        "  if (++seen === 3) { stop(); socket.disconnect(); }\n"
        "}, { rate: 20, example: 5 });\n"
    )
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    started = train(server, epochs=10_000)
    job_id, network_id = started["job_id"], started["network_id"]
    try:
        first, *seen = run([need("node"), "run.mjs", server.url, job_id, network_id], tmp_path).splitlines()
    finally:
        server.post(f"/api/training/{job_id}/cancel")
    assert [json.loads(line) for line in seen] == [[job_id, 5, 784 * 30]] * 3
    read = json.loads(first)
    reply = requests.get(f"{server.url}/api/networks/{network_id}/frame?example=5&layer=1&neuron=2", timeout=30)
    expected = arrays(*split(reply.content))
    assert read.keys() == expected.keys()
    assert read["pixels"] == expected["pixels"].tolist()
    assert read["neurons.1"] == expected["neurons.1"].tolist()
