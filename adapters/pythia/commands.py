"""`crosshook shower`."""

from __future__ import annotations

import json
from pathlib import Path

import click

ENDINGS = (".lhe.gz", ".lhe.zst", ".lhe", ".root", ".parquet", ".hdf5", ".h5")


@click.command("shower")
@click.argument("events_file", type=click.Path(path_type=Path), metavar="EVENTS")
@click.argument("output", type=click.Path(path_type=Path), required=False)
@click.option("--events", type=click.IntRange(min=1), help="At most so many; all if left out.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of Pythia.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of Pythia, e.g. 'PartonLevel:MPI = off'; may be repeated.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def shower(
    events_file: Path,
    output: Path | None,
    events: int | None,
    seed: int,
    settings: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Shower EVENTS with Pythia 8 into the HepMC3 file OUTPUT (extra crosshook[shower]).

    OUTPUT is the file's own name with the ending .hepmc3.gz if left out.
    """
    from crosshook.adapters.pythia.shower import shower as shower_function
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.report.numbers import count, measured, plain, size

    target = output if output is not None else _beside(events_file)
    with RichProgress(enabled=not (quiet or as_json)) as progress:
        report = shower_function(events_file, target, seed, events, settings, overwrite, progress)
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
        return
    sigma = measured(report.cross_section_pb, report.cross_section_error_pb, "pb")
    click.echo(
        f"{report.program}: {count(report.events_out)} of {count(report.events_in)} events, "
        f"{count(report.failures)} failures, σ = {sigma}, "
        f"{plain(report.mean_final_particles, 3)} particles an event"
    )
    click.echo(f"{report.output}  {size(target.stat().st_size)}")


def _beside(path: Path) -> Path:
    """`events.lhe.gz` gives `events.hepmc3.gz`."""
    ending = next((e for e in ENDINGS if path.name.lower().endswith(e)), path.suffix)
    return path.with_name(f"{path.name[: len(path.name) - len(ending)]}.hepmc3.gz")
