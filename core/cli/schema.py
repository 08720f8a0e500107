"""`crosshook schema show`: prints a JSON Schema of crosshook, or of a component's options."""

from __future__ import annotations

import json
from difflib import get_close_matches

import click

from crosshook import schemas
from crosshook.core.cli.completion import component_names
from crosshook.core.cli.plugins import INTERFACE
from crosshook.core.errors import RegistryError
from crosshook.core.registry import default_registry


@click.command("show")
@click.argument("name", required=False, shell_complete=component_names())
@INTERFACE
def show(name: str | None, interface: str | None) -> None:
    """Print a schema by name, e.g. v1/run, or the options of a component, e.g. vegas.

    Without a name, list the schemas there are.
    """
    from crosshook.core.options import load_schema

    known = schemas.names()
    if name is None:
        for each in known:
            click.echo(each)
        return
    for candidate in (name, f"v1/{name}"):
        if candidate in known and interface is None:
            click.echo(json.dumps(schemas.load(candidate), indent=1))
            return
    try:
        registered = default_registry().find(name, interface)
    except RegistryError as error:
        components = {r.component.name for r in default_registry().components()}
        near = get_close_matches(name, [*known, *(k.removeprefix("v1/") for k in known)], n=1)
        if name in components or not near:
            raise
        message = f"no schema or component named {name!r}; did you mean {near[0]}?"
        raise RegistryError(message) from error
    click.echo(json.dumps(load_schema(registered.component.schema), indent=1))
