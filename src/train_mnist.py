"""Train a network in the terminal: `python src/train_mnist.py --recipe adam`, or with settings of your own.

Choices are made by the validation set; the test set is looked at once, at the end. Ctrl-C stops the run cleanly, and
`--resume` goes on with it. The model lands in outputs/checkpoints; `python src/evaluate.py` looks into it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from hippo.commands import INTERRUPTED, REFUSED, Parser, run
from hippo.datasets import MNIST, MNISTLoader
from hippo.datasets.own import load_own
from hippo.experiment import Experiment, Result, RunFiles, Stopped, resume, run_experiment
from hippo.experiment_arguments import (
    add_choice_arguments,
    add_network_arguments,
    add_training_arguments,
    experiment_from,
    settings_given,
)
from hippo.progress_bar import ProgressBar
from hippo.recipes import RECIPES
from hippo.training import Callback, Diverged
from hippo.training.statistics import wilson_interval

OUTPUTS = Path("outputs")


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command's arguments."""
    recipes = "\n".join(f"  {name:<12}{recipe.about}" for name, recipe in RECIPES.items())
    made = Parser(
        prog="train_mnist.py",
        description="Train a network on MNIST, or on digits of your own.",
        epilog=f"recipes:\n{recipes}\n\nWhat is not said is as in the recipe, or else as in the recipe classic.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--recipe", choices=list(RECIPES), help="settings that are known to work")
    made.add_argument("--seed", type=int, help="makes the run repeatable; without it, it is drawn and printed")
    made.add_argument("--data", type=Path, metavar="PATH", help="a file or folder of digits (data/README.md)")
    made.add_argument("--name", help="name of the model's file (default: from the recipe or the sizes)")
    made.add_argument("--out", type=Path, default=OUTPUTS, metavar="DIR", help="folder for models (default outputs)")
    made.add_argument("--resume", type=Path, metavar="CHECKPOINT", help="go on with a run that was stopped")
    made.add_argument("--log", type=Path, nargs="?", const=Path("logs"), metavar="DIR", help="write a JSON Lines log")
    made.add_argument("--tensorboard", type=Path, metavar="DIR", help="write event files for TensorBoard")
    made.add_argument("--json", action="store_true", help="print the result as one JSON object")
    made.add_argument("--quiet", action="store_true", help="show no progress")
    add_network_arguments(made)
    add_training_arguments(made)
    add_choice_arguments(made)
    return made


def main() -> int:
    """Run the command; return its exit code."""
    arguments = parser().parse_args()
    experiment, files, resumed = prepare(arguments)
    data = load(experiment.data)
    tell = (lambda text: None) if arguments.json or arguments.quiet else print
    tell(description(experiment, resumed is not None))

    callbacks = attachments(arguments, data)
    asked = Interruption()
    try:
        result = run_experiment(experiment, data, files, callbacks, asked, resumed)
    except Stopped:
        print(f"\nStopped. Go on with: python src/train_mnist.py --resume {files.checkpoint}", file=sys.stderr)
        return INTERRUPTED
    except Diverged as error:
        print(f"train_mnist.py: {error}", file=sys.stderr)
        return REFUSED
    finally:
        asked.restore()
    if arguments.json:
        print(json.dumps(report(experiment, result, files), allow_nan=False))
    else:
        tell(conclusion(experiment, result, files))
    return 0


def prepare(arguments: argparse.Namespace) -> tuple[Experiment, RunFiles, Any]:
    """Return the experiment that the arguments describe, its files, and where it goes on, if it does."""
    if arguments.resume:
        more = (name for name in ("seed", "data", "name") if getattr(arguments, name) is not None)
        given = [*settings_given(arguments), *more]
        if given:
            parser().error(f"--resume goes on with the settings of the run; leave out {', '.join(given)}")
        return resume(arguments.resume)
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    data = None if arguments.data is None else str(arguments.data)
    experiment = experiment_from(arguments, seed, data)
    name = arguments.name or experiment.recipe or "-".join(map(str, experiment.spec.layer_sizes))
    if Path(name).name != name or name.startswith("."):
        parser().error(f"--name must be the name of a file, without folders, not {name!r}")
    return experiment, RunFiles.new(arguments.out / "checkpoints", name), None


def load(data: str | None) -> MNIST:
    """Return the digits: those at the path `data`, or MNIST."""
    return MNISTLoader().load_data() if data is None else load_own(Path(data))


def attachments(arguments: argparse.Namespace, data: MNIST) -> list[Callback]:
    """Return the callbacks that were asked for: progress, log, TensorBoard."""
    callbacks: list[Callback] = []
    if not arguments.quiet:
        callbacks.append(ProgressBar())
    if arguments.log:
        from hippo.training.training_logger import TrainingLogger

        callbacks.append(TrainingLogger(arguments.log))
    if arguments.tensorboard:
        from hippo.training.tensorboard import TensorBoard

        callbacks.append(TensorBoard(arguments.tensorboard))
    return callbacks


class Interruption:
    """Notes Ctrl-C and SIGTERM, so that the run can end between two mini-batches; a second one ends it at once."""

    def __init__(self) -> None:
        self._asked = False
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}

    def __call__(self) -> bool:
        """Return whether somebody asked for the end."""
        return self._asked

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *_: object) -> None:
        self._asked = True
        self.restore()


def description(experiment: Experiment, goes_on: bool) -> str:
    """Say in a few lines what is about to be trained."""
    spec, config = experiment.spec, experiment.config
    settings = [f"{config.optimizer} {config.learning_rate:g}", f"mini-batches of {config.mini_batch_size}"]
    settings += [f"momentum {config.momentum:g}"] if config.momentum else []
    settings += [f"weight decay {config.weight_decay:g}"] if config.weight_decay else []
    settings += [config.schedule.replace("_", " ")] if config.schedule != "constant" else []
    settings += [f"dropout {spec.dropout:g}"] if spec.dropout else []
    settings += [f"augmented by {', '.join(config.augment)}"] if config.augment else []
    return (
        f"{'Going on with' if goes_on else 'Training'} {'-'.join(map(str, spec.layer_sizes))} "
        f"({spec.activation}, {spec.loss.replace('_', ' ')}, {spec.parameter_count:,} parameters), seed {config.seed}\n"
        f"{config.epochs} epochs: {', '.join(settings)}"
    )


def conclusion(experiment: Experiment, result: Result, files: RunFiles) -> str:
    """Say what came of it."""
    low, high = wilson_interval(result.test.correct, result.test.total)
    best = min(result.history, key=lambda record: float(record["validation_loss"]))
    lines = [
        f"Trained for {len(result.history)} epochs in {result.seconds:.1f} s"
        + (f"; stopped because {result.stop_reason}" if result.stop_reason else ""),
        f"Validation: {result.history[result.epoch - 1]['validation_accuracy']:.2%} with the weights that are kept "
        f"(epoch {result.epoch}; lowest loss in epoch {best['epoch']})",
        f"Test: {result.test.accuracy:.2%} ({result.test.correct} of {result.test.total}; 95 % interval "
        f"{low:.2%} to {high:.2%}); the test set was looked at {experiment.test_set_use}",
        f"Model: {files.model}",
    ]
    return "\n".join(lines)


def report(experiment: Experiment, result: Result, files: RunFiles) -> dict[str, Any]:
    """Return what came of it as values of JSON."""
    return {
        "model": str(files.model),
        "experiment": experiment.to_dict(),
        "epoch": result.epoch,
        "history": result.history,
        "seconds": result.seconds,
        "stop_reason": result.stop_reason,
        "test": {"accuracy": result.test.accuracy, "correct": result.test.correct, "total": result.test.total},
        "test_set_use": experiment.test_set_use,
    }


if __name__ == "__main__":
    sys.exit(run(main))
