"""`crosshook run`."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote

import click

from crosshook.core.cli.completion import settings_option
from crosshook.core.cli.duration import Duration

REPLACES = ("output", "seed", "device", "overwrite")
"""Options that a run which goes on cannot have: its run file is settled, but for the executor."""


@click.command()
@click.argument("run_file", type=click.Path(path_type=Path), required=False)
@settings_option("Replace a key of the run file; with --resume of its executor alone.")
@click.option("--output", type=click.Path(path_type=Path), help="Run directory.")
@click.option("--seed", type=int, help="Seed of every random stream.")
@click.option("--device", help="Where to compute, e.g. cpu or cuda:0.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there already.")
@click.option(
    "--resume",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with the run in DIR, which was stopped; takes no RUN_FILE.",
)
@click.option("--workers", type=int, help="Processes that compute the blocks.")
@click.option(
    "--max-time",
    type=Duration(),
    metavar="TIME",
    help="Stop after so long, e.g. 90s, 30m or 12h, to be resumed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def run(
    ctx: click.Context,
    run_file: Path | None,
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    device: str | None,
    overwrite: bool,
    directory: Path | None,
    workers: int | None,
    max_time: float | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Integrate, generate and report as RUN_FILE says."""
    from crosshook.core.run_directory import RunDirectory
    from crosshook.core.run_file import load_run_file

    if directory is not None:
        given = [
            name
            for name in REPLACES
            if ctx.params[name] is not None and ctx.params[name] is not False
        ]
        if run_file is not None or given:
            message = "--resume takes the run file of the directory as it is: leave out "
            options = [f"--{name}" for name in given]
            message += ", ".join([*(["RUN_FILE"] if run_file is not None else []), *options])
            raise click.UsageError(message)
        RunDirectory.unfinished(directory)  # before torch is there
        from crosshook.core.run import unfinished_run

        loaded, changes = unfinished_run(directory)
        for change in changes:
            click.echo(f"warning: {change}", err=True)
        loaded = loaded.computed_by(settings, workers)
    elif run_file is None:
        message = "Missing argument 'RUN_FILE'."
        raise click.UsageError(message)
    else:
        loaded = load_run_file(  # mistakes show at once, not after torch is there
            run_file,
            settings=settings,
            output=output,
            seed=seed,
            device=device,
            overwrite=overwrite,
        ).computed_by((), workers)
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.errors import Cancelled, ExecutionError, OutputError
    from crosshook.core.run import start_run
    from crosshook.core.summary import print_summary

    try:
        with RichProgress(enabled=not (quiet or as_json)) as reporter:
            result = start_run(
                loaded,
                overwrite=overwrite,
                resumed=directory is not None,
                max_time=max_time,
                reporter=reporter,
            )
    except (KeyboardInterrupt, Cancelled, ExecutionError, OutputError, OSError):
        if RunDirectory(loaded.directory).started.is_file():
            place = quote(str(loaded.directory))
            click.echo(f"go on with: crosshook run --resume {place}", err=True)
        raise
    if as_json:
        click.echo(json.dumps(results.as_json(result), ensure_ascii=False))
    else:
        print_summary(result, directory=output if directory is None else directory)
