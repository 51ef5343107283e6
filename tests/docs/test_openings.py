"""Every file of the server and of the page opens with words that say what it is for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT

FILES = sorted(
    path
    for folder in ("src", "static")
    for kind in ("*.py", "*.js")
    for path in (PROJECT / folder).rglob(kind)
    if "__pycache__" not in path.parts
)


def opening(path: Path) -> str:
    """Return the text that a file opens with; empty where it opens with something else."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    found = re.match(r"/\*\*?(.*?)\*/|((?://[^\n]*\n)+)", text, re.DOTALL)
    return re.sub(r"^\s*(\*|//)", "", found[1] or found[2], flags=re.MULTILINE).strip() if found else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_file_opens_with_its_purpose(path: Path) -> None:
    assert len(opening(path).split()) >= 5


def test_a_file_without_would_be_seen(tmp_path: Path) -> None:
    assert len(FILES) > 80
    for name, text in (("a.py", "import os\n"), ("a.js", "const a = 1; // a number\n"), ("b.py", "# a comment\n")):
        path = tmp_path / name
        path.write_text(text)
        assert opening(path) == ""
