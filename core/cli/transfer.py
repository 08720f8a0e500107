"""`crosshook transfer train` and `evaluate`, `crosshook simulate`: layers over public functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from crosshook.core.cli.completion import settings_option
from crosshook.core.cli.resumed import refuse, resumable, resume_option

if TYPE_CHECKING:
    from crosshook.core.transfer.simulate import Lost

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("run_file", type=FILE, required=False)
@settings_option("Replace a key of the run file.")
@click.option("--output", type=FILE, help="Directory of the transfer function.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of every random stream.")
@click.option(
    "--overwrite", is_flag=True, help="Replace a transfer function that is there already."
)
@resume_option
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def train(
    run_file: Path | None,
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    overwrite: bool,
    unfinished: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a transfer function as RUN_FILE says, and judge it on events held out."""
    from crosshook.core.transfer.run_file import load_transfer_file

    if unfinished is not None:
        refuse(run_file, settings or None, output, seed, overwrite or None)
        from crosshook.core.transfer.training import unfinished_transfer

        config = unfinished_transfer(unfinished)
    elif run_file is None:
        message = "Missing argument 'RUN_FILE'."
        raise click.UsageError(message)
    else:
        # mistakes show at once, not after torch is there
        config = load_transfer_file(run_file, settings=settings, output=output, seed=seed)
    from crosshook.core import results
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.cli.transfer_tables import show_transfer
    from crosshook.core.transfer.directory import TransferDirectory
    from crosshook.core.transfer.training import train_from

    checkpoints = TransferDirectory(config.directory).checkpoints
    shown = RichProgress(enabled=not (quiet or as_json))
    with resumable("transfer train", checkpoints), shown as progress:
        report = train_from(
            config, overwrite=overwrite, resumed=unfinished is not None, progress=progress
        )
    if as_json:
        click.echo(json.dumps(results.as_json(report), ensure_ascii=False))
    else:
        show_transfer(report, config.directory)


@click.command()
@click.argument("trained", type=FILE)
@click.argument("tables", type=FILE, nargs=-1, required=True, metavar="TABLE...")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a key of the training's run file, e.g. events.weight.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Seed of the draws.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def evaluate(
    trained: Path,
    tables: tuple[Path, ...],
    settings: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Judge the transfer function in TRAINED on tables of paired events."""
    from crosshook.core import results
    from crosshook.core.cli.transfer_tables import show_evaluation
    from crosshook.core.transfer.training import evaluate_files

    found = evaluate_files(trained, tables, settings=settings, seed=seed)
    if as_json:
        click.echo(json.dumps(results.as_json(found), ensure_ascii=False))
    else:
        show_evaluation(found)


@click.command()
@click.argument("events", type=FILE)
@click.argument("output", type=FILE)
@click.option("--transfer", type=FILE, required=True, help="Directory of the transfer function.")
@click.option(
    "--truth",
    "given",
    multiple=True,
    metavar="NAME=EXPRESSION",
    help="A truth column from the events, e.g. pt='pt[0]'; those of the training if left out.",
)
@click.option(
    "--lost",
    type=click.Choice(["keep", "drop"]),
    default="keep",
    show_default=True,
    help="Write lost events with pass_reco false, or leave them out.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, help="Seed of the draws.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def simulate(
    events: Path,
    output: Path,
    transfer: Path,
    given: tuple[str, ...],
    lost: str,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw what a detector shows of EVENTS and write it to OUTPUT, a Parquet file."""
    from crosshook.core import results
    from crosshook.core.errors import ConfigurationError
    from crosshook.core.report.numbers import count, percent
    from crosshook.core.transfer.simulate import simulate as draw

    truth = {}
    for text in given:
        name, sign, expression = text.partition("=")
        if not sign:
            message = f"--truth {text}: not NAME=EXPRESSION"
            raise ConfigurationError(message)
        truth[name.strip()] = expression
    found = draw(
        events,
        output,
        transfer,
        truth=truth,
        lost=cast("Lost", lost),
        seed=seed,
        overwrite=overwrite,
    )
    if as_json:
        click.echo(json.dumps(results.as_json(found), ensure_ascii=False))
        return
    share = percent(found.accepted / found.events)
    click.echo(
        f"{found.path}: {count(found.rows)} rows; {count(found.accepted)} of "
        f"{count(found.events)} events accepted ({share})"
    )
