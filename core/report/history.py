"""Draws estimates in the order they were made, and how their error falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import BLUE, INK, MUTED, canvas, plain_decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from crosshook.core.report.figures import HistoryFigure

    Floats = NDArray[np.float64]


def draw_history(figure: HistoryFigure) -> Canvas:
    """Estimates with the final value above, relative errors below."""
    from matplotlib.ticker import EngFormatter

    drawn = canvas(5.4, 4.2)
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(1.7, 1))
    place = np.array(figure.places)
    value = np.array(figure.estimates.values)
    error = np.array(figure.estimates.errors)
    if figure.final is not None:
        name, final, spread = figure.final
        above.axhspan(final - spread, final + spread, color=BLUE, alpha=0.25, linewidth=0)
        above.axhline(final, color=BLUE, linewidth=1.0, label=name)
    relative = np.where(value != 0, 100 * error / np.abs(np.where(value == 0, 1, value)), np.nan)
    if figure.cumulative:
        above.fill_between(place, value - error, value + error, color=INK, alpha=0.15, linewidth=0)
        above.plot(place, value, color=INK, linewidth=1.2, label=figure.estimates.name)
        below.plot(place, relative, color=INK, linewidth=1.2, label="relative error")
        rule = relative[-1] * np.sqrt(place[-1] / place)
        below.plot(place, rule, color=MUTED, linestyle=":", linewidth=1.2, label="1/√N")
        below.set_ylabel("error [%]")
    else:
        above.errorbar(
            place, value, error, fmt="o", color=INK, markersize=4, label=figure.estimates.name
        )
        points = np.diff(place, prepend=0.0)
        spread_of_one = relative / 100 * np.sqrt(points)
        below.plot(place, spread_of_one, "o-", color=INK, markersize=4, linewidth=1.0)
        below.set_ylabel("error × √points")
    below.set_xscale("log" if figure.cumulative else "linear")
    if np.isfinite(relative).any() and (relative > 0).any():
        below.set_yscale("log")
        plain_decades(below.yaxis)
    if not figure.cumulative:
        below.xaxis.set_major_formatter(EngFormatter(sep=" "))
    _limits(above, figure, value, error)
    above.set_ylabel(f"{figure.quantity.symbol} [{figure.quantity.unit}]")
    below.set_xlabel(figure.axis)
    above.legend(loc="best")
    if figure.cumulative:
        below.legend(loc="best")
    drawn.align_ylabels()
    return drawn


def _limits(axes: Axes, figure: HistoryFigure, value: Floats, error: Floats) -> None:
    """A range that shows the well-measured estimates, whatever the first one was."""
    known = np.isfinite(value) & (error > 0)
    if not known.any():
        return
    good = known & (error <= 6 * np.median(error[known]))
    low, high = float((value - error)[good].min()), float((value + error)[good].max())
    if figure.final is not None:
        low, high = min(low, figure.final[1]), max(high, figure.final[1])
    margin = 0.12 * (high - low)
    axes.set_ylim(low - margin, high + 2 * margin)
