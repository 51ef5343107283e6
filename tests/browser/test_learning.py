"""The page's main road: the first visit, a network of one's own, its curves, its examples, cancel and train more."""

from __future__ import annotations

import math
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server

NO_NUMBER = re.compile("NaN|undefined|Infinity|null")

pytestmark = pytest.mark.browser


def test_first_visit_is_one_press_and_cancel_stops_it(page: Page, server: Server) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", name="Train your first network")).to_be_visible()
    expect(page.get_by_role("navigation", name="Networks")).to_contain_text("will be listed here")

    page.get_by_role("button", name="Create and train the classic network").click()

    expect(page.get_by_role("heading", level=1, name="Classic")).to_be_visible()
    steps.expect_epoch(page, 2, 30)
    expect(page).to_have_title(re.compile(r"^\d+\s% – Classic – Learn – Hippo$"))
    expect(page.locator(".workers")).to_contain_text("1 busy")
    expect(page.locator(".figures")).to_contain_text(re.compile(r"Time left\s*(\d+\smin\s)?\d+\ss"))
    expect(page.locator(".run-figures")).to_contain_text(re.compile(r"Speed\s*[\d,]+\simages/s"))
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    expect(page.get_by_role("button", name="Train", exact=True)).to_have_count(0)

    page.get_by_role("button", name="Stop").click()

    expect(page.locator(".run .callout")).to_contain_text("was stopped with")
    expect(page.get_by_role("button", name="Train more")).to_be_enabled()
    expect(page.locator(".workers")).to_contain_text("all free")
    # Every epoch that was trained is drawn, each once.
    runs = server.get("/api/training")["jobs"]
    assert [run["state"] for run in runs] == ["cancelled"]
    steps.expect_epochs_drawn(page, runs[0]["epoch"])


def test_create_train_test_and_come_back(page: Page, server: Server) -> None:
    page.goto(server.url)
    steps.create(page, hidden="30", epochs=3, name="first try")
    expect(page.locator(".run .state")).to_have_text("Completed")
    steps.expect_epoch(page, 3, 3)
    steps.expect_epochs_drawn(page, 3)
    expect(page.locator(".item[aria-current]")).to_contain_text(re.compile(r"first try\s*9\d\.\d\s%\s*Trained"))
    expect(page.locator(".spark polyline")).to_have_count(1)
    accuracy = server.get(f"/api/networks/{steps.network_id(page)}")["accuracy"]
    shown = math.floor(accuracy * 1000 + 0.5) / 10
    expect(page.locator(".figures")).to_contain_text(f"{shown:.1f}")

    page.get_by_role("link", name="Test", exact=True).click()
    for heading, same in (("A digit it reads rightly", True), ("A digit it gets wrong", False)):
        card = page.get_by_role("region", name=heading)
        expect(card.locator("img")).to_have_js_property("naturalWidth", 28)
        expect(card.locator(".outputs tbody tr")).to_have_count(10)
        label, prediction = card.locator(".reading dd").all_inner_texts()
        assert (label == prediction) is same
        expect(card.locator("tr.predicted th")).to_have_text(prediction)
        for value in card.locator(".value").all_inner_texts():
            assert 0 <= float(value) <= 1
        with page.expect_response(re.compile("successful_example")):
            card.get_by_role("button", name="Another").click()

    page.reload()
    expect(page.get_by_role("region", name="A digit it gets wrong").locator("img")).to_be_visible()
    page.get_by_role("link", name="Learn", exact=True).click()
    expect(page.locator("hippo-chart canvas")).to_have_count(2)
    steps.expect_epochs_drawn(page, 3)


def test_train_more_and_look_back_at_the_first_run(page: Page, server: Server) -> None:
    page.goto(server.url)
    steps.create(page, epochs=1)
    expect(page.locator(".run .state")).to_have_text("Completed")
    page.get_by_label("Epochs").fill("2")
    page.get_by_role("button", name="Train more").click()
    steps.expect_epoch(page, 2, 2)
    expect(page.locator(".figures")).to_contain_text(re.compile(r"Epochs trained\s*3"))

    runs = page.get_by_role("region", name="Runs").locator("a.run-item")
    expect(runs).to_have_count(2)
    runs.nth(1).click()
    expect(page).to_have_url(re.compile(r"\?run="))
    steps.expect_epoch(page, 1, 1)
    page.go_back()
    steps.expect_epoch(page, 2, 2)


def test_train_more_begins_with_the_settings_of_the_last_run(page: Page, server: Server) -> None:
    recipe = {"optimizer": "adam", "learning_rate": 0.001, "mini_batch_size": 64}
    network = steps.trained(server, {"layer_sizes": [784, 10], "activation": "relu"}, {"epochs": 1, **recipe})
    # The form can stand before the runs are read.
    held: list[Route] = []
    hold = True
    page.route("**/api/training?*", lambda route: held.append(route) if hold else route.continue_())
    page.goto(f"{server.url}/#/networks/{network}/learn")
    expect(page.get_by_label("Mini-batch size")).to_have_value("10")
    hold = False
    for route in held:
        route.continue_()
    expect(page.get_by_label("Mini-batch size")).to_have_value("64")
    expect(page.get_by_label("Learning rate")).to_have_value("0.001")
    expect(page.locator("summary .chosen")).to_have_text("Adam")
    page.get_by_role("button", name="Train more").click()
    expect(page.locator(".runs .state")).to_have_text(["Completed", "Completed"])
    run = server.get(f"/api/training?network_id={network}")["jobs"][0]
    assert {name: run[name] for name in recipe} == recipe


def test_a_run_that_diverges_says_so_and_what_to_try(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/#/new")
    page.get_by_label("Activation").select_option("relu")
    expect(page.get_by_label("Learning rate")).to_have_value("0.1")
    expect(page.get_by_label("Loss")).to_have_value("cross_entropy")
    page.get_by_label("Learning rate").fill("1e30")
    page.get_by_label("Epochs").fill("1")
    page.get_by_role("button", name="Create and train").click()

    said = page.locator(".callout.bad")
    expect(said).to_contain_text("diverged in epoch 1, in mini-batch")
    expect(said).to_contain_text("Learning rate 1\u00b710\u00b3\u2070 is above the usual 0.1.")
    expect(said.get_by_role("button")).to_have_count(1)
    expect(page.locator(".blank")).to_contain_text("no curves")
    expect(page.get_by_role("button", name="10 more epochs")).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text(NO_NUMBER)
    for tab in ("Test", "Draw", "Inside"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(said).to_contain_text("The last run of this network diverged")
        expect(said).to_contain_text("its first weights, with which it can only guess")
        expect(page.locator("main")).not_to_contain_text(NO_NUMBER)
    said.get_by_role("link", name="What to try").click()
    said.get_by_role("button", name="Try it with learning rate 0.1").click()
    expect(page.get_by_role("heading", level=1, name="784-30-10, rate 0.1")).to_be_visible()
    expect(page.locator(".run .state")).to_have_text("Completed")
    expect(said).to_have_count(0)


def test_a_run_that_diverges_later_keeps_what_it_had_learned(page: Page, server: Server) -> None:
    network = {"layer_sizes": [784, 30, 10], "activation": "relu", "seed": 1, "name": "later"}
    made = server.post("/api/networks", network)["network_id"]
    page.goto(f"{server.url}/#/networks/{made}/learn")
    job = server.post(f"/api/networks/{made}/train", {"epochs": 500, "learning_rate": 0.1, "seed": 1})["job_id"]
    steps.expect_epoch(page, 1, 500)
    page.get_by_label("Learning rate now").fill("1e30")
    page.get_by_role("button", name="Change settings").click()

    said = page.locator(".callout.bad")
    expect(said).to_contain_text("The network keeps its last good weights")
    expect(said).to_contain_text(
        re.compile(r"Learning rate 1\u00b710\u00b3\u2070, in force since epoch \d+, is above the usual 0\.1\.")
    )
    expect(page.locator(".figures")).to_contain_text("Trained")
    expect(page.locator("main")).not_to_contain_text(NO_NUMBER)
    page.get_by_role("button", name="Use 0.1 below").click()
    expect(page.get_by_role("textbox", name="Learning rate")).to_have_value("0.1")
    page.get_by_role("link", name="Inside", exact=True).click()
    epochs = server.get(f"/api/training/{job}")["epoch"]
    expect(said).to_contain_text(re.compile(rf"what it had learned until then, in {epochs}\sepochs? of that run"))
    expect(page.locator("hippo-layers .layer")).to_have_count(2)
    expect(page.locator("main")).not_to_contain_text(NO_NUMBER)


def test_a_run_that_stays_at_chance_says_so_and_what_to_try(page: Page, server: Server) -> None:
    made = server.post("/api/networks", {"layer_sizes": [784, 30, 10], "activation": "relu", "seed": 1})
    page.goto(f"{server.url}/#/networks/{made['network_id']}/learn")
    page.get_by_label("Epochs").fill("500")
    page.get_by_label("Learning rate").fill("50")
    page.get_by_role("button", name="Train", exact=True).click()

    hint = page.locator(".hint")
    expect(hint).to_contain_text("Accuracy stays at chance")
    expect(page.locator(".run .state")).to_have_text("Training")
    expect(hint).to_contain_text("Learning rate 50 is probably too high for ReLU with cross-entropy")
    expect(hint).to_contain_text("neurons of hidden layer 1 are dead")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")
    expect(hint).to_be_visible()

    hint.get_by_role("button", name="Try it with learning rate 0.1").click()
    expect(page.get_by_role("heading", level=1, name="784-30-10, rate 0.1")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".run .state")).to_have_text("Stopped")
    jobs = server.get("/api/training")["jobs"]
    assert [job["learning_rate"] for job in jobs] == [0.1, 50]
    assert jobs[0]["seed"] == jobs[1]["seed"]
    assert server.get(f"/api/networks/{jobs[0]['network_id']}")["seed"] == 1
    expect(hint).to_have_count(0)


def test_an_untrained_network_has_examples_too(page: Page, server: Server) -> None:
    page.goto(server.url)
    steps.create(page, train=False)
    expect(page.locator(".item-status")).to_have_text("New")
    expect(page.get_by_role("region", name="Runs")).to_contain_text("There was none yet")
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.locator(".callout")).to_contain_text("has not been trained yet")
    expect(page.locator(".example img.pixels")).to_have_count(2)


def test_a_second_network_waits_its_turn_and_says_so(page: Page, server: Server) -> None:
    page.goto(server.url)
    for name in ("one", "two", "three"):
        steps.create(page, epochs=500, name=name)
    expect(page.locator(".workers")).to_contain_text("2 busy, 1 queued")
    expect(page.locator(".run")).to_contain_text("Waiting for a free worker. It starts by itself.")
    expect(page.locator(".item-status.queued")).to_have_text("Queued")

    page.get_by_role("link", name="one").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("link", name="three").click()
    steps.expect_epoch(page, 1, 500)
