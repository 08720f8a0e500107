"""Draws histograms of several results over each other, with their ratios to the first below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import PALETTE, canvas, density_axis, mathtext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from crosshook.core.report.figures import OverlayFigure

    Floats = NDArray[np.float64]

STYLES = ("-", "--", "-.", ":")


def draw_overlay(figure: OverlayFigure) -> Canvas:
    """Every result as a line with its error as a band."""
    drawn = canvas(5.4, 4.6)
    main, ratio = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
    edges = np.array(figure.edges)
    width = np.diff(edges)
    first = np.array(figure.lines[0].values)
    below = np.where(first > 0, first, np.nan)
    reaches = []
    for number, line in enumerate(figure.lines):
        value, error = np.array(line.values), np.array(line.errors)
        color, style = PALETTE[number % len(PALETTE)], STYLES[number % len(STYLES)]
        label = mathtext(line.name)
        _line(main, edges, value / width, error / width, color, style, label)
        _line(ratio, edges, value / below, error / below, color, style, None)
        known = np.isfinite(value / below) & ~(error > 0.3 * below)
        # a line without errors reaches as far as its values
        bar = np.where(np.isfinite(error), error, 0.0) / below
        reaches.append((np.abs(value / below - 1) + bar)[known])
    sizes = np.concatenate(reaches)
    reach = 1.3 * float(np.quantile(sizes, 0.95)) if sizes.size else 0.5
    reach = float(np.clip(reach, 0.01, 1.0))
    ratio.set_ylim(1 - reach, 1 + reach)
    ratio.set_ylabel("ratio", loc="center")
    density_axis(main, np.concatenate([np.array(line.values) / width for line in figure.lines]))
    unit = f" [{figure.unit}]" if figure.unit else ""
    main.set_ylabel(mathtext(figure.ordinate))
    ratio.set_xlabel(mathtext(figure.axis + unit))
    ratio.set_xlim(edges[0], edges[-1])
    main.legend(loc="best")
    drawn.align_ylabels()
    return drawn


def _line(
    axes: Axes,
    edges: Floats,
    value: Floats,
    error: Floats,
    color: str,
    style: str,
    label: str | None,
) -> None:
    axes.stairs(value, edges, color=color, linestyle=style, label=label, baseline=None)
    if np.isfinite(error).any():
        axes.stairs(
            value + error,
            edges,
            baseline=value - error,
            fill=True,
            color=color,
            alpha=0.25,
            linewidth=0,
        )
