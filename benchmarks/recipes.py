"""The recipes: an epoch of each beside PyTorch and scikit-learn, and what they reach with three seeds.

The epochs take turns on one core (see ``epoch``). The accuracies are those of the command itself, run to its end: that
takes half an hour, most of it for the recipe ``best``, and is left out unless ``HIPPO_BENCHMARK_ACCURACY=1``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.epoch import ONE_THREAD, start, take_turns
from benchmarks.recipe_contenders import CONTENDERS
from benchmarks.report import Table, median, spread
from hippo.recipes import RECIPES

ROUNDS = 3
SEEDS = (1, 2, 3)
PROJECT = Path(__file__).resolve().parents[1]


def run() -> list[Table]:
    """Measure all recipes."""
    tables = [_epochs()]
    if os.environ.get("HIPPO_BENCHMARK_ACCURACY") == "1":
        tables.append(_accuracies())
    return tables


def _epochs() -> Table:
    table = Table(
        f"One epoch of each recipe, 50,000 images, one core: {ROUNDS} rounds in turns",
        ["", "seconds", "spread", "times Hippo", "accuracy"],
        notes=[
            "Medians. 'times Hippo' is a time divided by that of Hippo, not augmenting, in the same round.",
            f"'accuracy' is the fraction of the test set that is right after {ROUNDS + 1} epochs: all did learn. To be",
            "timed one by one, Hippo's epochs each begin with an optimizer that remembers nothing.",
        ],
    )
    for name, recipe in RECIPES.items():
        processes = []
        try:
            for contender in CONTENDERS:
                if contender != "Hippo" or "augment" in recipe.training:
                    processes.append(start(contender, "benchmarks.recipe_contenders", contender, name))
            accuracies = take_turns(processes, ROUNDS)
        finally:
            for process in processes:
                process.end()
        reference = next(process for process in processes if process.name == "Hippo, not augmenting")
        for process, accuracy in zip(processes, accuracies, strict=True):
            ratios = [own / its for own, its in zip(process.seconds, reference.seconds, strict=True)]
            label = process.name if "augment" in recipe.training else process.name.partition(",")[0]
            row = [f"{name}: {label}", median(process.seconds), spread(process.seconds), median(ratios)]
            table.rows.append([*row, f"{accuracy:.4f}"])
    return table


def _accuracies() -> Table:
    table = Table(
        f"The recipes run to their end, seeds {', '.join(map(str, SEEDS))}",
        ["", "test accuracy", "mean", "seconds"],
        notes=["Test accuracy of the last epoch's weights, in per cent, for each seed; seconds of training, median."],
    )
    for name in RECIPES:
        results = [_result(name, seed) for seed in SEEDS]
        accuracies = [100 * float(result["test"]["accuracy"]) for result in results]
        shown = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        mean = f"{sum(accuracies) / len(accuracies):.2f}"
        table.rows.append([name, shown, mean, median([float(result["seconds"]) for result in results])])
    return table


def _result(recipe: str, seed: int) -> dict[str, Any]:
    """Return what the command prints for a recipe and a seed."""
    command = [sys.executable, str(PROJECT / "src/train_mnist.py"), "--recipe", recipe, "--seed", str(seed), "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"} | ONE_THREAD
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--quiet", "--out", folder], env=environment, check=True, stdout=subprocess.PIPE
        )
    result: dict[str, Any] = json.loads(done.stdout)
    return result
