"""`crosshook surrogate train`, `evaluate` and `export`: layers over public functions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from crosshook.core.cli.completion import settings_option
from crosshook.core.cli.resumed import refuse, resumable, resume_option

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("run_file", type=FILE, required=False)
@settings_option("Replace a key of the run file.")
@click.option("--output", type=FILE, help="Directory of the surrogate.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of every random stream.")
@click.option("--overwrite", is_flag=True, help="Replace a surrogate that is there already.")
@resume_option
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes that compute |M|² of points."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def train(
    run_file: Path | None,
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    overwrite: bool,
    unfinished: Path | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train an amplitude surrogate as RUN_FILE says, and judge it on points held out."""
    from crosshook.core.surrogates.run_file import load_surrogate_file

    if unfinished is not None:
        refuse(run_file, settings or None, output, seed, overwrite or None)
        from crosshook.core.surrogates.training import unfinished_training

        config = unfinished_training(unfinished, workers)
    elif run_file is None:
        message = "Missing argument 'RUN_FILE'."
        raise click.UsageError(message)
    else:
        # mistakes show at once, not after torch is there
        config = load_surrogate_file(
            run_file, settings=settings, output=output, seed=seed, workers=workers
        )
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.cli.surrogate_tables import show_surrogate
    from crosshook.core.surrogates.directory import SurrogateDirectory
    from crosshook.core.surrogates.training import train_from

    checkpoints = SurrogateDirectory(config.directory).checkpoints
    shown = RichProgress(enabled=not (quiet or as_json))
    with resumable("surrogate train", checkpoints), shown as progress:
        report = train_from(
            config, overwrite=overwrite, resumed=unfinished is not None, progress=progress
        )
    if as_json:
        click.echo(json.dumps(results.as_json(report), ensure_ascii=False))
    else:
        show_surrogate(report, config.directory)


@click.command()
@click.argument("model", type=FILE)
@click.argument("tables", type=FILE, nargs=-1, required=True, metavar="TABLE...")
@click.option("--amplitude", default="me2", show_default=True, help="Column of |M|².")
@click.option("--weight", help="Column of what makes |M|² the weight of a point.")
@click.option(
    "--alpha-s",
    help="Column or value of the strong coupling, if the files' metadata do not give it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def evaluate(
    model: Path,
    tables: tuple[Path, ...],
    amplitude: str,
    weight: str | None,
    alpha_s: str | None,
    as_json: bool,
) -> None:
    """Judge the surrogate in MODEL on Parquet files with momenta and |M|²."""
    from crosshook.core import results
    from crosshook.core.cli.surrogate_tables import show_evaluation
    from crosshook.core.surrogates.held_out import evaluate_tables

    coupling: str | float | None = alpha_s
    if alpha_s is not None:
        try:
            coupling = float(alpha_s)
        except ValueError:
            coupling = alpha_s
    found = evaluate_tables(model, tables, amplitude=amplitude, weight=weight, alpha_s=coupling)
    if as_json:
        click.echo(json.dumps(results.as_json(found), ensure_ascii=False))
    else:
        show_evaluation(found)


@click.command()
@click.argument("model", type=FILE)
@click.argument("output", type=FILE)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(model: Path, output: Path, overwrite: bool, as_json: bool) -> None:
    """Write the surrogate in MODEL as OUTPUT.

    The ending chooses: .onnx; .pt2 for torch.export; .so or .dylib for a library that speaks UMAMI.

    What the file gives is compared with the surrogate itself before the command ends.
    """
    from crosshook.core import results
    from crosshook.core.report.numbers import plain, size
    from crosshook.core.surrogates.export import export_surrogate

    found = export_surrogate(model, output, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(results.as_json(found), ensure_ascii=False))
        return
    click.echo(
        f"{found.path}: {found.kind}, {size(found.bytes)}; differs by at most "
        f"{plain(found.largest_difference, 2)} on {found.points} points"
    )
