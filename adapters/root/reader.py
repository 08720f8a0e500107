"""Reads ROOT files that crosshook wrote, RNTuple or TTree, as a stream of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import uproot

from crosshook.adapters.root.tables import ClusterColumns, to_columns
from crosshook.adapters.root.writer import CHUNK, EVENTS, RUN_INFO
from crosshook.core.errors import InputError
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.damaged_file import explained
from crosshook.core.events.document import read_document
from crosshook.core.events.nano import from_nano, nano_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.nano import NanoColumns

KIND: Final = "a ROOT file of events"
READ_ERRORS: Final = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    AssertionError,
    uproot.DeserializationError,
)
"""What uproot raises on files that are damaged or not what they claim to be."""


class RootStream(ClosingStream):
    """An open ROOT file.

    Attributes:
        info: the run.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Opens the file and reads the run information.

        Raises:
            InputError: if it is no ROOT file, or crosshook did not write it.
        """
        self._path = path
        self._batch_size = batch_size
        with explained(path, KIND, READ_ERRORS):
            self._file = uproot.open(path)
        keys = set(self._file.keys(cycle=False))
        if not {EVENTS, RUN_INFO} <= keys:
            self._file.close()
            message = (
                f"{path}: no event file of crosshook: {EVENTS} and {RUN_INFO} expected, "
                f"{', '.join(sorted(keys)) or 'nothing'} found"
            )
            raise InputError(message)
        with explained(path, KIND, READ_ERRORS):
            self.info = read_document(str(self._file[RUN_INFO]))
            self._events = self._file[EVENTS]
            self._names = nano_names(self._events.keys())

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order."""
        for columns in self._chunks():
            with explained(self._path, KIND, READ_ERRORS):
                batch = from_nano(columns, self.info)
            for first in range(0, len(batch), self._batch_size):
                yield batch[first : first + self._batch_size]

    def _chunks(self) -> Iterator[NanoColumns]:
        """Columns in the pieces they were written in, which are compressed as one."""
        if not isinstance(self._events, uproot.TTree):
            with explained(self._path, KIND, READ_ERRORS):
                clusters = ClusterColumns(self._events, self._names)
                n = len(clusters)
            for cluster in range(n):
                with explained(self._path, KIND, READ_ERRORS):
                    columns = clusters[cluster]
                yield columns
            return
        n = int(self._events.num_entries)
        for start in range(0, n, CHUNK):
            with explained(self._path, KIND, READ_ERRORS):
                events = self._events.arrays(
                    filter_name=self._names,
                    entry_start=start,
                    entry_stop=min(start + CHUNK, n),
                    array_cache=None,  # every column is read once
                )
                columns = to_columns(events, self._names)
            yield columns

    def _close(self) -> None:
        self._file.close()
