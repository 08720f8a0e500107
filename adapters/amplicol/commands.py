"""`crosshook process new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("new")
@click.argument("process")
@click.option("--output", type=click.Path(path_type=Path), help="File to write; else printed.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.option(
    "--accuracy",
    type=click.Choice(["full", "leading-colour"]),
    default="full",
    show_default=True,
    help="Of the sum over colours.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Parameter of the model, e.g. mass_6=172.5; may be repeated.",
)
@click.option(
    "--environment",
    type=click.Path(path_type=Path),
    help="Virtual environment with pyAmpliCol, or $CROSSHOOK_PYAMPLICOL; else one is made.",
)
def new(
    process: str,
    output: Path | None,
    overwrite: bool,
    accuracy: str,
    parameters: Sequence[str],
    environment: Path | None,
) -> None:
    """Generate the amplitudes of PROCESS, e.g. "p p > t t~ j", with pyAmpliCol.

    Writes the part of a run file that uses them. What was generated before is not generated again.
    """
    from crosshook.adapters.amplicol.library import Wanted, new_library
    from crosshook.adapters.amplicol.request import parse
    from crosshook.adapters.sources.fragment import write_fragment

    wanted = Wanted(
        parse(process).text,
        "full" if accuracy == "full" else "leading-colour",
        dict(map(_pair, parameters)),
    )
    found = new_library(wanted, environment, lambda text: click.echo(text, err=True))
    text, _ = write_fragment(found, (), output, overwrite)
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"{output}: written")
    click.echo(f"{found.folder}: {'generated' if found.fresh else 'from the cache'}", err=True)


def _pair(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        message = f"{text!r}: write e.g. mass_6=172.5"
        raise click.BadParameter(message, param_hint="--parameter") from None
