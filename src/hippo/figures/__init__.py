"""Figures of a training and of a network's answers, as PNG and SVG. The only place that knows matplotlib.

``curves`` draws what changes by epoch, ``answers`` what a trained network says; each function takes numbers and returns
a `Figure` of its own, and ``style.save`` writes it. pyplot, its windows and its global state are not used.
"""

from hippo.figures.answers import confusion_figure, mistakes_figure, reliability_figure, weights_figure
from hippo.figures.curves import accuracy_curve, best_epoch, comparison, loss_curve
from hippo.figures.style import save

__all__ = [
    "accuracy_curve",
    "best_epoch",
    "comparison",
    "confusion_figure",
    "loss_curve",
    "mistakes_figure",
    "reliability_figure",
    "save",
    "weights_figure",
]
