"""How smoothly the page draws a network while it trains: frames a second, and JavaScript's time for each of them.

A real server with one worker trains a network without end, and Chromium, headless, shows it under Learn. Its own trace
tells when animation frames began and which scripts ran between them; nothing is measured by the page itself.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.drawing import FLAGS
from benchmarks.report import Table, verdict
from benchmarks.running import Client, running

NETWORKS = {
    "784-100-10, sigmoid": ([784, 100, 10], "sigmoid", 3.0),
    "784-128-64-10, ReLU": ([784, 128, 64, 10], "relu", 0.1),
}
SECONDS = 12
#: What the page must reach beside one training worker.
LEAST_FRAMES, MOST_SCRIPT = 30.0, 8.0
_SCRIPTS = ("FunctionCall", "EvaluateScript", "v8.run", "RunMicrotasks")


def run() -> list[Table]:
    """Show every network for a while."""
    path = os.environ.get("HIPPO_CHROMIUM") or shutil.which("chromium") or "chromium"
    table = Table(
        "The network at work, drawn live in Chromium beside one worker in training",
        ["network", "frames a second", "", "script p50, ms", "p95, ms", "", "new pictures of the network a second"],
        notes=[
            f"'script' is all JavaScript from one animation frame to the next; budget: {LEAST_FRAMES:g} frames",
            f"a second or more, p95 under {MOST_SCRIPT:g} ms. No graphics card: canvases are drawn by the processor.",
        ],
    )
    with running("eventlet", workers=1) as (server, client), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        for name, (sizes, activation, rate) in NETWORKS.items():
            frames, script, drawn = _shown(browser, page, server.url, client, sizes, activation, rate)
            p50, p95 = np.percentile(script, [50, 95])
            enough = f"{'met' if frames >= LEAST_FRAMES else 'MISSED'}"
            table.rows.append([name, frames, enough, float(p50), float(p95), verdict(float(p95), MOST_SCRIPT), drawn])
        browser.close()
    return [table]


def _shown(
    browser: Browser, page: Page, url: str, client: Client, sizes: list[int], activation: str, rate: float
) -> tuple[float, list[float], float]:
    """Return animation frames a second, the script's milliseconds of each, and the server's frames a second."""
    made = client.expect(201, "POST", "/api/networks", layer_sizes=sizes, activation=activation, seed=1)
    network = str(made["network_id"])
    job = client.train(network, epochs=10_000, mini_batch_size=10, learning_rate=rate)
    page.goto(f"{url}/#/networks/{network}/learn")
    page.locator("hippo-diagram[data-step]").wait_for()
    page.wait_for_timeout(2_000)
    page.evaluate("""() => { window.__frames = 0; new MutationObserver(() => { window.__frames += 1; })
        .observe(document.querySelector("hippo-diagram"), { attributeFilter: ["data-step"] }); }""")
    browser.start_tracing(page=page, categories=["devtools.timeline", "v8.execute"])
    page.wait_for_timeout(SECONDS * 1_000)
    trace = json.loads(browser.stop_tracing())
    drawn = page.evaluate("() => window.__frames") / SECONDS
    client.expect(202, "POST", f"/api/training/{job}/cancel")
    begins, script = _frames(trace["traceEvents"])
    return (len(begins) - 1) / ((begins[-1] - begins[0]) / 1e6), script, drawn


def _frames(events: list[dict[str, Any]]) -> tuple[list[float], list[float]]:
    """Return when animation frames began, microseconds, and the milliseconds of script between each and the next."""
    fired = [event for event in events if event["name"] == "FireAnimationFrame"]
    main = max({(e["pid"], e["tid"]) for e in fired}, key=lambda at: sum((e["pid"], e["tid"]) == at for e in fired))
    begins = sorted({event["ts"] for event in fired if (event["pid"], event["tid"]) == main})
    # Two callbacks of one frame follow each other at once.
    begins = [at for at, before in zip(begins, [-1e12, *begins], strict=False) if at - before > 4_000]
    spent = np.zeros(len(begins))
    end = 0.0
    scripts = (e for e in events if e["name"] in _SCRIPTS and e.get("ph") == "X" and (e["pid"], e["tid"]) == main)
    for event in sorted(scripts, key=lambda e: e["ts"]):
        if event["ts"] < end:
            continue  # within another script
        end = event["ts"] + event["dur"]
        frame = int(np.searchsorted(begins, event["ts"], side="right")) - 1
        if frame >= 0:
            spent[frame] += event["dur"] / 1_000
    return begins, list(spent[:-1])
