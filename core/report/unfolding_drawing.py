"""Draws the figures of an unfolding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import (
    BLUE,
    INK,
    MUTED,
    PALETTE,
    canvas,
    density_axis,
    mathtext,
    plain_decades,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from crosshook.core.report.unfolding_figures import BandsFigure, MatrixFigure, StepsFigure

    Floats = NDArray[np.float64]

SHADES = (0.18, 0.32, 0.45)
UNEVEN = 50.0
"""Ratio of the widest to the narrowest bin from which a matrix is drawn bin by bin."""


def draw_bands(figure: BandsFigure) -> Canvas:
    """The spectrum above, ratios below, pulls below that."""
    heights = (3.0, 1.2, 0.9) if figure.pulls else (3.0, 1.2)
    drawn = canvas(5.4, 5.2 if figure.pulls else 4.6)
    panels = drawn.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    main, ratio = panels[0], panels[1]
    edges = np.array(figure.edges)
    width, middle = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    value = np.array(figure.nominal.values)
    known = [(name, np.array(errors)) for name, errors in figure.bands]
    known = [(name, error) for name, error in known if np.isfinite(error).any()]
    filled = value > 0
    below = np.where(filled, value, 1.0)
    for (name, error), shade in zip(known, SHADES, strict=False):
        for axes, middle_line, size in ((main, value / width, width), (ratio, 1.0, below)):
            axes.stairs(
                middle_line + error / size,
                edges,
                baseline=middle_line - error / size,
                fill=True,
                color=BLUE,
                alpha=shade,
                linewidth=0,
                label=name if axes is main else None,
            )
    main.stairs(value / width, edges, color=BLUE, label=figure.nominal.name)
    ratio.axhline(1.0, color=BLUE, linewidth=1.0)
    reaches = [error / below for _, error in known[:1]]
    for i, other in enumerate(figure.others):
        content, error = np.array(other.values), np.array(other.errors)
        compared = np.where(filled, content / below, np.nan)
        if np.isfinite(error).any():
            for axes, y, e in (
                (main, content / width, error / width),
                (ratio, compared, error / below),
            ):
                label = other.name if axes is main else None
                axes.errorbar(
                    middle, y, e, fmt="o", color=INK, markersize=3, elinewidth=1, label=label
                )
        else:
            color = PALETTE[1 + i % (len(PALETTE) - 1)]
            main.stairs(content / width, edges, color=color, linestyle="--", label=other.name)
            ratio.stairs(compared, edges, color=color, linestyle="--")
        reaches.append(np.abs(compared - 1)[filled & (value > 0.02 * value.max())])
    _limits(main, ratio, value / width, reaches)
    if figure.pulls:
        panels[2].bar(middle, np.array(figure.pulls), width, color=MUTED, alpha=0.6)
        panels[2].axhline(0.0, color=INK, linewidth=0.8)
        panels[2].set_ylabel(figure.pulls_label, loc="center")
        reach = max(3.0, float(np.nanmax(np.abs(figure.pulls), initial=0.0)))
        panels[2].set_ylim(-1.1 * reach, 1.1 * reach)
    per = f"/{figure.unit}" if figure.unit else ""
    main.set_ylabel(mathtext(f"events per bin width [1{per}]" if per else "events per bin width"))
    ratio.set_ylabel("ratio", loc="center")
    unit = f" [{figure.unit}]" if figure.unit else ""
    panels[-1].set_xlabel(mathtext(figure.axis + unit))
    panels[-1].set_xlim(edges[0], edges[-1])
    main.legend(loc="best", ncols=1 if len(figure.others) < 4 else 2)
    drawn.align_ylabels()
    return drawn


def _limits(main: Axes, ratio: Axes, density: Floats, reaches: list[Floats]) -> None:
    """A logarithmic axis where the spectrum is steep; a ratio panel that shows most bins."""
    density_axis(main, density)
    flat = [r[np.isfinite(r)] for r in reaches]
    sizes = np.concatenate(flat) if flat else np.zeros(0)
    reach = 1.25 * float(np.quantile(sizes, 0.9)) if sizes.size else 0.5
    reach = float(np.clip(reach, 0.03, 1.0))
    ratio.set_ylim(1 - reach, 1 + reach)


def draw_steps(figure: StepsFigure) -> Canvas:
    """Panels over each other, on logarithmic axes."""
    drawn = canvas(5.4, 0.8 + 2.2 * len(figure.panels))
    every = drawn.subplots(len(figure.panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(every, figure.panels, strict=True):
        for i, (name, values) in enumerate(panel.lines):
            y = np.array(values)
            x = panel.first + np.arange(y.size)
            shown = np.isfinite(y) & (y > 0)
            axes.plot(
                x[shown],
                y[shown],
                marker="o",
                markersize=3,
                linewidth=1.2,
                color=PALETTE[i % len(PALETTE)],
                linestyle=("-", "--", ":")[i // len(PALETTE) % 3],
                label=mathtext(name) if axes is every[0] else None,
            )
        for name, height in panel.levels:
            axes.axhline(height, color=MUTED, linewidth=1.0, linestyle=":")
            axes.text(
                0.99,
                height,
                name,
                color=MUTED,
                fontsize=8,
                ha="right",
                va="bottom",
                transform=axes.get_yaxis_transform(),
            )
        if figure.marked is not None:
            axes.axvline(figure.marked, color=INK, linewidth=0.8, linestyle="--")
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        if high < 100 * low:
            plain_decades(axes.yaxis)
        axes.set_ylabel(panel.label)
    every[-1].xaxis.get_major_locator().set_params(integer=True)
    every[-1].xaxis.minorticks_off()
    every[-1].set_xlabel(figure.axis)
    drawn.legend(loc="outside upper center", ncols=min(4, len(figure.panels[0].lines)))
    drawn.align_ylabels()
    return drawn


def draw_matrix(figure: MatrixFigure) -> Canvas:
    """Colours on the bins; bins of one size where they differ too much to be seen."""
    drawn = canvas(5.0, 4.2)
    axes = drawn.subplots()
    edges, rows = np.array(figure.edges), np.array(figure.rows)
    width = np.diff(edges)
    uneven = width.max() > UNEVEN * width.min()
    places = np.arange(edges.size) if uneven else edges
    largest = float(np.nanmax(np.abs(rows), initial=0.0)) or 1.0
    mesh = axes.pcolormesh(
        places,
        places,
        np.ma.masked_invalid(rows),
        cmap="RdBu_r" if figure.signed else "Blues",
        vmin=-1.0 if figure.signed else 0.0,
        vmax=1.0 if figure.signed else largest,
        # A path for each pair of bins would make pages of many observables large.
        rasterized=True,
    )
    bar = drawn.colorbar(mesh, ax=axes, label=figure.scale)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)
    words = ("bin of " if uneven else "") + "{}"
    axes.set_xlabel(mathtext(words.format(figure.axes[0])))
    axes.set_ylabel(mathtext(words.format(figure.axes[1])))
    axes.minorticks_off()
    return drawn
