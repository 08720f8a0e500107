"""`crosshook unfold`: a layer over `crosshook.unfold`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from crosshook.core.cli.completion import component_names, settings_option

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("run_file", type=FILE, required=False)
@click.option("--simulation", type=FILE, help="Simulated events with both levels.")
@click.option("--measured", type=FILE, help="Measured events.")
@click.option("--background", type=FILE, help="Simulated background among the measured events.")
@click.option(
    "--method", shell_complete=component_names("unfolder"), help="The unfolder, by name."
)
@click.option(
    "--observable", "observables", multiple=True, metavar="NAME", help="A column to unfold."
)
@settings_option("Replace a key of the run file.")
@click.option("--output", type=FILE, help="Directory of the unfolding.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of every random stream.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that compute replicas.")
@click.option("--overwrite", is_flag=True, help="Replace an unfolding that is there already.")
@click.option("--resume", type=FILE, metavar="DIR", help="Go on with an unfolding that stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def unfold(
    run_file: Path | None,
    simulation: Path | None,
    measured: Path | None,
    background: Path | None,
    method: str | None,
    observables: tuple[str, ...],
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    workers: int | None,
    overwrite: bool,
    resume: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Unfold measured events to truth as RUN_FILE says, or with the files given."""
    from crosshook.core.errors import ConfigurationError
    from crosshook.core.unfolding.run_file import Flags, load_unfold_file

    flags = Flags(
        simulation, measured, background, method, observables, settings, output, seed, workers
    )
    if resume is not None:
        if run_file is not None or flags != Flags() or overwrite:
            message = "--resume goes on as the unfolding was begun: nothing else can be given"
            raise ConfigurationError(message)
        config = None
    else:
        # mistakes show at once, not after torch is there
        config = load_unfold_file(run_file, flags)
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.cli.unfold_tables import show_unfolding
    from crosshook.core.unfolding.run import resume_unfold, unfold_from

    with RichProgress(enabled=not (quiet or as_json)) as progress:
        if config is None:
            assert resume is not None
            report = resume_unfold(resume, progress=progress)
            directory = resume
        else:
            folder = Path() if run_file is None else run_file.parent
            report = unfold_from(config, folder, overwrite=overwrite, progress=progress)
            directory = config.directory
    if as_json:
        click.echo(json.dumps(results.as_json(report), ensure_ascii=False))
    else:
        show_unfolding(report, directory)
