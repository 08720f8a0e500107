"""`crosshook plugins new`: a package of one's own, complete but for what only its author knows."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from crosshook.core.interfaces import INTERFACES


@click.command("new")
@click.argument("name")
@click.option(
    "--hook",
    required=True,
    type=click.Choice(list(INTERFACES)),
    metavar="HOOK",
    help=f"What the component is: {', '.join(INTERFACES)}.",
)
@click.option(
    "--directory",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the folder crosshook-NAME is made.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def new(name: str, hook: str, directory: Path, as_json: bool) -> None:
    """Write a package with a component NAME, to be filled in.

    It has an entry point, a schema of options, a conformance test, a README and a CI file; it can be
    installed and listed as it is.
    """
    from crosshook.core.new_plugin import new_plugin

    made = new_plugin(name, hook, directory)
    if as_json:
        document = {
            "folder": str(made.folder),
            "files": [str(path) for path in made.files],
            "component": str(made.component),
            "unfinished": [
                {"name": u.name, "line": u.line, "hint": u.hint} for u in made.unfinished
            ],
        }
        click.echo(json.dumps(document, indent=1))
        return
    click.echo(f"{made.folder}/")
    for path in made.files:
        click.echo(f"  {path.relative_to(made.folder)}")
    click.echo(f"to fill in, in {made.component}:")
    for place in made.unfinished:
        click.echo(f"  line {place.line:<4} {place.name}")
    click.echo("then:")
    click.echo(f"  pip install -e {shlex.quote(str(made.folder))}")
    click.echo(f"  crosshook plugins check {name} --interface {hook}")
