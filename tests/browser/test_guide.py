"""The page of the front-end guide that reads a picture, as a page of another origin sees the server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.server import Server
from tests.browser.test_drawing import file, png
from tests.browser.watch import Watch
from tests.docs.markdown import blocks, section, text_of

pytestmark = pytest.mark.browser


@pytest.fixture
def other_origin(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a development server hands its files out."""
    folder = tmp_path / "page"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield folder, f"http://localhost:{serving.server_address[1]}/"
        serving.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Hands files out and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_picture_is_chosen_read_and_shown(
    page: Page, server: Server, watch: Watch, other_origin: tuple[Path, str]
) -> None:
    folder, address = other_origin
    part = section(text_of("docs/FRONTEND_GUIDE.md"), "Reading a picture")
    (html,), (script,) = blocks(part, "html"), blocks(part, "js")
    (folder / "index.html").write_text(f"<!doctype html><link rel=icon href=data:,>{html}")
    (folder / "picture.js").write_text(script.replace("http://127.0.0.1:8000", server.url))
    page.goto(address)
    chosen, said = page.get_by_label("A picture of a digit"), page.get_by_role("status")
    seen = page.get_by_role("img", name="The picture in 28 by 28 pixels")

    watch.expected.append("status of 503")
    chosen.set_input_files(file("one.png", png()))
    expect(said).to_have_text(re.compile("trained"))

    made = server.post("/api/networks", {"layer_sizes": [784, 10], "seed": 1})["network_id"]
    job = server.post(f"/api/networks/{made}/train", {"epochs": 1, "mini_batch_size": 1000})["job_id"]
    while server.get(f"/api/training/{job}")["state"] in ("queued", "running"):
        pass
    chosen.set_input_files(file("one.png", png()))
    expect(said).to_have_text(re.compile(r"^a \d with \d{2,3}\.\d %$"))
    expect(seen).to_be_visible()
    assert seen.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [28, 28]

    watch.expected.append("status of 422")
    chosen.set_input_files(file("letter.pdf", b"%PDF-1.4"))
    expect(said).to_have_text(re.compile("^This is no picture in PNG or JPEG"))
    expect(seen).to_be_hidden()
