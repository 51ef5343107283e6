"""The figures: legible (every text inside, none over another), the same bytes each time, and no global state."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hippo.errors import InvalidValue
from hippo.figures import (
    accuracy_curve,
    best_epoch,
    comparison,
    confusion_figure,
    loss_curve,
    mistakes_figure,
    reliability_figure,
    save,
    weights_figure,
)
from hippo.figures.style import LINES
from hippo.training.statistics import Mistake, calibration

SRC = Path(__file__).resolve().parents[1] / "src"
RNG = np.random.default_rng(11)
PIXELS = RNG.integers(0, 256, (30, 784), np.uint8)
MISTAKES = [Mistake(index, 3, 8, 0.99996 - index / 100) for index in range(24)]
CONFUSION = (np.diag([12345] * 10) + RNG.integers(0, 30, (10, 10))).tolist()
WEIGHTS = RNG.normal(0, 0.1, (784, 30))
PROBABILITIES = RNG.dirichlet([0.3] * 10, 2000)
CALIBRATION = calibration(PROBABILITIES, RNG.integers(0, 10, 2000))


def epochs(count: int, **missing: None) -> list[dict[str, Any]]:
    """Records of a training whose validation loss is lowest in the middle."""
    made = []
    for epoch in range(1, count + 1):
        distance = abs(epoch - count // 2 - 1) / count
        record = {
            "epoch": epoch,
            "loss": 1 / epoch,
            "validation_loss": 0.1 + distance,
            "test_loss": 0.2 + distance,
            "training_accuracy": 1 - 0.2 / epoch,
            "validation_accuracy": 0.95 - distance / 3,
            "accuracy": 0.9 - distance / 2 + epoch / 100,
        }
        made.append(record | missing)
    return made


def curves(settings: int, seeds: int, count: int) -> dict[str, list[list[float]]]:
    return {
        f"setting {place}": [
            [0.9 + place / 200 + seed / 300 - 0.5 / (epoch + 1) for epoch in range(count)] for seed in range(seeds)
        ]
        for place in range(settings)
    }


FIGURES: dict[str, Callable[[], Figure]] = {
    "loss": lambda: loss_curve(epochs(9), "cross-entropy, nats per example"),
    "loss of one epoch": lambda: loss_curve(epochs(1)),
    "loss of many epochs": lambda: loss_curve(epochs(300)),
    "accuracy": lambda: accuracy_curve(epochs(9)),
    "accuracy without test": lambda: accuracy_curve(epochs(30, accuracy=None, test_loss=None)),
    "confusion": lambda: confusion_figure(CONFUSION),
    "confusion without mistakes": lambda: confusion_figure(np.diag([5] * 10).tolist()),
    "mistakes": lambda: mistakes_figure(PIXELS, MISTAKES),
    "one mistake": lambda: mistakes_figure(PIXELS, MISTAKES[:1]),
    "no mistakes": lambda: mistakes_figure(PIXELS, []),
    "weights": lambda: weights_figure(WEIGHTS),
    "weights of one neuron": lambda: weights_figure(WEIGHTS[:, :1]),
    "weights of many neurons": lambda: weights_figure(RNG.normal(0, 0.1, (784, 300))),
    "weights of zero": lambda: weights_figure(np.zeros((784, 10))),
    "reliability": lambda: reliability_figure(CALIBRATION),
    "comparison": lambda: comparison(curves(7, 5, 20), title="Seven settings"),
    "comparison of equals": lambda: comparison(
        {"SGD 0.02, momentum $0.9$ \\frac": [[0.97675], [0.97712]], "$": [[0.9784], [0.97689]]}
    ),
    "comparison of one": lambda: comparison(curves(1, 1, 1), "loss", band="sd", percent=False),
}


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is seen, and the box it takes in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    unseen = {id(text) for axes in figure.axes for text in kept_but_not_drawn(axes)}
    shown = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    return [(one.get_text(), one.get_window_extent(canvas.get_renderer())) for one in shown if id(one) not in unseen]


def kept_but_not_drawn(axes: Axes) -> Iterator[Text]:
    """Labels of ticks beyond the ends of their axis, or of an axis that is switched off."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not axes.axison or not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                yield from (tick.label1, tick.label2)


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_is_inside_and_over_no_other(name: str) -> None:
    figure = FIGURES[name]()
    found = texts(figure)
    assert found
    frame = figure.bbox
    for text, box in found:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= frame.width + 1 and box.y1 <= frame.height + 1
        assert inside, f"{text!r} leaves the figure"
    for (text, box), (other, more) in itertools.combinations(found, 2):
        width = min(box.x1, more.x1) - max(box.x0, more.x0)
        height = min(box.y1, more.y1) - max(box.y0, more.y0)
        assert width <= 1 or height <= 1, f"{text!r} and {other!r} overlap"


@pytest.mark.parametrize("name", ["loss", "loss of many epochs", "accuracy", "reliability", "comparison"])
def test_the_legend_covers_nothing(name: str) -> None:
    figure = FIGURES[name]()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    legends = [*figure.legends, *(legend for axes in figure.axes if (legend := axes.get_legend()))]
    assert len(legends) == 1
    box = legends[0].get_window_extent(canvas.get_renderer())
    assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_overlapping_text_would_be_seen() -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "other")
    boxes = [box for _, box in texts(figure)]
    assert boxes[0].overlaps(boxes[1])


@pytest.mark.parametrize("name", ["loss", "accuracy", "confusion", "weights", "reliability", "comparison"])
def test_axes_say_what_they_show(name: str) -> None:
    axes = FIGURES[name]().axes
    assert axes[0].get_title(loc="left")
    assert any(one.get_xlabel() for one in axes)
    assert any(one.get_ylabel() for one in axes)


@pytest.mark.parametrize("name", ["loss", "mistakes", "weights", "comparison", "reliability"])
def test_the_same_numbers_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    first = save(FIGURES[name](), tmp_path / "first", "a")
    mpl.rcParams["font.size"] += 5
    mpl.rcParams["svg.hashsalt"] = "another"
    try:
        second = save(FIGURES[name](), tmp_path / "second", "a")
    finally:
        mpl.rcdefaults()
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in first] == ["a.png", "a.svg"]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    svg = first[1].read_text()
    assert "<svg" in svg
    assert "<dc:date>" not in svg


def test_drawing_leaves_matplotlib_as_it_was(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    save(FIGURES["loss"](), tmp_path, "loss")
    assert dict(mpl.rcParams) == before
    code = "import sys, hippo.figures as f; f.confusion_figure([[1]]); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}).returncode == 0


def test_a_figure_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        save(FIGURES["loss of one epoch"](), tmp_path / "file", "loss")


# ---- What is drawn


def lines(figure: Figure) -> dict[str, list[float]]:
    return {str(line.get_label()): list(line.get_ydata()) for line in figure.axes[0].get_lines()}


def test_curves_hold_the_history_and_mark_the_best_epoch() -> None:
    history = epochs(9)
    drawn = lines(loss_curve(history))
    assert drawn["training, as it learns"] == [record["loss"] for record in history]
    assert drawn["validation"] == [record["validation_loss"] for record in history]
    assert drawn["test"] == [record["test_loss"] for record in history]
    assert "best epoch: 5 (lowest validation loss)" in drawn
    drawn = lines(accuracy_curve(history))
    assert drawn["test"] == [record["accuracy"] for record in history]
    assert "best epoch: 5 (lowest validation loss)" in drawn
    assert set(lines(accuracy_curve(epochs(9, accuracy=None)))) == set(drawn) - {"test"}


def test_the_best_epoch_is_chosen_by_the_validation_set_and_never_by_the_test_set() -> None:
    assert best_epoch(epochs(9)) == (5, "lowest validation loss")
    assert best_epoch(epochs(9, validation_loss=None)) is None
    tied = [{"epoch": 1, "validation_loss": 0.2}, {"epoch": 2, "validation_loss": 0.2}]
    assert best_epoch(tied) == (1, "lowest validation loss")


def test_an_epoch_without_a_value_is_a_gap() -> None:
    history = epochs(4)
    history[1]["validation_loss"] = None
    assert np.isnan(lines(loss_curve(history))["validation"]).tolist() == [False, True, False, False]


def test_cells_of_the_confusion_matrix_hold_their_counts() -> None:
    confusion = [[5, 1], [2, 7]]
    figure = confusion_figure(confusion)
    cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in figure.axes[0].texts}
    assert cells == {(row, column): str(confusion[row][column]) for row in range(2) for column in range(2)}
    assert "12 of 15 right" in figure.axes[0].get_title(loc="left")


def test_mistakes_stand_under_their_words() -> None:
    figure = mistakes_figure(PIXELS, MISTAKES[1:3])
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), PIXELS[2].reshape(28, 28))
    assert [axes.get_title() for axes in figure.axes[:2]] == ["3 → 8   99.0 %", "3 → 8   98.0 %"]
    assert mistakes_figure(PIXELS, MISTAKES[:1]).axes[0].get_title() == "3 → 8   > 99.9 %"


def test_weights_are_pictures_on_one_symmetric_scale() -> None:
    image = weights_figure(WEIGHTS).axes[0].images[0]
    mosaic = np.asarray(image.get_array())
    np.testing.assert_array_equal(mosaic[30:58, 60:88], WEIGHTS[:, 12].reshape(28, 28))
    low, high = image.get_clim()
    assert low == -high == -np.percentile(np.abs(WEIGHTS), 99.5)


def test_bars_of_the_reliability_figure_are_the_bins() -> None:
    figure = reliability_figure(CALIBRATION)
    used = [one for one in CALIBRATION.bins if one.count]
    assert [bar.get_height() for bar in figure.axes[0].patches] == [one.accuracy for one in used]
    assert [bar.get_height() for bar in figure.axes[1].patches] == [one.count for one in used]
    assert f"{100 * CALIBRATION.expected_error:.2f} %" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize(
    ("band", "low", "high", "words"),
    [("range", 0.5, 0.9, "lowest to highest seed"), ("sd", 0.5, 0.9, "± 1 standard deviation")],
)
def test_a_comparison_draws_mean_and_spread(band: Any, low: float, high: float, words: str) -> None:
    seeds = [[0.5, 0.6], [0.7, 0.8], [0.9, 0.7, 0.99]]
    figure = comparison({"SGD": seeds}, band=band)
    assert lines(figure)["SGD (3)"] == pytest.approx([0.7, 0.7])  # as far as all seeds went
    edges = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == pytest.approx((low, high))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert words in legend.get_title().get_text()


def test_what_cannot_be_drawn_is_refused() -> None:
    for nothing in ({}, {"SGD": []}, {"SGD": [[0.5], []]}, curves(len(LINES) + 1, 1, 2)):
        with pytest.raises(InvalidValue, match="comparison"):
            comparison(nothing)
    with pytest.raises(InvalidValue, match="no epoch"):
        loss_curve([])
    with pytest.raises(InvalidValue, match="no epoch"):
        accuracy_curve([])
