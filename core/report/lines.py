"""Draws curves with bands against a parameter."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import INK, MUTED, PALETTE, canvas, mathtext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from crosshook.core.report.inference_figures import Line, LinesFigure

STYLES = ("--", "-.")


def draw_lines(figure: LinesFigure) -> Canvas:
    """Every curve with its band; levels across, marks upright."""
    drawn = canvas(5.4, 3.7)
    axes = drawn.subplots()
    for line in figure.faint:
        axes.plot(line.places, line.values, color=MUTED, linewidth=0.7, alpha=0.6)
    for number, line in reversed(list(enumerate(figure.lines))):
        _draw(axes, line, PALETTE[number % len(PALETTE)])
    places = np.concatenate([np.array(line.places) for line in figure.lines])
    if places.size and np.ptp(places) > 0 and not any(line.points for line in figure.lines):
        axes.set_xlim(float(places.min()), float(places.max()))
    if figure.highest is not None:
        axes.set_ylim(top=figure.highest)
    if figure.from_zero:
        axes.set_ylim(bottom=0.0)
    for name, height in figure.levels:
        axes.axhline(height, color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            mathtext(name),
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=MUTED,
        )
    for (name, place), style in zip(figure.marks, cycle(STYLES), strict=False):
        axes.axvline(place, color=INK, linewidth=0.9, linestyle=style, label=mathtext(name))
    axes.set_xlabel(mathtext(figure.axis))
    axes.set_ylabel(mathtext(figure.ordinate))
    if len(figure.lines) + len(figure.marks) > 1:
        axes.legend(loc="best")
    return drawn


def _draw(axes: Axes, line: Line, color: str) -> None:
    places, values = np.array(line.places), np.array(line.values)
    if line.points:
        errors = None
        if line.low:
            errors = np.array([values - np.array(line.low), np.array(line.high) - values])
        axes.errorbar(
            places,
            values,
            errors,
            fmt="o",
            color=color,
            markersize=4,
            elinewidth=1.2,
            label=mathtext(line.name),
        )
        return
    if line.low:
        axes.fill_between(
            places, np.array(line.low), np.array(line.high), color=color, alpha=0.25, linewidth=0
        )
    axes.plot(places, values, color=color, label=mathtext(line.name))
