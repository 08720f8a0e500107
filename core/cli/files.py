"""Commands on event files: inspect, convert, unweight. Each is a layer over a public function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.convert import Combine

FILE = click.Path(path_type=Path)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an existing output.")


def _print_json(report: Mapping[str, object]) -> None:
    import json

    click.echo(json.dumps(report, indent=2, allow_nan=False))


def _assignments(texts: tuple[str, ...], flag: str) -> dict[str, object]:
    """`KEY=VALUE` words with values read as YAML."""
    import yaml

    values: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            message = f"{text!r} is not KEY=VALUE"
            raise click.BadParameter(message, param_hint=flag)
        values[key] = yaml.safe_load(value)
    return values


@click.command()
@click.argument("file", type=FILE)
@as_json_option
def inspect(file: Path, as_json: bool) -> None:
    """What an event file holds: generator, beams, cross section, weights, first event."""
    from crosshook.core.inspect import inspect_file

    report = inspect_file(file)
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_inspection

    show_inspection(report)


@click.command()
@click.argument("inputs", type=FILE, nargs=-1, required=True, metavar="IN...")
@click.argument("output", type=FILE, metavar="OUT")
@click.option(
    "--combine",
    type=click.Choice(["average", "sum"]),
    default="average",
    show_default=True,
    help="Several inputs are samples of one process, or of processes to add.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the output format, e.g. container=ttree for ROOT.",
)
@overwrite_option
@as_json_option
def convert(
    inputs: tuple[Path, ...],
    output: Path,
    combine: str,
    options: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Convert event files; several inputs are merged with the right cross section.

    The extension of OUT chooses the format.
    """
    from crosshook.core.convert import convert as convert_files

    report = convert_files(
        inputs,
        output,
        combine=cast("Combine", combine),
        overwrite=overwrite,
        options=_assignments(options, "--option"),
    )
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_conversion

    show_conversion(report)


@click.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("destination", type=FILE, metavar="OUT")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of the random numbers.")
@click.option(
    "--use", default="rejection", show_default=True, help="Unweighter; see `plugins list`."
)
@click.option("--rule", help="How the maximum weight is chosen, e.g. excess-share.")
@click.option("--share", type=float, help="Share of the cross section in overweights.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Further option of the unweighter.",
)
@overwrite_option
@as_json_option
def unweight(
    source: Path,
    destination: Path,
    seed: int,
    use: str,
    rule: str | None,
    share: float | None,
    options: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Turn weighted events into events of equal weight; overweights keep their excess."""
    from crosshook.core.unweight import unweight_file

    chosen = _assignments(options, "--option")
    chosen |= {k: v for k, v in (("rule", rule), ("share", share)) if v is not None}
    report = unweight_file(
        source, destination, seed, {"use": use, "options": chosen}, overwrite=overwrite
    )
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_unweighting

    show_unweighting(report)
