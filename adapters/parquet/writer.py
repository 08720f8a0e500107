"""Writes Parquet files: one row an event, run information in the file's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.adapters.parquet.arrow import METADATA, pa, parquet, to_table
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.document import write_document
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.run_info import RunInfo

ROW_GROUP: Final = 50_000
"""Events a row group."""


class ParquetWriter(StagedWriter):
    """A Parquet file being written."""

    def __init__(self, path: Path, info: RunInfo, codec: str, level: int, overwrite: bool) -> None:
        """Starts the file; see schemas/v1/components/parquet.json for the options."""
        self._info = info
        self._codec, self._level = codec, level
        super().__init__(StagedFile(path, overwrite))
        self._writer: parquet.ParquetWriter | None = None
        self._waiting: list[EventBatch] = []
        self._sums = WeightSums()

    def _write(self, batch: EventBatch) -> None:
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

    def _finish(self, info: RunInfo | None) -> None:
        if self._waiting or self._writer is None:
            self._waiting = self._waiting or [EventBatch.empty(self._info)]
            self._flush()
        final = self._info if info is None else info
        text = write_document(final, self._sums)
        if self._writer is not None:
            self._writer.add_key_value_metadata({METADATA: text})
            self._writer.close()

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.close()
