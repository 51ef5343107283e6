"""Test, second part: the confusion matrix, the pictures behind its cells, and what the last epoch changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def trained(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Train a network for two epochs, so that the last one has changed something; the tests of this file share it."""
    with Server(tmp_path_factory.mktemp("evaluation"), HIPPO_WORKERS="1") as server:
        yield server, steps.trained(server, {"layer_sizes": [784, 16, 10], "name": "reader"}, {"epochs": 2})


def show(page: Page, trained: tuple[Server, str], query: str = "") -> dict[str, Any]:
    """Open the view and return what the API says of the same network."""
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/test{query}")
    expect(page.locator(".matrix tbody tr")).to_have_count(10)
    evaluation: dict[str, Any] = server.get(f"/api/networks/{network}/evaluation")
    return evaluation


def answers(trained: tuple[Server, str], query: str) -> dict[str, Any]:
    server, network = trained
    found: dict[str, Any] = server.get(f"/api/networks/{network}/answers?{query}")
    return found


def pictures(page: Page) -> Locator:
    return page.locator(".answers .answer")


def expect_pictures(page: Page, expected: list[dict[str, Any]]) -> None:
    """Expect these digits, in this order, each with its label and its prediction."""
    expect(pictures(page)).to_have_count(len(expected))
    for place, answer in enumerate(expected):
        picture = pictures(page).nth(place)
        alt = f"Handwritten {answer['actual_digit']}, test image {answer['example_index']}"
        expect(picture.get_by_role("img")).to_have_attribute("alt", alt)
        expect(picture).to_contain_text(f"{answer['actual_digit']}, read as {answer['predicted_digit']}")
        # The outputs of this network are sigmoids: no percentage is made of them.
        expect(picture).to_contain_text(f"output {answer['output']:.3f}")
        expect(picture).not_to_contain_text("%")


def test_the_matrix_shows_every_count_and_opens_its_pictures(page: Page, trained: tuple[Server, str]) -> None:
    evaluation = show(page, trained)
    matrix = evaluation["confusion_matrix"]
    shown = [[int(cell) for cell in row.split()] for row in page.locator(".matrix tbody tr").all_inner_texts()]
    assert shown == [[digit, *row] for digit, row in enumerate(matrix)]

    actual, predicted = max(
        ((row, column) for row in range(10) for column in range(10) if row != column),
        key=lambda cell: int(matrix[cell[0]][cell[1]]),
    )
    n = matrix[actual][predicted]
    page.set_viewport_size({"width": 1400, "height": 400})  # the pictures are not in view by themselves
    page.get_by_role("link", name=f"{n} of the {actual}s are taken for {predicted}s").click()
    expect(page).to_have_url(re.compile(rf"/test\?actual={actual}&predicted={predicted}$"))
    heading = page.get_by_role("heading", name=f"{actual}s taken for {predicted}s")
    expect(heading).to_be_in_viewport()
    expect(heading).to_contain_text(str(n))
    cell = f"actual={actual}&predicted={predicted}&sort=-output&limit=24"
    expect_pictures(page, answers(trained, cell)["answers"])
    expect(page.locator(".matrix [aria-current]")).to_have_text(str(n))

    page.go_back()
    expect(page.get_by_role("heading", name="Mistakes", exact=False).last).to_be_visible()
    page.go_forward()
    expect(heading).to_be_visible()
    page.reload()
    expect(heading).to_be_visible()


def test_mistakes_come_page_by_page_in_the_order_chosen(page: Page, trained: tuple[Server, str]) -> None:
    evaluation = show(page, trained)
    wrong = evaluation["total"] - evaluation["correct"]
    expect(pictures(page)).to_have_count(24)
    page.get_by_role("button", name="24 more").click()
    expect_pictures(page, answers(trained, "outcome=wrong&sort=-output&limit=48")["answers"])
    expect(page.locator(".answers-card")).to_contain_text(f"48 of {wrong:,} shown")

    page.get_by_label("Order").select_option(label="Smallest output first")
    expect(page).to_have_url(re.compile(r"/test\?sort=confidence$"))
    expect_pictures(page, answers(trained, "outcome=wrong&sort=output&limit=24")["answers"])


def test_what_the_last_epoch_changed_is_shown_with_the_answer_before(page: Page, trained: tuple[Server, str]) -> None:
    changed = show(page, trained)["changed"]
    assert changed["known"]
    page.get_by_role("link", name=f"Right to wrong {changed['turned_wrong']}").click()
    expect(page).to_have_url(re.compile(r"outcome=turned_wrong"))
    expected = answers(trained, "outcome=turned_wrong&sort=-output&limit=24")["answers"]
    expect_pictures(page, expected)
    for picture, answer in zip(pictures(page).all(), expected, strict=True):
        assert answer["previous_digit"] == answer["actual_digit"]
        expect(picture).to_contain_text(f"before: {answer['previous_digit']}")
    page.get_by_role("link", name=f"Wrong to right {changed['turned_right']}").click()
    expect_pictures(page, answers(trained, "outcome=turned_right&sort=-output&limit=24")["answers"])


def test_a_picture_leads_to_its_way_through_the_network(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    first = answers(trained, "outcome=wrong&sort=-output&limit=1")["answers"][0]["example_index"]
    pictures(page).first.click()
    expect(page).to_have_url(re.compile(rf"/learn\?digit={first}$"))
    expect_digit(page, first)


def expect_digit(page: Page, index: int) -> None:
    """Expect this digit to be the one that goes through the network, and its picture to be drawn."""
    choice = page.get_by_role("group", name="The digit that goes through").get_by_role("textbox")
    expect(choice).to_have_value(str(index))


def test_the_digit_and_the_neuron_that_are_looked_at_are_in_the_address(
    page: Page, trained: tuple[Server, str]
) -> None:
    server, network = trained
    learn = f"{server.url}/#/networks/{network}/learn"
    page.goto(f"{learn}?digit=2907&layer=1&neuron=3")
    expect_digit(page, 2907)
    expect(page.locator(".neuron-card")).to_contain_text("is kept")
    page.get_by_role("button", name="Next digit").click()
    expect(page).to_have_url(f"{learn}?digit=2908&layer=1&neuron=3")
    page.reload()
    expect_digit(page, 2908)
    page.get_by_role("button", name="Let it go").click()
    expect(page).to_have_url(f"{learn}?digit=2908")

    # A digit is no step in the history; back and forward lead to what was looked at there.
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.locator(".matrix tbody tr")).to_have_count(10)
    other = int((pictures(page).first.get_attribute("href") or "").rpartition("=")[2])
    pictures(page).first.click()
    expect_digit(page, other)
    page.go_back()
    page.go_back()
    expect_digit(page, 2908)

    page.get_by_role("link", name="Inside", exact=True).click()
    expect(page).to_have_url(re.compile(r"/inside\?digit=2908$"))
    page.goto(f"{learn}?digit=77777&layer=9&neuron=1")
    expect(page).to_have_url(f"{learn}?digit=2908")
    page.goto("about:blank")
    page.goto(f"{learn}?digit=77777&layer=9&neuron=1")
    expect_digit(page, 0)
    expect(page).to_have_url(learn)


def test_each_digit_has_its_accuracy_and_its_mistakes(page: Page, trained: tuple[Server, str]) -> None:
    digits = show(page, trained)["digits"]
    rows = page.locator(".digits tbody tr")
    expect(rows).to_have_count(10)
    for row, digit in zip(rows.all(), digits, strict=True):
        expect(row).to_contain_text(f"{digit['correct']:,} of {digit['total']:,}")
    weakest = min(digits, key=lambda digit: digit["accuracy"])
    mistakes = weakest["total"] - weakest["correct"]
    row = rows.nth(weakest["digit"])
    expect(row).to_contain_text("weakest")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name=f"{weakest['digit']}s taken for others")).to_contain_text(str(mistakes))


def test_the_keyboard_goes_through_the_matrix(page: Page, trained: tuple[Server, str]) -> None:
    matrix = show(page, trained, "?actual=0&predicted=0")["confusion_matrix"]
    expect(page.locator(".matrix a[tabindex='0']")).to_have_count(1)
    page.locator(".matrix a[tabindex='0']").focus()
    focused = page.locator(".matrix a:focus")
    expect(focused).to_have_attribute("data-cell", "0-0")
    row = next(row for row in range(1, 10) if matrix[row][0])
    page.keyboard.press("ArrowDown")
    expect(focused).to_have_attribute("data-cell", f"{row}-0")
    page.keyboard.press("End")
    column = max(column for column in range(10) if matrix[row][column])
    expect(focused).to_have_attribute("data-cell", f"{row}-{column}")
    # Whoever comes back by the tabulator is where they were.
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    expect(focused).to_have_attribute("data-cell", f"{row}-{column}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"actual={row}&predicted={column}$"))
    expect(focused).to_have_attribute("data-cell", f"{row}-{column}")


def test_a_server_that_cannot_answer_now_is_asked_again(page: Page, trained: tuple[Server, str], watch: Any) -> None:
    watch.expected.append("503")
    refused = {"error": "A worker is busy with the test set; try again in a moment.", "code": "not_ready"}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json=refused)

    server, network = trained
    page.route("**/evaluation", refuse)
    page.goto(f"{server.url}/#/networks/{network}/test")
    expect(page.get_by_role("region", name="All test digits")).to_contain_text(refused["error"])
    page.unroute("**/evaluation", refuse)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".matrix tbody tr")).to_have_count(10)


def test_what_the_server_did_not_hear_is_asked_again_by_itself(
    page: Page, trained: tuple[Server, str], watch: Any
) -> None:
    watch.expect_lost_connection()
    for place in ("evaluation", "answers?*"):
        page.route(f"**/{place}", lambda route: route.abort(), times=1)
    evaluation = show(page, trained)
    wrong = evaluation["total"] - evaluation["correct"]
    expect(page.locator(".answers-card")).to_contain_text(f"24 of {wrong:,} shown")


def test_a_network_that_only_guesses_is_evaluated_too(page: Page, trained: tuple[Server, str]) -> None:
    server, _ = trained
    made = server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1})["network_id"]
    show(page, (server, made))
    expect(page.locator(".answers-card")).to_contain_text("is known after a run of two epochs or more")
    page.goto(f"{server.url}/#/networks/{made}/test?outcome=turned_wrong")
    expect(page.locator(".answers-card .empty")).to_contain_text("not known")


def test_a_run_replaces_what_was_shown(page: Page, trained: tuple[Server, str]) -> None:
    server, _ = trained
    made = server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1})["network_id"]
    before = show(page, (server, made))
    server.post(f"/api/networks/{made}/train", {"epochs": 1, "seed": 1})
    expect(page.locator(".matrix-card")).not_to_contain_text(f"{before['correct']:,} are read rightly")
    after = server.get(f"/api/networks/{made}/evaluation")
    expect(page.locator(".matrix-card")).to_contain_text(f"{after['correct']:,} are read rightly")
    expect(page.get_by_role("link", name=f"Mistakes {after['total'] - after['correct']:,}")).to_be_visible()
