"""Draws each kind of figure with matplotlib, hist and mplhep; data in, SVG text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.report.bars import draw_bars, draw_spread
from crosshook.core.report.curves import draw_curve
from crosshook.core.report.distributions import draw_histogram, draw_spectrum
from crosshook.core.report.figures import (
    BarsFigure,
    CurveFigure,
    Figure,
    HistogramFigure,
    HistoryFigure,
    OverlayFigure,
    SpectrumFigure,
)
from crosshook.core.report.history import draw_history
from crosshook.core.report.inference_figures import LinesFigure
from crosshook.core.report.lines import draw_lines
from crosshook.core.report.overlays import draw_overlay
from crosshook.core.report.style import as_svg, report_style
from crosshook.core.report.unfolding_drawing import draw_bands, draw_matrix, draw_steps
from crosshook.core.report.unfolding_figures import BandsFigure, MatrixFigure, StepsFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


def draw(figure: Figure) -> str:
    """A figure as SVG text."""
    with report_style():
        return as_svg(_draw(figure))


def _draw(figure: Figure) -> Canvas:
    if isinstance(figure, HistogramFigure):
        return draw_histogram(figure)
    if isinstance(figure, OverlayFigure):
        return draw_overlay(figure)
    if isinstance(figure, HistoryFigure):
        return draw_history(figure)
    if isinstance(figure, BarsFigure):
        return draw_bars(figure)
    if isinstance(figure, SpectrumFigure):
        return draw_spectrum(figure)
    if isinstance(figure, CurveFigure):
        return draw_curve(figure)
    if isinstance(figure, LinesFigure):
        return draw_lines(figure)
    if isinstance(figure, BandsFigure):
        return draw_bands(figure)
    if isinstance(figure, StepsFigure):
        return draw_steps(figure)
    if isinstance(figure, MatrixFigure):
        return draw_matrix(figure)
    return draw_spread(figure)
