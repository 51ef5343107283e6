"""Makes the pictures of the README: `.venv/bin/python docs/screenshots.py`, with Chromium on the machine.

A real server is started with folders of its own, some networks are trained, and the page is photographed in both themes
in the middle of a run. Nothing on the pictures is made up, so they look a little different each time.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.serving import Server, serving  # noqa: E402 - the tests' server is found only after the line above

IMAGES = PROJECT / "docs" / "images"
THEMES = ("light", "dark")
SIZE = {"width": 1360, "height": 1240}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE_MS = 60_000

#: Networks that are there already, with their runs.
EARLIER: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"name": "16 and 16", "layer_sizes": [784, 16, 16, 10], "seed": 1}, {"epochs": 8, "seed": 1}),
    (
        {"name": "ReLU", "layer_sizes": [784, 128, 64, 10], "activation": "relu", "seed": 2},
        {"epochs": 4, "learning_rate": 0.1, "seed": 2},
    ),
)
PHOTOGRAPHED = {"name": "classic", "layer_sizes": [784, 30, 10], "seed": 3}
EPOCHS, PICTURED_FROM = 60, 18


def main() -> None:
    """Start a server, train, photograph."""
    chromium = shutil.which(os.environ.get("HIPPO_CHROMIUM", "chromium"))
    if chromium is None:
        sys.exit("Chromium is missing: install it (Debian: chromium), or name it in HIPPO_CHROMIUM.")
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), HIPPO_WORKERS="2") as server,
        sync_playwright() as playwright,
    ):
        for network, run in EARLIER:
            _wait(server, _train(server, network, run))
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        pages = {}
        for theme in THEMES:
            context = browser.new_context(viewport=SIZE, color_scheme=theme, device_scale_factor=1)
            pages[theme] = context.new_page()
            pages[theme].goto(server.url)
        job = _train(server, PHOTOGRAPHED, {"epochs": EPOCHS, "seed": 3})
        for page in pages.values():
            page.goto(f"{server.url}/#/networks/{job['network_id']}/learn")
        for theme, page in pages.items():
            _photograph(page, IMAGES / f"learn-{theme}.png")
        browser.close()


def _train(server: Server, network: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """Create a network and queue a run; return the reply, with the ids of both."""
    network_id = server.post("/api/networks", json=network).json()["network_id"]
    job: dict[str, Any] = server.post(f"/api/networks/{network_id}/train", json=run).json()
    return job


def _wait(server: Server, job: dict[str, Any]) -> None:
    """Wait until a run is over."""
    while server.get(f"/api/training/{job['job_id']}").json()["finished_at"] is None:
        time.sleep(0.2)


def _photograph(page: Page, path: Path) -> None:
    """Wait for the middle of the run, then save the picture."""
    middle = f"() => {{ const seen = document.body.innerText.match(/(\\d+) of {EPOCHS}/);"
    page.wait_for_function(f"{middle} return seen !== null && Number(seen[1]) >= {PICTURED_FROM}; }}")
    expect(page.locator("hippo-chart canvas")).to_have_count(2, timeout=PATIENCE_MS)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)  # looks the same in a third of the bytes


if __name__ == "__main__":
    main()
