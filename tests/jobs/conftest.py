"""What several tests of jobs begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    for network_id in ("a", "b", "c"):
        stage.add_network(network_id)
    yield stage
    stage.store.close()
