"""How the page looks: light and dark, on a phone, with less motion, and without an element that has no name."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
READABLE = [
    ("--ink", "--bg"),
    ("--ink", "--surface"),
    ("--ink-2", "--bg"),
    ("--ink-2", "--surface"),
    ("--ink-2", "--sunken"),
    ("--ink-2", "--accent-soft"),
    ("--accent", "--bg"),
    ("--accent", "--surface"),
    ("--on-accent", "--accent"),
    ("--on-accent", "--accent-strong"),
    ("--accent-strong", "--accent-soft"),
    ("--bad", "--bg"),
    ("--bad", "--surface"),
    ("--bad", "--bad-soft"),
    ("--surface", "--bad"),
    ("--surface", "--ink"),
]
_NAMELESS = """() => ["button", "a", "input", "select", "progress", "img:not([alt=''])", "[role=img]", "[role=group]"]
  .flatMap((kind) => [...document.querySelectorAll(kind)])
  .filter((e) => !(e.labels?.[0]?.textContent || e.getAttribute("aria-label") || e.alt || e.textContent).trim())
  .map((e) => e.outerHTML)"""
_WITHOUT_A_SENTENCE = """() => [...document.querySelectorAll("main, header, nav")]
  .flatMap((place) => [...place.querySelectorAll(
    "button, input:not([hidden]), select, .brand, .docs, nav a, .matrix a, .answer, .table a")])
  .filter((e) => !e.title).map((e) => e.outerHTML)"""


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page, shared_server: Server) -> None:
    page.goto(shared_server.url)
    switch = page.get_by_role("switch", name="Dark theme")
    expect(switch).not_to_be_checked()
    light = page.evaluate(BACKGROUND)
    page.emulate_media(color_scheme="dark")
    expect(switch).to_be_checked()
    dark = page.evaluate(BACKGROUND)
    assert dark != light
    switch.click()
    expect(switch).not_to_be_checked()
    assert page.evaluate(BACKGROUND) == light
    page.reload()
    expect(switch).not_to_be_checked()
    assert page.evaluate(BACKGROUND) == light


def test_a_phone_shows_every_view_without_scrolling_sideways(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    context.set_default_timeout(20_000)
    watch = Watch(context)
    page = context.new_page()

    def check() -> None:
        assert not page.evaluate(WIDER_THAN_THE_WINDOW), page.url
        assert page.evaluate(_NAMELESS) == []

    page.goto(server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    check()
    page.get_by_role("link", name="New network").first.click()
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Hidden layers").fill("5," * 17 + "5")
    check()
    steps.create(page, name="a name of some length, without any end " * 2, epochs=1)
    expect(page.locator(".run .state")).to_have_text("Completed")
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    check()
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.locator(".example img.pixels")).to_have_count(2)
    check()
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.locator(".sample")).to_have_count(20)
    check()
    assert page.evaluate(_OUTSIDE, [".card > :not([hidden])", ".card"]) == []
    page.get_by_role("link", name="Compare runs").click()
    page.get_by_label("Choose a name of some length").check()
    expect(page.locator("hippo-lines canvas")).to_have_count(2)
    check()
    watch.check()
    context.close()


def test_a_very_high_speed_stays_in_its_place_on_a_phone(page: Page, server: Server) -> None:
    def fast(route: Route) -> None:
        answer = route.fetch()
        body = re.sub(r'("images_per_second": ?)[0-9.]+', r"\g<1>123456789.0", answer.text())
        route.fulfill(response=answer, body=body)

    network = steps.trained(server, {"layer_sizes": [784, 30, 10]}, {"epochs": 1})
    # Without a socket everything is asked for over HTTP, where it can be changed.
    page.route("**/socket.io/**", lambda route: route.abort())
    page.route_web_socket(re.compile("socket.io"), lambda socket: socket.close())
    page.route(re.compile("/api/training"), fast)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/#/networks/{network}/learn")
    expect(page.locator(".run-figures")).to_contain_text("123,000,000 images/s")
    assert page.evaluate(_OUTSIDE, [".run-figures dd", ".card"]) == []


@pytest.mark.parametrize("width", [390, 1400])
def test_a_long_name_without_a_space_stays_in_its_place(page: Page, server: Server, width: int) -> None:
    name = "averylongnamewithoutanyspace" * 3
    server.post("/api/networks", {"layer_sizes": [784, *[100] * 18, 10], "name": name})
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(server.url)
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    assert not page.evaluate(WIDER_THAN_THE_WINDOW)
    item = page.locator(".item-name")
    expect(item).to_have_attribute("title", name)
    assert page.evaluate(_OUTSIDE, ["h1", "main"]) == []
    assert page.evaluate(_OUTSIDE, [".facts span", "main"]) == []
    assert page.evaluate(_OUTSIDE, [".item > *", ".item"]) == []
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(name)
    assert page.evaluate(_OUTSIDE, ["dialog > *", "dialog"]) == []
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".notice")).to_contain_text(name)
    assert page.evaluate(_OUTSIDE, [".notice > *", ".notice"]) == []
    assert not page.evaluate(WIDER_THAN_THE_WINDOW)
    assert server.get("/api/networks")["networks"] == []


_OUTSIDE = """([inner, outer]) => [...document.querySelectorAll(inner)].filter((e) => {
  const [a, b] = [e.getBoundingClientRect(), e.closest(outer).getBoundingClientRect()];
  const cut = getComputedStyle(e).overflowX === "hidden";
  const spills = !cut && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
  return spills || a.left < b.left - 1 || a.right > b.right + 1;
}).map((e) => e.outerHTML)"""


def test_the_two_plots_stand_side_by_side_at_one_height(page: Page, server: Server) -> None:
    page.goto(server.url)
    steps.create(page, epochs=1)
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    for width in (1181, 1200, 1280, 1400, 1900):
        page.set_viewport_size({"width": width, "height": 900})
        left, right = page.locator("hippo-chart .u-over").all()
        expect(left).to_be_visible()
        boxes = [
            page.evaluate("(e) => e.getBoundingClientRect().toJSON()", plot.element_handle()) for plot in (left, right)
        ]
        assert abs(boxes[0]["top"] - boxes[1]["top"]) < 1, width
        assert boxes[0]["height"] == boxes[1]["height"], width
        assert boxes[0]["left"] < boxes[1]["left"], width
    page.set_viewport_size({"width": 1100, "height": 900})
    gaps = page.evaluate(_GAPS_UNDER_CAPTIONS)
    assert gaps == pytest.approx([8, 8], abs=1)


_GAPS_UNDER_CAPTIONS = """() => [...document.querySelectorAll(".charts figure")].map((figure) =>
  figure.querySelector("hippo-chart").getBoundingClientRect().top
  - figure.querySelector("figcaption").getBoundingClientRect().bottom)"""


def test_every_control_has_a_name_and_a_sentence(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    for step in ("welcome", "form", "learn", "test", "draw", "compare"):
        if step == "form":
            page.get_by_role("link", name="New network").first.click()
            expect(page.get_by_role("heading", name="New network")).to_be_visible()
        elif step == "learn":
            steps.create(page, epochs=1)
            expect(page.locator(".run .state")).to_have_text("Completed")
        elif step == "test":
            page.get_by_role("link", name="Test", exact=True).click()
            expect(page.locator(".example img.pixels")).to_have_count(2)
        elif step == "draw":
            page.get_by_role("link", name="Draw", exact=True).click()
            expect(page.locator(".sample")).to_have_count(20)
        elif step == "compare":
            page.get_by_role("link", name="Compare runs").click()
            page.get_by_label("Choose 784-30-10, run 1").check()
            expect(page.locator("hippo-lines canvas")).to_have_count(2)
        assert page.evaluate(_NAMELESS) == [], step
        assert page.evaluate(_WITHOUT_A_SENTENCE) == [], step


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, shared_server: Server, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{shared_server.url}/#/new")
    expect(page.get_by_role("heading", name="New network")).to_be_visible()
    for text, ground in READABLE:
        assert page.evaluate(_CONTRAST, [text, ground]) >= 4.5, (theme, text, ground)
    for edge in ("--bg", "--surface"):
        assert page.evaluate(_CONTRAST, ["--edge", edge]) >= 3, (theme, edge)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_digits_are_dark_ink_on_white_paper_everywhere(page: Page, server: Server, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    network = steps.trained(server, {"layer_sizes": [784, 30, 10]}, {"epochs": 1})
    page.goto(f"{server.url}/#/networks/{network}/draw")
    page.locator(".sample").first.click()
    expect(page.locator(".nearest img")).to_have_count(5)
    for place in ("hippo-pad canvas", ".seen img", ".nearest img", ".sample img"):
        _expect_ink_on_paper(page, place)
    page.get_by_role("link", name="Test", exact=True).click()
    for place in (".example img", ".answer img"):
        _expect_ink_on_paper(page, place)
    server.post(f"/api/networks/{network}/train", {"epochs": 500, "seed": 1})
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".run .state")).to_have_text("Paused")
    expect(page.locator("hippo-diagram[data-step]")).to_be_visible()
    _expect_ink_on_paper(page, "hippo-diagram canvas", {"x": 15, "y": -73, "width": 164, "height": 164})
    page.get_by_role("link", name="Inside", exact=True).click()
    _expect_ink_on_paper(page, ".explained img")
    page.get_by_role("link", name="Learn", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")


def _expect_ink_on_paper(page: Page, place: str, part: dict[str, float] | None = None) -> None:
    """Look at a picture as the screen shows it; `part` is from its left and its middle, for one within another."""
    shown = page.locator(place).first
    expect(shown).to_be_visible()
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    assert box is not None
    if part:
        middle = box["y"] + box["height"] / 2
        box = part | {"x": box["x"] + part["x"], "y": middle + part["y"]}
    clip: Any = {name: round(value) for name, value in box.items()}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as image:
        grey = image.convert("L")
    edge, middle_row = grey.width // 16 + 1, grey.height // 2
    paper = grey.getpixel((edge, middle_row))
    assert isinstance(paper, int)
    assert paper > 240, place
    darkest, _ = grey.getextrema()
    assert isinstance(darkest, int)
    assert darkest < 60, place


_CONTRAST = """([text, ground]) => {
  const probe = document.body.appendChild(document.createElement("i"));
  const luminance = (name) => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const share = Number(part) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const [low, high] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
  probe.remove();
  return (high + 0.05) / (low + 0.05);
}"""
