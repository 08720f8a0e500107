"""Generator: drives a program that writes weighted events; core runs it, reads along, unweights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEED_MAX: Final = 900_000_000
"""Seeds of programs are 1 to this: what MadGraph takes, the narrowest of them."""


@dataclass(frozen=True)
class EventRequest:
    """One batch of events that core asks for.

    Attributes:
        folder: the program's working folder, the same for every batch of a run and kept when the
            run is resumed.
        number: of the batch, from 0.
        events: how many; a program may write a few more or less.
        seed: of the batch, 1 to `SEED_MAX`; another one for every batch.
    """

    folder: Path
    number: int
    events: int
    seed: int


@dataclass(frozen=True)
class Job:
    """What is to be run for a batch, or where its events lie already.

    Attributes:
        command: the program and its arguments; empty if the events are there already. Its output
            goes to a log.
        events: the file the events are in, or come to be in while it grows; of any format that
            crosshook reads. A file that a command has written into the request's folder is
            removed once its events were read. None for a job that writes no events.
        environment: variables beside, or instead of, those crosshook was started with.
        folder: where the command runs; the request's folder if None.
    """

    command: tuple[str, ...]
    events: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Reading:
    """What a program says of itself in its log.

    Attributes:
        program: its name and version, `""` if it does not say.
        process: what it generates, `""` if it does not say.
        cross_section: its own σ in pb so far, or None.
        error: the standard error of it in pb, or None.
        facts: further facts for the report, as people read them.
    """

    program: str = ""
    process: str = ""
    cross_section: float | None = None
    error: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class Generator(Protocol):
    """A program that writes weighted events. `check` and `batch` are all a simple one needs.

    The events of a batch say themselves what σ is: by trials for each event, as Sherpa's do, or by
    the conventions of the init block. Events of different seeds are independent; nothing else is
    asked of the program.
    """

    def check(self) -> None:
        """Called before a run directory is made.

        Raises:
            ConfigurationError: if the program or a file it needs is missing, in words that help.
        """
        ...

    def prepare(self, folder: Path, seed: int) -> Job | None:
        """Called once a run, in a folder that is new or kept from a run that was stopped.

        Args:
            folder: gets cards and whatever else the program needs.
            seed: for what the program does before its first event.

        Returns:
            What has to run before the first batch, such as the program's integration, or None.
        """
        return None

    def batch(self, request: EventRequest) -> Job | None:
        """The job that gives a batch.

        Called again with the same request if a run was stopped before the batch was complete.

        Returns:
            The job, or None if there are no more events to be had.
        """
        ...

    def reading(self, log: str) -> Reading:
        """What the log of a job says, complete or so far; any text must do."""
        return Reading()

    def explain(self, log: str) -> str:
        """Why a job failed and what to do, in a sentence, as far as its log tells; or `""`."""
        return ""
