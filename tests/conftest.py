"""What holds for every test: in strict mode (HIPPO_TEST_STRICT=1) a test that is left out is a failure."""

from __future__ import annotations

import os

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line why the run is red although nothing failed."""
    if _left_out(terminalreporter):
        terminalreporter.write_line("HIPPO_TEST_STRICT=1: tests were left out, and none may be.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make a run with skipped or deselected tests fail in strict mode."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _left_out(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left_out(reporter: pytest.TerminalReporter) -> bool:
    strict = os.environ.get("HIPPO_TEST_STRICT") == "1"
    return strict and any(reporter.stats.get(kind) for kind in ("skipped", "deselected", "xfailed"))
