"""Writes Parquet files: one row an event, run information in the file's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from crosshook.adapters.parquet.arrow import METADATA, pa, parquet, to_table
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.document import write_document
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.run_info import RunInfo

ROW_GROUP: Final = 50_000
"""Events a row group."""


class ParquetWriter:
    """A Parquet file being written."""

    def __init__(self, path: Path, info: RunInfo, codec: str, level: int, overwrite: bool) -> None:
        """Starts the file; see schemas/v1/components/parquet.json for the options."""
        self._info = info
        self._codec, self._level = codec, level
        self._staged = StagedFile(path, overwrite)
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[EventBatch] = []
        self._sums = WeightSums()
        self._closed = False

    def write(self, batch: EventBatch) -> None:
        """Appends events."""
        self._sums.add(batch)
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        batch = EventBatch.concatenate(self._waiting)
        self._info = batch.info
        self._waiting = []
        table = to_table(batch)
        if self._writer is None:
            # Splitting the bytes of floats helps zstd; dictionaries do not, values hardly repeat.
            names = [f.name for f in table.schema if pa.types.is_floating(f.type)]
            leaves = [
                f"{f.name}.list.element"
                for f in table.schema
                if pa.types.is_list(f.type) and pa.types.is_floating(f.type.value_type)
            ]
            self._writer = parquet.ParquetWriter(
                self._staged.path,
                table.schema,
                compression=self._codec,
                compression_level=self._level if self._codec == "zstd" else None,
                use_dictionary=False,
                use_byte_stream_split=names + leaves,
            )
        if table.schema != self._writer.schema:
            message = f"events with the columns {', '.join(table.column_names)} after others"
            raise InputError(message)
        self._writer.write_table(table, row_group_size=ROW_GROUP)

    def close(self, info: RunInfo | None = None) -> None:
        """Writes the run information and gives the file its name.

        Args:
            info: the final run information; the last events' if left out.
        """
        if self._closed:
            return
        if self._waiting or self._writer is None:
            self._waiting = self._waiting or [EventBatch.empty(self._info)]
            self._flush()
        final = self._info if info is None else info
        text = write_document(final, self._sums)
        if self._writer is not None:
            self._writer.add_key_value_metadata({METADATA: text})
            self._writer.close()
        self._staged.commit()
        self._closed = True

    def abort(self) -> None:
        """Removes what was written; does nothing once the file is complete."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        self._staged.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abort()  # does nothing after a close that succeeded
        if isinstance(error, OSError):
            message = f"{self._staged.destination}: cannot be written: {error.strerror}"
            raise OutputError(message) from error
