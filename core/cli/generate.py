"""`crosshook generate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from crosshook.core.cli.completion import settings_option


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--events", type=int, required=True, help="Events to generate.")
@click.option("--seed", type=int, required=True, help="Seed; another than the run's own.")
@click.option("--output", type=click.Path(path_type=Path), help="Default: DIRECTORY/seed-SEED.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
@settings_option("A key of the executor.")
@click.option("--workers", type=int, help="Processes that compute the blocks.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def generate(
    directory: Path,
    events: int,
    seed: int,
    output: Path | None,
    overwrite: bool,
    settings: tuple[str, ...],
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """More events from the trained sampler of the run in DIRECTORY."""
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.more_events import generate as generate_function
    from crosshook.core.quantity import quantity_of
    from crosshook.core.report.numbers import count, measured, percent, size
    from crosshook.core.run_directory import RunDirectory

    with RichProgress(enabled=not (quiet or as_json)) as progress:
        result = generate_function(
            directory,
            events=events,
            seed=seed,
            output=output,
            overwrite=overwrite,
            settings=settings,
            workers=workers,
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps(results.as_json(result), ensure_ascii=False))
        return
    place = output if output is not None else directory / f"seed-{seed}"
    home = RunDirectory.open(directory)
    beams = cast("list[int]", home.read_json(home.report)["beams"])
    quantity = quantity_of((beams[0], beams[1]))
    value = measured(result.cross_section, result.error, quantity.unit)
    click.echo(
        f"{count(result.events)} events, {quantity.symbol} = {value}, "
        f"{percent(result.efficiency)} of {count(result.evaluations)} points kept"
    )
    for file in result.files:
        click.echo(f"{place / file.name}  {size(file.bytes)}")
