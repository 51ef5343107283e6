"""Digits for the commands that train."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.shell import made_digits


@pytest.fixture(scope="package")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_digits(tmp_path_factory.mktemp("digits") / "digits.npz")
