"""The equations of docs/TRAINING.md are computed as they stand there and give what the classes give."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hippo.nn
from hippo.nn import Array, BatchNorm, Dropout, LeakyReLU, Linear, Loss, Module
from tests.docs.markdown import code, rows, section, text_of

ROWS, COLUMNS = 6, 4


def equations() -> dict[str, tuple[list[str], list[str]]]:
    """Return the equations of the table, forward and backward, by class."""
    table = rows(section(text_of("docs/TRAINING.md"), "The equations"))
    return {code(row[0])[0]: (code(row[1]), code(row[2])) for row in table}


EQUATIONS = equations()
CLASSES = [
    kind
    for kind in vars(hippo.nn).values()
    if isinstance(kind, type) and issubclass(kind, (Module, Loss)) and kind not in (Module, Loss, hippo.nn.Sequential)
]


def made(kind: type, rng: np.random.Generator) -> Any:
    """Return one of the class, with parameters that all matter."""
    special: dict[type, Callable[[], Module]] = {
        Linear: lambda: Linear(COLUMNS, 3, "normal", rng, np.float64),
        Dropout: lambda: Dropout(0.4, rng),
        BatchNorm: lambda: BatchNorm(COLUMNS, epsilon=0.1, dtype=np.float64),
        LeakyReLU: lambda: LeakyReLU(0.2),
    }
    one = special.get(kind, kind)()
    for array in getattr(one, "parameters", {}).values():
        array[:] = rng.standard_normal(array.shape)
    return one


def computed(lines: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """Return `known` with what the equations add to it."""
    functions = {
        "exp": np.exp,
        "log": np.log,
        "tanh": np.tanh,
        "sqrt": np.sqrt,
        "maximum": np.maximum,
        "where": np.where,
        "sum": np.sum,
        "total": lambda a: a.sum(axis=0),
        "row": lambda a: a.sum(axis=1, keepdims=True),
        "mean": lambda a: a.mean(axis=0),
        "var": lambda a: a.var(axis=0),
    }
    for line in lines:
        name, _, expression = line.partition(" = ")
        known = known | {name: eval(expression, {"__builtins__": {}}, functions | known)}  # noqa: S307 - our own document
    return known


def check(name: str, forward: list[str], backward: list[str]) -> None:
    """Compare the equations with the class of this name."""
    rng = np.random.default_rng(1)
    one, x = made(getattr(hippo.nn, name), rng), rng.standard_normal((ROWS, COLUMNS))
    if isinstance(one, Loss):
        y = np.eye(COLUMNS)[rng.integers(0, COLUMNS, ROWS)]
        value = one.forward(x, y)
        told = computed([*forward, *backward], {"a": x, "y": y, "n": ROWS, "K": COLUMNS})
        np.testing.assert_allclose(told["L"], value, rtol=1e-12)
        np.testing.assert_allclose(told["da"], one.backward(), rtol=1e-12, atol=1e-15)
        return
    result: Array = one.forward(x)
    dy = rng.standard_normal(result.shape)
    letters = {"weights": "W", "bias": "b"}
    known = {letters.get(key, key): array for key, array in one.parameters.items()}
    known |= {key: getattr(one, key) for key in ("slope", "epsilon") if hasattr(one, key)}
    if isinstance(one, Dropout):
        known["m"] = result / x
    told = computed([*forward, *backward], known | {"x": x, "dy": dy, "n": ROWS})
    np.testing.assert_allclose(told["y"], result, rtol=1e-12)
    np.testing.assert_allclose(told["dx"], one.backward(dy), rtol=1e-10, atol=1e-14)
    for key, gradient in one.gradients.items():
        np.testing.assert_allclose(told["d" + letters.get(key, key)], gradient, rtol=1e-10, atol=1e-14)


def test_every_class_has_its_equations() -> None:
    assert set(EQUATIONS) == {kind.__name__ for kind in CLASSES}


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_equations_give_what_the_class_gives(name: str) -> None:
    check(name, *EQUATIONS[name])


@pytest.mark.parametrize("name", EQUATIONS)
def test_a_wrong_equation_would_be_seen(name: str) -> None:
    forward, backward = EQUATIONS[name]
    for at, line in enumerate(backward):
        wrong = [*backward[:at], re.sub(r" = (.+)$", r" = 1.0005 * (\1)", line), *backward[at + 1 :]]
        with pytest.raises(AssertionError, match="Not equal"):
            check(name, forward, wrong)
