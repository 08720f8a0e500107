"""Figures of an unfolding as data: spectra with bands, curves by iteration, matrices of bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.report.figures import Series


@dataclass(frozen=True)
class BandsFigure:
    """A spectrum with bands of its errors, others over it, and their ratios to it below.

    Attributes:
        axis: label of the axis, mathtext allowed.
        unit: of the axis; may be empty.
        edges: `(bins + 1,)`.
        nominal: content of each bin; its errors are not drawn.
        bands: name and standard errors `(bins,)`, the widest first; NaN draws nothing.
        others: with errors as points, with NaN for errors as lines.
        pulls: for a third panel, `(bins,)`; empty for none.
        pulls_label: of that panel.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    unit: str
    edges: tuple[float, ...]
    nominal: Series
    bands: tuple[tuple[str, tuple[float, ...]], ...]
    others: tuple[Series, ...]
    pulls: tuple[float, ...] = ()
    pulls_label: str = "pull"


@dataclass(frozen=True)
class Panel:
    """Curves that share an axis.

    Attributes:
        label: of the axis.
        lines: name and values.
        first: number of the first value.
        levels: name and height of horizontal lines.
    """

    label: str
    lines: tuple[tuple[str, tuple[float, ...]], ...]
    first: int
    levels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class StepsFigure:
    """Curves step by step on logarithmic axes, panel over panel.

    Attributes:
        axis: what is counted.
        panels: that share it.
        marked: a step that is marked, or None.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    panels: tuple[Panel, ...]
    marked: int | None = None


@dataclass(frozen=True)
class MatrixFigure:
    """A number for each pair of bins, as colour.

    Attributes:
        axes: labels of the horizontal and the vertical axis.
        edges: of both, `(bins + 1,)`.
        rows: `(bins, bins)`, row by row from below.
        scale: label of the colours.
        signed: colours from -1 to 1, instead of from 0 to the largest.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axes: tuple[str, str]
    edges: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    scale: str
    signed: bool = False
