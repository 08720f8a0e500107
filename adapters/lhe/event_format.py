"""The event format `lhe`: Les Houches event files (hep-ph/0609017, LHEF 3: 1405.1067)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.adapters.lhe.decompression import text_blocks
from crosshook.adapters.lhe.reader import LheStream
from crosshook.adapters.lhe.writer import LheWriter, write_part
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import SkippedEvent


class LheFormat:
    """Les Houches event files, plain, gzip or zstd."""

    extensions = (".lhe.gz", ".lhe.zst", ".lhe")

    def __init__(self, level: int) -> None:
        """Sets how files are written; `level` is isal's compression level, 0 to 3."""
        self._level = level

    def sniff(self, path: Path) -> bool:
        """Whether the text begins like an LHE file, compressed or not."""
        with path.open("rb") as file:
            try:
                return b"<LesHouchesEvents" in next(text_blocks(file, path), b"")[:4096]
            except InputError:
                return False

    def read(
        self, path: Path, batch_size: int = 10_000, skipped: list[SkippedEvent] | None = None
    ) -> LheStream:
        """Opens a file, or a pipe; see `crosshook.core.interfaces.event_format`."""
        return LheStream(path, batch_size, skipped)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> LheWriter:
        """Starts a file; a name ending in `.gz` makes it gzip, in `.zst` zstd."""
        return LheWriter(path, info, self._level, overwrite)

    def write_part(self, path: Path, batch: EventBatch, first: int) -> None:
        """Writes events alone, for a file of the same ending."""
        write_part(path, batch, first, self._level)


def make(context: BuildContext, *, level: int) -> LheFormat:
    """Builds the format; see schemas/v1/components/lhe.json for the options."""
    return LheFormat(level)
