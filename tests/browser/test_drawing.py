"""Draw: digits by mouse and by finger, pictures from files, the gallery; and models that leave as files and return."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, FilePayload, Page, Route, expect

from tests.browser import steps
from tests.browser.server import Server
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

ONE = [(0.52, 0.2), (0.5, 0.5), (0.48, 0.8)]
_HALF = [(0.5, 0.2), (0.36, 0.28), (0.3, 0.5), (0.36, 0.72), (0.5, 0.8)]
ZERO = _HALF + [(1 - x, y) for x, y in reversed(_HALF[:-1])]
INK = """(pad) => {
  const drawn = pad.querySelector("canvas");
  const canvas = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height });
  const copy = canvas.getContext("2d", { willReadFrequently: true });
  copy.drawImage(drawn, 0, 0);
  const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) dark += data[i] < 128;
  return dark / (data.length / 4);
}"""


@pytest.fixture(scope="module")
def trained(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """Train a network well enough to read a 1 and a 0; the tests of this file share it."""
    with Server(tmp_path_factory.mktemp("drawing")) as server:
        made = server.post("/api/networks", {"layer_sizes": [784, 30, 10], "name": "reader", "seed": 1})["network_id"]
        settings = {"epochs": 2, "mini_batch_size": 10, "learning_rate": 3.0, "seed": 1}
        job = server.post(f"/api/networks/{made}/train", settings)["job_id"]
        while server.get(f"/api/training/{job}")["state"] in ("queued", "running"):
            pass
        yield server, made


def show(page: Page, trained: tuple[Server, str]) -> None:
    server, network = trained
    page.goto(f"{server.url}/#/networks/{network}/draw")
    expect(page.locator(".sample")).to_have_count(20)


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    pad = page.locator("hippo-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()


def expect_digit(page: Page, digit: int) -> None:
    expect(page.locator(".verdict")).to_have_text(
        re.compile(rf"^(Looks like|Perhaps|Hard to tell, at best) an? {digit}, output \d\.\d{{3}}$")
    )
    expect(page.locator(".outputs .predicted th")).to_have_text(str(digit))
    # Both at one moment: while answers to the first strokes still come in, the output changes.
    page.wait_for_function("""() => {
        const [said, barred] = [".verdict .value", ".outputs .predicted .value"].map((place) =>
            document.querySelector(place)?.textContent);
        return said && said === barred;
    }""")


def png(digit: int = 1, *, size: tuple[int, int] = (60, 90), paper: int = 235, ink: int = 20) -> bytes:
    """Draw a 1 or a 0 as a scan would show it."""
    picture = Image.new("L", size, paper)
    pen = ImageDraw.Draw(picture)
    width, height = size
    if digit == 1:
        pen.line([(width * 0.6, height * 0.2), (width * 0.6, height * 0.8)], ink, max(3, width // 10))
    else:
        pen.ellipse([width * 0.25, height * 0.2, width * 0.75, height * 0.8], None, ink, max(3, width // 10))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def file(name: str, data: bytes, kind: str = "image/png") -> FilePayload:
    return FilePayload(name=name, mimeType=kind, buffer=data)


def test_what_is_drawn_is_read_while_it_is_drawn(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    expect(page.locator(".verdict")).to_have_text("Draw a digit to see what the network reads.")
    expect(page.locator(".outputs .value")).to_have_text(["\u2013"] * 10)

    draw(page, ONE)
    expect_digit(page, 1)
    expect(page.locator(".verdict")).to_have_attribute("role", "status")
    expect(page.locator(".outputs .predicted .meaning")).to_have_text("predicted")
    outputs = [float(text) for text in page.locator(".outputs .value").all_inner_texts()]
    assert outputs.index(max(outputs)) == 1
    expect(page.locator(".outputs caption")).to_contain_text("each from 0 to 1 by itself")
    expect(page.get_by_role("img", name="The drawing in 28 by 28 pixels")).to_be_visible()
    nearest = page.get_by_role("list", name="The nearest training digits")
    expect(nearest.get_by_role("img", name="Training digit, labelled 1")).to_have_count(5)
    expect(page.locator(".nearest")).to_contain_text("All 5 are labelled 1, too.")

    page.get_by_role("button", name="Clear").click()
    draw(page, ZERO)
    expect_digit(page, 0)
    page.reload()
    expect(page.locator(".verdict")).to_have_text("Draw a digit to see what the network reads.")


def test_the_outputs_of_a_softmax_are_told_in_percent(page: Page, trained: tuple[Server, str]) -> None:
    server, _ = trained
    made = server.post("/api/networks", {"layer_sizes": [784, 10], "loss": "cross_entropy", "seed": 1})["network_id"]
    show(page, (server, made))
    draw(page, ONE)
    expect(page.locator(".verdict")).to_have_text(re.compile(r"an? \d, \d+\.\d\s%$"))
    expect(page.locator(".outputs caption")).to_have_text("Probability of each digit")
    shares = [float(text.split("\u00a0")[0]) for text in page.locator(".outputs .value").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    page.get_by_role("link", name="Test", exact=True).click()
    expect(page.locator(".answers .answer").first).to_contain_text(re.compile(r"\d+\.\d\s% sure"))
    expect(page.get_by_label("Order").locator("option:checked")).to_have_text("Most confident first")


def test_requests_never_overlap_and_the_last_one_is_about_the_whole_drawing(
    page: Page, trained: tuple[Server, str]
) -> None:
    show(page, trained)
    held: list[Route] = []
    page.route("**/predict/image?**", lambda route: held.append(route))
    box = page.locator("hippo-pad").bounding_box()
    assert box is not None
    with page.expect_request("**/predict/image?**"):
        page.mouse.move(box["x"] + 100, box["y"] + 60)
        page.mouse.down()
    with page.expect_response("**/api/status"):
        page.mouse.move(box["x"] + 100, box["y"] + 260, steps=20)  # and time for many more
    page.mouse.up()
    assert len(held) == 1
    held[0].continue_()
    while len(held) < 2:
        page.evaluate(_NEXT_FRAME)
    first, second = (ink(route.request.post_data_buffer) for route in held)
    assert 5 * first < second
    held[1].continue_()
    page.unroute("**/predict/image?**")
    expect_digit(page, 1)
    assert len(held) == 2


_NEXT_FRAME = "new Promise((done) => requestAnimationFrame(done))"


def ink(png: bytes | None) -> int:
    assert png is not None
    return sum(Image.open(io.BytesIO(png)).convert("L").histogram()[:128])


def test_undo_takes_strokes_away_one_by_one_and_clear_all(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    pad = page.locator("hippo-pad")
    undo = page.get_by_role("button", name="Undo")
    assert pad.evaluate(INK) == 0
    expect(undo).to_be_disabled()
    draw(page, ZERO)
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")
    one = pad.evaluate(INK)
    assert one > 0.05
    draw(page, [(0.1, 0.1)])  # a dot
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 2 strokes")
    assert one < pad.evaluate(INK) < one + 0.01
    undo.click()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")
    assert pad.evaluate(INK) == one
    expect_digit(page, 0)
    undo.click()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: empty")
    assert pad.evaluate(INK) == 0
    expect(page.locator(".verdict")).to_have_text("Draw a digit to see what the network reads.")
    draw(page, ONE)
    draw(page, ZERO)
    page.get_by_role("button", name="Clear").click()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: empty")
    assert pad.evaluate(INK) == 0
    expect(page.locator(".nearest img")).to_have_count(0)


def test_a_finger_draws_on_a_phone_and_the_page_does_not_move(browser: Browser, trained: tuple[Server, str]) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2
    )
    context.set_default_timeout(20_000)
    watch = Watch(context)
    page = context.new_page()
    show(page, trained)
    page.locator("hippo-pad").scroll_into_view_if_needed()
    box = page.locator("hippo-pad").bounding_box()
    assert box is not None
    scrolled = page.evaluate("scrollY")
    touch = context.new_cdp_session(page)
    places = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in ONE]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{**places[0], "id": 1}]})
    second = {"x": places[0]["x"] - 80, "y": places[0]["y"], "id": 2}
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{**place, "id": 1}]})
    both = [{**places[-1], "id": 1}, second]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": both})  # a palm draws nothing
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("hippo-pad")).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")
    expect_digit(page, 1)
    assert page.evaluate("scrollY") == scrolled
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.get_by_role("button", name="Export").click()
    menu = page.get_by_role("group", name="Export as").bounding_box()
    assert menu is not None
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 390
    watch.check()
    context.close()


def test_the_gallery_shows_right_and_wrong_and_puts_a_digit_on_the_paper(
    page: Page, trained: tuple[Server, str]
) -> None:
    show(page, trained)
    words = page.locator(".sample-words").all_inner_texts()
    right = sum(text.strip() == "rightly" for text in words)
    assert all(re.fullmatch(r"rightly|as \d", text.strip()) for text in words), words
    expect(page.locator(".gallery-card")).to_contain_text(
        re.compile(rf"{right}\sdigits? read rightly, {20 - right} wrong")
    )

    before = page.locator(".gallery").inner_html()
    with page.expect_response("**/predict"):
        page.get_by_role("button", name="Others").click()
    expect(page.locator(".sample")).to_have_count(20)
    expect(page.locator(".gallery-card")).to_have_attribute("aria-busy", "false")
    assert page.locator(".gallery").inner_html() != before

    sample = page.get_by_role("button", name=re.compile("Test digit, a 0, read rightly")).first
    while not sample.count():
        with page.expect_response("**/predict"):
            page.get_by_role("button", name="Others").click()
        expect(page.locator(".gallery-card")).to_have_attribute("aria-busy", "false")
    sample.focus()
    page.keyboard.press("Enter")
    expect(page.locator("hippo-pad")).to_have_attribute("aria-label", re.compile("test image [\\d,]+, labelled 0$"))
    expect(page.locator(".verdict")).to_have_text(re.compile(r", output \d\.\d{3}$"))
    draw(page, [(0.1, 0.9)])
    expect(page.locator("hippo-pad")).to_have_attribute("aria-label", re.compile("labelled 0, and 1 stroke$"))


@pytest.mark.parametrize("digit", [0, 1])
def test_a_picture_is_uploaded_or_dropped(page: Page, trained: tuple[Server, str], digit: int) -> None:
    show(page, trained)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a picture").click()
    chooser.value.set_files(file("scan.png", png(digit)))
    expect(page.locator("hippo-pad")).to_have_attribute("aria-label", "Paper to draw on: scan.png")
    expect_digit(page, digit)

    other = png(1 - digit, size=(4000, 3000), paper=30, ink=240)  # large, and white on black
    page.evaluate(_DROP, list(other))
    expect(page.locator("hippo-pad")).to_have_attribute("aria-label", "Paper to draw on: dropped.png")
    expect_digit(page, 1 - digit)


_DROP = """(bytes) => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
  document.querySelector(".pad-card").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
}"""


def copy(page: Page, data: bytes) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.bring_to_front()
    page.evaluate(_COPY, list(data))


_COPY = """(bytes) => navigator.clipboard.write([
  new ClipboardItem({ "image/png": new Blob([new Uint8Array(bytes)], { type: "image/png" }) }),
])"""


def test_a_copied_picture_is_pasted_by_keyboard_or_by_button(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    pad = page.locator("hippo-pad")
    button = page.get_by_role("button", name="Paste", exact=True)
    expect(button).to_have_attribute("aria-keyshortcuts", "Control+V Meta+V")
    copy(page, png(0))
    with page.expect_request("**/predict/image?**"):
        page.keyboard.press("Control+V")
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: pasted picture")
    expect_digit(page, 0)

    copy(page, png(1))
    button.focus()
    with page.expect_request("**/predict/image?**"):
        page.keyboard.press("Enter")
    expect_digit(page, 1)

    page.evaluate("navigator.clipboard.writeText('no picture')")
    alert = page.locator(".pad-card").get_by_role("alert")
    for paste in (button.click, lambda: page.keyboard.press("Control+V")):
        page.get_by_role("button", name="Clear").click()
        draw(page, [(0.5, 0.5)])
        expect(alert).to_be_hidden()
        paste()
        expect(alert).to_have_text("There is no picture on the clipboard. Copy one, then paste it here.")
        expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")


def test_a_button_that_may_not_paste_names_the_keys(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    button, alert = page.get_by_role("button", name="Paste", exact=True), page.locator(".pad-card").get_by_role("alert")
    page.evaluate("() => { navigator.clipboard.read = () => Promise.reject(new Error('not allowed')); }")
    button.click()
    expect(alert).to_have_text("The browser did not let the page look at the clipboard. Press Ctrl+V instead.")
    page.evaluate("navigator.clipboard.read = undefined")  # as where the page came neither by TLS nor from this machine
    button.click()
    expect(alert).to_have_text("Here the browser lets no button paste pictures. Press Ctrl+V instead.")


@pytest.mark.parametrize("keys", ["Control+z", "Meta+z"])
def test_the_keys_for_undo_take_the_last_stroke_back(page: Page, trained: tuple[Server, str], keys: str) -> None:
    show(page, trained)
    pad = page.locator("hippo-pad")
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("aria-keyshortcuts", "Control+Z Meta+Z")
    draw(page, ONE)
    draw(page, ZERO)
    page.keyboard.press("z")
    page.keyboard.press("Control+Shift+z")
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 2 strokes")
    page.keyboard.press(keys)
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")
    expect_digit(page, 1)

    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 2 strokes")
    page.keyboard.press(keys)  # a stroke that is not ended stays
    page.mouse.move(box["x"] + 50, box["y"] + 90)
    page.mouse.up()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 2 strokes")
    for _ in range(3):
        page.keyboard.press(keys)
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: empty")


def test_the_keys_are_the_pads_only_where_it_is_shown_and_nobody_types(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    pad = page.locator("hippo-pad")
    draw(page, ONE)
    for elsewhere in ("input", "dialog"):
        page.evaluate(_ELSEWHERE, elsewhere)
        page.keyboard.press("Control+z")
        page.evaluate("document.querySelector('#elsewhere').remove()")
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")
    page.get_by_role("link", name="Learn", exact=True).click()
    expect(pad).to_have_count(0)
    page.keyboard.press("Control+z")
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(pad).to_have_attribute("aria-label", "Paper to draw on: 1 stroke")


_ELSEWHERE = """(kind) => {
  const made = Object.assign(document.createElement(kind), { id: "elsewhere" });
  document.body.append(made);
  kind === "dialog" ? made.showModal() : made.focus();
}"""


def test_what_cannot_be_read_is_said_in_words(page: Page, trained: tuple[Server, str], watch: Watch) -> None:
    show(page, trained)
    input_ = page.locator(".pad-card input[type=file]")
    alert = page.locator(".pad-card").get_by_role("alert")
    input_.set_input_files(file("letter.pdf", b"%PDF-1.4", "application/pdf"))
    expect(alert).to_have_text('"letter.pdf" is no picture. Choose a PNG or a JPEG.')
    input_.set_input_files(file("broken.png", png()[:60]))
    expect(alert).to_have_text('"broken.png" cannot be read as a picture. Choose a PNG or a JPEG.')
    input_.set_input_files(file("good.png", png()))
    expect(alert).to_be_hidden()
    expect_digit(page, 1)

    watch.expected.append("status of 422")
    input_.set_input_files(file("white.png", png(paper=255, ink=255)))
    refusal = page.locator(".reading-card").get_by_role("alert")
    expect(refusal).to_contain_text("blank")
    expect(page.locator(".verdict")).to_have_text("No answer")
    page.get_by_role("button", name="Try again").click()
    expect(refusal).to_contain_text("blank")
    page.get_by_role("button", name="Clear").click()
    draw(page, ONE)
    expect_digit(page, 1)


def test_a_network_that_was_deleted_elsewhere_says_so(page: Page, server: Server, watch: Watch) -> None:
    watch.expected.append("status of 404")
    made = server.post("/api/networks", {"layer_sizes": [784, 10], "name": "short-lived"})["network_id"]
    page.goto(f"{server.url}/#/networks/{made}/draw")
    expect(page.locator(".callout")).to_contain_text("has not been trained yet: it guesses")
    expect(page.locator(".sample")).to_have_count(20)
    assert page.request.delete(f"{server.url}/api/networks/{made}").ok
    draw(page, ONE)
    expect(page.get_by_role("heading", name="There is no such network")).to_be_visible()


@pytest.mark.parametrize("form", ["safetensors", "NumPy npz", "NumPy npz, by layers"])
def test_a_model_leaves_as_a_file_and_comes_back(
    page: Page, trained: tuple[Server, str], tmp_path: Path, form: str
) -> None:
    server, network = trained
    show(page, trained)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(f"^{form} ")).click()
    ending = {"safetensors": ".safetensors", "NumPy npz": ".npz"}.get(form, "-layers.npz")
    assert download.value.suggested_filename == f"reader-{network[:8]}{ending}"
    kept = tmp_path / download.value.suggested_filename
    download.value.save_as(kept)
    expect(page.get_by_role("group", name="Export as")).to_be_hidden()

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import a model").click()
    chooser.value.set_files(kept)
    expect(page.locator(".notice")).to_contain_text(f'"{kept.name}" was imported.')
    expect(page.get_by_role("heading", level=1, name="reader")).to_be_visible()
    imported = steps.network_id(page)
    assert imported != network
    expect(page.locator(".item[aria-current]")).to_contain_text("Trained")
    before, after = (server.get(f"/api/networks/{one}") for one in (network, imported))
    assert after["accuracy"] == before["accuracy"]
    page.get_by_role("link", name="Draw", exact=True).click()
    draw(page, ONE)
    expect_digit(page, 1)


def test_onnx_is_saved_too_and_the_menu_closes_with_escape(page: Page, trained: tuple[Server, str]) -> None:
    show(page, trained)
    export = page.get_by_role("button", name="Export")
    export.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("group", name="Export as")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(export).to_be_focused()
    export.click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^ONNX")).click()
    assert download.value.suggested_filename.endswith(".onnx")
    assert len(download.value.path().read_bytes()) > 90_000


def test_a_file_that_is_no_model_is_refused_in_words(page: Page, trained: tuple[Server, str], watch: Watch) -> None:
    watch.expected.append("status of 422")
    show(page, trained)
    import_ = page.locator(".side input[type=file]")
    import_.set_input_files(file("empty.npz", b"", "application/octet-stream"))
    expect(page.locator(".notice")).to_contain_text('"empty.npz" is empty.')
    import_.set_input_files(file("model.npz", b"\x80\x04\x95 a pickle", "application/octet-stream"))
    expect(page.locator(".notice.error")).to_contain_text('"model.npz" was not imported. The file')
    expect(page.locator(".notice")).to_contain_text("pickle")
    expect(page.locator(".item[aria-current]")).to_contain_text("reader")
