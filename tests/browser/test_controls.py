"""Runs controlled on the page, experiments as links, and what is said about a run that goes wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

RECONNECTING = re.compile("^reconnecting")


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for the file; every test has networks of its own, and leaves no run behind."""
    with Server(tmp_path_factory.mktemp("controls")) as server:
        yield server


@pytest.fixture
def run(server: Server, page: Page) -> Iterator[dict[str, Any]]:
    """Show a run that would go on for minutes; it ends with the test."""
    network = server.post("/api/networks", {"layer_sizes": [784, 30, 10], "name": "Classic", "seed": 7})
    job = server.post(f"/api/networks/{network['network_id']}/train", {"epochs": 500, "seed": 3})
    page.goto(f"{server.url}/#/networks/{network['network_id']}/learn")
    steps.expect_epoch(page, 1, 500)
    yield job
    if server.get(f"/api/training/{job['job_id']}")["state"] in ("running", "paused"):
        server.post(f"/api/training/{job['job_id']}/cancel", {})


def record(server: Server, job: dict[str, Any]) -> Any:
    return server.get(f"/api/training/{job['job_id']}")


def pause(page: Page) -> None:
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".run .state")).to_have_text("Paused")


def test_a_pause_frees_the_worker_and_steps_are_single(page: Page, server: Server, run: dict[str, Any]) -> None:
    pause(page)
    rests = record(server, run)
    assert rests["state"] == "paused"
    assert server.get("/api/status")["workers_busy"] == 0
    expect(page.locator(".workers")).to_contain_text("all free")
    expect(page.locator(".item[aria-current]")).to_contain_text("Paused")
    expect(page.locator(".figures")).to_contain_text(re.compile(r"Status\s*Paused"))
    expect(page.locator(".run-figures")).to_contain_text(re.compile(r"Time left\s*–"))
    expect(page).to_have_title(re.compile(r"^Paused \d+\s% – Classic – Learn – Hippo$"))

    for n in (1, 2):
        step = page.get_by_role("button", name="One mini-batch")
        step.press("Enter")
        expect(page.locator("#announcer")).to_contain_text(f", {rests['batch'] + n:,} of 5,000 mini-batches finished")
        expect(step).to_be_enabled()
        expect(step).to_be_focused()
        now = record(server, run)
        assert (now["state"], now["step"]) == ("paused", rests["step"] + n)
        figures = page.locator(".run-figures")
        expect(figures).to_contain_text(re.compile(rf"Training loss, epoch {rests['epoch']}\s*{now['loss']:.3g}"[:-1]))
        expect(figures).to_contain_text(re.compile(r"Training loss so far\s*\d"))

    so_far = re.compile(rf"Training loss so far\s*{now['loss_so_far']:.3g}"[:-1])
    expect(figures).to_contain_text(so_far)
    under = f"{rests['epoch'] + 1} of 500"
    for place in (".figures", ".run-figures"):
        expect(page.locator(place)).to_contain_text(re.compile(rf"Epoch\s*{under}"))
    expect(page.locator(".run-settings")).to_contain_text(f"epoch {under}, batch 10")
    expect(page.locator(".run progress")).to_have_attribute("aria-valuetext", re.compile(f"%, epoch {under}$"))

    page.reload()
    expect(page.locator(".run .state")).to_have_text("Paused")
    expect(figures).to_contain_text(so_far)
    standing = page.locator("#control-standing")
    expect(standing).to_contain_text(f"epoch {under}, {rests['batch'] + 2:,} of 5,000 mini-batches finished")
    page.get_by_role("button", name="One epoch").click()
    expect(standing).to_have_text(re.compile(rf"^Paused: {rests['epoch'] + 1} of 500\sepochs finished\."))
    for place in (".figures", ".run-figures"):
        expect(page.locator(place)).to_contain_text(re.compile(rf"Epochs finished\s*{under}"))
    page.get_by_role("button", name="Resume").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()
    steps.expect_epoch(page, rests["epoch"] + 2, 500)


#: Where the controls, the drawing and what is below it stand on the page.
PLACES = [
    "#control-cancel",
    "#control-batch",
    "#control-epoch",
    ".pace",
    "#control-standing",
    "hippo-diagram",
    ".legend",
]
STANDS = """(places) => places.map((place) => {
  const { x, y } = document.querySelector(place).getBoundingClientRect();
  return [place, x + scrollX, y + scrollY];
})"""


@pytest.mark.parametrize(("width", "height"), [(1360, 1000), (390, 844)])
def test_the_controls_stand_over_the_drawing_and_nothing_moves(
    page: Page, server: Server, run: dict[str, Any], width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    expect(page.locator("hippo-diagram[data-step]")).to_be_visible()
    expect(page.locator(".workers")).to_contain_text("worker")
    figures = page.locator(".run-figures")
    expect(figures).to_contain_text(re.compile(r"Training loss, epoch \d+"))
    stands = page.evaluate(STANDS, PLACES)
    drawing = page.locator("hippo-diagram canvas").first.bounding_box()
    row = page.locator(".control-row").bounding_box()
    assert drawing
    assert row
    assert row["y"] < drawing["y"]
    assert drawing["y"] + drawing["height"] - row["y"] < 0.75 * height
    page.get_by_role("radio", name="3", exact=True).check()
    expect(page.locator("#control-standing")).to_contain_text("In slow motion")
    assert page.evaluate(STANDS, PLACES) == stands
    pause(page)
    expect(figures).to_contain_text(re.compile(r"Time left\s*–"))
    assert page.evaluate(STANDS, PLACES) == stands
    before = record(server, run)["batch"]
    page.get_by_role("button", name="One mini-batch").click()
    expect(page.locator("#control-standing")).to_contain_text(f", {before + 1:,} of 5,000")
    expect(figures).to_contain_text(re.compile(r"Training loss so far\s*\d"))
    assert page.evaluate(STANDS, PLACES) == stands
    page.get_by_role("button", name="One epoch").click()
    standing = page.locator("#control-standing")
    expect(standing).to_have_text(
        re.compile("^In slow motion: 3\\smini-batches a second; pauses at the end of this epoch")
    )
    expect(page.locator(".figures")).to_contain_text("Time left, whole run")
    assert page.evaluate(STANDS, PLACES) == stands
    page.reload()
    expect(standing).to_contain_text("pauses at the end of this epoch")
    expect(page.get_by_role("button", name="One mini-batch")).to_have_attribute("aria-disabled", "true")


def test_slow_motion_and_settings_in_flight(page: Page, server: Server, run: dict[str, Any]) -> None:
    page.get_by_role("radio", name="10", exact=True).check()
    expect(page.locator("#control-standing")).to_have_text(re.compile(r"In slow motion: 10\smini-batches a second\."))
    expect(page.locator(".run-figures")).to_contain_text(re.compile(r"Mini-batches finished\s*[\d,]+ of 5,000"))
    assert record(server, run)["pace"] == 10

    expect(page.get_by_text("changed on the way are left out")).to_have_count(0)
    rate, momentum = page.get_by_label("Learning rate now"), page.get_by_label("Momentum now")
    momentum.fill("1")
    page.get_by_role("button", name="Change settings").click()
    expect(momentum).to_have_accessible_description(re.compile("The momentum must be from 0 to below 1"))
    momentum.fill("0")
    rate.fill("0.5")
    rate.press("Enter")
    form = page.get_by_role("form", name="Settings in flight")
    counts = re.compile(r"^Learning rate 0\.5 counts (from the next mini-batch on|since epoch \d+)\.$")
    expect(form.get_by_role("status")).to_have_text(counts)
    page.get_by_role("radio", name="Full speed").check()
    expect(page.locator("#control-standing")).to_have_text("At full speed.")
    expect(form.get_by_role("status")).to_have_text("")  # that epoch is over
    for chart in page.locator("hippo-chart").all():
        expect(chart).to_have_attribute("aria-label", re.compile(r"in epoch \d+ learning rate from 3 to 0\.5"))
    assert [change["learning_rate"] for change in record(server, run)["changes"]] == [0.5]
    page.reload()
    expect(page.locator("hippo-chart").first).to_have_attribute("aria-label", re.compile("from 3 to 0.5"))
    expect(page.locator(".run-settings")).not_to_contain_text("momentum")
    momentum.fill("0.9")
    momentum.press("Enter")
    row = re.compile(r"rate 3 \u2192 0\.5 in epoch \d+, momentum off \u2192 0\.9 in epoch \d+, ")
    expect(page.locator(".run-settings")).to_contain_text(row)

    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")
    # The same start is that from before the change, and says so.
    expect(page.get_by_role("group", name="This experiment")).to_contain_text("changed on the way are left out")
    page.get_by_role("button", name="Same start, one change").click()
    expect(page.get_by_label("Learning rate")).to_have_value("3")
    expect(page.locator(".create .callout")).to_contain_text("the settings that run began with, without those changed")


def change_rate(server: Server, job: dict[str, Any], rate: float) -> None:
    """Change a run's learning rate past the page, and wait until it counts."""
    before = len(record(server, job)["changes"])
    server.post(f"/api/training/{job['job_id']}/settings", {"learning_rate": rate})
    steps.wait_until(lambda: len(record(server, job)["changes"]) > before)


def stop(server: Server, job: dict[str, Any]) -> None:
    server.post(f"/api/training/{job['job_id']}/cancel", {})
    steps.wait_until(lambda: record(server, job)["finished_at"] is not None)


def test_changes_close_together_are_numbered_and_told_below(page: Page, server: Server, run: dict[str, Any]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for rate in (0.5, 0.4, 0.3, 0.2):
        change_rate(server, run, rate)
    stop(server, run)
    told = page.locator(".mark-list li")
    expect(told).to_have_text(
        [
            re.compile(rf"^{n} \u00b7 in epoch \d+: learning rate from {old} to {new}$")
            for n, (old, new) in enumerate([("3", "0.5"), ("0.5", "0.4"), ("0.4", "0.3"), ("0.3", "0.2")], 1)
        ]
    )
    for chart in page.locator("hippo-chart").all():
        expect(chart.locator(".mark-badge").last).to_have_text(re.compile("4$"))
        boxes = chart.evaluate(
            "(e) => [e, e.querySelector('.u-over'), ...e.querySelectorAll('.mark-badge')]"
            ".map((one) => one.getBoundingClientRect().toJSON())"
        )
        whole, plot, *badges = boxes
        for badge, after in zip(badges, [*badges[1:], {"left": whole["right"] + 1}], strict=True):
            assert whole["left"] <= badge["left"] < badge["right"] < after["left"]
            assert whole["top"] <= badge["top"] < badge["bottom"] <= plot["top"]

    # A run with as many changes has marks of its own.
    network = run["network_id"]
    other = server.post(f"/api/networks/{network}/train", {"epochs": 500, "mini_batch_size": 1000})
    steps.wait_until(lambda: record(server, other)["epoch"] >= 1)
    for rate in (1.5, 1.4, 1.3, 1.2):
        change_rate(server, other, rate)
    stop(server, other)
    badges = page.locator("hippo-chart").first.locator(".mark-badge")
    for shown, begin, end in ((run, "3 to 0.5", "0.3 to 0.2"), (other, "3 to 1.5", "1.3 to 1.2")) * 2:
        page.goto(f"{server.url}/#/networks/{network}/learn?run={shown['job_id']}")
        expect(badges.first).to_have_attribute("title", re.compile(begin))
        expect(badges.last).to_have_attribute("title", re.compile(end))


def test_a_second_tab_shows_what_the_first_asked_for(page: Page, server: Server, run: dict[str, Any]) -> None:
    other = page.context.new_page()
    other.goto(page.url)
    steps.expect_connected(other)
    other.get_by_label("Learning rate now").fill("2")
    other.get_by_role("button", name="Change settings").click()
    form = other.get_by_role("form", name="Settings in flight")
    expect(form.get_by_role("status")).to_contain_text("Learning rate 2 counts")
    expect(page.get_by_label("Learning rate now")).to_have_value("2")

    page.get_by_role("radio", name="10", exact=True).check()
    expect(other.get_by_role("radio", name="10", exact=True)).to_be_checked()
    expect(other.locator("#control-standing")).to_contain_text("In slow motion")
    pause(page)
    expect(other.locator(".run .state")).to_have_text("Paused")
    page.get_by_label("Momentum now").fill("0.5")  # a paused run takes it only when it goes on
    page.get_by_role("button", name="Change settings").click()
    expect(other.get_by_label("Momentum now")).to_have_value("0.5")
    expect(form.get_by_role("status")).to_have_text("Momentum 0.5 counts from the next mini-batch on.")


def test_what_the_state_does_not_allow_is_said_in_words(
    page: Page, server: Server, run: dict[str, Any], watch: Watch
) -> None:
    watch.expected.append("409 (CONFLICT)")

    def somebody_was_first(route: Route) -> None:
        server.post(f"/api/training/{run['job_id']}/pause", {})
        steps.wait_until(lambda: record(server, run)["state"] == "paused")
        route.continue_()

    page.route("**/pause", somebody_was_first)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("paused already")
    expect(page.locator(".run .state")).to_have_text("Paused")


def test_a_link_opens_the_same_form(page: Page, context: BrowserContext, server: Server, watch: Watch) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.url}/#/new")
    page.get_by_label("Hidden layers").fill("16")
    page.get_by_label("Epochs").fill("1")
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Seed (optional)").fill("7")
    page.get_by_label("Dropout").fill("0.1")
    page.get_by_text("Advanced training").click()
    page.get_by_label("Optimizer").select_option("adam")
    expect(page.get_by_label("Learning rate")).to_have_value("0.001")
    page.get_by_label("Weight decay").fill("-1")
    # Pressed slowly: what is said of the field left by it may not move the box from under the pointer.
    page.get_by_label("Shuffle").hover()
    page.mouse.down()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.up()
    expect(page.get_by_label("Shuffle")).not_to_be_checked()
    expect(page.get_by_label("Weight decay")).to_have_accessible_description(re.compile("must be 0 or more"))
    page.get_by_text("Advanced training").click()
    page.get_by_role("button", name="Create and train").click()
    expect(page.get_by_label("Weight decay")).to_be_focused()
    expect(page.get_by_label("Weight decay")).to_have_accessible_description(re.compile("must be 0 or more"))
    page.get_by_label("Weight decay").fill("0.0001")
    page.get_by_role("button", name="Create and train").click()
    expect(page.locator(".run .state")).to_have_text("Completed")
    first = server.get(f"/api/training?network_id={steps.network_id(page)}")["jobs"][0]
    chosen = {"optimizer": "adam", "weight_decay": 0.0001, "shuffle": False, "learning_rate": 0.001, "seed": 7}
    assert {name: first[name] for name in chosen} == chosen
    expect(page.locator(".hint")).to_contain_text("The images are not shuffled: the same 5,000 mini-batches")

    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".notice")).to_contain_text("was copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(link)
    values = {"Hidden layers": "16", "Epochs": "1", "Seed (optional)": "7", "Dropout": "0.1", "Optimizer": "adam"}
    for label, value in values.items():
        expect(page.get_by_label(label)).to_have_value(value)
    expect(page.get_by_label("Shuffle")).not_to_be_checked()

    page.go_back()
    page.goto(f"{server.url}/#/networks/{first['network_id']}/learn")
    page.get_by_role("button", name="Same start again").click()
    expect(page.get_by_role("heading", level=1, name="784-16-10, again")).to_be_visible()
    expect(page.locator(".run .state")).to_have_text("Completed")
    again = server.get(f"/api/training?network_id={steps.network_id(page)}")["jobs"][0]
    assert again["network_id"] != first["network_id"]
    assert (again["loss"], again["accuracy"]) == (first["loss"], first["accuracy"])

    page.get_by_role("button", name="10 more epochs").click()
    expect(page.locator(".run-figures")).to_contain_text("of 10")
    more = server.get(f"/api/training?network_id={again['network_id']}")["jobs"][0]
    assert (more["epochs"], more["optimizer"], more["learning_rate"]) == (10, "adam", 0.001)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")


def test_a_link_with_mistakes_says_what_was_left_out(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/#/new?hidden=64&epochs=0&activation=cube&colour=red")
    callout = page.locator(".callout.bad")
    for text in ('epochs "0" was left out', 'activation "cube" is not one of sigmoid', '"colour" is no setting'):
        expect(callout).to_contain_text(text)
    expect(page.get_by_label("Hidden layers")).to_have_value("64")
    expect(page.get_by_label("Epochs")).to_have_value("30")
    page.get_by_label("Epochs").fill("4")
    expect(page).to_have_url(re.compile(r"#/new\?hidden=64&activation=sigmoid&epochs=4&"))


def test_a_paused_run_outlives_the_server(page: Page, server: Server, run: dict[str, Any], watch: Watch) -> None:
    watch.expect_lost_connection()
    pause(page)
    rests = record(server, run)
    server.kill()
    expect(page.locator(".connection")).to_have_text(RECONNECTING)
    server.start()
    steps.expect_connected(page)
    expect(page.locator(".run .state")).to_have_text("Paused")
    page.get_by_role("button", name="One mini-batch").click()
    expect(page.locator("#control-standing")).to_contain_text(f", {rests['batch'] + 1:,} of 5,000")
    assert record(server, run)["step"] == rests["step"] + 1
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")
