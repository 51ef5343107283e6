"""docs/ARCHITECTURE.md draws the tables of the code as they are."""

from __future__ import annotations

import re

from hippo.jobs.job import FINAL, PUBLIC_STATUS, TRANSITIONS
from tests.docs.markdown import PROJECT, code, first_cells, rows, section, text_of

DOCUMENT = "docs/ARCHITECTURE.md"


def drawn_transitions(text: str) -> set[tuple[str, ...]]:
    return {tuple(code(" ".join(row))) for row in rows(section(text, "States of a job"))}


def test_the_states_are_those_of_the_code() -> None:
    real = {(str(state), action, str(after)) for (state, action), after in TRANSITIONS.items()}
    assert drawn_transitions(text_of(DOCUMENT)) == real
    changed = text_of(DOCUMENT).replace("| `queued` | `cancel` | `cancelled` |", "| `queued` | `cancel` | `failed` |")
    assert drawn_transitions(changed) != real


def test_the_rest_document_shows_the_same_states() -> None:
    table = [row for row in rows(section(text_of("docs/API_DOCUMENTATION.md"), "The record of a job")) if len(row) == 4]
    shown = {(code(row[0])[0], code(row[1])[0], row[3] == "yes") for row in table}
    assert shown == {(str(state), status, state in FINAL) for state, status in PUBLIC_STATUS.items()}


def test_the_messages_are_those_of_the_code() -> None:
    sources = "".join(path.read_text() for path in (PROJECT / "src/hippo/jobs").glob("*.py"))
    sent = set(re.findall(r"\"type\": \"(\w+)\"", sources)) - {"lost"}  # said by the server itself about a dead worker
    assert set(first_cells(section(text_of(DOCUMENT), "The worker protocol"))) == sent
