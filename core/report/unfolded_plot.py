"""Pictures of unfolded distributions as files: SVG, PNG or PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError
from crosshook.core.report.style import as_svg, report_style
from crosshook.core.report.unfolded import histogram_figure
from crosshook.core.report.unfolding_drawing import draw_bands
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.unfolding.result import UnfoldedHistogram

FORMATS = (".svg", ".png", ".pdf")
DOTS_PER_INCH = 200


def draw_unfolded(histogram: UnfoldedHistogram, path: Path) -> None:
    """Draws a distribution with its bands, and its ratio to the simulation.

    Args:
        histogram: the distribution.
        path: of the file; its ending chooses the format.

    Raises:
        OutputError: if the ending is none of these, or the file cannot be written.
    """
    if path.suffix not in FORMATS:
        message = f"{path}: pictures end in {', '.join(FORMATS)}"
        raise OutputError(message)
    with report_style():
        drawn = draw_bands(histogram_figure(histogram))
        if path.suffix == ".svg":
            write_whole(path, as_svg(drawn))
            return
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=path.suffix[1:], dpi=DOTS_PER_INCH, facecolor="white")
    write_whole(path, buffer.getvalue())
