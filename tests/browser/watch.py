"""Notes what a page does wrong while a test drives it, and what it shows that nobody should ever read."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError

_REPORT = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
"""
_NEVER_SHOWN = re.compile(r"\b(NaN|undefined|null|Infinity)\b|\[object")


class Watch:
    """The complaints of all pages of a context. What a test provokes on purpose it adds to `expected`."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []
        context.add_init_script(_REPORT)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        self._context = context

    def expect_lost_connection(self) -> None:
        """Chromium itself reports each request that finds no server; no page can prevent that."""
        self.expected += ["Failed to load resource: net::ERR_", "WebSocket connection to"]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location['url']})")

    def _on_error(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def check(self) -> None:
        """Fail on every complaint that was not expected, and on words that stand for a missing value."""
        left = [text for text in self.complaints if not any(part in text for part in self.expected)]
        assert not left, left
        for page in self._context.pages:
            check_words(page)


def check_words(page: Page) -> None:
    """Fail where the page shows NaN, undefined or null, in its text, its title or what screen readers get."""
    shown = page.evaluate(
        """() => [document.title, document.body.innerText, ...[...document.querySelectorAll("*")].flatMap((e) =>
            ["aria-label", "title", "alt", "value", "placeholder"].map((name) => e.getAttribute(name) ?? ""))]"""
    )
    found = [text for text in shown if _NEVER_SHOWN.search(text)]
    assert not found, found
