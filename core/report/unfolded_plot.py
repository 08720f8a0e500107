"""Pictures of unfolded distributions as files: SVG, PNG or PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.report.picture import write_picture
from crosshook.core.report.unfolded import histogram_figure
from crosshook.core.report.unfolding_drawing import draw_bands

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.unfolding.result import UnfoldedHistogram


def draw_unfolded(histogram: UnfoldedHistogram, path: Path) -> None:
    """Draws a distribution with its bands, and its ratio to the simulation.

    Args:
        histogram: the distribution.
        path: of the file; its ending chooses the format.

    Raises:
        OutputError: if the ending is unknown, or the file cannot be written.
    """
    write_picture(lambda: draw_bands(histogram_figure(histogram)), path)
