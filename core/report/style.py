"""How pictures look: one style for all, on mplhep's, and a figure rendered to SVG text.

Only matplotlib's object interface is used; its settings are changed inside a context and nowhere
else, so that a program which draws on its own is left alone.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEEP: Final = 200.0
"""Ratio of the highest to the lowest filled bin from which an axis is logarithmic."""
INK: Final = "#1c2530"
MUTED: Final = "#6b7684"
BLUE: Final = "#2f6fd0"
PALETTE: Final = (
    "#2f6fd0",
    "#e8891c",
    "#1f9e77",
    "#c43c5a",
    "#7a4fc4",
    "#8a8f98",
    "#c9a20c",
    "#2aa5bd",
)
DARK_PALETTE: Final = (
    "#79a8f0",
    "#f2a65a",
    "#4fc3a1",
    "#ef7f98",
    "#b094f0",
    "#a9b1ba",
    "#e0c04a",
    "#63cbe0",
)
"""The same colours where the paper is dark."""

_COORDINATES = re.compile(r' (?:d|x|y|transform)="[^"]*"')
_LONG = re.compile(r"-?\d+\.\d{3,}")

_SETTINGS: Final[dict[Any, Any]] = {
    "font.size": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 5,
    "xtick.minor.size": 2.5,
    "ytick.major.size": 5,
    "ytick.minor.size": 2.5,
    "xtick.minor.ndivs": 2,  # ticks are what drawing time goes into
    "ytick.minor.ndivs": 2,
    "xtick.minor.top": False,
    "ytick.minor.right": False,
    "xtick.major.pad": 4,
    "ytick.major.pad": 4,
    "lines.linewidth": 1.4,
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "crosshook",
    "savefig.transparent": True,
}


@contextmanager
def report_style() -> Iterator[None]:
    """matplotlib's settings for the time of a report."""
    import matplotlib
    import mplhep

    with matplotlib.rc_context({**mplhep.style.ROOT, **_SETTINGS}):
        yield


def canvas(width: float, height: float) -> Canvas:
    """An empty figure, in inches, that belongs to no window system and no global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="none")


def as_svg(drawn: Canvas) -> str:
    """The figure as SVG text; the same figure gives the same text.

    Places are rounded to a hundredth of a point: what is finer is not seen, and makes a page of
    many figures twice as large.
    """
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _COORDINATES.sub(_rounded, buffer.getvalue())


def _rounded(attribute: re.Match[str]) -> str:
    """Places and paths with two decimals; factors of a scale as they are."""
    text = attribute[0]
    if "scale" not in text:
        return _LONG.sub(_short, text)
    head, mark, tail = text.partition("scale")
    return _LONG.sub(_short, head) + mark + tail


def _short(number: re.Match[str]) -> str:
    text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain_decades(axis: Axis) -> None:
    """Labels 1, 2 and 5 of every decade of a logarithmic axis as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def density_axis(axes: Axes, densities: Floats, errors: Floats | None = None) -> None:
    """An axis for spectra: logarithmic where they are steep, with room above for the legend.

    Args:
        axes: its vertical axis is set.
        densities: all that is drawn, `(n,)`; NaN is no density.
        errors: of each, `(n,)`; those known to no better than a half do not stretch the axis.
    """
    known = densities > 0
    if errors is not None:
        known &= errors < 0.5 * densities
    positive = densities[known]
    if not positive.size:
        return
    if positive.max() / positive.min() > STEEP and not (densities < 0).any():
        axes.set_yscale("log")
        axes.set_ylim(0.4 * positive.min(), 6 * positive.max())
    else:
        low = float(densities[densities < 0].min(initial=0.0))
        axes.set_ylim(1.15 * low, 1.3 * float(positive.max()))


def mathtext(label: str) -> str:
    """A label as matplotlib can draw it: as it is, or with its dollars taken literally.

    One that begins with an underscore gets a space before it: legends would leave it out.
    """
    from matplotlib.mathtext import MathTextParser

    if label.startswith("_"):
        label = f" {label}"

    try:
        MathTextParser("path").parse(label)
    except ValueError:
        return label.replace("$", r"\$")
    return label
