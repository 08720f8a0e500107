"""`crosshook report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="The HTML file, if elsewhere.")
def report(directory: Path, output: Path | None) -> None:
    """Draw report.html of a run, or of anything else with a report.json, in DIRECTORY again."""
    from crosshook.core.report.redraw import redraw

    click.echo(redraw(directory, output))
