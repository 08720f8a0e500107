"""`crosshook completion`, and what Tab offers where a component is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

    Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

F = TypeVar("F", bound="Callable[..., object]")

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


SHORT = {"surrogate": "amplitude_surrogate", "transfer": "transfer_function"}
"""Keys of run files that have another name than the interface of their component."""


def setting_values(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes `--set KEY.use=`, and `--set KEY=`, where the key takes a component."""
    from click.shell_completion import CompletionItem

    from crosshook.core.interfaces import INTERFACES

    key, sign, name = incomplete.partition("=")
    word = key.removesuffix(".use").rpartition(".")[2]
    interface = SHORT.get(word, word)
    if not sign or interface not in INTERFACES:
        return []
    found = component_names(interface)(context, parameter, name)
    return [CompletionItem(f"{key}={item.value}", help=item.help) for item in found]


def settings_option(about: str) -> Callable[[F], F]:
    """`--set KEY=VALUE`, as often as one likes, with what Tab offers for it.

    Args:
        about: what it sets, for `--help`.
    """
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help=about,
        shell_complete=setting_values,
    )


def teach_bash() -> None:
    """Puts words together that bash has parted at `=`, and gives it what comes after."""
    from click.shell_completion import BashComplete, CompletionItem, add_completion_class

    class Bash(BashComplete):
        """click's own, but for `--set KEY=VALUE`."""

        parted = False

        def get_completion_args(self) -> tuple[list[str], str]:
            """The words before the one that is to be completed, and that one."""
            args, incomplete = super().get_completion_args()
            words = [*args, incomplete]
            for number in (2, 3):  # KEY = or KEY = VALUE
                if words[-number - 1 : -number] == ["--set"] and words[1 - number] == "=":
                    self.parted = True
                    return words[:-number], "".join(words[-number:])
            return args, incomplete

        def format_completion(self, item: CompletionItem) -> str:
            """One line of what bash reads."""
            if self.parted:
                item = CompletionItem(item.value.partition("=")[2], item.type, item.help)
            return super().format_completion(item)

    add_completion_class(Bash, "bash")


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
