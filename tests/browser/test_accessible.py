"""Every view under axe-core: light and dark, on a screen and on a phone; networks at rest, in training and paused.

axe-core finds what can be found without a person: missing names, wrong roles, text that is hard to read on its ground.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
FOUND = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.flatMap((rule) =>
  rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 300)} ${node.failureSummary}`))"""
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1400, 390)]


@pytest.fixture(scope="module")
def axe() -> Path:
    if not AXE.is_file():
        pytest.fail("axe-core is missing: run make setup-test, which fetches the npm packages of the tests.")
    return AXE


@dataclass
class View:
    """An address, what is there when the view is whole, and what to press before, to see all of it."""

    address: str
    parts: list[str]
    press: str = ""


@pytest.fixture(scope="module")
def views(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, View]]:
    with Server(tmp_path_factory.mktemp("accessible"), HIPPO_WORKERS="1") as server:

        def started(name: str) -> tuple[str, str]:
            made = server.post("/api/networks", {"layer_sizes": [784, 16, 10], "name": name, "seed": 1})["network_id"]
            job = server.post(f"/api/networks/{made}/train", {"epochs": 1000, "seed": 1})["job_id"]
            _wait(lambda: server.get(f"/api/training/{job}")["epoch"] > 0)
            return made, job

        classic = {"layer_sizes": [784, 16, 10], "name": "rested"}
        rested = steps.trained(server, classic, {"epochs": 2})
        diverged = steps.trained(server, {**classic, "activation": "relu"}, {"epochs": 1, "learning_rate": 1e30})
        paused, job = started("paused")
        server.post(f"/api/training/{job}/pause", {})
        _wait(lambda: server.get(f"/api/training/{job}")["state"] == "paused")
        training, job = started("training")
        server.post(f"/api/training/{job}/pace", {"batches_per_second": 20})
        runs = [run["job_id"] for run in server.get("/api/training")["jobs"]]
        drawn = ["hippo-chart canvas", "hippo-diagram canvas"]

        def network(name: str, tab: str) -> str:
            return f"{server.url}/#/networks/{name}/{tab}"

        yield {
            "new": View(f"{server.url}/#/new", ["form.create"]),
            "learn at rest": View(network(rested, "learn"), drawn),
            "learn in training": View(network(training, "learn"), [*drawn, ".control-row"]),
            "learn paused": View(network(paused, "learn"), [*drawn, ".control-row"]),
            "learn diverged": View(network(diverged, "learn"), [".callout.bad"]),
            "test": View(network(rested, "test?actual=5&predicted=3"), [".matrix", ".answer", ".example img"]),
            "draw": View(network(rested, "draw"), [".nearest img"], press=".sample"),
            "inside at rest": View(network(rested, "inside"), [".check table"], press=".check button"),
            "inside paused": View(network(paused, "inside"), [".formulas", "hippo-layers canvas"]),
            "compare": View(f"{server.url}/#/compare?runs={','.join(runs[:3])}", ["hippo-lines canvas", ".table"]),
            "nowhere": View(f"{server.url}/#/nowhere", ["main h1"]),
        }


def _wait(done: Callable[[], bool]) -> None:
    while not done():
        pass


def check(page: Page, name: str) -> list[str]:
    """Return what axe-core finds on the page as it is now."""
    found: list[str] = page.evaluate(FOUND)
    return [f"{name}: {text}" for text in found]


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_axe_finds_nothing(
    browser: Browser, axe: Path, views: dict[str, View], shared_server: Server, theme: Any, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce", has_touch=width < 900
    )
    context.set_default_timeout(20_000)
    context.add_init_script(path=axe)
    watch = Watch(context)
    page = context.new_page()
    page.goto(shared_server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    found = check(page, "welcome")
    for name, view in views.items():
        page.goto(view.address)
        if view.press:
            page.locator(view.press).first.click()
        for part in view.parts:
            expect(page.locator(part).first).to_be_attached()
        expect(page.locator(".connection")).to_have_text("connected")
        page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
        found += check(page, name)
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += check(page, "question")
    assert not found, "\n\n".join(found)
    watch.check()
    context.close()


def test_axe_is_asked_rightly(page: Page, axe: Path, shared_server: Server) -> None:
    page.add_init_script(path=axe)
    page.goto(shared_server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    page.evaluate("const e = document.querySelector('.primary'); e.replaceChildren(); e.removeAttribute('title')")
    page.evaluate("document.querySelector('.lead').style.color = '#ccc'")
    assert {text.split(": ")[1] for text in check(page, "broken")} == {"button-name", "color-contrast"}
