"""The event format `parquet`: one row an event, NanoAOD-like names, through pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.parquet.reader import ParquetStream
    from crosshook.adapters.parquet.writer import ParquetWriter
    from crosshook.core.context import BuildContext
    from crosshook.core.events.run_info import RunInfo


class ParquetFormat:
    """Parquet files with the names of `crosshook.core.events.nano`.

    pyarrow is an optional dependency: it is asked for when a file is opened.
    """

    extensions = (".parquet",)

    def __init__(self, codec: str, level: int) -> None:
        """Sets how files are written."""
        self._codec = codec
        self._level = level

    def sniff(self, path: Path) -> bool:
        """Whether the file begins with Parquet's mark."""
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"

    def read(self, path: Path, batch_size: int = 10_000) -> ParquetStream:
        """Opens a file."""
        _require_pyarrow()
        from crosshook.adapters.parquet.reader import ParquetStream

        return ParquetStream(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> ParquetWriter:
        """Starts a file."""
        _require_pyarrow()
        from crosshook.adapters.parquet.writer import ParquetWriter

        return ParquetWriter(path, info, self._codec, self._level, overwrite)


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        message = "Parquet files need pyarrow: pip install pyarrow (extra crosshook[parquet])"
        raise ConfigurationError(message) from error


def make(context: BuildContext, *, codec: str, level: int) -> ParquetFormat:
    """Builds the format; see schemas/v1/components/parquet.json for the options."""
    return ParquetFormat(codec, level)
