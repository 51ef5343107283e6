"""How all figures look, and how they are written: the same bytes for the same numbers, on every machine alike.

Colours are those of Okabe and Ito (Color Universal Design, 2008), told apart with every kind of colour vision; what
colours say is also said by line styles, marks or numbers.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

from hippo.atomic_files import write_atomically

P = ParamSpec("P")

BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#222222",
)
GREY = "#767676"
#: One after the other for settings that are compared.
LINES = tuple(zip((BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK), ("-", "--", "-.", ":", "-", "--", "-."), strict=True))
_LOOKS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same
    "font.size": 11,
    "text.parse_math": False,  # a dollar in the name of a setting is a dollar
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 150,
    "svg.hashsalt": "hippo",  # else ids in an SVG are drawn anew each time
}
# On top of the defaults, so that a matplotlibrc on this machine changes nothing; the backend is of no concern here.
_STYLE = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")} | _LOOKS


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the style above, whatever a matplotlibrc on this machine says."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a figure as `<name>.png` and `<name>.svg` into `folder`, each whole or not at all, and return both paths.

    Raises
    ------
    OSError
        When a file cannot be written.
    """
    paths = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        drawn = io.BytesIO()
        with mpl.rc_context(_STYLE):
            figure.savefig(drawn, format=kind, metadata=metadata)
        paths.append(folder / f"{name}.{kind}")
        write_atomically(paths[-1], drawn.getvalue())
    return paths[0], paths[1]
