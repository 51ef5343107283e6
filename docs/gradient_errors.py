"""Measures how far every derivative in hippo.nn is from a difference quotient, and prints it as a Markdown table.

`.venv/bin/python docs/gradient_errors.py` prints; with `--write docs/TRAINING.md` the table there is made anew. The
cases are those of the tests, with fixed seeds; only the last digits of the processor's arithmetic make a difference.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "src")]

from tests.nn.cases import CASES, Measured, measure  # noqa: E402 - found only after the line above

BEGIN, END = "<!-- gradient errors begin -->", "<!-- gradient errors end -->"


def table(measured: dict[str, Measured]) -> str:
    """Return one row per case: its name, its largest relative error, and the absolute one where a gradient is 0."""
    lines = [
        "| gradients of | largest relative error | largest absolute error where the gradient is 0 |",
        "|---|---|---|",
    ]
    for name, (relative, absolute) in measured.items():
        # A name begins with that of a class, or with words for several of them.
        what = re.sub(r"^([A-Z]\w+)", r"`\1`", name)
        lines.append(f"| {what} | {relative:.1e} | {'' if absolute is None else f'{absolute:.1e}'} |")
    return "\n".join(lines)


def replaced(text: str, between: str) -> str:
    """Return `text` with `between` between its two markers.

    Raises
    ------
    ValueError
        When the markers are not there, each once and in their order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        raise ValueError(f"the document must have {BEGIN} and then {END}, each once")
    return f"{before}{BEGIN}\n\n{between}\n\n{END}{after}"


def main() -> None:
    """Measure, then print or write."""
    parser = argparse.ArgumentParser(description="Measure the relative errors of every gradient in hippo.nn.")
    parser.add_argument("--write", metavar="FILE", type=Path, help="replace the table in this document")
    document = parser.parse_args().write
    made = table({name: measure(case()) for name, case in CASES.items()})
    if document is None:
        sys.stdout.write(f"{made}\n")
        return
    try:
        document.write_text(replaced(document.read_text(encoding="utf-8"), made), encoding="utf-8")
    except (OSError, ValueError) as error:
        parser.error(f"{document}: {error}")


if __name__ == "__main__":
    main()
