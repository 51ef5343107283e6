"""Every setting stands in docs/DEPLOYMENT.md and in .env.example, with the default that it has."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field

from hippo.settings import PROJECT_DIR, Settings
from tests.docs.markdown import code, rows, section, text_of

#: Defaults that follow from the machine or from other settings, and so cannot be written down as a value.
DERIVED = {"HIPPO_WORKERS"}


def defaults(settings: type[Settings] = Settings) -> dict[str, str]:
    """Return the default of every variable as one would write it; empty where there is none."""
    found = {}
    for field in settings.model_fields.values():
        name, default = str(field.validation_alias), field.default
        if isinstance(default, Path):
            default = default.relative_to(PROJECT_DIR)
        found[name] = "" if name in DERIVED or default in (None, (), "") else str(default)
    return found


def in_deployment(text: str) -> dict[str, str]:
    """Return the variables of the table with their defaults; a default in words counts as none."""
    table = [row for row in rows(section(text, "Every environment variable")) if len(row) == 4]
    return {code(row[0])[0]: row[1].strip("`") if re.fullmatch(r"`[^`]+`", row[1]) else "" for row in table}


def in_example(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_the_table_holds_every_setting_with_its_default() -> None:
    assert in_deployment(text_of("docs/DEPLOYMENT.md")) == defaults()


def test_the_example_holds_every_setting_with_its_default() -> None:
    assert in_example(text_of(".env.example")) == defaults()


def test_every_line_of_the_example_is_a_comment_and_every_variable_is_explained() -> None:
    lines = text_of(".env.example").splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    for before, line in pairwise(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert re.match(r"# \S.*\.$", before), line


def test_an_undocumented_setting_or_a_wrong_default_would_be_seen() -> None:
    class More(Settings):
        mood: Any = Field("good", validation_alias="HIPPO_MOOD")

    assert defaults(More).items() - in_deployment(text_of("docs/DEPLOYMENT.md")).items() == {("HIPPO_MOOD", "good")}
    assert defaults(More).items() - in_example(text_of(".env.example")).items() == {("HIPPO_MOOD", "good")}
    changed = text_of("docs/DEPLOYMENT.md").replace("| `PORT` | `8000` |", "| `PORT` | `5000` |")
    assert in_deployment(changed)["PORT"] == "5000"


def test_derived_defaults_are_said_in_words() -> None:
    table = {
        code(row[0])[0]: row[1] for row in rows(section(text_of("docs/DEPLOYMENT.md"), "Every environment variable"))
    }
    assert all(table[name] for name in DERIVED | {"HOST", "HIPPO_DATABASE_URL"})


def test_the_compose_file_and_the_documents_name_no_other_variable() -> None:
    known = defaults().keys()
    for name in ("docker-compose.yml", "docs/DEPLOYMENT.md", "README.md", "docs/ARCHITECTURE.md"):
        named = set(re.findall(r"\bHIPPO_[A-Z_]+\b", text_of(name)))
        assert named <= known, name
