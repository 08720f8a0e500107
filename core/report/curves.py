"""Draws a quantity step by step: its median over neighbouring steps and how it scatters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import BLUE, canvas, plain_decades

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from crosshook.core.report.figures import CurveFigure

PIECES = 60
"""Groups of steps that are drawn: a picture has no room for more."""
DECADES = 1.0
"""Range of the medians from which the axis is logarithmic."""


def draw_curve(figure: CurveFigure) -> Canvas:
    """A line through the medians, with a band that holds four of five values."""
    from matplotlib.ticker import EngFormatter

    drawn = canvas(5.4, 3.7)
    axes = drawn.subplots()
    values = np.array(figure.values)
    pieces = np.array_split(np.arange(values.size), min(PIECES, values.size))
    place = np.array([1 + piece.mean() for piece in pieces])
    known = [values[piece][np.isfinite(values[piece])] for piece in pieces]
    low, middle, high = (
        np.array([np.quantile(part, q) if part.size else np.nan for part in known])
        for q in (0.1, 0.5, 0.9)
    )
    axes.fill_between(place, low, high, color=BLUE, alpha=0.2, linewidth=0, label="four of five")
    axes.plot(place, middle, color=BLUE, linewidth=1.4, label="median")
    positive = np.isfinite(middle) & (middle > 0)
    spans = (
        np.log10(np.ptp(middle[positive]) / middle[positive].min() + 1) if positive.any() else 0
    )
    if positive.any() and (values[np.isfinite(values)] > 0).all() and spans > DECADES:
        axes.set_yscale("log")
        if spans < 2 * DECADES:
            plain_decades(axes.yaxis)
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_xlim(0, values.size)
    axes.set_xlabel(figure.axis)
    axes.set_ylabel(figure.name)
    axes.legend(loc="best")
    return drawn
