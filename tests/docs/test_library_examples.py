"""The examples of the library run as their first lines say, in seconds, learn what they are about, and stay short."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.markdown import PROJECT

EXAMPLES = PROJECT / "docs/examples"
NAMES = ["xor.py", "two_spirals.py"]


def run(name: str, text: str | None = None) -> list[str]:
    """Run an example by the command in its opening, from the project's folder, and return its lines."""
    opening = (EXAMPLES / name).read_text(encoding="utf-8").partition('"""\n')[0]
    (command,) = re.findall(r"`(PYTHONPATH=src python \S+)`", opening)
    setting, _, path = shlex.split(command)
    arguments = [path] if text is None else ["-c", text]
    environment = os.environ | dict([setting.split("=")])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def figures(lines: list[str]) -> list[tuple[float, float]]:
    """Return the loss and the accuracy (percent) that were printed on the way."""
    found = [re.search(r"loss (\d+\.\d+) +accuracy (\d+(?:\.\d+)?)%", line) for line in lines]
    return [(float(one[1]), float(one[2])) for one in found if one]


def test_every_example_is_tested() -> None:
    # read_frame.py is run by tests/docs/test_frames.py, and is what the tests read frames with.
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == sorted([*NAMES, "read_frame.py"])


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_a_plain_loop(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert re.search(r"\.forward\(.*\.backward\(loss\.backward\(\)\)\n +optimizer\.step\(\)", text, re.DOTALL)
    assert set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)) == {"numpy", "hippo"}


def test_xor_is_learned() -> None:
    lines = run("xor.py")
    (first, before), *_, (last, accuracy) = figures(lines)
    assert accuracy == 100 > before
    assert last < 0.05 < first
    assert lines[-4:] == ["0 xor 0 = 0", "0 xor 1 = 1", "1 xor 0 = 1", "1 xor 1 = 0"]


def test_two_spirals_are_parted() -> None:
    lines = run("two_spirals.py")
    (first, before), *_, (last, accuracy) = figures(lines)
    assert before < 75
    assert accuracy > 99
    assert last < 0.05 < first
    correct, points = map(int, re.findall(r"\((\d+)/(\d+)\)", lines[-1])[0])
    assert points >= 194
    assert correct > 0.99 * points


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_a_function_of_its_seed(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    short = re.sub(r"EPOCHS(.*)= 1, 1500,", r"EPOCHS\1= 1, 5,", text)
    other = re.sub(r"^(SEED,.*)= 1,", r"\1= 2,", short, flags=re.MULTILINE)
    assert run(name, short) == run(name, short) != run(name, other)


def test_the_two_spirals_are_two_and_apart() -> None:
    text = (EXAMPLES / "two_spirals.py").read_text(encoding="utf-8")
    made = (
        text.partition("\nrng = ")[0]
        + "\nx, c = two_spirals()\nprint(*np.bincount(c), x.dtype, (x[c == 0] == -x[c == 1]).all())\n"
    )
    assert run("two_spirals.py", made) == ["97 97 float32 True"]
