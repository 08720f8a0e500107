"""`crosshook completion`, and what Tab offers where a component is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

WHERE = {
    "bash": 'eval "$(crosshook completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(crosshook completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "crosshook completion fish | source    # in ~/.config/fish/config.fish",
}


def component_names(interface: str | None = None) -> Completer:
    """Completes the names of components; no component is imported for it.

    Args:
        interface: only of this one; otherwise the one that `--interface` names, or all.
    """

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        chosen = interface or context.params.get("interface")
        return [
            CompletionItem(r.component.name, help=r.component.summary)
            for r in default_registry().components(chosen)
            if r.component.name.startswith(incomplete)
        ]

    return complete


def check_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the names of the conformance kit's checks; the kit itself is not imported."""
    import re
    from importlib import resources

    from click.shell_completion import CompletionItem

    sections = resources.files("crosshook.core").joinpath("testkit/conformance.md")
    names = dict.fromkeys(re.findall(r"^### (\w+)", sections.read_text("utf-8"), re.MULTILINE))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(epilog="\b\n" + "\n".join(WHERE.values()))
@click.argument("shell", type=click.Choice(list(WHERE)))
def completion(shell: str) -> None:
    """Print what a shell needs to complete crosshook's commands, options and component names.

    Evaluate it in the shell's start-up file:
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    made = found(click.Command("crosshook"), {}, "crosshook", "_CROSSHOOK_COMPLETE")
    click.echo(made.source())
