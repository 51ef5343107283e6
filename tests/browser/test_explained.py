"""One step, explained: who types what the page shows into a calculator finds what the page shows."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import steps
from tests.browser.server import Server

pytestmark = pytest.mark.browser

RAISED = str.maketrans("\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "-0123456789")
POWER = re.compile("\u00b710([\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+)")
#: What comes out of a formula is written with three digits or four.
ROUNDED = 5.1e-3
SIGNS: dict[type, Callable[[float], float]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
OPERATIONS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
RECTIFIED = {"layer_sizes": [784, 32, 32, 10], "activation": "relu", "dropout": 0.5}
CLASSIC = {"layer_sizes": [784, 32, 32, 10], "activation": "sigmoid"}


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for the tests of this file, which end their runs."""
    with Server(tmp_path_factory.mktemp("explained")) as server:
        yield server


def calculated(text: str) -> float:
    """Return what a calculator makes of a line such as "−3·(0.9·(−1) + 0.25)"; words are left out."""
    text = re.sub(r"\(1 \u2212 a\u00b2\)|from [\d,]+ more images?", "", text)
    text = re.sub(
        r"([\d.e\u2212]+|\([^()]*\))\u00b2", r"\1**2", POWER.sub(lambda found: f"e{found[1].translate(RAISED)}", text)
    )
    code = text.replace("\u2212", "-").replace("\u00b7", "*").strip()
    return value_of(ast.parse(code, mode="eval").body)


def value_of(term: ast.expr) -> float:
    """Return the value of a sum, product or power of numbers; nothing else can be in it."""
    match term:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in SIGNS:
            return SIGNS[type(sign)](value_of(inner))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATIONS:
            return OPERATIONS[type(sign)](value_of(left), value_of(right))
    raise AssertionError(ast.dump(term))


def resting(server: Server, network: dict[str, Any], settings: dict[str, Any]) -> tuple[str, str]:
    """Begin a run and let it rest after some steps; return the network's id and the job's."""
    made = server.post("/api/networks", {"seed": 1, **network})["network_id"]
    job = server.post(f"/api/networks/{made}/train", {"epochs": 50, "seed": 1, **settings})["job_id"]
    server.post(f"/api/training/{job}/pace", {"batches_per_second": 20})
    steps.wait_until(lambda: server.get(f"/api/training/{job}")["step"] >= 10)
    server.post(f"/api/training/{job}/pause", {})
    steps.wait_until(lambda: server.get(f"/api/training/{job}")["state"] == "paused")
    return made, job


def learning(server: Server, job: str, layer: int) -> int:
    """Return a neuron of a layer that learns something from some images: others may be dropped for all of them."""

    def learns(neuron: int) -> bool:
        said = server.get(f"/api/training/{job}/explanation?layer={layer}&neuron={neuron}")
        # More weights than the first, which is chosen without being pressed.
        return sum(1 for example in said["examples"] if example["delta"]) > 1 and len(said["weights"]) > 2

    return next(neuron for neuron in range(1, 10 if layer == 3 else 32) if learns(neuron))


def opened(page: Page, server: Server, network: str, layer: int, neuron: int) -> Locator:
    page.goto(f"{server.url}/#/networks/{network}/inside")
    card = page.get_by_role("region", name="One step, explained")
    card.get_by_role("combobox", name="Layer").select_option(index=layer - 1)
    card.get_by_role("textbox", name="Neuron").fill(str(neuron))
    with page.expect_response(re.compile(rf"explanation\?layer={layer}&neuron={neuron}")):
        card.get_by_role("textbox", name="Neuron").press("Enter")
    expect(card).to_have_attribute("aria-busy", "false")
    return card


def cells(row: Locator) -> list[float]:
    """Return the numbers in a row of a table."""
    return [calculated(text) for text in row.locator("td").all_inner_texts() if re.match("[\u2212\\d]", text)]


def expect_sum(table: Locator) -> float:
    """Expect that the terms are the products of their factors, and add up; return what to."""
    rows = [cells(row) for row in table.locator("tbody tr").all()]
    for row in rows:
        assert len(row) in (1, 2, 3)
        if len(row) == 3:
            assert row[0] * row[1] == pytest.approx(row[2], rel=1e-4)
    (total,) = cells(table.locator("tfoot tr"))
    terms = [row[-1] for row in rows]
    assert sum(terms) == pytest.approx(total, abs=2e-5 * sum(map(abs, terms)) + 1e-15)
    return total


def expect_formula(line: str) -> list[float]:
    """Expect that both sides of the last equals sign are the same; return them."""
    left, right = (calculated(side) for side in line.split(", so ")[0].split("; the run")[0].split(" = ")[-2:])
    assert left == pytest.approx(right, rel=ROUNDED, abs=1e-30), line
    return [left, right]


@pytest.mark.parametrize(
    ("network", "settings", "layer"),
    [
        (RECTIFIED, {"learning_rate": 0.1, "label_smoothing": 0.1}, 1),
        (RECTIFIED, {"learning_rate": 0.1, "label_smoothing": 0.1}, 2),
        (RECTIFIED, {"learning_rate": 0.1, "label_smoothing": 0.1, "mini_batch_size": 50}, 3),
        (CLASSIC, {"learning_rate": 0.5}, 2),
        (CLASSIC, {"learning_rate": 0.5}, 3),
    ],
    ids=["dropout first", "dropout second", "softmax of 50", "sigmoid", "quadratic"],
)
def test_a_calculator_finds_the_whole_step(
    page: Page, server: Server, network: dict[str, Any], settings: dict[str, Any], layer: int
) -> None:
    made, job = resting(server, network, settings)
    card = opened(page, server, made, layer, learning(server, job, layer))
    images = card.get_by_role("region", name="Numbers of each image").locator("table")
    rows = images.locator("tbody tr").all()
    assert len(rows) == (20 if "mini_batch_size" in settings else 10)
    for place, row in enumerate(rows[:10]):
        row.get_by_role("radio").check()
        expect(card.get_by_role("heading", name=f"Image {place + 1} of the mini-batch")).to_be_visible()
        z, a, *_, delta = cells(row)[1:-2] if len(cells(row)) > 4 else cells(row)[1:]
        assert expect_sum(card.get_by_role("region", name="z = ")) == z
        words = dict(
            zip(
                *(card.locator(f".formulas {part}").all_inner_texts() for part in (".formula-name", "code")),
                strict=True,
            )
        )
        by_formula = expect_formula(words["Backward"])[0]
        assert delta == pytest.approx(by_formula, rel=2e-3) or "float32" in words["Backward"]
        if layer < 3:
            back = expect_sum(card.get_by_role("region", name="What comes back"))
            assert (
                card.get_by_role("region", name="What comes back").locator("tfoot td").inner_text() in words["Backward"]
            )
        if network is RECTIFIED and layer < 3:
            dropout = row.locator("td").nth(3).inner_text()
            assert dropout in ("kept \u00d72", "dropped")
            assert a == max(0, float(f"{z:.4g}"))
            slope = float(z > 0)
            assert delta == pytest.approx((2 if dropout.startswith("kept") else 0) * slope * back, rel=1e-4)
            handed_on = words["Forward"].split("\n")[1]
            assert handed_on.startswith("kept: x = " if dropout.startswith("kept") else "dropped: ")

    weights = card.get_by_role("table", name="The weights that change most").locator("tbody tr")
    other = weights.nth(2)
    other.get_by_role("radio").check()
    chosen = other.locator("th").inner_text().strip()
    expect(images.locator("thead th").nth(-2)).to_have_text(f"x, {chosen.split(' of hidden')[0]}")
    w, gradient, change, after = cells(other)
    sums = [0.0, 0.0]
    for row in rows:
        delta, x, product = cells(row)[-3:]
        assert x * delta == pytest.approx(product, rel=1e-4)
        sums = [sums[0] + delta, sums[1] + product]
    *rest, total = [cells(row) for row in images.locator("tfoot tr").all()]
    assert len(rest) == ("mini_batch_size" in settings)
    for delta, product in rest:
        sums = [sums[0] + delta, sums[1] + product]
    assert sums == pytest.approx(total, rel=1e-3)
    assert total[1] == gradient
    assert change == pytest.approx(-settings["learning_rate"] * gradient, rel=ROUNDED)
    assert after == pytest.approx(w + change, abs=1e-5 * abs(w) + ROUNDED * abs(change))
    for formula in card.locator(".formulas").last.locator("code").all_inner_texts():
        first, second = formula.split("\n")
        assert "\u2202C/\u2202" in second
        expect_formula(second)
        if "x \u03b4" in first:
            expect_formula(first)

    shown = other.locator("td").nth(3).inner_text()
    card.get_by_role("button", name="Take this step").click()
    taken = weights.filter(has_text=re.compile(f"^\\s*{re.escape(chosen)}(?!\\d)"))
    expect(taken.locator("td").first).to_have_text(shown)
    expect(taken.get_by_role("radio")).to_be_checked()
    server.post(f"/api/training/{job}/cancel", {})


def test_no_line_ends_within_a_number_on_a_phone(page: Page, server: Server) -> None:
    made, job = resting(server, CLASSIC, {"learning_rate": 0.5, "momentum": 0.9})
    page.set_viewport_size({"width": 390, "height": 844})
    card = opened(page, server, made, 2, 4)
    whole = card.locator(".formulas .unbroken")
    assert whole.count() > 10
    assert whole.evaluate_all("all => all.filter((one) => one.getClientRects().length !== 1).length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    server.post(f"/api/training/{job}/cancel", {})
