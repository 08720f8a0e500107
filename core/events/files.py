"""Opens and creates event files: the format is a plugin, found by the file's name or first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.file_sequence import EventFiles
from crosshook.core.interfaces.event_format import STANDARD_INPUT, OnError
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import (
        EventFormat,
        EventStream,
        EventWriter,
        SequentialFormat,
        SkippedEvent,
    )
    from crosshook.core.registry import Registry

ON_ERROR: Final = get_args(OnError)


def event_formats(registry: Registry | None = None) -> dict[str, EventFormat]:
    """Every usable event format by name, with its default options."""
    source = registry or default_registry()
    names = [r.component.name for r in source.components("event_format") if not r.reason]
    return {name: _build(source, name, {}) for name in names}


def _build(registry: Registry, name: str, options: Mapping[str, object]) -> EventFormat:
    slot = Slot(name, options)
    return cast("EventFormat", registry.build("event_format", slot, BuildContext(), "output"))


def format_of_name(path: Path, registry: Registry | None = None) -> str | None:
    """Name of the format whose extension the path has, the longest one that fits, or None."""
    fitting = [
        (len(extension), name)
        for name, known in event_formats(registry).items()
        for extension in known.extensions
        if path.name.lower().endswith(extension)
    ]
    return max(fitting)[1] if fitting else None


def open_events(
    paths: str | Path | Sequence[str | Path],
    batch_size: int = 10_000,
    registry: Registry | None = None,
    *,
    on_error: OnError = "stop",
) -> EventFiles:
    """Opens event files for reading, whatever their format.

    Args:
        paths: a file, or several that are read one after another. The first bytes decide on the
            format where the name does not. `-` is standard input; it and other pipes can be read
            in formats that read sequentially (LHE).
        batch_size: events a batch.
        registry: where formats come from.
        on_error: `skip` leaves out events that cannot be read and lists them in `skipped`; files
            of formats that are not read event by event are read completely or not at all.

    Raises:
        InputError: if one does not exist or is of no known format, or several do not fit together.
    """
    if on_error not in ON_ERROR:
        message = f"on_error is {on_error!r}; allowed are {', '.join(ON_ERROR)}"
        raise ConfigurationError(message)
    if batch_size < 1:
        message = f"batch_size is {batch_size}; at least 1 event makes a batch"
        raise ConfigurationError(message)
    source = registry or default_registry()

    def opening(path: Path, skipped: list[SkippedEvent]) -> EventStream:
        return _open(path, batch_size, source, skipped if on_error == "skip" else None)

    several = [paths] if isinstance(paths, str | Path) else paths
    return EventFiles([Path(path) for path in several], opening)


def _open(
    path: Path,
    batch_size: int,
    registry: Registry,
    skipped: list[SkippedEvent] | None,
) -> EventStream:
    """One file; see `SequentialFormat.read` for `skipped`."""
    formats = event_formats(registry)
    sequential = [
        r.component.name
        for r in registry.components("event_format")
        if not r.reason and r.component.capabilities.sequential
    ]
    pipe = path == STANDARD_INPUT or path.is_fifo()
    name = format_of_name(path, registry)
    if pipe:
        if name is None and len(sequential) == 1:
            name = sequential[0]
        if name not in sequential:
            message = f"{path}: a pipe can be read as {', '.join(sequential) or 'no format'} only"
            raise InputError(message)
    else:
        _check_file(path)
        name = name or next((n for n, known in formats.items() if known.sniff(path)), None)
    if name is None:
        message = f"{path}: of no known event format; known are {_extensions(formats)}"
        raise InputError(message)
    if name not in sequential:
        return formats[name].read(path, batch_size)
    return cast("SequentialFormat", formats[name]).read(path, batch_size, skipped)


def _check_file(path: Path) -> None:
    if not path.is_file():
        message = f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}"
        raise InputError(message)
    if path.stat().st_size == 0:
        message = f"{path}: is empty"
        raise InputError(message)


def create_events(
    path: Path,
    info: RunInfo,
    overwrite: bool = False,
    options: Mapping[str, object] | None = None,
    registry: Registry | None = None,
) -> EventWriter:
    """Starts an event file in the format of its extension.

    Args:
        path: e.g. `events.lhe.gz`.
        info: the run.
        overwrite: whether to replace an existing file.
        options: of the format.
        registry: where formats come from.

    Raises:
        OutputError: if the extension is unknown, or the file exists or cannot be written.
    """
    name = format_of_name(path, registry)
    if name is None:
        message = (
            f"{path}: no event format has this extension; "
            f"known are {_extensions(event_formats(registry))}"
        )
        raise OutputError(message)
    return _build(registry or default_registry(), name, options or {}).write(path, info, overwrite)


def _extensions(formats: Mapping[str, EventFormat]) -> str:
    return ", ".join(e for known in formats.values() for e in known.extensions)
