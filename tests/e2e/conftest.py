"""One server for each async mode, for all tests that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Server, serving

MODES = ("eventlet", "gevent", "threading")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker, so that a second job has to wait."""
    with serving(tmp_path_factory.mktemp(request.param), HIPPO_ASYNC_MODE=request.param) as server:
        yield server
