"""Event format: reads a file as a stream of batches, and writes one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo


OnError = Literal["stop", "skip"]
"""At an event that cannot be read: stop with an error, or list it and go on."""

STANDARD_INPUT: Final = Path("-")
"""Stands for standard input where a path is asked for."""


@dataclass(frozen=True)
class SkippedEvent:
    """One event, or the end of a file, that could not be read and was left out.

    Attributes:
        file: its path.
        event: number of the event in its file, from 1.
        line: line its text begins at, from 1; 0 if unknown.
        reason: the error as it would have been raised.
    """

    file: str
    event: int
    line: int
    reason: str

    def as_json(self) -> dict[str, object]:
        """The record as values JSON can hold."""
        return asdict(self)


class EventStream(Protocol):
    """An open event file: the run's information at once, the events batch by batch."""

    @property
    def info(self) -> RunInfo:
        """What the file says before its first event, completed by what comes after it once the
        events were read.
        """
        ...

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order; bounded memory."""
        ...

    def __enter__(self) -> Self:
        """Opens nothing further; closes the file on leaving."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file."""
        ...


class EventWriter(Protocol):
    """A file being written under a temporary name; it gets its name when complete.

    As a context manager it is closed at the end, or removed if an error ends the block.
    """

    def write(self, batch: EventBatch) -> None:
        """Appends events."""
        ...

    def close(self, info: RunInfo | None = None) -> None:
        """Completes the file, with the final run information where it differs from the first."""
        ...

    def abort(self) -> None:
        """Removes what was written; does nothing once the file is complete."""
        ...

    def __enter__(self) -> Self:
        """The writer itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the file, or aborts it after an error."""
        ...


class EventFormat(Protocol):
    """One family of files.

    Attributes:
        extensions: endings of file names, longest first, e.g. `(".lhe.gz", ".lhe")`.
    """

    extensions: tuple[str, ...]

    def sniff(self, path: Path) -> bool:
        """Whether the file's first bytes look like this format."""
        ...

    def read(self, path: Path, batch_size: int = 10_000) -> EventStream:
        """Opens a file.

        Raises:
            InputError: if it is not what it claims to be.
        """
        ...

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> EventWriter:
        """Starts a file.

        Raises:
            OutputError: if it exists and `overwrite` is not set, or cannot be written.
        """
        ...


class SequentialFormat(EventFormat, Protocol):
    """A format with the capability `sequential`."""

    def read(
        self, path: Path, batch_size: int = 10_000, skipped: list[SkippedEvent] | None = None
    ) -> EventStream:
        """Opens a file, or a pipe.

        Args:
            path: `STANDARD_INPUT` reads standard input.
            batch_size: events a batch.
            skipped: takes a record of every event that cannot be read, which is left out; without
                it such an event is an error.

        Raises:
            InputError: if it is not what it claims to be.
        """
        ...


class ComposingFormat(EventFormat, Protocol):
    """A format with the capability `composes`: events written apart make a file one behind another."""

    def write_part(self, path: Path, batch: EventBatch, first: int) -> None:
        """Writes events as they will stand in a file; the path's ending says which kind.

        Args:
            path: replaced if it is there.
            batch: the events.
            first: number of the first one in the file, from 0.

        Raises:
            OutputError: if it cannot be written.
        """
        ...

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> ComposingWriter:
        """Starts a file; see `EventFormat.write`."""
        ...


class ComposingWriter(EventWriter, Protocol):
    """A writer that takes events written apart."""

    def append(self, part: Path, events: int) -> None:
        """Appends what `write_part` wrote.

        Args:
            part: a file.
            events: how many are in it.

        Raises:
            OutputError: if the file cannot be written.
        """
        ...
