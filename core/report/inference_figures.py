"""Figures of an inference as data: curves with bands against a parameter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A curve, or points.

    Attributes:
        name: for the legend.
        places: on the horizontal axis.
        values: at these places.
        low: lower edge of a band, or end of an error bar; empty for none.
        high: upper edge.
        points: marks with error bars instead of a curve.
    """

    name: str
    places: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    points: bool = False


@dataclass(frozen=True)
class LinesFigure:
    """Curves against a parameter.

    Attributes:
        axis: label of the horizontal axis, mathtext allowed.
        ordinate: label of the vertical axis, mathtext allowed.
        lines: curves, the first on top.
        faint: curves without names, thin and grey.
        levels: name and height of horizontal lines.
        marks: name and place of vertical lines.
        highest: end of the vertical axis, or None.
        from_zero: the vertical axis begins at 0.
    """

    id: str
    title: str
    caption: str
    alternative: str
    axis: str
    ordinate: str
    lines: tuple[Line, ...]
    faint: tuple[Line, ...] = ()
    levels: tuple[tuple[str, float], ...] = ()
    marks: tuple[tuple[str, float], ...] = ()
    highest: float | None = None
    from_zero: bool = False
