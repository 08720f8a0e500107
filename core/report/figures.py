"""Figures as data: each kind holds its numbers, a caption and a text alternative.

Every figure has `id` (unique in a report), `title` (plain text), `caption` and `alternative`
(what a reader who does not see the picture is told).
"""

from __future__ import annotations

from dataclasses import dataclass

from crosshook.core.quantity import CROSS_SECTION, Quantity
from crosshook.core.report.inference_figures import LinesFigure
from crosshook.core.report.unfolding_figures import BandsFigure, MatrixFigure, StepsFigure


@dataclass(frozen=True)
class Series:
    """Values with standard errors, one per bin or point."""

    name: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class HistogramFigure:
    """A reference histogram and, over it, a sample of events with the ratio below.

    Attributes:
        axis: label of the axis, mathtext allowed.
        unit: of the axis; may be empty.
        edges: `(bins + 1,)`.
        reference: content of each bin in the unit of `quantity`.
        sample: likewise, or None.
        quantity: what is distributed.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    unit: str
    edges: tuple[float, ...]
    reference: Series
    sample: Series | None
    quantity: Quantity = CROSS_SECTION


@dataclass(frozen=True)
class OverlayFigure:
    """Histograms of several results over each other, and their ratios to the first below.

    Attributes:
        axis: label of the axis, mathtext allowed.
        unit: of the axis; may be empty.
        ordinate: label of the upper panel, of contents over the widths of their bins.
        edges: `(bins + 1,)`.
        lines: content of each bin, one for each result; errors of NaN are not drawn.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    unit: str
    ordinate: str
    edges: tuple[float, ...]
    lines: tuple[Series, ...]


@dataclass(frozen=True)
class HistoryFigure:
    """Estimates in the order they were made, with their relative errors below.

    Attributes:
        axis: what is counted.
        places: position of each estimate on that axis.
        estimates: in the unit of `quantity`.
        final: name, value and error of the result they lead to; None if there is none.
        cumulative: True if each estimate holds all before it (a band), else points.
        quantity: what is estimated.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    places: tuple[float, ...]
    estimates: Series
    final: tuple[str, float, float] | None
    cumulative: bool
    quantity: Quantity = CROSS_SECTION


@dataclass(frozen=True)
class BarsFigure:
    """Bars side by side in panels that share their names.

    Attributes:
        names: one per bar.
        panels: axis label (mathtext allowed) and values with errors (NaN for none).
    """

    id: str
    title: str
    caption: str
    alternative: str
    names: tuple[str, ...]
    panels: tuple[Series, ...]


@dataclass(frozen=True)
class SpectrumFigure:
    """Counts in bins of a logarithmic quantity, line by line, on a logarithmic axis.

    Attributes:
        axis: label, mathtext allowed.
        edges: `(bins + 1,)` of log10.
        lines: name and counts `(bins,)`, or shares of them in the unit of the ordinate.
        ordinate: what is counted.
        summed: the lines are parts of a whole, which is drawn behind them.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    edges: tuple[float, ...]
    lines: tuple[tuple[str, tuple[float, ...]], ...]
    ordinate: str = "points"
    summed: bool = True


@dataclass(frozen=True)
class CurveFigure:
    """A quantity step by step, on a logarithmic axis if it changes by much.

    Attributes:
        axis: what is counted.
        name: of the quantity.
        values: one a step.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    name: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class SpreadFigure:
    """Relative changes about a nominal value, a row of marks per group with its extent.

    Attributes:
        rows: name and changes (0.1 for 10 %).
    """

    id: str
    title: str
    caption: str
    alternative: str
    rows: tuple[tuple[str, tuple[float, ...]], ...]


Figure = (
    HistogramFigure
    | OverlayFigure
    | HistoryFigure
    | BarsFigure
    | SpectrumFigure
    | CurveFigure
    | SpreadFigure
    | BandsFigure
    | StepsFigure
    | MatrixFigure
    | LinesFigure
)
