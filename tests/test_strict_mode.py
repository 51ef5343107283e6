"""In strict mode a run that left a test out is red, with workers and without; otherwise it is green."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

def test_that_passes():
    pass

@pytest.mark.{mark}
def test_that_is_marked():
    pass
"""
WORDS = "HIPPO_TEST_STRICT=1: tests were left out, and none may be."


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "workers"])
@pytest.mark.parametrize(
    ("strict", "mark", "options", "red"),
    [
        pytest.param("1", "filterwarnings", [], False, id="whole"),
        pytest.param("1", "skip", [], True, id="skipped"),
        pytest.param("1", "filterwarnings", ["-k", "not marked"], True, id="deselected"),
        pytest.param("0", "skip", [], False, id="not strict"),
    ],
)
def test_a_run_that_left_a_test_out_is_red(
    strict: str, mark: str, options: list[str], red: bool, workers: list[str], tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_made.py").write_text(TESTS.format(mark=mark))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, *options],
        cwd=tmp_path,
        env={**environment, "HIPPO_TEST_STRICT": strict, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, WORDS in done.stdout) == (int(red), red), done.stdout + done.stderr
    assert " passed" in done.stdout.splitlines()[-1]
