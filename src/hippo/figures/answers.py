"""What a trained network says: where it errs, how sure it is of it, and what its first layer looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from hippo.figures.style import BLACK, GREY, ORANGE, RED, SKY, styled
from hippo.training.statistics import Calibration, Mistake, wilson_interval

_WEIGHTS_SHOWN = 100


@styled
def confusion_figure(confusion: Sequence[Sequence[int]]) -> Figure:
    """Draw counts (classes, classes), rows are true classes: each in its cell, mistakes coloured by their number."""
    counts = np.asarray(confusion)
    classes, right = len(counts), int(np.trace(counts))
    diagonal = np.eye(classes, dtype=bool)
    most = max(1, int(np.where(diagonal, 0, counts).max()))
    figure = Figure(figsize=(8, 7))
    axes = figure.add_subplot()
    # Right answers outnumber mistakes by far: on one scale no mistake would be seen.
    colours = LinearSegmentedColormap.from_list("mistakes", ["#ffffff", ORANGE, "#8c3a00"])
    image = axes.imshow(np.where(diagonal, np.nan, counts), colours, vmin=0, vmax=most)
    for row, column in np.ndindex(counts.shape):
        value = int(counts[row, column])
        if row == column:
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color="#d6e6f2", linewidth=0))
        dark = row != column and value > 0.6 * most
        colour = "#ffffff" if dark else BLACK if value else "#b5b5b5"
        axes.text(column, row, str(value), ha="center", va="center", fontsize=10, color=colour)
    figure.colorbar(image, ax=axes, label="mistakes (number of examples)", shrink=0.8).ax.yaxis.set_major_locator(
        MaxNLocator(integer=True, min_n_ticks=1)
    )
    axes.set(xlabel="answer", ylabel="true class", xticks=range(classes), yticks=range(classes))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"Confusion matrix: {right:,} of {int(counts.sum()):,} right (blue)")
    return figure


@styled
def mistakes_figure(pixels: NDArray[np.uint8], mistakes: Sequence[Mistake], columns: int = 6) -> Figure:
    """Draw the pictures of mistakes, each with label, answer and confidence.

    Parameters
    ----------
    pixels
        (N, 784) of the whole set, 255 is ink.
    mistakes
        Most confident first, as `most_confident_mistakes` gives them.
    columns
        Pictures side by side.
    """
    rows = max(1, -(-len(mistakes) // columns))
    figure = Figure(figsize=(1.5 * columns, 1.75 * rows + 0.5))
    figure.suptitle(
        "Most confident mistakes: true class → answer, confidence" if mistakes else "No mistakes", x=0.02, ha="left"
    )
    for place in range(rows * columns):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.set_axis_off()
        if place < len(mistakes):
            mistake = mistakes[place]
            axes.imshow(pixels[mistake.index].reshape(28, 28), "gray_r", vmin=0, vmax=255)
            text = f"{mistake.label} → {mistake.predicted}   {_percent(mistake.confidence)}"
            axes.set_title(text, fontsize=10, loc="center", pad=4)
    return figure


@styled
def weights_figure(weights: NDArray[Any]) -> Figure:
    """Draw the weights (784, H) of the first layer as one 28 x 28 picture for each neuron, at most 100 of them.

    One symmetric scale for all, so that 0 is white and neurons can be compared; it ends at the 99.5th percentile of the
    absolute weights, as a few large ones would leave the rest pale.
    """
    neurons = weights.shape[1]
    shown = min(neurons, _WEIGHTS_SHOWN)
    columns = min(10, shown)
    rows = -(-shown // columns)
    limit = float(np.percentile(np.abs(weights[:, :shown]), 99.5)) or 1.0
    mosaic = np.full((rows * 30 - 2, columns * 30 - 2), np.nan)
    for neuron in range(shown):
        top, left = 30 * (neuron // columns), 30 * (neuron % columns)
        mosaic[top : top + 28, left : left + 28] = weights[:, neuron].reshape(28, 28)
    figure = Figure(figsize=(max(5, 0.85 * columns + 1.6), 0.85 * rows + 1))
    axes = figure.add_subplot()
    axes.set_facecolor("#bdbdbd")
    image = axes.imshow(mosaic, "RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="weight", extend="both", shrink=0.8, aspect=30)
    axes.set_xticks([30 * column + 13.5 for column in range(columns)], [f"+{column}" for column in range(columns)])
    axes.set_yticks([30 * row + 13.5 for row in range(rows)], [str(row * columns) for row in range(rows)])
    axes.set(xlabel="neuron of the first layer: row + column")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"Weights of {shown} neurons" if shown == neurons else f"Weights of the first {shown} of {neurons} neurons"
    )
    return figure


@styled
def reliability_figure(calibration: Calibration) -> Figure:
    """Draw accuracy over confidence, beside the line on which both are equal, and how many answers each bin has."""
    figure = Figure(figsize=(7, 7.5))
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    used = [one for one in calibration.bins if one.count]
    lows, widths = [one.low for one in used], [one.high - one.low for one in used]
    heights = [one.accuracy or 0.0 for one in used]
    sure = [one.confidence or 0.0 for one in used]
    # A bin of few answers says little, and its interval says so.
    reaches = [wilson_interval(round(height * one.count), one.count) for height, one in zip(heights, used, strict=True)]
    errors = [
        [max(0.0, height - low) for height, (low, _) in zip(heights, reaches, strict=True)],
        [max(0.0, high - height) for height, (_, high) in zip(heights, reaches, strict=True)],
    ]
    axes.bar(lows, heights, widths, align="edge", color=SKY, edgecolor="#ffffff", label="accuracy in the bin")
    axes.plot([0, 1], [0, 1], color=BLACK, linestyle="--", linewidth=1, label="accuracy = confidence")
    axes.errorbar(
        sure,
        heights,
        errors,
        fmt="o",
        color=RED,
        markersize=5,
        capsize=3,
        clip_on=False,
        label="the same at the bin's mean confidence, 95 % interval",
    )
    axes.set(ylim=(0, 1.02), xlim=(0, 1), ylabel="accuracy (% of answers)")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    figure.legend(loc="outside lower left", ncols=1)
    axes.set_title(f"Reliability: expected calibration error {100 * calibration.expected_error:.2f} %")
    below.bar(lows, [one.count for one in used], widths, align="edge", color=GREY, edgecolor="#ffffff")
    below.set(
        xlabel="confidence (probability of the answer)", ylabel="answers\n(log scale)", yscale="log", ylim=(0.7, None)
    )
    below.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")  # the usual one writes powers in TeX
    below.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    for one in (axes, below):
        one.grid(axis="y")
    return figure


def _percent(share: float) -> str:
    """Return a share in per cent, never rounded up to a certainty that it is not."""
    return "> 99.9 %" if 0.9995 <= share < 1 else f"{100 * share:.1f} %"
