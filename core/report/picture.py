"""Single pictures as files, the ending choosing SVG, PNG or PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError
from crosshook.core.report.style import as_svg, report_style
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.figure import Figure as Canvas

FORMATS = (".svg", ".png", ".pdf")
DOTS_PER_INCH = 200


def check_ending(path: Path) -> None:
    """Refuses a file name that no picture can have.

    Args:
        path: of the picture to be.

    Raises:
        OutputError: if its ending is none of `FORMATS`.
    """
    if path.suffix not in FORMATS:
        message = f"{path}: pictures end in {', '.join(FORMATS)}"
        raise OutputError(message)


def write_picture(draw: Callable[[], Canvas], path: Path) -> None:
    """Draws in the style of the reports and writes the file.

    Args:
        draw: makes the figure.
        path: of the file; its ending chooses the format.

    Raises:
        OutputError: if the ending is unknown, or the file cannot be written.
    """
    check_ending(path)
    with report_style():
        drawn = draw()
        if path.suffix == ".svg":
            write_whole(path, as_svg(drawn))
            return
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=path.suffix[1:], dpi=DOTS_PER_INCH, facecolor="white")
    write_whole(path, buffer.getvalue())
