"""What outputs (N, 10) beside labels (N,) say about a classifier, each a pure function.

How sure one may be of an accuracy, how well each class is told from the others, whether a confidence of 90 % means 9
right in 10, and the mistakes that were made with most confidence. The report of all of it is made in `evaluation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.errors import InvalidValue
from hippo.nn import Array

Labels = NDArray[np.uint8] | NDArray[np.int64]

#: The 97.5th percentile of the standard normal distribution: 95 % lie within plus and minus this.
Z_95 = 1.959963984540054
#: Equal bins of confidence, as many as Guo et al. use.
BINS = 15
#: How many mistakes are named.
MISTAKES = 24


@dataclass(frozen=True)
class ClassScore:
    """How well one class is told from the others; a share is None where it would be 0 / 0.

    Attributes
    ----------
    label : int
    precision : float or None
        Of the examples that were given this label, the share that has it, 0-1.
    recall : float or None
        Of the examples that have this label, the share that was given it, 0-1.
    f1 : float or None
        The harmonic mean of both, 0-1.
    support : int
        Examples that have this label.
    """

    label: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above `low` and not above `high`; means are None where there are none.

    Attributes
    ----------
    low, high : float
        0-1.
    count : int
    confidence, accuracy : float or None
        Mean confidence of these answers, and the share of them that is right, 0-1.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Whether confidence means what it says.

    Attributes
    ----------
    bins : tuple of Bin
        Rising.
    expected_error : float
        Expected calibration error, 0-1: the mean distance between confidence and accuracy over all answers, taken
        within bins.
    confidence : float
        Mean confidence of all answers, 0-1; above the accuracy, the network is overconfident.
    """

    bins: tuple[Bin, ...]
    expected_error: float
    confidence: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer.

    Attributes
    ----------
    index : int
        Place of the example in its set, from 0.
    label, predicted : int
        The true class and the answer.
    confidence : float
        Probability of the answer, 0-1.
    """

    index: int
    label: int
    predicted: int
    confidence: float


def wilson_interval(correct: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return between which shares the true accuracy lies, judging by `correct` answers of `total`.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), with p = correct / n and n = total.

    Unlike p -+ z sqrt(p(1-p)/n) it keeps its promise near 0 and 1, where networks on MNIST are, and stays within them.
    (Wilson 1927, Probable inference, the law of succession, and statistical inference; recommended by Brown, Cai and
    DasGupta 2001, Interval estimation for a binomial proportion.)

    Parameters
    ----------
    correct, total : int
        0 <= correct <= total, total > 0.
    z : float
        Quantile of the normal distribution; the default is for 95 %.

    Raises
    ------
    InvalidValue
        For other counts.
    """
    if not 0 <= correct <= total or total < 1:
        raise InvalidValue(f"{correct} right answers of {total} have no accuracy.")
    p = correct / total
    middle = p + z**2 / (2 * total)
    reach = z * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # At 0 and 1 the bound is exact, and rounding must not push it out.
    low = 0.0 if correct == 0 else (middle - reach) / scale
    high = 1.0 if correct == total else (middle + reach) / scale
    return low, high


def class_scores(confusion: NDArray[np.int64]) -> tuple[ClassScore, ...]:
    """Return precision TP/(TP+FP), recall TP/(TP+FN) and F1 = 2TP/(2TP+FP+FN) of each class.

    Parameters
    ----------
    confusion
        Counts (classes, classes), rows are true classes.
    """
    right, has, given = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return tuple(
        ClassScore(label, _share(tp, said), _share(tp, support), _share(2 * tp, said + support), support)
        for label, (tp, said, support) in enumerate(zip(right.tolist(), given.tolist(), has.tolist(), strict=True))
    )


def as_probabilities(outputs: Array) -> NDArray[np.float64]:
    """Return `outputs` (N, classes) as distributions: each row divided by its sum.

    A softmax gives distributions already. The outputs of a sigmoid layer lie between 0 and 1 each by itself; dividing
    them by their sum keeps their order and is a convention: it makes them comparable, not well founded. A row
    of zeros knows nothing and becomes uniform.

    Raises
    ------
    InvalidValue
        If an output is negative or not finite.
    """
    exact = outputs.astype(np.float64)
    if not np.isfinite(exact).all() or (exact < 0).any():
        raise InvalidValue("The network's outputs are not all finite numbers from 0 up: its weights are damaged.")
    sums = exact.sum(axis=1, keepdims=True)
    return np.where(sums > 0, exact / np.where(sums > 0, sums, 1), 1 / exact.shape[1])


def calibration(probabilities: NDArray[Any], labels: Labels, bins: int = BINS) -> Calibration:
    """Compare the confidence of answers with how often they are right, in equal bins ((m-1)/M, m/M] of confidence.

    ECE = sum_m |B_m|/N |acc(B_m) - conf(B_m)|. (Guo, Pleiss, Sun and Weinberger 2017, On calibration of modern neural
    networks, equations 1 to 3.)

    Parameters
    ----------
    probabilities
        (N, classes), rows are distributions.
    labels
        (N,) true classes.
    bins
        M.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    edges = np.arange(bins + 1) / bins
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sure = np.bincount(place, confidence, bins)
    hits = np.bincount(place, right, bins)
    made = tuple(
        Bin(float(low), float(high), int(n), _share(float(s), int(n)), _share(float(h), int(n)))
        for low, high, n, s, h in zip(edges, edges[1:], counts, sure, hits, strict=False)
    )
    return Calibration(made, float(np.abs(hits - sure).sum() / len(labels)), float(confidence.mean()))


def most_confident_mistakes(probabilities: NDArray[Any], labels: Labels, most: int = MISTAKES) -> tuple[Mistake, ...]:
    """Return the wrong answers, most confident first, equals in the order of the set.

    Parameters
    ----------
    probabilities
        (N, classes), rows are distributions.
    labels
        (N,) true classes.
    most
        How many to return.
    """
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != labels)
    first = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return tuple(Mistake(int(i), int(labels[i]), int(answers[i]), float(confidence[i])) for i in first)


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
