"""Compare settings over seeds: `python src/compare_settings.py optimizers`, or settings of your own.

Every setting is trained with every seed, one run after the other. What is printed and drawn, with the spread over the
seeds, is of the validation set; the test set is not looked at, and no model is kept.
"""

from __future__ import annotations

import argparse
import copy
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hippo.atomic_files import write_atomically
from hippo.commands import INTERRUPTED, Parser, one_line, run
from hippo.comparison import SeedRun, plan, report, train_one
from hippo.datasets import MNIST, MNISTLoader
from hippo.datasets.own import load_own
from hippo.errors import InvalidValue
from hippo.experiment import Experiment, with_seed
from hippo.experiment_arguments import add_network_arguments, add_training_arguments, experiment_from
from hippo.figures import comparison, save
from hippo.progress_bar import SeriesBar, percent
from hippo.recipes import COMPARISONS, Recipe

OUTPUTS = Path("outputs")
SEEDS = (1, 2, 3)
#: As many settings as can be told apart in one figure.
MOST = 7
#: Characters of a label; the figure grows with it.
LONGEST = 40
NAME = "compare_settings.py"
LIKE = '"Adam: --optimizer adam --learning-rate 0.001"'


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command's arguments."""
    known = "\n".join(f"  {name:<14}{'; '.join(settings)}" for name, settings in COMPARISONS.items())
    made = Parser(
        prog=NAME,
        description="Train every setting with every seed, and draw them together with their spread.",
        epilog=f"comparisons:\n{known}\n\nsettings of your own, on top of what is said outside of them:\n"
        f'  --setting "SGD: --learning-rate 0.1" --setting {LIKE}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="a comparison below, or a name for settings of your own")
    made.add_argument("--setting", action="append", default=[], metavar='"LABEL: ARGUMENTS"', help="one of your own")
    made.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), metavar="N", help="default 1 2 3")
    made.add_argument("--data", type=Path, metavar="PATH", help="a file or folder of digits (data/README.md)")
    made.add_argument(
        "--out", type=Path, default=OUTPUTS, metavar="DIR", help=f"folder for figures (default {OUTPUTS})"
    )
    made.add_argument("--json", action="store_true", help="print the result as one JSON object")
    made.add_argument("--quiet", action="store_true", help="show no progress")
    add_network_arguments(made)
    add_training_arguments(made)
    return made


def main() -> int:
    """Run the command; return its exit code."""
    arguments = parser().parse_args()
    name, experiments = chosen(arguments)
    data = MNISTLoader().load_data() if arguments.data is None else load_own(arguments.data)
    folder = arguments.out / "figures"
    folder.mkdir(parents=True, exist_ok=True)  # whether it can be made is better known before the training than after

    runs: list[SeedRun] = []
    is_whole = train_all(experiments, arguments.seeds, data, runs, arguments.quiet)
    result = {
        "comparison": name,
        "data": None if arguments.data is None else str(arguments.data),
        "seeds": arguments.seeds,
        "is_whole": is_whole,
        "test_set_use": "not looked at",
        "settings": [report(label, experiment, runs) for label, experiment in experiments.items()],
    }
    print(json.dumps(result, allow_nan=False) if arguments.json else as_text(result), flush=True)
    if not is_whole:
        print(f"{NAME}: Interrupted, and nothing was written.", file=sys.stderr)
        return INTERRUPTED
    written = write(result, folder)
    if not arguments.json:
        print(f"Written: {', '.join(map(str, written))}")
    return 0


def chosen(arguments: argparse.Namespace) -> tuple[str, dict[str, Experiment]]:
    """Return the name of the comparison and its settings, by label; refuse what cannot be compared."""
    name, seeds = arguments.name, arguments.seeds
    if len(set(seeds)) < len(seeds):
        parser().error("--seeds must differ from each other")
    given: list[tuple[str, argparse.Namespace, Recipe | None]]
    if arguments.setting:
        name = "settings" if name is None else name
        if name in COMPARISONS:
            parser().error(f"{name} is a comparison already; settings of your own take another NAME")
        if not name or Path(name).name != name or name.startswith("."):
            parser().error(f"NAME must be the name of a file, without folders, not {name!r}")
        given = [(*own_setting(text, arguments), None) for text in arguments.setting]
    elif name in COMPARISONS:
        given = [(label, arguments, recipe) for label, recipe in COMPARISONS[name].items()]
    else:
        said = "" if name is None else f", not {name!r}"
        parser().error(f"NAME must be one of {', '.join(COMPARISONS)}{said}; or give two or more --setting {LIKE}")
    experiments: dict[str, Experiment] = {}
    for label, inner, recipe in given:
        experiment = described(label, inner, recipe, seeds)
        if label in experiments:
            parser().error(f"two settings are called {label}")
        if same := [other for other in experiments if experiments[other] == experiment]:
            parser().error(f"{same[0]} and {label} are the same settings, after what is said outside of them")
        experiments[label] = experiment
    if not 2 <= len(experiments) <= MOST:
        parser().error(f"a comparison takes 2 to {MOST} settings, not {len(experiments)}")
    return name, experiments


def own_setting(text: str, outside: argparse.Namespace) -> tuple[str, argparse.Namespace]:
    """Return the label and the parsed arguments of ``LABEL: ARGUMENTS``, on top of those that stand `outside`."""
    label, colon, arguments = (part.strip() for part in text.partition(":"))
    if not label or not colon or len(label) > LONGEST:
        parser().error(f"--setting must be like {LIKE}, with a label of up to {LONGEST} characters, not {text!r}")
    label = one_line(label)
    inner = Parser(prog=f"{NAME}: {label}", add_help=False)
    add_network_arguments(inner)
    add_training_arguments(inner)
    try:
        words = shlex.split(arguments)
    except ValueError as error:
        inner.error(str(error))
    return label, inner.parse_args(words, copy.copy(outside))


def described(label: str, arguments: argparse.Namespace, recipe: Recipe | None, seeds: Sequence[int]) -> Experiment:
    """Return the experiment of a setting, with the first seed; raises InvalidValue, with the label, for a bad one."""
    try:
        experiment = experiment_from(arguments, seeds[0], recipe=recipe)
        for seed in seeds:
            with_seed(experiment, seed)
    except InvalidValue as error:
        raise InvalidValue(f"{label}: {error.message}") from None
    return experiment


def train_all(
    experiments: Mapping[str, Experiment], seeds: Sequence[int], data: MNIST, runs: list[SeedRun], is_quiet: bool
) -> bool:
    """Train every setting with every seed and add to `runs`; return False when Ctrl-C has ended it."""
    total = len(seeds) * sum(experiment.config.epochs for experiment in experiments.values())
    bar = None if is_quiet else SeriesBar(len(seeds) * len(experiments), total)
    try:
        for label, experiment in plan(experiments, seeds):
            if bar:
                bar.next(f"{label}, seed {experiment.config.seed}")
            runs.append(train_one(label, experiment, data, [bar] if bar else []))
    except KeyboardInterrupt:
        return False
    finally:
        if bar:
            bar.close()
    return True


def as_text(result: Mapping[str, Any]) -> str:
    """Return the result as a table for people."""
    rows = [("setting", "validation accuracy", "loss", "seconds")]
    for setting in result["settings"]:
        accuracy, loss, seconds = (setting[key] for key in ("validation_accuracy", "validation_loss", "seconds"))
        ended = diverged(setting)
        if accuracy is None:
            rows.append((setting["label"], ended or "not trained", "", ""))
            continue
        middle = percent(accuracy["mean"])
        if accuracy["sd"] is not None:
            middle += f" ± {100 * accuracy['sd']:.2f} ({percent(accuracy['lowest'])} to {percent(accuracy['highest'])})"
        off = "" if loss["sd"] is None else f" ± {loss['sd']:.4f}"
        rows.append((setting["label"], middle, f"{loss['mean']:.4f}{off}", f"{seconds['mean']:.1f}"))
        if ended:
            rows.append(("", ended, "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    seeds = f"the seeds {', '.join(map(str, result['seeds']))}"
    seeds = seeds if result["is_whole"] else f"those of {seeds} that are finished"
    lines.append(
        f"After the last epoch; mean ± standard deviation (lowest to highest) over {seeds}; seconds for one "
        "run.\nThe test set was not looked at."
    )
    return "\n".join(lines)


def diverged(setting: Mapping[str, Any]) -> str:
    """Say which seeds of a setting diverged, and when; nothing where none did."""
    ends = [f"{run['seed']} in epoch {run['diverged_in_epoch']}" for run in setting["runs"] if run["diverged_in_epoch"]]
    return f"diverged: seed {', '.join(ends)}" if ends else ""


def write(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the curves as JSON, and the figure of those that can be drawn; return the paths."""
    name = f"compare-{result['comparison']}"
    written = [folder / f"{name}.json"]
    write_atomically(written[0], json.dumps(result, allow_nan=False).encode())
    curves, lost = {}, []
    for setting in result["settings"]:
        finished = [run["validation_accuracy"] for run in setting["runs"] if not run["diverged_in_epoch"]]
        missing = len(setting["runs"]) - len(finished)
        if finished:
            note = f"\n{missing} of {len(setting['runs'])} seeds diverged" if missing else ""
            curves[setting["label"] + note] = finished
        else:
            lost.append(setting["label"])
    if curves:
        title = f"{result['comparison']}: validation accuracy by epoch" + (
            f"; diverged: {', '.join(lost)}" if lost else ""
        )
        written += save(comparison(curves, title=title), folder, name)
    return written


if __name__ == "__main__":
    sys.exit(run(main))
