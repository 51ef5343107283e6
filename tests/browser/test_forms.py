"""Forms and questions: what is refused and how it is said, by keyboard alone, deleting one and all."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("label", "value", "text"),
    [
        ("Hidden layers", "128, abc", '"abc" is not a whole number'),
        ("Hidden layers", "10001", "A layer has 1 to 10,000 neurons, not 10,001."),
        ("Hidden layers", "10000, 10000", "at most 50,000,000 are possible"),
        ("Epochs", "0", "Epochs must be from 1 to 10,000."),
        ("Mini-batch size", "50001", "The mini-batch size must be from 1 to 50,000."),
        ("Learning rate", "-1", "The learning rate must be above 0."),
        ("Name", "x" * 101, "at most 100 characters"),
    ],
)
def test_what_cannot_be_is_said_in_words(form: Page, label: str, value: str, text: str) -> None:
    field = form.get_by_label(label)
    field.fill(value)
    form.get_by_role("button", name="Create and train").click()
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(re.escape(text)))
    expect(form).to_have_url(re.compile(r"#/new($|\?)"))


def test_a_press_is_not_lost_to_an_error_line_that_moves_the_button(form: Page) -> None:
    field = form.get_by_label("Learning rate")
    field.fill("-1")
    box = form.get_by_role("button", name="Create and train").bounding_box()
    assert box is not None
    form.mouse.move(box["x"] + 20, box["y"] + 3)
    form.mouse.down()
    form.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    form.mouse.up()
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("must be above 0"))


@pytest.fixture
def form(page: Page, shared_server: Server) -> Page:
    page.goto(f"{shared_server.url}/#/new")
    expect(page.get_by_role("heading", name="New network")).to_be_visible()
    return page


def test_the_suggested_learning_rate_follows_the_layers(form: Page) -> None:
    rate = form.get_by_label("Learning rate")
    expect(rate).to_have_value("3")
    form.get_by_label("Hidden layers").fill("300")
    expect(rate).to_have_value("1")
    help_text = "A good start for sigmoid with quadratic cost and 300 neurons in the last hidden layer."
    expect(form.get_by_text(help_text)).to_be_visible()
    rate.fill("3")
    form.get_by_role("button", name="Use 1", exact=True).click()
    expect(rate).to_have_value("1")


def test_what_a_box_means_stands_below_it_as_wide_as_its_column(form: Page) -> None:
    form.set_viewport_size({"width": 1360, "height": 1000})
    form.get_by_text("Advanced training").click()
    for name in ("Nesterov momentum", "Shuffle"):
        box = form.get_by_label(name, exact=True)
        description = form.locator(f"#{box.get_attribute('aria-describedby')}")
        assert description.evaluate("(p) => p.clientWidth / p.parentElement.clientWidth") == 1, name


def test_parameters_are_counted_while_typing(form: Page) -> None:
    count = form.locator("#new-parameters")
    expect(count).to_contain_text("23,860 parameters in 784-30-10")
    form.get_by_label("Hidden layers").fill("128, 64")
    expect(count).to_contain_text("109,386 parameters in 784-128-64-10")
    form.get_by_label("Hidden layers").fill("")
    expect(count).to_contain_text("7,850 parameters in 784-10")


def test_the_words_of_the_server_stand_beside_the_field(form: Page, watch: Watch) -> None:
    fields = [{"field": "layer_sizes[1]", "message": "77 is out of fashion", "allowed": "other numbers"}]
    body = {"error": "Not today.", "message": "Not today.", "detail": fields, "code": "invalid_value"}

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=422, content_type="application/json", body=json.dumps(body))
        else:
            route.fallback()

    form.route("**/api/networks", refuse)
    watch.expected.append("status of 422")
    form.get_by_label("Hidden layers").fill("77")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(form.get_by_role("alert").filter(has_text="Not today.")).to_be_visible()
    expect(form.get_by_label("Hidden layers")).to_have_accessible_description(
        re.compile("77 is out of fashion. Allowed")
    )
    expect(form.get_by_label("Hidden layers")).to_have_value("77")


def test_create_and_delete_by_keyboard_alone(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()")
            if focused == name:
                return
        raise AssertionError(f"{name} cannot be reached by keyboard")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab_to("New network")
    expect(page.locator(".tip")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New network")).to_be_focused()
    tab_to("Name (optional)")
    page.keyboard.type("by hand")
    tab_to("Epochs")
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="by hand")).to_be_focused()
    expect(page.locator(".run .state")).to_have_text("Completed")

    tab_to("Delete")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name='Delete "by hand"?')
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    tab_to("Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text('"by hand" was deleted.')
    assert server.get("/api/networks")["networks"] == []


def test_what_others_delete_goes_at_the_next_look_or_press(page: Page, server: Server, watch: Watch) -> None:
    watch.expected.append("status of 404")
    ids = {}
    for name in ("a", "b", "c", "d"):
        body = {"name": name, "layer_sizes": [784, 10]}
        ids[name] = server.post("/api/networks", body)["network_id"]
    status = json.dumps(server.get("/api/status"))
    # A status that never changes: the page cannot know from it.
    page.route("**/api/status", lambda route: route.fulfill(content_type="application/json", body=status))
    page.goto(f"{server.url}/#/networks/{ids['a']}/learn")
    expect(page.locator(".item")).to_have_count(4)
    steps.expect_connected(page)
    page.wait_for_load_state("networkidle")

    def delete_elsewhere(name: str) -> None:
        assert page.request.delete(f"{server.url}/api/networks/{ids[name]}").ok

    delete_elsewhere("d")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator(".item")).to_have_count(3)
    delete_elsewhere("c")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".item")).to_have_count(2)
    delete_elsewhere("a")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="There is no such network")).to_be_visible()
    expect(page.locator(".notice")).to_contain_text("This network does not exist any more.")
    expect(page.locator(".item")).to_have_count(1)
    delete_elsewhere("b")
    page.evaluate("(id) => { location.hash = `#/networks/${id}/test`; }", ids["b"])
    expect(page.locator(".item")).to_have_count(0)


def test_the_focus_stays_with_the_person(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.get_by_role("button", name="Create and train the classic network").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Classic")).to_be_focused()

    for key in ("Space", "Enter"):
        steps.expect_epoch(page, 1, 30)
        page.get_by_role("button", name="Stop").focus()
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name="Last run")).to_be_focused()
        page.get_by_role("button", name="Train more").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="This run")).to_be_visible()
        expect(page.get_by_role("button", name="Pause")).to_be_focused()

    page.get_by_role("button", name="Stop").press("Enter")
    page.get_by_role("textbox", name="Learning rate", exact=True).fill("7")
    page.get_by_role("button", name="Use 3", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Learning rate", exact=True)).to_be_focused()


def test_delete_all_keeps_and_names_what_is_in_training(page: Page, server: Server) -> None:
    page.goto(server.url)
    for name in ("idle", "other"):
        steps.create(page, name=name, train=False)
    steps.create(page, name="busy", epochs=500)
    steps.expect_epoch(page, 1, 500)

    page.get_by_role("button", name="Delete", exact=True).click(force=True)  # it says that it is disabled, and why
    expect(page.locator(".notice")).to_contain_text("stop the training first")

    page.get_by_role("button", name="Delete all").click()
    dialog = page.get_by_role("dialog", name="Delete 2 networks?")
    expect(dialog).to_contain_text(re.compile(r"(idle and other|other and idle): their weights are removed"))
    expect(dialog).to_contain_text("1 network in training is kept: busy.")
    dialog.get_by_role("button", name="Delete 2 networks").click()
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".item")).to_contain_text("busy")
    expect(page.locator(".notice")).to_contain_text("2 networks were deleted")


def test_addresses_lead_where_they_say(page: Page, server: Server) -> None:
    made = server.post("/api/networks", {"layer_sizes": [784, 30, 10], "name": "linked"})
    page.goto(f"{server.url}/#/networks/no-such-id/learn")
    expect(page.get_by_role("heading", name="There is no such network")).to_be_visible()
    page.get_by_role("link", name="Show my networks").click()
    expect(page.get_by_role("heading", level=1, name="linked")).to_be_visible()
    expect(page).to_have_url(re.compile(f"#/networks/{made['network_id']}/learn$"))
    page.get_by_role("link", name="New network").click()
    page.get_by_label("Name").fill("half typed")
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="linked")).to_be_visible()
    page.go_forward()
    expect(page.get_by_label("Name")).to_have_value("half typed")
    page.goto(f"{server.url}/#/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_what_others_create_appears_by_itself(page: Page, server: Server) -> None:
    page.goto(server.url)
    steps.expect_connected(page)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    made = server.post("/api/networks", {"name": "from elsewhere"})
    expect(page.get_by_role("heading", level=1, name="from elsewhere")).to_be_visible()
    server.post(f"/api/networks/{made['network_id']}/train", {"epochs": 2})
    steps.expect_epoch(page, 2, 2)
