"""What the browser tests stand on: a real Chromium, a real server, and a page that is watched.

The server can be killed and started again. The page is watched for all it should never do: console errors, uncaught
errors, breaches of its security policy.

Without Chromium these tests are skipped with a line that says so; with HIPPO_TEST_STRICT=1 they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.server import Server
from tests.browser.watch import Watch

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TIMEOUT_MS = 60_000  # on a busy machine; whoever waits goes on at once when it has come


def _chromium() -> str:
    named = os.environ.get("HIPPO_CHROMIUM")
    for candidate in [named] if named else ["/usr/bin/chromium", "chromium"]:
        if found := shutil.which(candidate):
            return found
    reason = (
        "Chromium is missing, so the page is not tested: install it (Debian: chromium) or name it in HIPPO_CHROMIUM."
    )
    if os.environ.get("HIPPO_TEST_STRICT") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = _chromium()
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server(browser: Browser, tmp_path: Path) -> Iterator[Server]:
    """Start a server with folders of its own; without a browser none is started."""
    with Server(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def shared_server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for all tests that change nothing on it."""
    with Server(tmp_path_factory.mktemp("shared")) as server:
        yield server


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """Watch every page of the context; at the end of the test it must have been quiet."""
    watch = Watch(context)
    yield watch
    watch.check()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return context.new_page()
