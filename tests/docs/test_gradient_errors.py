"""The table of measured relative errors in docs/TRAINING.md is complete, below the limits, and still true."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import hippo.nn
from hippo.nn import Loss, Module
from hippo.nn.gradient_check import LIMIT, ZERO_LIMIT
from tests.docs.markdown import PROJECT, code, rows, section, text_of
from tests.nn.cases import CASES, measure

DOCUMENT, SCRIPT = "docs/TRAINING.md", "docs/gradient_errors.py"


def shown(text: str) -> dict[str, tuple[float, float | None]]:
    """Return the errors of the table by what they are of."""
    table = rows(section(text, "Measured relative errors"))
    return {re.sub("`", "", what): (float(relative), float(zero) if zero else None) for what, relative, zero in table}


def unnamed(text: str) -> set[str]:
    """Return the modules and losses of the library that have no row."""
    parts = {
        name
        for name, kind in vars(hippo.nn).items()
        if isinstance(kind, type) and issubclass(kind, Module | Loss) and kind not in (Module, Loss)
    }
    return parts - {code(row[0])[0] for row in rows(section(text, "Measured relative errors")) if code(row[0])}


def test_every_module_and_loss_has_a_row() -> None:
    assert unnamed(text_of(DOCUMENT)) == set()
    assert shown(text_of(DOCUMENT)).keys() == CASES.keys()
    assert any("deep network" in what for what in shown(text_of(DOCUMENT)))


def test_a_missing_row_would_be_seen() -> None:
    without = re.sub(r"(?m)^\| `(BatchNorm|MSELoss)`.*\n", "", text_of(DOCUMENT))
    assert unnamed(without) == {"BatchNorm", "MSELoss"}


@pytest.mark.parametrize("what", CASES)
def test_what_is_shown_is_small_and_is_what_is_measured(what: str) -> None:
    relative, absolute = shown(text_of(DOCUMENT))[what]
    now = measure(CASES[what]())
    # Another processor rounds differently, but not that differently.
    assert 0.01 * now.relative < relative < min(LIMIT, 100 * now.relative)
    assert (absolute is None) == (now.absolute is None)
    assert absolute is None or absolute < ZERO_LIMIT


@pytest.fixture(scope="module")
def script() -> Any:
    spec = spec_from_file_location("gradient_errors", PROJECT / SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_writing_replaces_what_is_between_the_markers_and_nothing_else(script: Any) -> None:
    text = f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n"
    once = script.replaced(text, "| new |")
    assert once == f"before\n{script.BEGIN}\n\n| new |\n\n{script.END}\nafter\n"
    assert script.replaced(once, "| new |") == once
    for bad in ("", script.BEGIN, script.END, f"{script.END}{script.BEGIN}", text + text):
        with pytest.raises(ValueError, match="each once"):
            script.replaced(bad, "| new |")


def test_the_script_prints_the_table_and_writes_it(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(re.sub(r"\| [\d.]+e-\d+ \|", "| 1.0 |", text_of(DOCUMENT)))
    command = [sys.executable, str(PROJECT / SCRIPT)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert subprocess.run([*command, "--write", "a.md"], cwd=tmp_path, capture_output=True, check=True).stdout == b""
    assert printed in document.read_text()
    assert shown(document.read_text()).keys() == CASES.keys()


def test_a_document_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("no markers\n")
    for name, why in (("a.md", "each once"), ("b.md", "No such file")):
        command = [sys.executable, str(PROJECT / SCRIPT), "--write", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert why in done.stderr
        assert "Traceback" not in done.stderr
