"""`--resume DIR` of commands that train: the option, what it excludes, and the word after Ctrl-C."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

resume_option = click.option(
    "--resume",
    "unfinished",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Go on with the training in DIR, which was stopped; takes no RUN_FILE.",
)


def refuse(*given: object) -> None:
    """Raises a usage error if anything that is not None is given beside `--resume`."""
    if any(value is not None for value in given):
        message = "--resume goes on as the training began: it takes no RUN_FILE and no changes."
        raise click.UsageError(message)


@contextmanager
def resumable(command: str, checkpoints: Path) -> Iterator[None]:
    """Says after Ctrl-C how to go on, if there are checkpoints to go on from."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoints.is_dir():
            place = quote(str(checkpoints.parent))
            click.echo(f"go on with: crosshook {command} --resume {place}", err=True)
        raise
