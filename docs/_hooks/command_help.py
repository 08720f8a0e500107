"""Help of the commands, as `crosshook COMMAND --help` prints it."""

from __future__ import annotations

import click

from crosshook.core.cli import command_tree


def command(*words: str) -> str:
    """Help of one command."""
    context = click.Context(command_tree(), info_name="crosshook")
    found: click.Command = context.command
    for word in words:
        assert isinstance(found, click.Group)
        below = found.get_command(context, word)
        if below is None:
            raise LookupError(word)
        context = click.Context(below, info_name=word, parent=context)
        found = below
    context.max_content_width = context.terminal_width = 84
    return f"```text\n{found.get_help(context)}\n```"


def all_commands() -> str:
    """Help of every command, group by group."""
    return "\n\n".join(f"## {' '.join(words)}\n\n{command(*words)}" for words in _paths())


def _paths(words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(command_tree(), info_name="crosshook")
    found: click.Command = context.command
    for word in words:
        assert isinstance(found, click.Group)
        below = found.get_command(context, word)
        assert below is not None
        found = below
    if not isinstance(found, click.Group):
        return [words]
    return [path for name in found.list_commands(context) for path in _paths((*words, name))]
