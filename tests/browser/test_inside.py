"""The network at work and what is inside: numbers as the server has them, live frames, one step explained and taken."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch
from tests.watched import arrays, split

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def trained(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Train a network; the tests of this file share it."""
    with Server(tmp_path_factory.mktemp("inside"), HIPPO_WORKERS="1") as server:
        yield server, steps.trained(server, {"layer_sizes": [784, 16, 10], "name": "seen"}, {"epochs": 1})


def header(server: Server, network: str, query: str) -> dict[str, Any]:
    """What the server says of the network as it is now."""
    whole = requests.get(f"{server.url}/api/networks/{network}/frame?{query}", timeout=20).content
    (length,) = struct.unpack_from(">I", whole)
    said: dict[str, Any] = json.loads(whole[4 : 4 + length])
    return said


def number(text: str) -> float:
    """Read a number as the page writes it."""
    digits, _, power = text.replace("\u2212", "-").partition("\u00b710")
    raised = str.maketrans("\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "-0123456789")
    return float(digits) * 10.0 ** int(power.translate(raised) or 0)


def shown(page: Page, term: str) -> float:
    return number(page.locator("hippo-neuron .equations div").filter(has_text=term).locator("dd").inner_text())


def test_a_neuron_chosen_by_keys_is_shown_in_numbers(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/learn")
    diagram = page.locator("hippo-diagram")
    expect(diagram).to_have_attribute("aria-label", re.compile("16, 10 neurons behind 784 pixels"))
    label = header(server, network, "example=0")["example"]["label"]
    expect(page.locator("hippo-neuron h3")).to_have_text(f"Output for {label}")
    diagram.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator(".diagram-words")).to_contain_text("Neuron 2 of hidden layer 1: z = ")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Neuron 2 of hidden layer 1 is kept.")).to_be_visible()
    expect(page.locator("hippo-neuron h3")).to_have_text("Neuron 2 of hidden layer 1")
    said = header(server, network, "example=0&layer=1&neuron=2")["neuron"]
    for term, name in (("z = ", "z"), ("a = ", "a"), ("b, the bias", "bias"), ("\u03b4", "delta")):
        assert shown(page, term) == pytest.approx(said[name], rel=1e-2, abs=1e-9), name
    page.keyboard.press("Escape")
    expect(page.get_by_text("is kept.")).to_have_count(0)


def products(server: Server, network: str, layer: int, neuron: int) -> list[list[float]]:
    """What counts most in the z of a neuron behind hidden layer 1, from the exact weights: w, x and w x."""
    query = f"example=0&layer={layer}&neuron={neuron}"
    whole = requests.get(f"{server.url}/api/networks/{network}/frame?{query}", timeout=20).content
    found = arrays(*split(whole))
    rows = zip(found["incoming"].tolist(), found[f"a.{layer - 1}"].tolist(), strict=True)
    return sorted(([w, x, w * x] for w, x in rows), key=lambda row: -abs(row[2]))[:6]


def expect_exact(page: Page, expected: list[list[float]]) -> None:
    """Wait until the card shows these numbers, to four digits."""
    table = page.locator("hippo-neuron .products tbody")
    expect(table).not_to_contain_text("\u2248")
    rows = [[number(cell) for cell in row.locator("td").all_inner_texts()] for row in table.locator("tr").all()]
    assert [cell for row in rows for cell in row] == pytest.approx([c for row in expected for c in row], rel=1e-3)


def test_the_card_has_exact_weights_and_what_is_rounded_says_so(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    label = header(server, network, "example=0")["example"]["label"]
    page.goto(f"{server.url}/#/networks/{network}/learn")
    title = page.locator("hippo-neuron h3")
    expect(title).to_have_text(f"Output for {label}")
    expect_exact(page, products(server, network, 2, label))
    with page.expect_response(re.compile(r"/frame\?.*neuron=3\b")) as asked:
        page.locator("hippo-diagram").focus()
        for key in ("ArrowDown", "ArrowRight", "Home", *["ArrowDown"] * 3):
            page.keyboard.press(key)
    assert asked.value.ok
    expect(title).to_have_text("Output for 3")
    expect_exact(page, products(server, network, 2, 3))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Output for 3 is kept.")).to_be_visible()
    expect_exact(page, products(server, network, 2, 3))

    page.route(re.compile(r"/frame\?.*neuron=4\b"), lambda route: None)  # the exact ones are long in coming
    page.keyboard.press("ArrowDown")
    expect(title).to_have_text("Output for 4")
    cells = page.locator("hippo-neuron .products tbody tr").first.locator("td").all_inner_texts()
    assert [text.startswith("\u2248") for text in cells] == [True, False, True]
    assert len(re.findall(r"\d", cells[0].lstrip("\u22480.\u2212\u00a0"))) <= 2


def test_another_digit_goes_through(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/learn")
    for place in (1, 2):
        page.get_by_role("button", name="Next digit").click()
        label = header(server, network, f"example={place}")["example"]["label"]
        expect(page.locator("hippo-neuron h3")).to_have_text(f"Output for {label}")
    page.get_by_label("Test digit").fill("99999")
    page.get_by_label("Test digit").press("Enter")
    expect(page.get_by_label("Test digit")).to_have_value("9999")
    expect(page.get_by_role("button", name="Next digit")).to_be_disabled()


def test_the_pointer_finds_neurons_connections_and_pixels(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/learn")
    diagram = page.locator("hippo-diagram")
    expect(diagram).to_have_attribute("aria-label", re.compile("drawn"))
    words = page.locator(".diagram-words")
    page.set_viewport_size({"width": 1400, "height": 1400})  # a pointer reaches only what is in view
    box = diagram.locator("canvas").last.bounding_box()
    assert box
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2)
    expect(words).to_contain_text(re.compile(r"^Pixel in row \d+, column \d+: "))
    right = box["x"] + box["width"] - 92  # where the outputs stand
    found = set()
    for y in range(0, int(box["height"]), 6):
        page.mouse.move(right, box["y"] + y)
        found.update(re.findall(r"^Output for (\d)", words.inner_text()))
    assert found == set("0123456789")
    page.mouse.move(0, 0)
    expect(words).to_contain_text("Move over or tap a neuron")


def test_a_tap_finds_neurons_and_pixels(browser: Browser, trained: tuple[Server, str]) -> None:
    server, network = trained
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    watch = Watch(context)
    page = context.new_page()
    page.goto(f"{server.url}/#/networks/{network}/learn")
    diagram = page.locator("hippo-diagram")
    expect(diagram).to_have_attribute("aria-label", re.compile("drawn"))
    words = page.locator(".diagram-words")
    expect(words).to_contain_text("Neurons are counted from 0; layers, rows and columns from 1.")
    diagram.evaluate("(diagram) => diagram.scrollIntoView({ block: 'start' })")
    box = diagram.locator("canvas").last.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + 40, box["y"] + box["height"] / 2)
    expect(words).to_contain_text(re.compile(r"^Pixel in row \d+, column \d+: "))
    outputs = box["x"] + box["width"] - 92
    middle = box["y"] + box["height"] / 2
    page.touchscreen.tap(outputs + 10, middle)  # a finger beside it
    expect(words).to_contain_text(re.compile(r"^Output for \d: z = "))
    name = words.inner_text().partition(":")[0]
    expect(page.get_by_text(f"{name} is kept.")).to_be_visible()
    expect(page.locator("hippo-neuron h3")).to_have_text(name)
    page.touchscreen.tap(outputs + 10, middle)
    expect(page.get_by_text("is kept.")).to_have_count(0)
    page.touchscreen.tap(outputs + 60, box["y"] + 8)
    expect(words).to_contain_text("Move over or tap")
    watch.check()
    context.close()


def test_gradients_are_checked_and_layers_shown(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/inside")
    page.get_by_role("button", name="Check the gradients").click()
    card = page.get_by_role("region", name="Gradient check", exact=True)
    expect(card.locator("tbody tr")).to_have_count(2)
    expect(card.get_by_role("cell", name="agrees", exact=True)).to_have_count(2)
    expect(card).to_contain_text("Below 1.00\u00b710\u207b\u2076 is good")
    expect(page.locator(".layer")).to_have_count(2)
    said = header(server, network, "example=0")["layers"][0]
    layer = page.get_by_role("region", name="Hidden layer 1")
    for name, field in (
        ("Weights", "histogram"),
        ("Biases", "bias_histogram"),
        ("Activations", "activation_histogram"),
    ):
        drawn = layer.get_by_role("img", name=f"{name} of hidden layer 1: from ")
        tall = drawn.locator("rect").evaluate_all("(all) => all.map((bar) => bar.getAttribute('height') / 10)")
        most = max(said[field]["counts"])
        assert tall == pytest.approx([count / most for count in said[field]["counts"]]), name
    expect(layer.locator(".histogram-ends").nth(2)).to_have_text("0activations1")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390  # tables scroll, the page does not
    pictures = page.get_by_role("img", name=re.compile("of 16 neurons of the first layer"))
    pictures.click(position={"x": 20, "y": 20})
    page.goto(f"{server.url}/#/networks/{network}/learn")
    expect(page.locator("hippo-neuron h3")).to_have_text("Neuron 0 of hidden layer 1")


def test_what_is_wrong_with_the_layers_is_said_beside_them(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    wrong = steps.trained(server, {"layer_sizes": [784, 16, 10], "initializer": "zeros"}, {"epochs": 1})
    page.goto(f"{server.url}/#/networks/{wrong}/inside")
    note = page.locator("p.callout", has_text="All 16 neurons of hidden layer 1 have the same weights as another one")
    note.get_by_role("link", name="What to try").click()
    expect(page.get_by_role("button", name="Try it with random weights")).to_be_visible()
    page.goto(f"{server.url}/#/networks/{network}/inside")
    expect(page.locator(".layer")).to_have_count(2)
    expect(note).to_have_count(0)


def test_a_run_is_seen_live_explained_step_by_step_and_after_a_restart(
    page: Page, server: Server, watch: Watch
) -> None:
    watch.expect_lost_connection()
    network = server.post("/api/networks", {"layer_sizes": [784, 16, 10], "seed": 1})["network_id"]
    job = server.post(f"/api/networks/{network}/train", {"epochs": 5000, "learning_rate": 0.5, "seed": 1})["job_id"]
    page.goto(f"{server.url}/#/networks/{network}/learn")
    diagram = page.locator("hippo-diagram")
    expect(diagram).to_have_attribute("data-step", re.compile(r"^[1-9]"))  # of the latest frame
    first = diagram.get_attribute("data-step") or ""
    expect(diagram).not_to_have_attribute("data-step", first)

    page.get_by_role("link", name="Inside", exact=True).click()
    norms = page.get_by_role("img", name="Gradient norm of every layer")
    expect(norms.locator(".u-series")).to_contain_text(["Mini-batch", "\u25cf Layer 1", "\u25a0 Outputs"])
    styles = "(all) => all.map((mark) => getComputedStyle(mark).borderTopStyle)"
    assert norms.locator(".u-marker").evaluate_all(styles) == ["none", "solid", "dashed"]  # none: steps
    expect(norms).to_have_attribute("aria-label", re.compile(r"logarithmic axis\. After mini-batch \d+: Layer 1 [\d.]"))
    page.get_by_role("button", name="Pause to look").click()
    card = page.get_by_role("region", name="One step, explained")
    expect(card.get_by_role("table", name="The weights that change most").locator("tbody tr").first).to_be_visible()
    expect(card.locator("tbody").first.locator("tr")).to_have_count(10)
    step = server.get(f"/api/training/{job}")["step"]
    said = card.get_by_role("table", name="The weights that change most").locator("tbody tr").first.locator("th, td")
    (place,) = re.findall(r"^neuron (\d+) of hidden layer 1$", said.nth(0).inner_text())
    after = said.nth(4).inner_text()
    batch = card.locator("p strong").first  # of the step that is explained
    explained = batch.inner_text()
    card.get_by_role("button", name="Take this step").click()
    expect(batch).not_to_have_text(explained)
    expect(card.get_by_role("button", name="Take this step")).to_be_enabled()
    assert server.get(f"/api/training/{job}")["step"] == step + 1
    now = server.get(f"/api/training/{job}/explanation?layer=2&neuron=0")["incoming_weights"][int(place)]
    assert number(after) == pytest.approx(now, rel=1e-3)

    server.kill()
    expect(page.locator(".banner")).to_contain_text("Reconnecting")
    server.start()
    steps.expect_connected(page)
    expect(card.get_by_role("button", name="Take this step")).to_be_enabled()
    assert server.get(f"/api/training/{job}")["step"] == step + 1
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_role("button", name="Resume").click()
    expect(diagram).to_have_attribute("data-step", re.compile(r"^\d+$"))
    expect(diagram).not_to_have_attribute("data-step", str(step + 1))
