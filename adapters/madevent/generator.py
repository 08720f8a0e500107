"""Drives a process directory of MadGraph5_aMC@NLO, or takes the events it has already.

Launched, every batch is a run `crosshook_SEED` of the directory: number of events and seed are set
in Cards/run_card.dat, then bin/generate_events runs without questions. All else is as the cards of
the directory say.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crosshook.adapters.madgraph.proc_card import read_proc_card
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.generator import Generator, Job, Reading
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.generator import EventRequest

FILES: Final = ("unweighted_events.lhe.gz", "unweighted_events.lhe", "events.lhe.gz", "events.lhe")
"""Where a run keeps its events: leading order, then next-to-leading."""
OWN: Final = "crosshook_"
"""Begin of the names of runs that were launched from here."""
PROGRAM: Final = Path("bin", "generate_events")
CARD: Final = Path("Cards", "run_card.dat")
PROCESSES: Final = Path("Cards", "proc_card_mg5.dat")
RESULT: Final = re.compile(r"Cross-section\s*:\s*([-+\d.eE]+)\s*\+-\s*([-+\d.eE]+)\s*pb")
"""`  Cross-section :   505.2 +- 1.3 pb`"""


class MadEvent(Generator):
    """A process directory."""

    def __init__(
        self, directory: Path, events: str, runs: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        """Names the directory; nothing is looked for yet.

        Args:
            directory: of the process.
            events: `auto`, `launch` or `existing`.
            runs: existing ones to take; all if empty.
            environment: variables for the program.
        """
        self._directory, self._events = directory.absolute(), events
        self._runs, self._environment = runs, dict(environment)

    def check(self) -> None:
        """The directory has what is asked of it."""
        if not self._directory.is_dir():
            message = f"{self._directory}: there is no such folder"
            raise ConfigurationError(message)
        found = self._existing()
        if self._launched():
            for needed in (PROGRAM, CARD):
                if not (self._directory / needed).is_file():
                    message = (
                        f"{self._directory}: no process directory of MadGraph to launch: {needed} is "
                        "missing, and there are no runs in Events"
                    )
                    raise ConfigurationError(message)
        elif not found:
            message = (
                f"{self._directory / 'Events'}: no run with one of {', '.join(FILES)}; launch the "
                "directory, or set generator.options.events to launch"
            )
            raise ConfigurationError(message)

    def batch(self, request: EventRequest) -> Job | None:
        """A run: the next existing one, or a new one."""
        if not self._launched():
            found = self._existing()
            return Job((), found[request.number]) if request.number < len(found) else None
        name = f"{OWN}{request.seed}"
        home = self._directory / "Events" / name
        shutil.rmtree(home, ignore_errors=True)  # left by a run that was stopped
        self._set_card(request.events, request.seed)
        return Job(
            (str(self._directory / PROGRAM), name, "-f"),
            home / FILES[0],
            self._environment,
            self._directory,
        )

    def reading(self, log: str) -> Reading:
        """σ as MadGraph prints it, the process as its card says."""
        version = self._text(Path("MGMEVersion.txt")).split()
        program = " ".join(["MadGraph5_aMC@NLO", *version[:1]])
        card = read_proc_card(self._directory / PROCESSES)
        process = ", ".join(card.asked) if card is not None else ""
        found = RESULT.findall(log)
        if not found:
            return Reading(program, process)
        value, error = map(_number, found[-1])
        return Reading(program, process, value, error)

    def _launched(self) -> bool:
        if self._events == "auto":
            return not self._runs and not self._existing()
        return self._events == "launch"

    def _existing(self) -> list[Path]:
        """Event files of existing runs, in order.

        Raises:
            ConfigurationError: if a run that was asked for has none.
        """
        home = self._directory / "Events"
        if self._runs:
            found = {name: _events_of(home / name) for name in self._runs}
            for name, path in found.items():
                if path is None:
                    message = f"{home / name}: has none of {', '.join(FILES)}"
                    raise ConfigurationError(message)
            return [path for path in found.values() if path is not None]
        folders = sorted(home.iterdir(), key=_natural) if home.is_dir() else []
        paths = [_events_of(f) for f in folders if not f.name.startswith(OWN)]
        return [path for path in paths if path is not None]

    def _set_card(self, events: int, seed: int) -> None:
        """Sets number of events and seed in the run card."""
        path = self._directory / CARD
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{path}: cannot be read: {error}"
            raise InputError(message) from error
        for key, value in (("nevents", events), ("iseed", seed)):
            line = re.compile(rf"^(\s*)[^\s=!#]+(\s*=\s*{key}\b)", re.MULTILINE)
            text, count = line.subn(rf"\g<1>{value}\g<2>", text)
            if count != 1:
                message = f"{path}: {count} lines set {key}; a run card of MadGraph has one"
                raise InputError(message)
        write_whole(path, text)

    def _text(self, name: Path) -> str:
        """A file of the directory; empty if it is not there."""
        try:
            return (self._directory / name).read_text("utf-8", "replace")
        except OSError:
            return ""


def _events_of(folder: Path) -> Path | None:
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts run_2 before run_10."""
    return [
        (int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", path.name)
    ]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def make(
    context: BuildContext,
    *,
    directory: str,
    events: str,
    runs: list[str],
    environment: dict[str, str],
) -> MadEvent:
    """The component's factory."""
    return MadEvent(Path(directory), events, tuple(runs), environment)
