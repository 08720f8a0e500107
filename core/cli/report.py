"""`crosshook report`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--compare",
    "others",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Another directory, to be put beside the first; may be given several times.",
)
@click.option("--output", type=click.Path(path_type=Path), help="The HTML file, if elsewhere.")
def report(directory: Path, others: tuple[Path, ...], output: Path | None) -> None:
    """Draw report.html of a run, or of anything else with a report.json, in DIRECTORY again.

    With --compare, runs or surrogates of one process, unfoldings, inferences or transfer functions
    are drawn side by side into comparison.html of the first: results, distributions with their
    ratios, settings that differ.
    """
    if others:
        from crosshook.core.report.side_by_side import compare

        click.echo(compare([directory, *others], output))
        return
    from crosshook.core.report.redraw import redraw

    click.echo(redraw(directory, output))
