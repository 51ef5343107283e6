"""What holds for every test: in strict mode (HIPPO_TEST_STRICT=1) a test that is left out is a failure.

`make tests` deals the test modules out to a few processes, the workers. What they leave out is told to the process that
started them, which knows of skipped tests, but not of deselected ones. Workers begin with the modules that start
processes: these take longest, and at the end nobody should have to wait for one of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

_DESELECTED = pytest.StashKey[int]()


@pytest.hookimpl(trylast=True)  # once those that will not be run are gone
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have workers begin with the modules that start processes."""
    if hasattr(config, "workerinput"):
        long = {item.path for item in items if any(map(item.get_closest_marker, ("browser", "process")))}
        items.sort(key=lambda item: item.path not in long)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count them for the process that started this worker."""
    for item in items[:1]:
        item.config.stash[_DESELECTED] = item.config.stash.get(_DESELECTED, 0) + len(items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has counted; each of them has left out the same."""
    if count := getattr(node, "workeroutput", {}).get("deselected"):
        node.config.stash[_DESELECTED] = count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line why the run is red although nothing failed."""
    if _left_out(terminalreporter):
        terminalreporter.write_line("HIPPO_TEST_STRICT=1: tests were left out, and none may be.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make a run with skipped or deselected tests fail in strict mode."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["deselected"] = session.config.stash.get(_DESELECTED, 0)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _left_out(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left_out(reporter: pytest.TerminalReporter) -> bool:
    strict = os.environ.get("HIPPO_TEST_STRICT") == "1"
    left_out = any(reporter.stats.get(kind) for kind in ("skipped", "deselected", "xfailed"))
    return strict and (left_out or reporter.config.stash.get(_DESELECTED, 0) > 0)
