"""Reads Parquet files that crosshook wrote, row group by row group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.adapters.parquet.arrow import METADATA, pa, parquet, to_columns
from crosshook.core.errors import InputError
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.document import read_document
from crosshook.core.events.nano import from_nano, nano_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch


class ParquetStream(ClosingStream):
    """An open Parquet file.

    Attributes:
        info: the run.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Opens the file and reads the run information.

        Raises:
            InputError: if it is no Parquet file, or crosshook did not write it.
        """
        self._path = path
        self._batch_size = batch_size
        try:
            self._file = parquet.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            message = f"{path}: cannot be read as a Parquet file: {error}"
            raise InputError(message) from error
        document = (self._file.metadata.metadata or {}).get(METADATA.encode())
        if document is None:
            self._file.close()
            message = f"{path}: no event file of crosshook: no {METADATA!r} in its metadata"
            raise InputError(message)
        try:
            self.info = read_document(document.decode())
            self._names = nano_names(self._file.schema_arrow.names)
        except InputError as error:
            self._file.close()
            message = f"{path}: no event file of crosshook: {error}"
            raise InputError(message) from error

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order."""
        for group in range(self._file.num_row_groups):
            try:
                table = self._file.read_row_group(group, columns=self._names)
            except (OSError, pa.ArrowException) as error:
                message = f"{self._path}: cannot be read: {error}"
                raise InputError(message) from error
            batch = from_nano(to_columns(table), self.info)
            for first in range(0, len(batch), self._batch_size):
                yield batch[first : first + self._batch_size]

    def _close(self) -> None:
        self._file.close()
