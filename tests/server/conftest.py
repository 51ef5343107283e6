"""One running server per async mode, shared by the tests that do it no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Server, serving

MODES = ("eventlet", "gevent", "threading")


@pytest.fixture(scope="module", params=MODES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that must still live, and must not have printed a traceback, when the module's tests are done."""
    with serving(tmp_path_factory.mktemp(request.param), HIPPO_ASYNC_MODE=request.param) as running:
        yield running
        assert running.get("/healthz").status_code == 200
        assert "Traceback" not in running.output
