"""What changes by epoch: loss and accuracy of a run, and settings compared over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.figures.style import BLUE, GREEN, GREY, LINES, ORANGE, styled

Band = Literal["range", "sd"]


def best_epoch(history: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """Return which epoch was best, and by what: the lowest validation loss; None where it was not measured.

    The test set is no judge of that: an epoch chosen by it would make its accuracy look better than it is.

    Parameters
    ----------
    history
        Records as `hippo.training.train` returns them.
    """
    known = [(r["validation_loss"], r["epoch"]) for r in history if r.get("validation_loss") is not None]
    return (min(known)[1], "lowest validation loss") if known else None


@styled
def loss_curve(history: Sequence[Mapping[str, Any]], unit: str = "mean per example") -> Figure:
    """Draw the losses by epoch; `unit` says what the loss is.

    Parameters
    ----------
    history
        Records as `hippo.training.train` returns them, at least one.
    unit
        Such as "cross-entropy, nats per example".

    Raises
    ------
    InvalidValue
        If there is no epoch.
    """
    figure, axes = _curves(history, "Loss by epoch", f"loss ({unit})")
    _series(
        axes, history, (("loss", "training, as it learns"), ("validation_loss", "validation"), ("test_loss", "test"))
    )
    axes.set_ylim(bottom=0)
    _mark_best(axes, history)
    return figure


@styled
def accuracy_curve(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the accuracies by epoch; parameters and errors as for `loss_curve`."""
    figure, axes = _curves(history, "Accuracy by epoch", "accuracy (share of examples)")
    series = (
        ("training_accuracy", "training, as it learns"),
        ("validation_accuracy", "validation"),
        ("accuracy", "test"),
    )
    _series(axes, history, series)
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    _mark_best(axes, history)
    return figure


@styled
def comparison(
    curves: Mapping[str, Sequence[Sequence[float]]],
    quantity: str = "validation accuracy",
    title: str = "",
    band: Band = "range",
    percent: bool = True,
) -> Figure:
    """Draw settings together, each as the mean over its seeds within a band of their spread; below, the last epoch.

    Parameters
    ----------
    curves
        By the name of the setting, at most seven: for each seed one value for each epoch. Where seeds ended at
        different epochs the setting is drawn as far as all of them went.
    quantity
        What the values are.
    title
        Of the figure; by default the quantity, by epoch.
    band
        "range" from the lowest to the highest seed, or "sd" for one standard deviation (n - 1) to each side.
    percent
        Whether values are fractions 0-1, to be written as percentages.

    Raises
    ------
    InvalidValue
        If there is no value to draw, or more settings than lines that can be told apart.
    """
    if not curves or len(curves) > len(LINES) or not all(seeds and all(seeds) for seeds in curves.values()):
        raise InvalidValue(f"A comparison takes 1 to {len(LINES)} settings, each with a value for every seed.")
    width = 8 + 0.16 * max(map(len, curves))  # names stand at both sides of the curves
    figure = Figure(figsize=(width, 5.2 + 0.3 * len(curves)))
    axes, last = figure.subplots(2, 1, height_ratios=[4, 0.6 + 0.3 * len(curves)])
    for place, ((name, seeds), (colour, style)) in enumerate(zip(curves.items(), LINES, strict=False)):
        length = min(len(seed) for seed in seeds)
        values = np.array([seed[:length] for seed in seeds], np.float64)
        epochs, (low, mean, high) = np.arange(1, length + 1), _spread(values, band)
        mark = "o" if length == 1 else ""
        axes.plot(epochs, mean, color=colour, linestyle=style, marker=mark, linewidth=2, label=f"{name} ({len(seeds)})")
        if len(seeds) > 1:
            axes.fill_between(epochs, low, high, color=colour, alpha=0.18, linewidth=0)
        last.plot([low[-1], high[-1]], [place, place], color=colour, linewidth=7, alpha=0.3, solid_capstyle="butt")
        last.plot(values[:, -1], np.full(len(seeds), place), "o", color=colour, markersize=4)
        last.plot(mean[-1], place, "|", color=colour, markersize=14, markeredgewidth=2)
    spread = "lowest to highest seed" if band == "range" else "± 1 standard deviation"
    # Beside the curves, where it covers none of them however they run.
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), title=f"mean (number of seeds);\nband: {spread}")
    legend.set_alignment("left")
    _by_epoch(axes, title or f"{quantity[:1].upper()}{quantity[1:]} by epoch", quantity)
    last.set(yticks=range(len(curves)), yticklabels=list(curves), ylim=(len(curves) - 0.5, -0.5))
    last.set_xlabel(f"{quantity} in the last epoch: mean, band, each seed")
    last.xaxis.set_major_locator(MaxNLocator(nbins=4))  # values that lie close together have long numbers
    last.grid(axis="x")
    if percent:
        for axis in (axes.yaxis, last.xaxis):
            axis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    return figure


def _spread(values: NDArray[np.float64], band: Band) -> tuple[NDArray[np.float64], ...]:
    """Return lower edge, mean and upper edge, each (epochs,), of values (seeds, epochs)."""
    mean = values.mean(axis=0)
    if band == "range":
        return values.min(axis=0), mean, values.max(axis=0)
    sd = values.std(axis=0, ddof=1) if len(values) > 1 else 0.0
    return mean - sd, mean, mean + sd


def _curves(history: Sequence[Mapping[str, Any]], title: str, unit: str) -> tuple[Figure, Axes]:
    if not history:
        raise InvalidValue("There is no epoch to draw.")
    figure = Figure(figsize=(8, 5))
    axes = figure.add_subplot()
    _by_epoch(axes, title, unit)
    return figure, axes


def _by_epoch(axes: Axes, title: str, unit: str) -> None:
    axes.set(xlabel="epoch", ylabel=unit)
    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.grid()


def _series(axes: Axes, history: Sequence[Mapping[str, Any]], series: Sequence[tuple[str, str]]) -> None:
    """Draw the series that have values; one without a value in some epoch has a gap there."""
    looks = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"))
    epochs = [record["epoch"] for record in history]
    for (key, name), (colour, style, mark) in zip(series, looks, strict=True):
        values = [np.nan if record.get(key) is None else float(record[key]) for record in history]
        if np.isfinite(values).any():
            marks = mark if len(values) <= 40 else ""
            axes.plot(epochs, values, style, color=colour, marker=marks, markersize=4, linewidth=1.8, label=name)


def _mark_best(axes: Axes, history: Sequence[Mapping[str, Any]]) -> None:
    found = best_epoch(history)
    if found is not None:
        epoch, words = found
        axes.axvline(epoch, color=GREY, linestyle=":", linewidth=1.5, label=f"best epoch: {epoch} ({words})")
    assert isinstance(axes.figure, Figure)
    # Below the axes, where it covers no curve however they run.
    axes.figure.legend(loc="outside lower center", ncols=len(axes.get_legend_handles_labels()[0]), columnspacing=1.5)
