"""What the documents point to is there: files, headings, make targets, pictures. They point to nothing that moves."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT, anchors, documents, links, prose, text_of

_FILE = re.compile(r"`((?:\.?[\w-]+/)*\.?[\w-]+\.(?:py|js|md|json|yml|html|css|txt|toml))`|`((?:[\w-]+/)+)`")
#: Files that the reader makes, or that are made while the server runs.
MADE = {"first.py", "digit.png", "manifest.json", "wsgi.py", "labels.npy", "hippo.js", "tsconfig.json"}
#: What documents must not hold, by what it would be.
FORBIDDEN = {
    "a line number": r"\b(?:lines?|Z\.) \d+(?:-\d+)?\b|\.(?:py|js):\d+|#L\d+",
    "a path of one machine": r"/(?:home|root|Users|work)/|/opt/py|C:\\\\",
    "a package registry": r"registry\.npmjs|pypi\.org|files\.pythonhosted|npmjs\.com",
}

NAMES = [str(path.relative_to(PROJECT)) for path in documents()]


def broken_links(text: str, folder: Path) -> list[str]:
    """Return the relative links that lead nowhere."""
    return [link for link in links(text) if not re.match(r"https?://|mailto:", link) and not leads(link, text, folder)]


def leads(link: str, text: str, folder: Path) -> bool:
    """Say whether a link of this text leads to a file, and to a heading in it if it names one."""
    name, _, anchor = link.partition("#")
    target = folder / name
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text() if name else text)


def missing_files(text: str, folder: Path) -> list[str]:
    """Return the files and folders that are named in backticks and are neither in the project nor beside the text."""
    names = [file or directory for file, directory in _FILE.findall(prose(text))]
    bases = (PROJECT, folder, PROJECT / "src", PROJECT / "src/hippo", PROJECT / "static", PROJECT / "data")
    return [name for name in names if name not in MADE and not any((base / name).exists() for base in bases)]


def missing_targets(text: str) -> set[str]:
    """Return the make targets that are named and do not exist."""
    named = set(re.findall(r"`make ([a-z-]+)`|^(?:\S+=\S* )*make ([a-z-]+)", text, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    return {a or b for a, b in named} - targets


def forbidden(text: str) -> list[str]:
    """Return what the text must not hold."""
    return [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]


@pytest.mark.parametrize("name", NAMES)
def test_links_files_and_targets_exist(name: str) -> None:
    text, folder = text_of(name), (PROJECT / name).parent
    assert broken_links(text, folder) == []
    assert missing_files(text, folder) == []
    assert missing_targets(text) == set()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_moves_is_pointed_to(name: str) -> None:
    assert forbidden(text_of(name)) == []


def test_what_is_wrong_would_be_seen() -> None:
    text = "[a](missing.md) [b](#nowhere) [c](README.md#two-commands) `src/hippo/gone.py` `make dinner`\n"
    assert broken_links(text, PROJECT) == ["missing.md", "#nowhere"]
    assert missing_files(text, PROJECT) == ["src/hippo/gone.py"]
    assert missing_targets(text) == {"dinner"}
    assert forbidden("see loop.py:12") == ["a line number"]
    assert forbidden("see lines 12-20 in /home/me, from pypi.org") == list(FORBIDDEN)


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, waiting = set(), [PROJECT / "README.md"]
    while waiting:
        path = waiting.pop().resolve()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        waiting += [path.parent / link.partition("#")[0] for link in links(path.read_text()) if ":" not in link]
    assert {path for path in documents() if path.parent.name == "docs"} <= seen


def test_pictures_are_there_small_and_shown() -> None:
    source = (PROJECT / "docs/screenshots.py").read_text()
    themes = re.search(r"^THEMES = \(\"(\w+)\", \"(\w+)\"\)$", source, re.MULTILINE)
    assert themes is not None
    made = {f"learn-{theme}.png" for theme in themes.groups()}
    assert 'f"learn-{theme}.png"' in source
    assert {path.name for path in (PROJECT / "docs/images").glob("*.png")} == made
    shown = {link for link in links(text_of("README.md")) if link.endswith(".png")}
    assert shown == {f"docs/images/{name}" for name in made}
    for name in made:
        picture = (PROJECT / "docs/images" / name).read_bytes()
        width, height = struct.unpack(">II", picture[16:24])
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 300_000
        assert width >= 1200
        assert height >= 800


def test_the_readme_tree_names_what_is_there() -> None:
    tree = re.search(r"## What is where\n\n```text\n(.*?)```", text_of("README.md"), re.DOTALL)
    assert tree is not None
    names = [line.split()[0] for line in tree[1].splitlines()]
    assert [name for name in names if not (PROJECT / name).exists()] == []
