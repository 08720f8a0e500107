"""Columns of events to and from pyarrow's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from crosshook.core.events.nano import RAW_NAMES, Jagged, NanoColumns, to_nano

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch

__all__ = ["METADATA", "pa", "parquet", "to_columns", "to_table"]

METADATA: Final = "crosshook"
"""Key of the run information in the file's metadata."""


def to_table(batch: EventBatch) -> pa.Table:
    """The batch as a table: lists for jagged columns, binary for raw text."""
    arrays = {}
    for name, column in to_nano(batch).items():
        if not isinstance(column, Jagged):
            arrays[name] = pa.array(column)
        elif name in RAW_NAMES.values():
            data = [None, pa.py_buffer(column.offsets), pa.py_buffer(column.content)]
            arrays[name] = pa.LargeBinaryArray.from_buffers(
                pa.large_binary(), len(column.offsets) - 1, data
            )
        else:
            arrays[name] = pa.ListArray.from_arrays(
                column.offsets.astype(np.int32), pa.array(column.content)
            )
    return pa.table(arrays)


def to_columns(table: pa.Table) -> NanoColumns:
    """The table's columns."""
    columns: NanoColumns = {}
    for name in table.column_names:
        array = table[name].combine_chunks()
        if isinstance(array, pa.LargeBinaryArray):
            offsets = np.frombuffer(array.buffers()[1], np.int64)
            offsets = offsets[array.offset : array.offset + len(array) + 1]
            buffer = array.buffers()[2]
            content = np.frombuffer(buffer, np.uint8) if buffer else np.zeros(0, np.uint8)
            columns[name] = Jagged(offsets - offsets[0], content[offsets[0] : offsets[-1]])
        elif isinstance(array, pa.ListArray | pa.LargeListArray):
            offsets = array.offsets.to_numpy().astype(np.int64)
            content = array.flatten().to_numpy(zero_copy_only=False)
            columns[name] = Jagged(offsets - offsets[0], content)
        else:
            columns[name] = array.to_numpy(zero_copy_only=False)
    return columns
