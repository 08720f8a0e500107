"""The `crosshook` command: a thin layer over public functions.

Commands of core are listed here, those of plugins come as records; each module is imported when
its command is called, so that `--help` and `plugins list` stay fast.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from crosshook.core.cli.visible import visible
from crosshook.core.component import Command
from crosshook.core.errors import Cancelled, CrosshookError, OutputError, RegistryError
from crosshook.core.registry import default_registry, load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from click.shell_completion import CompletionItem

CORE_COMMANDS = (
    Command(("run",), "crosshook.core.cli.run:run", "run a run file: integrate, generate, report"),
    Command(
        ("generate",),
        "crosshook.core.cli.generate:generate",
        "more events from the trained sampler of a run directory",
    ),
    Command(
        ("reproduce",),
        "crosshook.core.cli.reproduce:reproduce",
        "run a finished run again and compare",
    ),
    Command(("inspect",), "crosshook.core.cli.files:inspect", "what an event file holds"),
    Command(("plot",), "crosshook.core.cli.plot:plot", "a quantity of the events of a file"),
    Command(
        ("convert",),
        "crosshook.core.cli.files:convert",
        "between event formats; selects, merges, splits",
    ),
    Command(
        ("unweight",), "crosshook.core.cli.files:unweight", "weighted events to unit-weight events"
    ),
    Command(
        ("reweight",),
        "crosshook.core.cli.files:reweight",
        "further weights, or another nominal one",
    ),
    Command(
        ("surrogate", "train"),
        "crosshook.core.cli.surrogate:train",
        "train an amplitude surrogate and judge it",
    ),
    Command(
        ("surrogate", "evaluate"),
        "crosshook.core.cli.surrogate:evaluate",
        "judge a trained surrogate on a table",
    ),
    Command(
        ("surrogate", "export"),
        "crosshook.core.cli.surrogate:export",
        "a trained surrogate as ONNX or torch.export",
    ),
    Command(
        ("transfer", "train"),
        "crosshook.core.cli.transfer:train",
        "train a transfer function and judge it",
    ),
    Command(
        ("transfer", "evaluate"),
        "crosshook.core.cli.transfer:evaluate",
        "judge a trained transfer function on a table",
    ),
    Command(
        ("simulate",),
        "crosshook.core.cli.transfer:simulate",
        "what a detector shows of events, by a transfer function",
    ),
    Command(
        ("unfold", "run"),
        "crosshook.core.cli.unfold:unfold",
        "measured events to truth; what `crosshook unfold` does without a further word",
    ),
    Command(
        ("unfold", "plot"),
        "crosshook.core.cli.unfold_results:plot",
        "distributions of unfolded events, with errors",
    ),
    Command(
        ("unfold", "export"),
        "crosshook.core.cli.unfold_results:export",
        "distributions with covariances as HEPData's YAML",
    ),
    Command(
        ("infer",),
        "crosshook.core.cli.infer:infer",
        "parameters from reconstructed events, by the matrix-element method",
    ),
    Command(("report",), "crosshook.core.cli.report:report", "draw a run's report again"),
    Command(
        ("plugins", "list"), "crosshook.core.cli.plugins:list_plugins", "plugins and components"
    ),
    Command(
        ("plugins", "show"), "crosshook.core.cli.plugins:show", "one component with its options"
    ),
    Command(
        ("plugins", "check"),
        "crosshook.core.cli.plugins:check",
        "run the conformance kit on a component",
    ),
    Command(
        ("plugins", "explain"),
        "crosshook.core.cli.plugins:explain_check",
        "a check of the kit: what it catches, how to find the mistake",
    ),
    Command(
        ("plugins", "new"), "crosshook.core.cli.new_plugin:new", "write a package with a component"
    ),
    Command(("schema", "show"), "crosshook.core.cli.schema:show", "print a JSON Schema"),
    Command(
        ("completion",),
        "crosshook.core.cli.completion:completion",
        "what a shell needs to complete commands and names",
    ),
)

GROUP_SUMMARIES = {
    "plugins": "plugins and the components they offer",
    "process": "amplitudes of other programs",
    "surrogate": "fast predictions of |M|²: train, judge, export",
    "transfer": "densities of what a detector shows given the truth: train, judge",
    "unfold": "measured events to truth: unfold, plot, export",
    "schema": "JSON Schemas of run files, reports and options",
}

DEFAULTS = {"unfold": "run"}
"""Groups that mean one of their commands where none is named."""


class LazyGroup(click.Group):
    """A group of commands known by record; a command's module loads when it is called."""

    def __init__(
        self, name: str | None, commands: list[Command], depth: int, summary: str
    ) -> None:
        super().__init__(name, help=summary, no_args_is_help=True)
        self._records = commands
        self._depth = depth

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts in the command that a group means where none is named."""
        default = DEFAULTS.get(self.name or "")
        if default and args and args[0] not in (*self.list_commands(ctx), "--help"):
            args = [default, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the next level."""
        return sorted({record.path[self._depth] for record in self._records})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command or group of that name."""
        below = [r for r in self._records if r.path[self._depth] == cmd_name]
        if not below:
            return None
        if all(len(r.path) > self._depth + 1 for r in below):
            summary = GROUP_SUMMARIES.get(cmd_name, f"{cmd_name} commands")
            return LazyGroup(cmd_name, below, self._depth + 1, summary)
        if len(below) > 1:
            offers = " and ".join(r.target for r in below)
            message = f"command {cmd_name!r} is offered by {offers}; uninstall one of them"
            raise RegistryError(message)
        command = load_target(below[0].target, f"command {cmd_name!r}")
        if not isinstance(command, click.Command):
            message = f"command {cmd_name!r}: {below[0].target} is not a click command"
            raise RegistryError(message)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of the next level from their records, importing none of the commands."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=self._summary(name))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        if self.name in DEFAULTS:  # the command that is meant takes a file
            found.append(CompletionItem(incomplete, type="file"))
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def _summary(self, name: str) -> str:
        below = [r for r in self._records if r.path[self._depth] == name]
        if len(below[0].path) == self._depth + 1:
            return below[0].summary
        return GROUP_SUMMARIES.get(name, f"{name} commands")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists commands from their records, importing none of them."""
        rows = [(name, self._summary(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import crosshook

        click.echo(f"crosshook {crosshook.__version__}")
        ctx.exit()


def command_tree() -> click.Group:
    """The whole command, core's part and the plugins' part."""
    records = [*CORE_COMMANDS, *default_registry().commands]
    group = LazyGroup(
        "crosshook", records, 0, "Learned components for LHC event generation and analysis."
    )
    group.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Print the version.",
        )
    )
    return group


class Terminated(KeyboardInterrupt):
    """The process was told to end (SIGTERM); no library's `except Exception` may swallow that."""

    exit_code = 143


def main(arguments: list[str] | None = None) -> None:
    """Runs the command; errors of crosshook end as one line and their exit code.

    Args:
        arguments: words after `crosshook`; those of the process if None.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without σ shows ? instead
    group = command_tree()
    if "_CROSSHOOK_COMPLETE" in os.environ:
        from crosshook.core.cli.completion import teach_bash

        teach_bash()
    try:
        with _terminable():
            code = group.main(args=arguments, prog_name="crosshook", standalone_mode=False)
    except CrosshookError as error:
        click.echo(f"error: {visible(str(error))}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # a full disk can meet any write
        place = f"{error.filename}: " if error.filename else ""
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        click.echo(f"error: {visible(f'{place}{error.strerror or error}{notes}')}", err=True)
        sys.exit(OutputError.exit_code)
    except click.exceptions.Abort as error:
        if isinstance(error.__cause__, Terminated):
            click.echo(f"error: {error.__cause__}", err=True)
            sys.exit(Terminated.exit_code)
        click.echo("stopped", err=True)
        sys.exit(Cancelled.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    if isinstance(code, int) and code:
        sys.exit(code)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the process as Ctrl-C does: half-written files are removed on the way out."""

    def stop(number: int, frame: FrameType | None) -> None:
        message = "stopped by a signal"
        raise Terminated(message)

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever owns that one handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
