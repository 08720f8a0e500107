"""The event format `root`: ROOT files through uproot, RNTuple or TTree."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.root.reader import RootStream
    from crosshook.adapters.root.writer import Container, RootWriter
    from crosshook.core.context import BuildContext
    from crosshook.core.events.run_info import RunInfo


class RootFormat:
    """ROOT files with NanoAOD-like names; see `crosshook.core.events.nano`.

    uproot takes a second to import: it is asked for when a file is opened.
    """

    extensions = (".root",)

    def __init__(self, container: Container, codec: str, level: int) -> None:
        """Sets how files are written."""
        self._container = container
        self._codec = codec
        self._level = level

    def sniff(self, path: Path) -> bool:
        """Whether the file begins with ROOT's mark."""
        with path.open("rb") as file:
            return file.read(4) == b"root"

    def read(self, path: Path, batch_size: int = 10_000) -> RootStream:
        """Opens a file."""
        from crosshook.adapters.root.reader import RootStream

        return RootStream(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> RootWriter:
        """Starts a file."""
        from crosshook.adapters.root.writer import RootWriter

        return RootWriter(path, info, self._container, self._codec, self._level, overwrite)


def make(context: BuildContext, *, container: str, codec: str, level: int) -> RootFormat:
    """Builds the format; see schemas/v1/components/root.json for the options."""
    return RootFormat(cast("Container", container), codec, level)
