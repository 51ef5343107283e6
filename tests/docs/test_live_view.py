"""The example that draws the live view runs against a real server, and ends what it began."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT, blocks, section, text_of
from tests.docs.test_examples import SOCKETS, need, run
from tests.serving import Server

pytestmark = pytest.mark.process


def test_the_example_shows_a_step_and_stops(server: Server, tmp_path: Path) -> None:
    (example,) = blocks(section(text_of(SOCKETS), "network_update"), "js")
    (tmp_path / "live.mjs").write_text(example)
    (tmp_path / "run.mjs").write_text(
        'import { io } from "socket.io-client";\n'
        'import { showTraining } from "./live.mjs";\n'
        "const socket = io(process.argv[2]);\n"
        'socket.on("training_error", (data) => {\n'
        "  console.log(JSON.stringify(data.state));\n"
        "  socket.disconnect();\n"
        "});\n"
        "let seen = 0;\n"
        "const stop = showTraining(socket, ({ phase, weights }) => {\n"
        "  console.log(JSON.stringify([phase, weights.W1.length]));\n"
        "  if (++seen === 4) stop();\n"
        "});\n"
    )
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    lines = [json.loads(line) for line in run([need("node"), "run.mjs", server.url], tmp_path).splitlines()]
    assert lines == [[phase, 10] for phase in ("init", "forward", "backward", "update")] + ["cancelled"]
