"""Train a network in the terminal: `python src/train_mnist.py --recipe adam`, or with settings of your own.

Choices are made by the validation set; the test set is looked at once, at the end. Ctrl-C stops the run cleanly, and
`--resume` goes on with it. The model lands in outputs/checkpoints; `python src/evaluate.py` looks into it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shlex
import signal
import sys
from pathlib import Path
from typing import Any, Self

from hippo.commands import INTERRUPTED, REFUSED, Parser, run
from hippo.datasets import MNIST, MNISTLoader
from hippo.datasets.own import load_own
from hippo.experiment import Experiment, Result, Stopped, resume, run_experiment
from hippo.experiment_arguments import (
    add_choice_arguments,
    add_network_arguments,
    add_training_arguments,
    experiment_from,
    settings_given,
)
from hippo.network import NeuralNetwork
from hippo.progress_bar import ProgressBar, epochs, percent
from hippo.recipes import RECIPES
from hippo.run_files import RunFiles
from hippo.training import Callback, Diverged, TrainingState
from hippo.training.statistics import wilson_interval
from hippo.training.training_logger import TrainingLogger

OUTPUTS = Path("outputs")
#: One digit in ten is right by chance; so is a little more, where a network answers always the same.
GUESSING = 0.15


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
    made.add_argument("--out", type=Path, metavar="DIR", help=f"folder for models (default {OUTPUTS})")
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
    experiment, files, resumed = going_on(arguments) if arguments.resume else (new(arguments), None, None)
    name = name_of(arguments, experiment)
    data = load(experiment.data)
    callbacks = attachments(arguments)
    with Interruption() as asked:
        files = files or RunFiles.new((arguments.out or OUTPUTS) / "checkpoints", name)
        try:
            if not arguments.json:
                print(description(experiment, resumed is not None), flush=True)
            result = run_experiment(experiment, data, files, callbacks, asked, resumed)
        except Stopped:
            print(f"Stopped. Go on with: {again(arguments, files)}", file=sys.stderr)
            return INTERRUPTED
        except Diverged as error:
            print(f"train_mnist.py: {error}", file=sys.stderr)
            return REFUSED
        finally:
            files.release()
    log = next((callback.log_file for callback in callbacks if isinstance(callback, TrainingLogger)), None)
    if arguments.json:
        print(json.dumps(report(experiment, result, files, log), allow_nan=False))
    else:
        print(conclusion(experiment, result, files, log))
    return 0


def new(arguments: argparse.Namespace) -> Experiment:
    """Return the experiment that the arguments describe."""
    seed = secrets.randbelow(2**32) if arguments.seed is None else arguments.seed
    # In full: the run may go on from another folder.
    return experiment_from(arguments, seed, None if arguments.data is None else str(arguments.data.resolve()))


def going_on(arguments: argparse.Namespace) -> tuple[Experiment, RunFiles, tuple[NeuralNetwork, TrainingState]]:
    """Return the experiment that was stopped, its files, and where it goes on."""
    more = [f"--{name}" for name in ("seed", "data", "name", "out") if getattr(arguments, name) is not None]
    if given := [*settings_given(arguments), *more]:
        parser().error(f"--resume goes on with the settings of the run; leave out {', '.join(given)}")
    return resume(arguments.resume)


def name_of(arguments: argparse.Namespace, experiment: Experiment) -> str:
    """Return what the model's file is to be called, without what says its kind."""
    if arguments.name is None:
        return experiment.recipe or "-".join(map(str, experiment.spec.layer_sizes))
    name = str(arguments.name)
    if not name or Path(name).name != name or name.startswith("."):
        parser().error(f"--name must be the name of a file, without folders, not {name!r}")
    return name


def load(data: str | None) -> MNIST:
    """Return the digits: those at the path `data`, or MNIST."""
    return MNISTLoader().load_data() if data is None else load_own(Path(data))


def attachments(arguments: argparse.Namespace) -> list[Callback]:
    """Return the callbacks that were asked for: progress, log, TensorBoard."""
    callbacks: list[Callback] = []
    if not arguments.quiet:
        callbacks.append(ProgressBar())
    for folder in (arguments.log, arguments.tensorboard):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be is told before the training
    if arguments.log:
        callbacks.append(TrainingLogger(arguments.log))
    if arguments.tensorboard:
        from hippo.training.tensorboard import TensorBoard

        callbacks.append(TensorBoard(arguments.tensorboard))
    return callbacks


def again(arguments: argparse.Namespace, files: RunFiles) -> str:
    """Return the command that goes on with a run that was stopped, and shows and logs it in the same way."""
    words = [sys.executable, sys.argv[0], "--resume", str(files.checkpoint)]
    words += [word for name in ("json", "quiet") if getattr(arguments, name) for word in [f"--{name}"]]
    for name in ("log", "tensorboard"):
        if (folder := getattr(arguments, name)) is not None:
            words += [f"--{name}", str(folder)]
    return shlex.join(words)


class Interruption:
    """Notes Ctrl-C and SIGTERM, so that the run can end between two mini-batches; a second one ends it at once."""

    def __init__(self) -> None:
        self._asked = False
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}

    def __call__(self) -> bool:
        """Return whether somebody asked for the end."""
        return self._asked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, *_: object) -> None:
        self._asked = True
        self._restore()


def description(experiment: Experiment, goes_on: bool) -> str:
    """Say in a few lines what is about to be trained."""
    spec, config = experiment.spec, experiment.config
    settings = [f"{config.optimizer} {config.learning_rate:g}", f"mini-batches of {config.mini_batch_size}"]
    settings += [f"momentum {config.momentum:g}"] if config.momentum else []
    settings += ["Nesterov"] if config.nesterov else []
    settings += [f"weight decay {config.weight_decay:g}"] if config.weight_decay else []
    settings += [f"schedule {config.schedule.replace('_', ' ')}"] if config.schedule != "constant" else []
    settings += [f"warm-up {config.warm_up:g}"] if config.warm_up else []
    settings += [f"gradients clipped to {config.clip_norm:g}"] if config.clip_norm else []
    settings += [f"labels smoothed by {config.label_smoothing:g}"] if config.label_smoothing else []
    settings += [f"dropout {spec.dropout:g}"] if spec.dropout else []
    settings += ["not shuffled"] if not config.shuffle else []
    settings += [f"augmented by {', '.join(config.augment)}"] if config.augment else []
    return (
        f"{'Going on with' if goes_on else 'Training'} {'-'.join(map(str, spec.layer_sizes))} "
        f"({spec.activation}, {spec.loss.replace('_', ' ')}, {spec.parameter_count:,} parameters), seed {config.seed}\n"
        f"{epochs(config.epochs)}: {', '.join(settings)}"
    )


def conclusion(experiment: Experiment, result: Result, files: RunFiles, log: Path | None) -> str:
    """Say what came of it, and what to try where that is nothing."""
    low, high = wilson_interval(result.test.correct, result.test.total)
    best = min(result.history, key=lambda record: float(record["validation_loss"]))
    validation = percent(result.history[result.epoch - 1]["validation_accuracy"])
    lines = [
        f"Trained for {epochs(len(result.history))} in {result.seconds:.1f} s"
        + (f"; stopped because {result.stop_reason}" if result.stop_reason else ""),
        f"Validation: {validation} with the weights that are kept "
        f"(epoch {result.epoch}; lowest loss in epoch {best['epoch']})",
        f"Test: {percent(result.test.accuracy)} ({result.test.correct} of {result.test.total}; 95 % interval "
        f"{percent(low)} to {percent(high)}); the test set was looked at {experiment.test_set_use}",
        f"Model: {files.model}",
    ]
    if experiment.config.augment:
        changing = sum(record["augmentation_share"] * record["duration_seconds"] for record in result.history)
        training = sum(record["duration_seconds"] for record in result.history)
        lines.insert(1, f"Changing pictures took {percent(changing / training)} of that")
    lines += [f"Log: {log}"] if log else []
    if result.test.accuracy < GUESSING:
        lines.append("This is hardly better than guessing: try another --learning-rate, most likely a smaller one.")
    return "\n".join(lines)


def report(experiment: Experiment, result: Result, files: RunFiles, log: Path | None) -> dict[str, Any]:
    """Return what came of it as values of JSON."""
    return {
        "model": str(files.model),
        "log": None if log is None else str(log),
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
