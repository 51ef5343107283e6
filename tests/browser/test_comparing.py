"""Compare: all runs in one table, filtered and sorted; those that are chosen drawn together, exported and deleted."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import steps
from tests.browser.server import Server

pytestmark = pytest.mark.browser


@dataclass
class Runs:
    """A server with three networks, four runs and one run of a network that was deleted."""

    server: Server
    networks: dict[str, str]
    jobs: dict[str, str]

    def address(self, query: str = "") -> str:
        return f"{self.server.url}/#/compare{query}"


@pytest.fixture(scope="module")
def runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    networks: dict[str, dict[str, Any]] = {
        "gone": {},
        "plain": {"name": "plain"},
        "rectified": {"name": "rectified", "activation": "relu"},
        '=1+1, "evil"': {"name": '=1+1, "evil"', "activation": "relu", "layer_sizes": [784, 16, 10]},
    }
    with Server(tmp_path_factory.mktemp("comparing"), HIPPO_WORKERS="1") as server:
        made = {
            key: server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1, **body})["network_id"]
            for key, body in networks.items()
        }
        large = {"mini_batch_size": 1000}
        jobs = {
            "gone": steps.train(server, made["gone"], {"epochs": 1, **large}),
            "plain 1": steps.train(server, made["plain"], {"epochs": 1, **large}),
            "plain 2": steps.train(server, made["plain"], {"epochs": 3, "learning_rate": 0.5, **large}),
            "rectified 1": steps.train(server, made["rectified"], {"epochs": 2, "learning_rate": 0.1, **large}),
            "evil 1": steps.train(server, made['=1+1, "evil"'], {"epochs": 1, "learning_rate": 1e30, **large}),
        }
        server.delete(f"/api/networks/{made['gone']}")
        yield Runs(server, made, jobs)


def rows(page: Page) -> Locator:
    return page.locator(".all-runs tbody tr")


def expect_runs(page: Page, *names: str) -> None:
    """Expect these runs in this order."""
    expect(page.locator(".all-runs .run-name")).to_have_text(list(names))


EVIL = '=1+1, "evil", run 1'


def test_all_runs_are_listed_sorted_and_found_again_by_their_address(page: Page, runs: Runs) -> None:
    page.goto(runs.server.url)
    page.get_by_role("link", name="Compare runs").click()
    expect(page).to_have_title("Compare runs \u2013 Hippo")
    expect(page.locator(".facts")).to_have_text(re.compile(r"^\s*5\sruns, 1 of them of a deleted network\s*$"))
    expect_runs(page, EVIL, "rectified, run 1", "plain, run 2", "plain, run 1")
    header = page.get_by_role("columnheader", name="Begun")
    expect(header).to_have_attribute("aria-sort", "descending")

    accuracy = page.get_by_role("columnheader", name="Accuracy")
    accuracy.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(accuracy).to_have_attribute("aria-sort", "descending")
    expect(header).to_have_attribute("aria-sort", "none")
    shown = [runs.server.get(f"/api/training/{runs.jobs[key]}")["accuracy"] for key in runs.jobs if key != "gone"]
    expect(rows(page).first.locator("td").nth(1)).to_contain_text(f"{max(a for a in shown if a) * 100:.1f}"[:4])
    expect_names_last = page.locator(".all-runs .run-name").last
    expect(expect_names_last).to_have_text(EVIL)  # it has no accuracy
    page.keyboard.press("Space")
    expect(accuracy).to_have_attribute("aria-sort", "ascending")
    expect(expect_names_last).to_have_text(EVIL)
    expect(page).to_have_url(re.compile(r"#/compare\?sort=accuracy$"))
    page.reload()
    expect(accuracy).to_have_attribute("aria-sort", "ascending")


def test_runs_are_filtered_by_words_setting_state_and_accuracy(page: Page, runs: Runs) -> None:
    page.goto(runs.address())
    words = page.get_by_label("Words")
    words.press_sequentially("relu 0.1")
    expect_runs(page, "rectified, run 1")
    expect(words).to_be_focused()
    page.reload()
    expect_runs(page, "rectified, run 1")
    expect(words).to_have_value("relu 0.1")
    page.get_by_role("button", name="Clear the filter").click()
    expect(rows(page)).to_have_count(4)

    page.get_by_label("Setting").select_option(label="Learning rate: 0.5")
    expect_runs(page, "plain, run 2")
    page.get_by_role("button", name="Clear the filter").click()
    page.get_by_label("State").select_option(label="Diverged")
    expect_runs(page, EVIL)
    expect(page.get_by_text("1 run found")).to_be_visible()
    page.get_by_label("State").select_option(label="Failed")
    expect(page.get_by_text("No run fits the filter.")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()

    page.get_by_label("Accuracy at least, percent").fill("much")
    expect(page.get_by_role("alert")).to_have_text("An accuracy is a number from 0 to 100.")
    best = max(
        float(runs.server.get(f"/api/training/{runs.jobs[key]}")["accuracy"])
        for key in ("plain 1", "plain 2", "rectified 1")
    )
    page.get_by_label("Accuracy at least, percent").fill(f"{best * 100:.2f}")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(rows(page)).to_have_count(1)

    page.get_by_label("Accuracy at least, percent").fill("")
    page.get_by_label("Also runs of deleted networks").check()
    expect_runs(page, EVIL, "rectified, run 1", "plain, run 2", "plain, run 1", "Deleted network, run 1")


def test_chosen_runs_are_drawn_together_with_what_differs(page: Page, runs: Runs) -> None:
    page.goto(runs.address())
    page.get_by_label("Choose plain, run 1").check()
    page.get_by_label("Choose plain, run 2").check()
    expect(page).to_have_url(re.compile(rf"\?runs={runs.jobs['plain 1']}%2C{runs.jobs['plain 2']}$"))
    expect(page.locator("hippo-lines canvas")).to_have_count(2)
    losses = page.get_by_role("img", name="Loss per epoch")
    label = re.compile(r"A \S plain, run 1, test [\d.]+; B \S plain, run 2, test [\d.]+\.$")
    expect(losses).to_have_attribute("aria-label", label)
    # Both names and the last value of each are in the legend, with its epoch: the runs end at different ones.
    legend = losses.locator(".u-series")
    expect(legend).to_have_count(3)
    ends = ["last of each run", re.compile(r"^[\d.]+ \(epoch 1\)$"), re.compile(r"^[\d.]+ \(epoch 3\)$")]
    expect(legend.locator(".u-value")).to_have_text(ends)
    # Under the pointer all are of one epoch.
    plot = losses.locator(".u-over")
    plot.hover(position={"x": 2, "y": 100})
    expect(legend.locator(".u-value")).to_have_text(["1", *[re.compile(r"^[\d.]+$")] * 2])
    page.mouse.move(0, 0)
    expect(legend.locator(".u-value")).to_have_text(ends)

    table = page.get_by_role("region", name="What differs", exact=True)
    differ = ["Began with", "Epochs", "Learning rate"]
    expect(table.get_by_role("rowheader")).to_have_text(
        ["State", "Test accuracy", "Training loss, last epoch", "Epochs finished", "Time", *differ]
    )
    began = ["first weights", re.compile(r"^went on from run 1 \(1\sepoch\)$")]
    expect(table.locator("tr", has_text="Began with").locator("td")).to_have_text(began)
    expect(table.locator("tr", has_text="Learning rate").locator("td")).to_have_text(["3", "0.5"])
    expect(table.locator("tr", has_text="Test accuracy").get_by_text("best")).to_have_count(1)

    accuracies = page.get_by_role("img", name="Accuracy per epoch")
    page.get_by_label("Validation").check()
    expect(accuracies.locator(".u-series")).to_have_count(5)
    expect(accuracies).to_have_attribute("aria-label", re.compile(r"A \S plain, run 1, validation \d\d\.\d\d"))
    expect(losses).to_have_attribute("aria-label", re.compile(r"A \S plain, run 1, validation [\d.]+;"))
    page.get_by_label("Training").check()
    expect(losses.locator(".u-series")).to_have_count(7)
    page.reload()
    expect(losses.locator(".u-series")).to_have_count(7)
    expect(page.get_by_label("Choose plain, run 2")).to_be_checked()
    dashes = accuracies.locator(".u-marker").evaluate_all("(all) => all.map((e) => e.style.borderStyle)")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(losses).to_have_js_property("clientWidth", 324)  # the curves shrink with the window
    assert {"solid", "dashed", "dotted"} >= set(dashes[1:]) >= {"solid", "dashed"}, dashes


def test_runs_of_one_network_are_compared_from_its_list(page: Page, runs: Runs) -> None:
    page.goto(f"{runs.server.url}/#/networks/{runs.networks['plain']}/learn")
    page.get_by_role("region", name="Runs").get_by_role("link", name="Compare them").click()
    expect(page.locator(".sides thead a")).to_have_text(["plain, run 2", "plain, run 1"])


def test_chosen_runs_that_the_filter_hides_are_counted_and_can_be_left_out(page: Page, runs: Runs) -> None:
    page.goto(runs.address(f"?runs={runs.jobs['plain 1']},{runs.jobs['rectified 1']}"))
    bar = page.get_by_role("group", name="Chosen runs")
    expect(bar.get_by_role("status")).to_have_text(re.compile(r"^\s*2\sruns chosen\s*$"))
    page.get_by_label("Words").fill("relu")
    expect(bar.get_by_role("status")).to_have_text(re.compile(r"^\s*2\sruns chosen, 1 of them hidden by the filter\s"))
    bar.get_by_role("button", name="Delete 2 networks").click()
    question = page.get_by_role("dialog", name="Delete 2 networks?")
    expect(question).to_contain_text("rectified and plain: their weights are removed")
    question.get_by_role("button", name="Keep").click()
    bar.get_by_role("button", name="Leave out the hidden").click()
    expect(bar.get_by_role("status")).to_have_text(re.compile(r"^\s*1\srun chosen\s*$"))
    expect(page.get_by_label("Choose rectified, run 1")).to_be_checked()


def test_the_table_of_all_runs_fits_and_a_deep_network_stays_in_its_cell(page: Page, runs: Runs) -> None:
    deep = {"layer_sizes": [784, *[20] * 18, 10], "name": "deep"}
    network = steps.trained(runs.server, deep, {"epochs": 1, "mini_batch_size": 5000})
    page.set_viewport_size({"width": 1360, "height": 1000})
    page.goto(runs.address())
    place = page.get_by_role("region", name="Table of all runs")
    cell = place.get_by_role("row", name="deep, run 1").get_by_role("rowheader")
    expect(cell.locator(".help")).to_have_attribute("title", re.compile("^784-20-"))
    box, following = cell.locator(".help").bounding_box(), cell.locator("+ td").bounding_box()
    assert box is not None
    assert following is not None
    assert box["x"] + box["width"] <= following["x"]
    assert place.evaluate("(one) => [one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight]") == [0, 0]
    runs.server.delete(f"/api/networks/{network}")


def test_a_run_in_training_is_drawn_on_and_its_network_stays(page: Page, runs: Runs) -> None:
    server = runs.server
    made = [
        server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1, "name": name})["network_id"]
        for name in ("busy", "doomed")
    ]
    steps.train(server, made[1], {"epochs": 1, "mini_batch_size": 1000})
    job = server.post(f"/api/networks/{made[0]}/train", {"epochs": 10_000, "mini_batch_size": 5000})["job_id"]
    page.goto(runs.address())
    page.get_by_label("Choose busy, run 1").check()
    losses = page.get_by_role("img", name="Loss per epoch")
    expect(losses).to_be_visible()
    epoch = losses.locator(".u-series").first.locator(".u-value")
    expect(epoch).to_have_text(re.compile(r"^\d+$"))
    before = epoch.inner_text()
    expect(epoch).not_to_have_text(before)

    page.get_by_label("Choose doomed, run 1").check()
    page.get_by_role("button", name="Delete 2 networks").click()
    question = page.get_by_role("dialog", name="Delete 1 network?")
    expect(question).to_contain_text("doomed: its weights are removed")
    expect(question).to_contain_text("1 network in training is kept: busy.")
    question.get_by_role("button", name="Keep").click()
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Delete 2 networks").click()
    question.get_by_role("button", name="Delete 1 network").click()
    expect(page.locator(".notice")).to_have_text("1 network was deleted.")
    expect(page.get_by_label("Choose doomed, run 1")).to_have_count(0)
    expect(page.get_by_label("Choose busy, run 1")).to_be_checked()
    page.get_by_role("button", name="Delete 1 network").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nothing can be deleted now")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    assert {n["network_id"] for n in server.get("/api/networks")["networks"]} >= {made[0]}
    assert made[1] not in {n["network_id"] for n in server.get("/api/networks")["networks"]}

    server.post(f"/api/training/{job}/cancel", {})
    expect(page.locator(".all-runs tr", has_text="busy").locator(".state")).to_have_text("Stopped")
    server.delete(f"/api/networks/{made[0]}")


def test_runs_stand_with_what_they_began_with_and_what_came_of_it(page: Page, runs: Runs) -> None:
    server = runs.server
    network = server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1, "name": "steered"})["network_id"]
    job = server.post(f"/api/networks/{network}/train", {"epochs": 10_000, "mini_batch_size": 1000})["job_id"]
    server.post(f"/api/training/{job}/pause", {})
    steps.wait_until(lambda: server.get(f"/api/training/{job}")["state"] == "paused")
    server.post(f"/api/training/{job}/settings", {"learning_rate": 0.25})
    page.goto(runs.address(f"?runs={job},{runs.jobs['plain 1']}"))
    rate = page.locator(".all-runs tr", has_text="steered").locator("td").nth(5)
    expect(rate).to_have_text("3")  # what was asked for is not taken yet
    page.get_by_label("Setting").select_option(label="Learning rate: 3")
    expect_runs(page, "steered, run 1", "plain, run 1")
    server.post(f"/api/training/{job}/resume", {})
    course = re.compile("^3 \u2192 0\\.25 in epoch [\\d,]+$")
    expect(rate).to_have_text(course)
    expect_runs(page, "steered, run 1", "plain, run 1")
    differs = page.get_by_role("region", name="What differs", exact=True).locator("tr", has_text="Learning rate")
    expect(differs.locator("td")).to_have_text([course, "3"])
    server.post(f"/api/training/{job}/cancel", {})
    steps.wait_until(lambda: server.get(f"/api/training/{job}")["state"] == "cancelled")
    server.delete(f"/api/networks/{network}")


def test_chosen_runs_are_saved_as_csv_and_json(page: Page, runs: Runs) -> None:
    page.goto(runs.address(f"?runs={runs.jobs['evil 1']},{runs.jobs['plain 2']}"))
    with page.expect_download() as caught:
        page.get_by_role("button", name="CSV").click()
    assert re.fullmatch(r"hippo-runs-\d{4}-\d\d-\d\d-\d{6}\.csv", caught.value.suggested_filename)
    text = Path(caught.value.path()).read_text()
    table = list(csv.DictReader(io.StringIO(text)))
    events = runs.server.get(f"/api/training/{runs.jobs['plain 2']}/events")["events"]
    told = [event["data"] for event in events if event["event"] == "training_update"]
    assert [line["name"] for line in table] == ['\'=1+1, "evil", run 1'] + ["plain, run 2"] * 3
    assert [float(line["test_accuracy"]) for line in table[1:]] == [data["accuracy"] for data in told]
    assert [float(line["training_loss"]) for line in table[1:]] == [data["loss"] for data in told]
    assert (table[0]["run_state"], table[0]["epoch"], table[1]["learning_rate"]) == ("diverged", "", "0.5")

    with page.expect_download() as caught:
        page.get_by_role("button", name="JSON").click()
    saved = json.loads(Path(caught.value.path()).read_text())["runs"]
    assert [run["job_id"] for run in saved] == [runs.jobs["evil 1"], runs.jobs["plain 2"]]
    assert [epoch["test_loss"] for epoch in saved[1]["epochs"]] == [data["test_loss"] for data in told]
    assert saved[1]["settings"]["architecture"] == [784, 10]


def test_an_address_with_runs_that_are_gone_says_so(page: Page, runs: Runs, watch: Any) -> None:
    watch.expected.append("404")
    page.goto(runs.address(f"?runs={runs.jobs['plain 1']},00000000-0000-4000-8000-000000000000"))
    expect(page.locator(".callout")).to_contain_text("One run of this address does not exist")
    expect(page.get_by_role("group", name="Chosen runs")).to_contain_text("1 run chosen")
    page.get_by_role("link", name="Choose none").click()
    expect(page).to_have_url(re.compile(r"#/compare$"))
    expect(page.locator("hippo-lines")).to_have_count(0)


def test_without_a_run_it_says_what_will_be_there(page: Page, shared_server: Server) -> None:
    page.goto(f"{shared_server.url}/#/compare")
    expect(page.locator(".all-runs .empty")).to_contain_text("There was none yet")
