"""The page outlives what happens to the server: a kill and a restart, a cut wire, no sockets, a token."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch
from tests.browser.wire import Wire

pytestmark = pytest.mark.browser

RECONNECTING = re.compile("reconnecting")


def test_killed_and_started_again_the_page_goes_on_by_itself(page: Page, server: Server, watch: Watch) -> None:
    watch.expect_lost_connection()
    page.goto(server.url)
    steps.create(page, name="kept", epochs=2)
    expect(page.locator(".run .state")).to_have_text("Completed")
    steps.create(page, name="running", epochs=400)
    steps.expect_epoch(page, 2, 400)
    page.get_by_label("Mini-batch size").fill("77")

    server.kill()
    expect(page.locator(".connection")).to_have_text(RECONNECTING)
    expect(page.locator(".banner")).to_contain_text("What you see is from")
    expect_last_heard(page)
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".notice")).to_contain_text("The server does not answer")
    server.start()

    steps.expect_connected(page)
    expect(page.locator(".notice")).to_have_count(0)
    expect(page.locator(".banner")).to_be_hidden()
    expect(page.locator(".run .state")).to_have_text("Training")
    expect(page.locator("body")).not_to_contain_text("Last heard")
    expect(page).not_to_have_title(re.compile("Last heard"))
    steps.expect_epoch(page, 5, 400)
    expect(page.get_by_label("Mini-batch size")).to_have_value("77")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .callout")).to_contain_text("was stopped with")
    page.get_by_role("link", name="kept").click()
    expect(page.locator(".item[aria-current]")).to_contain_text("Trained")
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.locator(".example img.pixels")).to_have_count(2)


def expect_last_heard(page: Page) -> None:
    """What is said of the run is what was last heard, and its time stands still."""
    for place in (".run .state", ".item[aria-current]", ".figures", ".runs .state", ".workers", "#control-standing"):
        expect(page.locator(place).first).to_contain_text("Last heard: ")
    expect(page).to_have_title(re.compile(r"^Last heard: \d+\s% – running – Learn – Hippo$"))
    state, accuracy = (page.locator(f".run-item {place}").bounding_box() for place in (".state", ".run-accuracy"))
    assert state is not None
    assert accuracy is not None
    assert state["x"] + state["width"] <= accuracy["x"]
    expect(page.locator(".figures")).not_to_contain_text("Time left")
    expect(page.locator(".run-figures")).to_contain_text(re.compile(r"Time left\s*–"))
    expect(page.locator(".item").filter(has_text="kept")).to_contain_text("Trained")
    elapsed = page.locator(".run-figures div").filter(has_text="Elapsed").locator("dd")
    before = elapsed.inner_text()
    page.evaluate(
        "{ const now = Date.now; window.back = () => { Date.now = now; }; Date.now = () => now() + 7_200_000; }"
    )
    page.get_by_label("Mini-batch size").fill("77")  # so that the page is drawn again
    expect(page.locator(".facts")).to_contain_text(re.compile(r"created 2\sh ago"))
    expect(elapsed).to_have_text(before)
    page.evaluate("window.back()")


def test_stopped_in_good_order_and_started_again(page: Page, server: Server, watch: Watch) -> None:
    watch.expect_lost_connection()
    page.goto(server.url)
    steps.create(page, epochs=400)
    steps.expect_epoch(page, 2, 400)
    assert server.stop() == 0
    expect(page.locator(".connection")).to_have_text(RECONNECTING)
    server.start()
    steps.expect_connected(page)
    steps.expect_epoch(page, 4, 400)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .callout")).to_contain_text("was stopped with")


def test_a_drawing_waits_for_the_server_and_says_so(page: Page, server: Server, watch: Watch) -> None:
    watch.expect_lost_connection()
    page.goto(server.url)
    steps.create(page, train=False)
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.locator(".sample")).to_have_count(20)
    server.stop()
    expect(page.locator(".connection")).to_have_text(RECONNECTING)
    page.locator("hippo-pad").click()
    card = page.locator(".reading-card")
    expect(card.get_by_role("alert")).to_have_text(
        "The server does not answer. What you drew is kept, and read when it is back."
    )
    expect(card.locator(".verdict")).to_have_text("No answer")
    server.start()
    steps.expect_connected(page)
    expect(card.locator(".verdict .value")).to_be_visible()
    expect(card.get_by_role("alert")).to_have_count(0)


def test_a_cut_wire_costs_no_epoch(page: Page, server: Server, watch: Watch) -> None:
    watch.expect_lost_connection()
    wire = Wire(server.port)
    page.goto(wire.url)
    steps.create(page, epochs=400)
    steps.expect_epoch(page, 2, 400)
    job = server.get("/api/training")["jobs"][0]["job_id"]

    wire.cut()
    expect(page.locator(".connection")).to_have_text(RECONNECTING)
    missed = server.get(f"/api/training/{job}")["epoch"] + 2
    while server.get(f"/api/training/{job}")["epoch"] < missed:
        pass
    wire.mend()

    steps.expect_connected(page)
    steps.expect_epoch(page, missed, 400)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .callout")).to_contain_text("was stopped with")
    steps.expect_epochs_drawn(page, server.get(f"/api/training/{job}")["epoch"])
    wire.cut()


def test_without_sockets_the_page_polls(page: Page, server: Server, watch: Watch) -> None:
    watch.expected += ["Failed to load resource: net::ERR_FAILED", "WebSocket connection to"]
    page.route("**/socket.io/**", lambda route: route.abort())
    page.route_web_socket(re.compile("socket.io"), lambda socket: socket.close())
    page.goto(server.url)
    expect(page.locator(".connection")).to_have_text("connected, polling")
    steps.create(page, epochs=4)
    expect(page.locator(".run .state")).to_have_text("Completed")
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    steps.expect_epochs_drawn(page, 4)


def test_the_token_comes_by_address_or_by_hand(
    page: Page, browser: Browser, server_with_token: Server, watch: Watch
) -> None:
    watch.expected.append("status of 401")
    server = server_with_token
    page.goto(f"{server.url}/#token=sesame-sesame-sesame&/new")
    expect(page.get_by_role("heading", name="New network")).to_be_visible()
    steps.expect_connected(page)
    assert "sesame" not in page.url
    steps.create(page, epochs=1)
    expect(page.locator(".run .state")).to_have_text("Completed")
    page.reload()
    expect(page.locator(".run .state")).to_have_text("Completed")

    stranger = page.context.new_page()  # a tab of its own: no token is kept there
    stranger.goto(server.url)
    expect(stranger.get_by_role("heading", name="This server wants a token")).to_be_visible()
    expect(stranger.locator(".connection")).to_have_text("needs a token")
    with stranger.expect_response("**/api/networks"):
        pass  # the page has begun to ask every few seconds
    expect(stranger.locator(".connection")).to_have_text("needs a token")
    stranger.get_by_label("Token").fill("wrong-wrong-wrong-wrong")
    stranger.get_by_role("button", name="Use this token").click()
    expect(stranger.get_by_role("alert").filter(has_text="refused this token")).to_be_visible()
    stranger.get_by_label("Token").fill("sesame-sesame-sesame")
    stranger.get_by_role("button", name="Use this token").click()
    expect(stranger.locator(".run .state")).to_have_text("Completed")
    steps.expect_connected(stranger)


@pytest.fixture
def server_with_token(browser: Browser, tmp_path: Path):  # type: ignore[no-untyped-def]
    with Server(tmp_path, HIPPO_AUTH="on", HIPPO_TOKEN="sesame-sesame-sesame") as server:  # noqa: S106 - a test's
        yield server
