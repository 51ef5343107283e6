"""What a benchmark hands back: tables of numbers, printed for people and written as JSON for programs."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Table:
    """Numbers of one kind.

    Attributes
    ----------
    title : str
        What was measured, with the unit.
    columns : list of str
        The first one names the rows.
    rows : list of list
        Texts and numbers; numbers are printed with three significant digits.
    notes : list of str
        What a reader must know to understand the numbers.
    """

    title: str
    columns: list[str]
    rows: list[list[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values by name."""
        return asdict(self)

    def __str__(self) -> str:
        cells = [self.columns, *([_text(value) for value in row] for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = [_line(row, widths) for row in cells]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, "", *lines, "", *(f"  {note}" for note in self.notes)]).rstrip() + "\n"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return "" if value is None else str(value)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    # The first column holds names, the others mostly numbers.
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]).rstrip()


def verdict(value: float, limit: float) -> str:
    """Return how `value` stands to a budget that it should stay within, such as ``< 25: met``."""
    return f"< {limit:g}: {'met' if value <= limit else 'MISSED'}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def spread(values: Sequence[float]) -> str:
    """Return the smallest and the largest of `values` as ``0.24-0.31``."""
    return f"{_text(min(values))}-{_text(max(values))}"


def milliseconds(seconds: Sequence[float]) -> list[float]:
    """Return p50, p95, p99 and the largest of `seconds`, in milliseconds."""
    return [1e3 * value for value in (*(percentile(seconds, p) for p in (50, 95, 99)), max(seconds))]


def median(values: Sequence[float]) -> float:
    """Return the middle one of `values`."""
    return float(statistics.median(values))


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, Python, NumPy and its BLAS, the load before we began."""
    import numpy as np
    from threadpoolctl import threadpool_info

    blas = [f"{pool['internal_api']} {pool['version']} ({pool.get('architecture')})" for pool in threadpool_info()]
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": ", ".join(blas),
        "load_average_1_minute": os.getloadavg()[0],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
