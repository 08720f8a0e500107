"""Opens and creates event files: the format is a plugin, found by the file's name or first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import InputError, OutputError
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import EventFormat, EventStream, EventWriter
    from crosshook.core.registry import Registry


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
    path: Path, batch_size: int = 10_000, registry: Registry | None = None
) -> EventStream:
    """Opens an event file for reading, whatever its format.

    Args:
        path: its first bytes decide where its name does not.
        batch_size: events a batch.
        registry: where formats come from.

    Raises:
        InputError: if it does not exist or is of no known format.
    """
    if not path.is_file():
        message = f"{path}: {'is a folder' if path.is_dir() else 'there is no such file'}"
        raise InputError(message)
    if path.stat().st_size == 0:
        message = f"{path}: is empty"
        raise InputError(message)
    formats = event_formats(registry)
    named = format_of_name(path, registry)
    if named is not None:
        return formats[named].read(path, batch_size)
    for known in formats.values():
        if known.sniff(path):
            return known.read(path, batch_size)
    message = f"{path}: of no known event format; known are {_extensions(formats)}"
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
