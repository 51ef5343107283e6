"""``python -m benchmarks [NAME ...] [--json FILE]``: run the benchmarks named, or all, and print their tables."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.report import Table, machine

NAMES = ("epoch", "recipes", "memory", "server", "predict", "drawing", "watching", "page")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Hippo's speed and size.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables to FILE as JSON, too")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")

    facts = machine()
    for name, value in facts.items():
        print(f"{name}: {value}")
    print()
    results: dict[str, Any] = {"machine": facts}
    for name in arguments.names or NAMES:
        began = time.monotonic()
        tables: list[Table] = importlib.import_module(f"benchmarks.{name}").run()
        for table in tables:
            print(table)
        print(f"({name}: {time.monotonic() - began:.0f} s)\n", flush=True)
        results[name] = [table.to_dict() for table in tables]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
