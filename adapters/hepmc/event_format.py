"""The event format `hepmc`: HepMC2 and HepMC3 files of showered events, which are read only."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Final, NoReturn

from crosshook.core.errors import ConfigurationError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.hepmc.reader import HepmcStream
    from crosshook.core.context import BuildContext
    from crosshook.core.events.run_info import RunInfo

MARK: Final = b"HepMC::"
GZIP_MAGIC: Final = b"\x1f\x8b"
FIRST: Final = 256


class HepmcFormat:
    """HepMC's text formats, plain or gzip.

    pyhepmc is an optional dependency: it is asked for when a file is opened.
    """

    extensions = (".hepmc3.gz", ".hepmc2.gz", ".hepmc.gz", ".hepmc3", ".hepmc2", ".hepmc")

    def sniff(self, path: Path) -> bool:
        """Whether the file begins with HepMC's mark."""
        with path.open("rb") as file:
            begin = file.read(FIRST)
        if begin.startswith(GZIP_MAGIC):
            try:
                with gzip.open(path) as text:
                    begin = text.read(FIRST)
            except (OSError, EOFError, zlib.error):
                return False
        return begin.lstrip().startswith(MARK)

    def read(self, path: Path, batch_size: int = 10_000) -> HepmcStream:
        """Opens a file."""
        try:
            import pyhepmc  # noqa: F401
        except ImportError as error:
            message = "HepMC files need pyhepmc: pip install pyhepmc (extra crosshook[hepmc])"
            raise ConfigurationError(message) from error
        from crosshook.adapters.hepmc.reader import HepmcStream

        return HepmcStream(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> NoReturn:
        """Refuses: an event without a shower has no vertices to write.

        Raises:
            OutputError: always.
        """
        message = f"{path}: HepMC files are read only; a shower program writes them"
        raise OutputError(message)


def make(context: BuildContext) -> HepmcFormat:
    """Builds the format; it has no options."""
    return HepmcFormat()
