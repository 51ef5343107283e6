"""Digits of the test set drawn anew on the page, in a real browser: how many of them are recognised.

Each is drawn with the mouse on the pad under Draw, of random size and off the middle, as strokes that follow its lines;
and it is given to the page as a picture, dark on light and again of random size and place. Both stand beside what the
network makes of the original. No speed is measured here.
"""

from __future__ import annotations

import io
import os
import shutil
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, Page, sync_playwright

from benchmarks.pen import SIDE, strokes
from benchmarks.report import Table
from benchmarks.running import Client, running, wait_until
from hippo.datasets import MNISTLoader

OF_EACH = 50
SEED = 4
#: The longer side of a digit as a share of the paper.
SMALLEST, LARGEST = 0.45, 0.85
PICTURE = 400
NETWORKS = {
    "784-30-10, sigmoid, 20 epochs": ([784, 30, 10], {"epochs": 20, "mini_batch_size": 10, "learning_rate": 3.0}),
    "784-128-64-10, ReLU, 10 epochs": ([784, 128, 64, 10], {"epochs": 10, "mini_batch_size": 32, "learning_rate": 0.1}),
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
WAYS = ("original", "drawn", "as a picture")
_SETTLED = """() => new Promise((done) => {
  const look = () => document.querySelector(".reading-card").getAttribute("aria-busy") === "false"
    ? done(document.querySelector(".outputs .predicted th")?.textContent ?? "") : requestAnimationFrame(look);
  requestAnimationFrame(() => requestAnimationFrame(look));
})"""


def run() -> list[Table]:
    """Draw `OF_EACH` of each digit and let every network read them."""
    path = os.environ.get("HIPPO_CHROMIUM") or shutil.which("chromium") or "chromium"
    images, labels = _digits()
    with running("eventlet") as (server, client), sync_playwright() as playwright:
        ids = {name: _trained(client, sizes, training) for name, (sizes, training) in NETWORKS.items()}
        right: Counter[tuple[str, str, int]] = Counter()
        for name, network in ids.items():
            answers = [_original(client, network, image) for image in images]
            right.update(
                (name, WAYS[0], int(label)) for label, digit in zip(labels, answers, strict=True) if label == digit
            )
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        rng = np.random.default_rng(SEED)
        for image, label in zip(images, labels, strict=True):
            for way, put in ((WAYS[1], _draw), (WAYS[2], _upload)):
                for number, (name, network) in enumerate(ids.items()):
                    _show(page, server.url, network)
                    if not number:  # the others read the same paper
                        page.get_by_role("button", name="Clear").dispatch_event("click")  # also on an empty paper
                        put(page, image, rng)
                    if page.evaluate(_SETTLED) == str(label):
                        right[name, way, int(label)] += 1
        browser.close()
    return [_table(name, right) for name in NETWORKS]


def _table(name: str, right: Counter[tuple[str, str, int]]) -> Table:
    table = Table(
        f"Digits recognised under Draw: percent, {OF_EACH} of each digit, {name}",
        ["", *WAYS],
        notes=[
            f"'drawn': strokes along its lines, {SMALLEST:.0%} to {LARGEST:.0%} of the paper high or wide, anywhere on",
            "it, by the mouse in Chromium. 'as a picture': its pixels enlarged, dark on light, by Upload a picture.",
        ],
    )
    for digit in range(10):
        table.rows.append([str(digit), *(100 * right[name, way, digit] / OF_EACH for way in WAYS)])
    table.rows.append(["all", *(f"{10 * sum(right[name, way, d] for d in range(10)) / OF_EACH:.1f}" for way in WAYS)])
    return table


def _digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the first `OF_EACH` of each digit of the test set: (N, 784) uint8 and (N,)."""
    test = MNISTLoader().load_data().test_data
    chosen = np.concatenate([np.flatnonzero(np.asarray(test.labels) == digit)[:OF_EACH] for digit in range(10)])
    return np.asarray(test.pixels[chosen]), np.asarray(test.labels)[chosen]


def _trained(client: Client, sizes: list[int], training: dict[str, float]) -> str:
    activation = "sigmoid" if len(sizes) == 3 else "relu"
    made = client.expect(201, "POST", "/api/networks", layer_sizes=sizes, activation=activation, seed=1)
    network = str(made["network_id"])
    job = client.train(network, **training)
    wait_until(lambda: client.expect(200, "GET", f"/api/training/{job}")["state"] == "completed", 0.1)
    return network


def _original(client: Client, network: str, image: NDArray[np.uint8]) -> int:
    pixels = (image / 255).tolist()
    return int(client.expect(200, "POST", "/predict", pixels=pixels, model=network)["predicted_digit"])


def _show(page: Page, url: str, network: str) -> None:
    address = f"{url}/#/networks/{network}/draw"
    if page.url != address:
        page.goto(address)
        page.locator(".sample").first.wait_for()


def _draw(page: Page, image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw the digit with the mouse."""
    lines = strokes(image)
    points = np.array([point for line in lines for point in line])
    size = rng.uniform(SMALLEST, LARGEST)
    corner = rng.uniform(0.05, 0.95 - size * points.max(axis=0))
    box = page.locator("hippo-pad").bounding_box()
    assert box is not None
    for line in lines:
        places = [corner + size * np.array(point) for point in line]
        spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot in spots[1:]:
            page.mouse.move(*spot)
        page.mouse.up()


def _upload(page: Page, image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Give the page the digit as a picture, dark on light."""
    side = round(PICTURE * rng.uniform(SMALLEST, LARGEST))
    digit = Image.frombytes("L", (SIDE, SIDE), image.tobytes()).resize((side, side), Image.Resampling.BICUBIC)
    paper = Image.new("L", (PICTURE, PICTURE), 245)
    left, top = (int(place) for place in rng.uniform(0, PICTURE - side, 2))
    paper.paste(30, (left, top), digit)
    file = io.BytesIO()
    paper.save(file, "PNG")
    with page.expect_response("**/predict/image?**"):
        payload = FilePayload(name="digit.png", mimeType="image/png", buffer=file.getvalue())
        page.locator(".pad-card input[type=file]").set_input_files(payload)
