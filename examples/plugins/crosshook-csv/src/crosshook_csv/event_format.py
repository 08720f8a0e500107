"""Event format `csv`: one row a particle, the event's columns repeated in each.

The first line says what the file is, the second names the columns, and the last, as a comment, is
the run as JSON: a file that was cut off has none. Spreadsheets and pandas read it as it is:
`pandas.read_csv("events.csv", comment="#")`.
"""

from __future__ import annotations

import csv
import os
from itertools import chain, groupby
from typing import TYPE_CHECKING

import numpy as np
from crosshook import EventBatch, RunInfo
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.document import read_document, write_document
from crosshook.core.events.layout import EVENT_COLUMNS, OPTIONAL_EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from crosshook import BuildContext
    from crosshook.core.interfaces.event_format import EventFormat, EventStream, EventWriter

MAGIC = "# crosshook-csv 1\n"
NUMBER = "event"
"""Column with the number of the event, from 0."""
WEIGHT = "weight:"
"""Begins the name of a further weight's column; a cell is empty where an event lacks it."""


class CsvStream(ClosingStream):
    """An open file.

    Attributes:
        info: the run.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Opens the file.

        Raises:
            InputError: if it is no such file, or is cut off.
        """
        self._path = path
        self._batch_size = batch_size
        try:
            self.info = read_document(_last_line(path).removeprefix("# "))
            self._file = path.open(encoding="utf-8", newline="")
        except (OSError, ValueError, InputError) as error:
            message = f"{path}: cannot be read as events in CSV: {error}"
            raise InputError(message) from error

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order."""
        try:
            yield from self._batches()
        except (csv.Error, UnicodeDecodeError) as error:
            message = f"{self._path}: cannot be read as events in CSV: {error}"
            raise InputError(message) from error

    def _batches(self) -> Iterator[EventBatch]:
        self._file.seek(0)
        magic = self._file.readline()
        lines = (line for line in self._file if not line.startswith("#"))
        filled = filter(None, csv.reader(lines))
        names = next(filled, [""])
        if magic != MAGIC or names[0] != NUMBER:
            message = f"{self._path}: cannot be read as events in CSV: no heading"
            raise InputError(message)
        events: list[list[list[str]]] = []
        for _, rows in groupby(filled, key=lambda row: row[0]):
            if len(events) == self._batch_size:
                yield self._batch(names, events)
                events = []
            events.append(list(rows))
        if events:
            yield self._batch(names, events)

    def _batch(self, names: list[str], events: list[list[list[str]]]) -> EventBatch:
        try:
            particles = _columns(names, chain.from_iterable(events))
            firsts = _columns(names, (rows[0] for rows in events))
            cells = [firsts[f"{WEIGHT}{key}"] for key in self.info.weight_ids]
            shape = len(cells), len(events)
            table = np.array([[cell or "0" for cell in row] for row in cells], np.float64)
            present = np.array([[cell != "" for cell in row] for row in cells], bool)
            optional = [name for name in OPTIONAL_EVENT_COLUMNS if name in firsts]
            return EventBatch.from_columns(
                self.info,
                [len(rows) for rows in events],
                {n: np.array(firsts[n]).astype(k) for n, k in EVENT_COLUMNS.items()}
                | {n: np.array(firsts[n], np.float64) for n in optional},
                {n: np.array(particles[n]).astype(k) for n, k in PARTICLE_COLUMNS.items()},
                table.reshape(shape).T,
                present.reshape(shape).T,
            )
        except (ValueError, KeyError) as error:
            message = f"{self._path}: event {events[0][0][0]} or one soon after: {error}"
            raise InputError(message) from error

    def _close(self) -> None:
        self._file.close()


class CsvWriter(StagedWriter):
    """A file being written; the base class gives it its name when it is complete."""

    def __init__(self, path: Path, info: RunInfo, overwrite: bool) -> None:
        """Starts the file."""
        super().__init__(StagedFile(path, overwrite))
        self._info = info
        self._sums = WeightSums()
        self._names: list[str] = []
        with self._staged.opening():
            self._file = self._staged.path.open("w", encoding="utf-8", newline="")
            self._file.write(MAGIC)
        self._rows = csv.writer(self._file, lineterminator="\n")

    def _write(self, batch: EventBatch) -> None:
        if not batch.counts.all():
            message = "an event without particles has no row in a CSV file"
            raise OutputError(message)
        further = [f"{WEIGHT}{key}" for key in batch.info.weight_ids]
        names = [NUMBER, *batch.event, *further, *PARTICLE_COLUMNS]
        if not self._names:
            self._names = names
            self._rows.writerow(names)
        if names != self._names:
            message = f"events with the columns {', '.join(names)} after others"
            raise InputError(message)
        number = np.arange(self._sums.events, self._sums.events + len(batch))
        present = np.ones(batch.weights.shape, bool) if batch.present is None else batch.present
        weights = np.where(present, batch.weights.astype(object), "").T
        columns = [number, *batch.event.values(), *weights]
        columns = [np.repeat(column, batch.counts).tolist() for column in columns]
        columns += [batch.particle_columns[name].tolist() for name in PARTICLE_COLUMNS]
        self._rows.writerows(zip(*columns, strict=True))
        self._sums.add(batch)
        self._info = batch.info

    def _finish(self, info: RunInfo | None) -> None:
        if not self._names:
            self._write(EventBatch.empty(self._info))
        document = write_document(self._info if info is None else info, self._sums)
        self._file.write(f"# {document}\n")
        self._file.close()

    def _release(self) -> None:
        self._file.close()


class CsvFormat:
    """CSV files of particles."""

    extensions: tuple[str, ...] = (".csv",)

    def sniff(self, path: Path) -> bool:
        """Whether the first line is ours."""
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC.encode()

    def read(self, path: Path, batch_size: int = 10_000) -> EventStream:
        """Opens a file."""
        return CsvStream(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> EventWriter:
        """Starts a file."""
        return CsvWriter(path, info, overwrite)


def _columns(names: list[str], rows: Iterable[list[str]]) -> dict[str, tuple[str, ...]]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _last_line(path: Path) -> str:
    """The last line of a file, found from its end."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        tail, start = b"", end
        while start and b"\n" not in tail[:-1]:
            start = max(0, start - 65536)
            file.seek(start)
            tail = file.read(end - start)
    return tail[:-1].rpartition(b"\n")[2].decode()


def make(context: BuildContext) -> EventFormat:
    """Builds the format, which has no options."""
    return CsvFormat()
