"""`crosshook reproduce`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from crosshook.core.cli.completion import settings_option

DIFFERS = 9
"""Exit code where something differs."""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Default: DIRECTORY-again.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there already.")
@settings_option("A key of the executor.")
@click.option("--workers", type=int, help="Processes that compute the blocks.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def reproduce(
    directory: Path,
    output: Path | None,
    overwrite: bool,
    settings: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the finished run in DIRECTORY again and compare what comes out."""
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.cli.visible import visible
    from crosshook.core.reproduce import reproduce as reproduce_function

    with RichProgress(enabled=not (quiet or as_json)) as reporter:
        found = reproduce_function(
            directory,
            output=output,
            overwrite=overwrite,
            settings=settings,
            workers=workers,
            reporter=reporter,
        )
    if as_json:
        click.echo(json.dumps({**asdict(found), "same": found.same}, ensure_ascii=False))
    else:
        width = max(len(entry.name) for entry in found.outputs)
        for entry in found.outputs:
            told = entry.before if entry.before == entry.now else f"{entry.before} / {entry.now}"
            click.echo(visible(f"{entry.verdict:<11}  {entry.name:<{width}}  {told}"))
        for change in found.changes:
            click.echo(visible(f"changed: {change}"))
        click.echo("the same came out" if found.same else "something else came out")
    if not found.same:
        raise SystemExit(DIFFERS)
