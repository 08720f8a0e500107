"""`crosshook run`."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("run_file", type=click.Path(path_type=Path))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace a key of the run file."
)
@click.option("--output", type=click.Path(path_type=Path), help="Run directory.")
@click.option("--seed", type=int, help="Seed of every random stream.")
@click.option("--device", help="Where to compute, e.g. cpu or cuda:0.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run(
    run_file: Path,
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    device: str | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Integrate, generate and report as RUN_FILE says."""
    from crosshook.core.run_file import load_run_file

    loaded = load_run_file(  # mistakes show at once, not after torch is there
        run_file,
        settings=settings,
        output=output,
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.run import start_run
    from crosshook.core.summary import print_summary

    with RichProgress(enabled=not (quiet or as_json)) as reporter:
        result = start_run(loaded, overwrite=overwrite, reporter=reporter)
    if as_json:
        click.echo(json.dumps(results.as_json(result), ensure_ascii=False))
    else:
        print_summary(result, directory=output)
