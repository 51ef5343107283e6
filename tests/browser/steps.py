"""What a person does on the page, in one line each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.server import Server

CONNECTED = re.compile("^connected$")


def create(page: Page, *, hidden: str = "30", epochs: int = 3, name: str = "", train: bool = True) -> None:
    """Fill in the form for a new network and send it."""
    page.get_by_role("link", name="New network").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Hidden layers").fill(hidden)
    page.get_by_label("Epochs").fill(str(epochs))
    page.get_by_role("button", name="Create and train" if train else "Create", exact=True).click()
    expect(page).to_have_url(re.compile(r"#/networks/[0-9a-f-]{36}/learn$"))


def expect_epoch(page: Page, epoch: int, total: int) -> None:
    """Wait until a run has finished this epoch, or a later one."""
    later = "|".join(str(n) for n in range(epoch, min(total, epoch + 200) + 1))
    expect(page.locator(".run-figures")).to_contain_text(
        re.compile(rf"(Epochs finished|Epoch(?!\s*{epoch} of))\s*({later}) of {total}(?!\d)")
    )


def expect_connected(page: Page) -> None:
    expect(page.locator(".connection")).to_have_text(CONNECTED)


def expect_epochs_drawn(page: Page, epochs: int) -> None:
    """Wait until the accuracy curve has so many epochs, as its summary says."""
    summary = re.compile(rf"after {epochs:,}\sepoch")
    expect(page.locator("hippo-chart").nth(1)).to_have_attribute("aria-label", summary)


def network_id(page: Page) -> str:
    found = re.search(r"#/networks/([^/]+)/", page.url)
    assert found, page.url
    return found[1]


def train(server: Server, network: str, settings: dict[str, Any]) -> str:
    """Train a network past the page, to the end of the run; return the job's id."""
    job: str = server.post(f"/api/networks/{network}/train", {"seed": 1, **settings})["job_id"]
    while server.get(f"/api/training/{job}")["finished_at"] is None:
        pass
    return job


def trained(server: Server, network: dict[str, Any], settings: dict[str, Any]) -> str:
    """Create a network past the page and train it; return its id."""
    made: str = server.post("/api/networks", {"seed": 1, **network})["network_id"]
    train(server, made, settings)
    return made


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Ask again and again until something holds that no event tells of."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
