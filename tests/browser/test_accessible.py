"""Every view under axe-core: light and dark, on a screen and on a phone; networks at rest, in training and paused.

axe-core finds what can be found without a person: missing names, wrong roles, text that is hard to tell from its ground.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="module")
def views(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[str, str]]]:
    """Each view's address, and what is there when all of it is."""
    with Server(tmp_path_factory.mktemp("accessible"), HIPPO_WORKERS="1") as server:

        def started(name: str) -> tuple[str, str]:
            made = server.post("/api/networks", {"layer_sizes": [784, 16, 10], "name": name, "seed": 1})["network_id"]
            job = server.post(f"/api/networks/{made}/train", {"epochs": 1000, "seed": 1})["job_id"]
            _wait(lambda: server.get(f"/api/training/{job}")["epoch"] > 0)
            return made, job

        rested = steps.trained(server, {"layer_sizes": [784, 16, 10], "name": "rested"}, {"epochs": 2})
        diverged = steps.trained(
            server,
            {"layer_sizes": [784, 16, 10], "activation": "relu"},
            {"epochs": 1, "learning_rate": 1e30},
        )
        paused, job = started("paused")
        server.post(f"/api/training/{job}/pause", {})
        _wait(lambda: server.get(f"/api/training/{job}")["state"] == "paused")
        training, job = started("training")
        server.post(f"/api/training/{job}/pace", {"batches_per_second": 20})
        runs = [run["job_id"] for run in server.get("/api/training")["jobs"]]
        plots, drawing = "hippo-chart canvas", "hippo-diagram canvas"
        here = f"{server.url}/#"
        yield {
            "new": (f"{here}/new", "form.create"),
            "learn at rest": (f"{here}/networks/{rested}/learn", f"{plots}, {drawing}"),
            "learn in training": (f"{here}/networks/{training}/learn", f"{plots}, {drawing}"),
            "learn paused": (f"{here}/networks/{paused}/learn", f"{plots}, {drawing}"),
            "learn diverged": (f"{here}/networks/{diverged}/learn", ".callout.bad"),
            "test": (f"{here}/networks/{rested}/test?actual=5&predicted=3", ".matrix, .answer, .example img"),
            "draw": (f"{here}/networks/{rested}/draw", ".sample"),
            "inside at rest": (f"{here}/networks/{rested}/inside", "main h2"),
            "inside paused": (f"{here}/networks/{paused}/inside", "main h2"),
            "compare": (f"{here}/compare?runs={','.join(runs[:3])}", "hippo-lines canvas, .table"),
            "nowhere": (f"{here}/nowhere", "main h1"),
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
    browser: Browser, axe: Path, views: dict[str, tuple[str, str]], shared_server: Server, theme: Any, width: int
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
    for name, (address, all_of) in views.items():
        page.goto(address)
        for one in all_of.split(", "):
            expect(page.locator(one).first).to_be_attached()
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
