"""Draws histograms: events over a reference with their ratio, and spectra on a logarithmic axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.report.style import BLUE, INK, MUTED, PALETTE, canvas, density_axis, mathtext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from numpy.typing import NDArray

    from crosshook.core.report.figures import HistogramFigure, Series, SpectrumFigure

    Floats = NDArray[np.float64]


def draw_histogram(figure: HistogramFigure) -> Canvas:
    """Cross section per unit of the axis; the ratio to the reference below if there are events."""
    drawn = canvas(5.4, 4.6 if figure.sample else 3.7)
    if figure.sample is None:
        main = drawn.subplots()
        lowest = main
    else:
        main, lowest = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1.05))
    edges = np.array(figure.edges)
    width = np.diff(edges)
    value, error = (part / width for part in _columns(figure.reference))
    main.stairs(value, edges, fill=True, color=BLUE, alpha=0.13, linewidth=0)
    _mplhep_step(main, edges, value, error, figure.reference.name)
    main.stairs(value + error, edges, baseline=value - error, fill=True, color=BLUE, alpha=0.35)
    if figure.sample is not None:
        events, spread = (part / width for part in _columns(figure.sample))
        _points(main, edges, events, spread, figure.sample.name)
        _ratio(lowest, edges, (value, error), (events, spread))
    density_axis(main, value, error)
    label = mathtext(figure.axis)
    unit = f" [{figure.unit}]" if figure.unit else ""
    per = f"/{figure.unit}" if figure.unit else ""
    slope = label if label.startswith("$") else "x"
    main.set_ylabel(f"d{figure.quantity.symbol}/d{slope} [{figure.quantity.unit}{per}]")
    main.set_xlabel("")  # mplhep writes the histogram's own
    lowest.set_xlabel(label + mathtext(unit))
    main.set_xlim(edges[0], edges[-1])
    main.legend(loc="best")
    drawn.align_ylabels()
    return drawn


def _columns(series: Series) -> tuple[Floats, Floats]:
    """Values and errors; what was not finite leaves a gap."""
    return np.array(series.values), np.array(series.errors)


def _mplhep_step(axes: Axes, edges: Floats, value: Floats, error: Floats, name: str) -> None:
    import hist
    import mplhep

    filled = hist.Hist(hist.axis.Variable(edges), storage=hist.storage.Weight())
    filled.values()[...] = value
    filled.variances()[...] = error**2
    mplhep.histplot(
        filled, ax=axes, histtype="step", yerr=False, edges=False, color=BLUE, label=name
    )


def _points(axes: Axes, edges: Floats, value: Floats, error: Floats, name: str) -> None:
    axes.errorbar(
        (edges[1:] + edges[:-1]) / 2,
        value,
        error,
        fmt="o",
        color=INK,
        markersize=3.2,
        elinewidth=1.0,
        linestyle="none",
        label=name,
        zorder=3,
    )


def _ratio(
    axes: Axes,
    edges: Floats,
    reference: tuple[Floats, Floats],
    sample: tuple[Floats, Floats],
) -> None:
    """Sample over reference; points beyond the panel are marked at its rim."""
    filled = reference[0] > 0
    below = np.where(filled, reference[0], 1.0)
    ratio = np.where(filled, sample[0] / below, np.nan)
    error = np.where(filled, sample[1] / below, np.nan)
    band = np.where(filled, reference[1] / below, np.nan)
    known = np.isfinite(ratio) & (error < 0.3)
    reach = float(np.quantile(np.abs(ratio - 1)[known] + error[known], 0.95)) if known.any() else 1
    reach = float(np.clip(1.3 * reach, 0.03, 1.0))
    axes.stairs(1 + band, edges, baseline=1 - band, fill=True, color=BLUE, alpha=0.35)
    axes.axhline(1.0, color=BLUE, linewidth=1.0)
    _points(axes, edges, ratio, error, "")
    middle = (edges[1:] + edges[:-1]) / 2
    for beyond, rim, marker in ((ratio > 1 + reach, 1, "^"), (ratio < 1 - reach, -1, "v")):
        places = middle[beyond]
        rims = np.full(places.size, 1 + 0.93 * rim * reach)
        axes.plot(places, rims, marker, color=MUTED, markersize=4, linestyle="none", zorder=4)
    axes.set_ylim(1 - reach, 1 + reach)
    axes.set_ylabel("ratio", loc="center")


def draw_spectrum(figure: SpectrumFigure) -> Canvas:
    """Counts against a logarithmic quantity, the x axis labelled with its powers of ten."""
    drawn = canvas(5.4, 3.7)
    axes = drawn.subplots()
    edges = np.array(figure.edges)
    counts = [np.array(line, dtype=float) for _, line in figure.lines]
    total = np.sum(counts, axis=0)
    if figure.summed and len(counts) > 1:
        axes.stairs(total, 10.0**edges, fill=True, color=MUTED, alpha=0.18, label="all")
    for i, (name, _) in enumerate(figure.lines):
        color = PALETTE[i % len(PALETTE)]
        style = ("-", "--", ":")[i // len(PALETTE) % 3]
        label = mathtext(name.replace("_", " ") if "$" not in name else name)
        axes.stairs(counts[i], 10.0**edges, color=color, linestyle=style, label=label)
    axes.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
    used = np.nonzero(total)[0]
    axes.set_xlim(10.0 ** edges[max(used[0] - 1, 0)], 10.0 ** edges[min(used[-1] + 2, total.size)])
    axes.set_xscale("log")
    axes.set_yscale("log")
    least = min(float(line[line > 0].min(initial=1.0)) for line in counts)
    axes.set_ylim(0.6 * least, 4 * float(total.max()))
    axes.set_xlabel(figure.axis)
    axes.set_ylabel(mathtext(figure.ordinate))
    axes.legend(loc="upper left", ncols=1 if len(figure.lines) < 6 else 2)
    return drawn
