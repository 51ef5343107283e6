"""The documents, taken apart: headings, sections, tables, fenced blocks, links. As little of Markdown as they use."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return every document of the project."""
    folders = (PROJECT, *(PROJECT / name for name in ("docs", "data", "models", "benchmarks")))
    return sorted(path for folder in folders for path in folder.glob("*.md"))


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return [content for found, content in _FENCED.findall(text) if found == language]


def prose(text: str) -> str:
    """Return the text without its fenced blocks."""
    return _FENCED.sub("", text)


def headings(text: str) -> list[str]:
    return re.findall(r"^#{1,6} (.+)$", prose(text), re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the names by which headings can be linked to, as GitHub makes them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(text))
    return {name.replace(" ", "-") for name in plain}


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, down to the next one of its rank or above; KeyError where there is none."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if found is None:
        raise KeyError(heading)
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", _without_fenced_hashes(rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def _without_fenced_hashes(text: str) -> str:
    return _FENCED.sub(lambda block: re.sub(r"(?m)^#", " ", block[0]), text)


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows, without heads and rules."""
    lines = [line for line in prose(text).splitlines() if line.startswith("|")]
    heads = {index - 1 for index, line in enumerate(lines) if re.fullmatch(r"[|\- ]+", line)}
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for index, line in enumerate(lines)
        if index not in heads and not re.fullmatch(r"[|\- ]+", line)
    ]
    return [row for row in cells if row]


def code(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def first_cells(text: str) -> list[str]:
    """Return everything in backticks in the first cells of all rows."""
    return [name for row in rows(text) for name in code(row[0])]


def links(text: str) -> list[str]:
    """Return the targets of links and pictures."""
    plain = prose(text)
    return re.findall(r"\]\(([^)\s]+)\)", plain) + re.findall(r"(?:src|srcset|href)=\"([^\"]+)\"", plain)
