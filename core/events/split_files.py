"""Writes events to one file, or to numbered files of so many events each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from crosshook.core.errors import OutputError
from crosshook.core.events.files import create_events, format_of_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import EventWriter
    from crosshook.core.registry import Registry


def numbered(path: Path, number: int, count: int, registry: Registry | None = None) -> Path:
    """Name of one of several files: `events-03.lhe.gz` of `events.lhe.gz`.

    Args:
        path: name of the whole.
        number: of the part, from 1.
        count: how many parts there are; sets the number of digits.
        registry: where formats come from.

    Raises:
        OutputError: if the ending of the name is unknown.
    """
    from crosshook.core.events.files import event_formats

    name = format_of_name(path, registry)
    endings = event_formats(registry)[name].extensions if name else ()
    ending = max((e for e in endings if path.name.lower().endswith(e)), key=len, default="")
    if not ending:
        message = f"{path}: no event format has this extension"
        raise OutputError(message)
    stem, own = path.name[: -len(ending)], path.name[-len(ending) :]
    return path.with_name(f"{stem}-{number:0{len(str(count))}d}{own}")


class SplitFiles:
    """Files of at most so many events, written one after another.

    Attributes:
        written: name and number of events of each complete file.
    """

    def __init__(
        self,
        paths: list[Path],
        size: int | None,
        info: RunInfo,
        overwrite: bool,
        options: Mapping[str, object] | None,
        registry: Registry | None,
    ) -> None:
        """Starts the first file.

        Args:
            paths: names of the files.
            size: events a file; None for all in the first.
            info: run information of each.
            overwrite: whether to replace files of these names.
            options: of the format.
            registry: where formats come from.

        Raises:
            OutputError: if one exists and may not be replaced, or cannot be written.
        """
        for path in paths if not overwrite else ():
            if path.exists():
                message = f"{path}: exists already; overwriting was not asked for"
                raise OutputError(message)
        self.written: list[tuple[Path, int]] = []
        self._paths = iter(paths)
        self._size = size
        self._how = (info, overwrite, options, registry)
        self._start()

    def _start(self) -> None:
        self._path = next(self._paths)
        self._writer: EventWriter = create_events(self._path, *self._how)
        self._count = 0

    def write(self, batch: EventBatch) -> None:
        """Appends events; goes on to the next file where one is full."""
        while len(batch):
            if self._size is not None and self._count == self._size:
                self.close()
                self._start()
            room = len(batch) if self._size is None else self._size - self._count
            part = batch if room >= len(batch) else batch[:room]
            self._writer.write(part)
            self._count += len(part)
            batch = batch[len(part) :]

    def close(self, info: RunInfo | None = None) -> None:
        """Completes the file that is being written, with its final run information."""
        self._writer.close(self._how[0] if info is None else info)
        self.written.append((self._path, self._count))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.abort()  # does nothing to a complete file
