"""Look closely at a trained network: `python src/evaluate.py MODEL`, a file that train_mnist.py or the server wrote.

Prints how good it is and how sure that is, where it errs and whether its confidence can be believed, and draws figures.
Reads the model and the digits, writes figures, and changes neither.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hippo.commands import Parser, run
from hippo.datasets import MNIST, Dataset, MNISTLoader
from hippo.datasets.own import load_own
from hippo.errors import DataError
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.persistence.arrays_file import read_header
from hippo.persistence.model_persistence import read_checkpoint, read_model
from hippo.training.evaluation import EvaluationReport, evaluate_report

FIGURES = Path("outputs/figures")
SETS = ("test", "validation", "training")
MISTAKES_PRINTED = 10
LOSS_UNITS = {"quadratic": "quadratic cost per example", "cross_entropy": "cross-entropy, nats per example"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command's arguments."""
    made = Parser(prog="evaluate.py", description="Measure a trained network and draw what it gets right and wrong.")
    made.add_argument("model", type=Path, metavar="MODEL", help="a .safetensors file that Hippo wrote")
    made.add_argument("--data", type=Path, metavar="PATH", help="a file or folder of digits (default: MNIST)")
    made.add_argument("--set", choices=SETS, default="test", help="which part of the digits (default: test)")
    made.add_argument("--json", action="store_true", help="print the result as one JSON object")
    where = made.add_mutually_exclusive_group()
    where.add_argument("--figures", type=Path, metavar="DIR", help=f"folder for figures (default: {FIGURES}/MODEL)")
    where.add_argument("--no-figures", action="store_true", help="draw nothing")
    return made


def main() -> int:
    """Run the command; return its exit code."""
    arguments = parser().parse_args()
    network, facts = read(arguments.model)
    digits: MNIST = load_own(arguments.data) if arguments.data else MNISTLoader().load_data()
    data: Dataset = getattr(digits, f"{arguments.set}_data")
    report = evaluate_report(network.model, network.loss, data)
    folder = None if arguments.no_figures else arguments.figures or FIGURES / arguments.model.stem
    drawn = draw(folder, network, facts, data, report) if folder else []
    if arguments.json:
        print(json.dumps(as_json(arguments, network, facts, report, drawn), allow_nan=False))
    else:
        print(as_text(arguments, network, facts, report, drawn))
    return 0


def read(path: Path) -> tuple[NeuralNetwork, dict[str, Any]]:
    """Return the network in a file, finished or a checkpoint, and what the file says about it.

    Raises
    ------
    DataError, OSError
        If it is no such file.
    """
    if not path.is_file():
        path.stat()  # says what is wrong with a name that leads nowhere
        raise DataError(f"{path} is not a file. MODEL is a .safetensors file that Hippo wrote.")
    if "state" not in read_header(path):
        return read_model(path)
    network, state, _, facts = read_checkpoint(path)
    return network, facts | {"history": state.history}


def history_of(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of the training's epochs in a file's facts; none where they are missing or not as expected."""
    history = facts.get("history")

    def is_number(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

    keys = ("loss", "validation_loss", "test_loss", "training_accuracy", "validation_accuracy", "accuracy")
    whole = isinstance(history, list) and all(
        isinstance(record, dict)
        and isinstance(record.get("epoch"), int)
        and all(record.get(key) is None or is_number(record[key]) for key in keys)
        for record in history
    )
    return list(history) if whole and history else []


def draw(
    folder: Path, network: NeuralNetwork, facts: dict[str, Any], data: Dataset, report: EvaluationReport
) -> list[Path]:
    """Write every figure there is something for, as PNG and SVG; return the files."""
    # Here and not above: it brings matplotlib, which takes half a second and is not needed for numbers.
    from hippo import figures

    first = next(iter(network.model.parameters.values()))
    made = {
        "confusion_matrix": figures.confusion_figure(report.confusion),
        "mistakes": figures.mistakes_figure(data.pixels, report.mistakes),
        "first_layer_weights": figures.weights_figure(first),
        "reliability": figures.reliability_figure(report.calibration),
    }
    if history := history_of(facts):
        made["loss"] = figures.loss_curve(history, LOSS_UNITS[network.spec.loss])
        made["accuracy"] = figures.accuracy_curve(history)
    return [path for name, figure in made.items() for path in figures.save(figure, folder, name)]


def as_json(
    arguments: argparse.Namespace,
    network: NeuralNetwork,
    facts: dict[str, Any],
    report: EvaluationReport,
    drawn: Sequence[Path],
) -> dict[str, Any]:
    """Return the result as plain values."""
    use = facts.get("test_set_use")
    return {
        "model": {
            "file": str(arguments.model),
            **network.spec.to_dict(),
            "parameters": network.spec.parameter_count,
            "epochs": len(history_of(facts)) or None,
            "test_set_use": use if isinstance(use, str) else None,
        },
        "set": arguments.set,
        "data": str(arguments.data) if arguments.data else "MNIST",
        "report": report.to_dict(),
        "figures": [str(path) for path in drawn],
    }


def as_text(
    arguments: argparse.Namespace,
    network: NeuralNetwork,
    facts: dict[str, Any],
    report: EvaluationReport,
    drawn: Sequence[Path],
) -> str:
    """Return the result as text for people, in lines of at most 80 characters where names of files allow it."""
    parts = [
        _summary(arguments, network.spec, facts, report),
        _classes(report),
        _confusion(report),
        _calibration(report),
        _mistakes(report),
    ]
    if drawn:
        names = ", ".join(path.stem for path in drawn[::2])
        parts.append(f"Figures in {drawn[0].parent}, each as PNG and SVG:\n  {names}")
    return "\n\n".join(parts)


def _summary(arguments: argparse.Namespace, spec: NetworkSpec, facts: dict[str, Any], report: EvaluationReport) -> str:
    outputs = "softmax" if spec.loss == "cross_entropy" else "sigmoid"
    low, high = report.interval
    lines = [
        ("Model", str(arguments.model)),
        ("Network", f"{'-'.join(map(str, spec.layer_sizes))}, {spec.parameter_count:,} parameters"),
        ("", f"hidden layers {spec.activation}, outputs {outputs}, {spec.loss.replace('_', ' ')} loss"),
    ]
    if history := history_of(facts):
        said = f"{len(history)} epoch{'s' if len(history) > 1 else ''}"
        if "state" in facts:
            said += ", unfinished"
        elif facts.get("epochs_trained") in range(1, len(history)):
            said += f", with the weights of epoch {facts['epochs_trained']}"
        lines.append(("Trained", said))
    experiment = facts.get("experiment")
    if isinstance(experiment, dict) and isinstance(experiment.get("data"), str):
        lines.append(("", f"on digits of {experiment['data']}"))
        if arguments.data is None:
            lines.append(("", "other digits than it is measured on here: see --data"))
    if isinstance(facts.get("test_set_use"), str):
        lines.append(("", f"looked at the test set {facts['test_set_use']}"))
    lines += [
        ("Measured on", f"the {arguments.set} set of {arguments.data or 'MNIST'}, {report.total:,} examples"),
        (
            "Accuracy",
            f"{_percent(report.accuracy)} ({report.correct:,} right, {report.total - report.correct:,} wrong)",
        ),
        ("", f"95 % interval {_percent(low)} to {_percent(high)} (Wilson)"),
        ("Loss", f"{report.loss:.4f} ({LOSS_UNITS[spec.loss]})"),
    ]
    return "\n".join(f"{name:<13}{text}" for name, text in lines)


def _classes(report: EvaluationReport) -> str:
    lines = [f"{'Class':<7}{'precision':>10}{'recall':>10}{'F1':>10}{'examples':>10}"]
    lines += [
        f"{one.label:<7}{_percent(one.precision):>10}{_percent(one.recall):>10}{_percent(one.f1):>10}{one.support:>10,}"
        for one in report.classes
    ]
    return "\n".join(lines)


def _confusion(report: EvaluationReport) -> str:
    width = max(5, len(str(report.total)) + 1)
    lines = ["Confusion matrix (rows: true class, columns: answers)"]
    lines.append("   " + "".join(f"{label:>{width}}" for label in range(len(report.confusion))))
    lines += [
        f"{label:>3}" + "".join(f"{n or '.':>{width}}" for n in row) for label, row in enumerate(report.confusion)
    ]
    return "\n".join(lines)


def _calibration(report: EvaluationReport) -> str:
    found = report.calibration
    lines = [
        f"Calibration: expected error {_percent(found.expected_error)} "
        f"(mean confidence {_percent(found.confidence)}, accuracy {_percent(report.accuracy)})"
    ]
    if report.normalised:
        lines.append("  (sigmoid outputs are no probabilities: each row was divided by its sum)")
    lines.append(f"  {'confidence':<18}{'answers':>9}{'mean':>10}{'right':>10}")
    lines += [
        f"  {f'{100 * one.low:5.1f} to {100 * one.high:5.1f} %':<18}{one.count:>9,}"
        f"{_percent(one.confidence):>10}{_percent(one.accuracy):>10}"
        for one in found.bins
        if one.count
    ]
    return "\n".join(lines)


def _mistakes(report: EvaluationReport) -> str:
    if not report.mistakes:
        return "No mistakes."
    lines = [f"Most confident mistakes\n  {'example':>8}{'true':>6}{'answer':>8}{'confidence':>12}"]
    lines += [
        f"  {one.index:>8}{one.label:>6}{one.predicted:>8}{_percent(one.confidence):>12}"
        for one in report.mistakes[:MISTAKES_PRINTED]
    ]
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


if __name__ == "__main__":
    sys.exit(run(main))
