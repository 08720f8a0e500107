"""`crosshook plot`: pictures of event files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from crosshook.core.cli.files import FILE, as_json_option, on_error_option

if TYPE_CHECKING:
    from crosshook.core.interfaces.event_format import OnError


@click.command()
@click.argument("file", type=FILE)
@click.argument("other", type=FILE, required=False)
@click.option(
    "--observable",
    required=True,
    metavar="EXPRESSION",
    help="What is drawn, e.g. 'pt[0]', 'm[lepton[0], lepton[1]]' or 'n[jet]'.",
)
@click.option("--bins", metavar="BINS", help="COUNT:LOW:HIGH or edges A,B,C; chosen if left out.")
@click.option("--label", default="", help="Label of the axis; the expression if left out.")
@click.option("--unit", default="", help="Unit of the axis.")
@click.option(
    "--output",
    type=FILE,
    default=Path("plot.svg"),
    show_default=True,
    help="The picture: .svg, .png or .pdf.",
)
@on_error_option
@as_json_option
def plot(
    file: Path,
    other: Path | None,
    observable: str,
    bins: str | None,
    label: str,
    unit: str,
    output: Path,
    on_error: str,
    as_json: bool,
) -> None:
    """Draw the cross section of the events in FILE, differential in a quantity of theirs.

    With OTHER its events are drawn as points over those of FILE, and the ratio below. Bins hold
    parts of the file's own cross section, as `crosshook inspect` tells it. A picture that exists
    is replaced.
    """
    from crosshook.core.plot_events import plot_events
    from crosshook.core.unfolding.axes import parse_bins

    report = plot_events(
        [file] if other is None else [file, other],
        observable,
        output,
        edges=parse_bins(bins) if bins else (),
        label=label,
        unit=unit,
        on_error=cast("OnError", on_error),
    )
    if as_json:
        import json

        click.echo(json.dumps(report.as_json(), indent=2, allow_nan=False))
        return
    from crosshook.core.cli.file_tables import show_plot

    show_plot(report)
