"""Draws bars of channels side by side, and spreads of variations about a nominal value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import BLUE, INK, MUTED, PALETTE, canvas, mathtext

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from crosshook.core.report.figures import BarsFigure, SpreadFigure


def draw_bars(figure: BarsFigure) -> Canvas:
    """A row per name, a panel per series."""
    drawn = canvas(5.4, 1.1 + 0.34 * len(figure.names))
    panels = drawn.subplots(1, len(figure.panels), sharey=True, squeeze=False)[0]
    rows = np.arange(len(figure.names))
    for i, (axes, series) in enumerate(zip(panels, figure.panels, strict=True)):
        value, error = np.array(series.values), np.array(series.errors)
        axes.barh(rows, value, height=0.62, color=PALETTE[0] if i == 0 else PALETTE[2], alpha=0.8)
        axes.errorbar(value, rows, xerr=error, fmt="none", color=INK, elinewidth=1.2)
        for row in rows[~np.isfinite(value)]:
            axes.text(0.02, row, "no value", color=MUTED, transform=axes.get_yaxis_transform())
        axes.set_xlabel(mathtext(series.name))
        axes.minorticks_off()
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", top=False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(len(rows) - 0.4, -0.6)
    panels[0].set_yticks(rows, [_short(name) for name in figure.names])
    return drawn


def draw_spread(figure: SpreadFigure) -> Canvas:
    """A row per group: its envelope as a bar, every member as a mark."""
    drawn = canvas(5.4, 1.1 + 0.55 * len(figure.rows))
    axes = drawn.subplots()
    axes.use_sticky_edges = False
    for row, (_, changes) in enumerate(figure.rows):
        percent = 100 * np.array(changes)
        low, high = float(np.nanmin(percent)), float(np.nanmax(percent))
        axes.barh(row, high - low, left=low, height=0.5, color=BLUE, alpha=0.25, linewidth=0)
        axes.plot(percent, np.full(percent.size, row), "|", color=INK, markersize=12)
    axes.axvline(0.0, color=MUTED, linewidth=1.0)
    axes.set_yticks(range(len(figure.rows)), [_short(name) for name, _ in figure.rows])
    axes.set_ylim(len(figure.rows) - 0.4, -0.6)
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", top=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("change of the cross section [%]")
    return drawn


def _short(name: str) -> str:
    """A name that leaves room for the picture."""
    return mathtext(name if len(name) <= 24 else name[:23] + "…")
