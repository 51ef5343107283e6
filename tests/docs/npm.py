"""The npm packages that only tests need: compilers and types, which `make test` fetches and `make run` does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT

FOLDER = PROJECT / "node_modules"


def package(name: str) -> Path:
    """Return the folder of a package; a machine without it leaves the test out, which strict mode does not accept."""
    path = FOLDER / name
    if not path.is_dir():
        pytest.skip(f"The npm package {name} is missing; make test fetches it.")
    return path
