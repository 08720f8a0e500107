"""The event format `lheh5`: Les Houches events in HDF5, as Sherpa and Pepper write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.lheh5.reader import Lheh5Stream
    from crosshook.adapters.lheh5.writer import Lheh5Writer
    from crosshook.core.context import BuildContext
    from crosshook.core.events.run_info import RunInfo

MAGIC: Final = b"\x89HDF\r\n\x1a\n"


class Lheh5Format:
    """LHEH5 files, version 2.

    h5py is an optional dependency: it is asked for when a file is opened.
    """

    extensions = (".lheh5", ".hdf5", ".h5")

    def __init__(self, level: int) -> None:
        """Sets how files are written."""
        self._level = level

    def sniff(self, path: Path) -> bool:
        """Whether the file begins with HDF5's mark."""
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC

    def read(self, path: Path, batch_size: int = 10_000) -> Lheh5Stream:
        """Opens a file."""
        _require_h5py()
        from crosshook.adapters.lheh5.reader import Lheh5Stream

        return Lheh5Stream(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Lheh5Writer:
        """Starts a file."""
        _require_h5py()
        from crosshook.adapters.lheh5.writer import Lheh5Writer

        return Lheh5Writer(path, info, self._level, overwrite)


def _require_h5py() -> None:
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        message = "LHEH5 files need h5py: pip install h5py (extra crosshook[lheh5])"
        raise ConfigurationError(message) from error


def make(context: BuildContext, *, level: int) -> Lheh5Format:
    """Builds the format; see schemas/v1/components/lheh5.json for the options."""
    return Lheh5Format(level)
