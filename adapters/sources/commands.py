"""`crosshook process show` and `crosshook process add`."""

from __future__ import annotations

import json
from pathlib import Path

import click

CARD = click.option(
    "--card", default="", help="Parameter card, or what the source takes in its place."
)


@click.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@CARD
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(path: Path, card: str, as_json: bool) -> None:
    """Show what a source of amplitudes can do: legs, masses, inputs, outputs."""
    from crosshook.adapters.sources.kinds import inspect_source

    kind, found = inspect_source(path, card)
    if as_json:
        click.echo(json.dumps({"kind": kind.name, **found.as_json()}, indent=1))
        return
    click.echo(f"{path}: {kind.name}")
    facts = found.facts()
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"  {name:{width}}  {value}")


@click.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@CARD
@click.option(
    "--pdg",
    default="",
    metavar="IDS",
    help="PDG ids of the legs, incoming first, e.g. 21,21,6,-6, where the source has none.",
)
@click.option("--output", type=click.Path(path_type=Path), help="File to write; else printed.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def add(path: Path, card: str, pdg: str, output: Path | None, overwrite: bool) -> None:
    """Write the part of a run file that uses a source of amplitudes."""
    from crosshook.adapters.sources.fragment import write_fragment
    from crosshook.adapters.sources.kinds import inspect_source

    try:
        legs = [int(word) for word in pdg.replace(",", " ").split()]
    except ValueError:
        message = f"{pdg!r} are no PDG ids; write e.g. 21,21,6,-6"
        raise click.BadParameter(message, param_hint="--pdg") from None
    _, found = inspect_source(path, card)
    text, left = write_fragment(found, legs, output, overwrite)
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{output}: written")
    for sentence in left:
        click.echo(f"left to fill in: {sentence}", err=True)
