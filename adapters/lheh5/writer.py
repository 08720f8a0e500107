"""Writes LHEH5 files: tables of float64 in chunks, names of columns in their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

from crosshook.adapters.lheh5.layout import (
    COLUMNS,
    EVENT_TABLE,
    EVENTS,
    INIT,
    INIT_TABLE,
    NOMINAL,
    OWN,
    PARTICLE_TABLE,
    PARTICLES,
    PROCESS_TABLE,
    PROCESSES,
    RUN,
    VERSION,
    lengths_of,
)
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError
from crosshook.core.events.document import write_document
from crosshook.core.events.nano import RAW_NAMES, Jagged, to_nano
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo

CHUNK: Final = 10_000
"""Rows of a chunk of the tables."""
SCALES: Final = ("mur2", "muf2")
"""Columns of which LHEH5 keeps the root; the squares are kept beside it, to the last digit."""


class Lheh5Writer(StagedWriter):
    """An LHEH5 file being written."""

    def __init__(self, path: Path, info: RunInfo, level: int, overwrite: bool) -> None:
        """Starts the file; see schemas/v1/components/lheh5.json for the options."""
        self._info = info
        self._compression = {"compression": "gzip", "compression_opts": level, "shuffle": True}
        if level == 0:
            self._compression = {}
        staged = StagedFile(path, overwrite)
        super().__init__(staged)
        with staged.opening():
            self._file = h5py.File(staged.path, "w")
        self._sums = WeightSums()
        self._particles = 0
        self._names: tuple[str, ...] | None = None
        width = len(EVENTS) + len(info.weights)
        self._events = self._table(EVENT_TABLE, width)
        self._particle_table = self._table(PARTICLE_TABLE, len(PARTICLES))
        self._own = self._file.create_group(OWN)

    def _table(self, name: str, width: int) -> h5py.Dataset:
        return self._file.create_dataset(
            name,
            shape=(0, width),
            maxshape=(None, None),
            dtype="f8",
            chunks=(CHUNK, width),
            fillvalue=np.nan,
            **self._compression,
        )

    def _write(self, batch: EventBatch) -> None:
        names = tuple(batch.event)
        if self._names is None:
            self._names = names
        elif names != self._names:
            message = f"events with the columns {', '.join(names)} after {', '.join(self._names)}"
            raise InputError(message)
        if len(batch.info.weights) > len(self._info.weights):
            self._info = batch.info
            self._events.resize(len(EVENTS) + len(batch.info.weights), axis=1)
        self._sums.add(batch)
        rows = self._event_rows(batch)
        start = len(self._events)
        self._events.resize(start + len(batch), axis=0)
        self._events[start:, : rows.shape[1]] = rows
        columns = [batch.particle_columns[name] for name in PARTICLES]
        total = len(columns[0])
        self._particle_table.resize(self._particles + total, axis=0)
        self._particle_table[self._particles :] = np.stack(columns, axis=1, dtype=np.float64)
        self._particles += total
        for name in SCALES:
            if name in batch.event:
                self._append(name, batch.event[name], np.float64)
        nano = to_nano(batch)
        for name in RAW_NAMES.values():
            text = nano[name]
            if isinstance(text, Jagged):
                self._append(lengths_of(name), np.diff(text.offsets), np.int64)
                self._append(name, text.content, np.uint8)

    def _event_rows(self, batch: EventBatch) -> NDArray[np.float64]:
        n = len(batch)
        nothing = np.full(n, np.nan)
        event = batch.event
        weights = batch.weights
        if batch.present is not None:
            weights = np.where(batch.present, weights, np.nan)
        columns = {
            "pid": event["process_id"],
            "nparticles": batch.counts,
            "start": self._particles + batch.offsets[:-1],
            "trials": event.get("trials", nothing),
            "scale": event["scale"],
            "fscale": np.sqrt(event["muf2"]) if "muf2" in event else nothing,
            "rscale": np.sqrt(event["mur2"]) if "mur2" in event else nothing,
            "aqed": event["alpha_qed"],
            "aqcd": event["alpha_qcd"],
            NOMINAL: event["weight"],
        }
        table = np.empty((n, len(EVENTS) + weights.shape[1]))
        for i, name in enumerate(EVENTS):
            table[:, i] = columns[name]
        table[:, len(EVENTS) :] = weights
        return table

    def _append(self, name: str, values: NDArray[np.generic], kind: type[np.generic]) -> None:
        if name not in self._own:
            self._own.create_dataset(
                name, (0,), kind, maxshape=(None,), chunks=(1 << 16,), **self._compression
            )
        column = self._own[name]
        start = len(column)
        column.resize(start + len(values), axis=0)
        column[start:] = values

    def _finish(self, info: RunInfo | None) -> None:
        final = self._info if info is None else info
        names = [*EVENTS, *final.weight_ids]
        self._events.resize(len(names), axis=1)
        _name(self._events, names)
        _name(self._particle_table, list(PARTICLES.values()))
        numbers = [
            *final.beams,
            *final.energies,
            *final.pdf_groups,
            *final.pdf_sets,
            final.weighting,
            len(final.processes),
        ]
        _name(
            self._file.create_dataset(INIT_TABLE, data=np.array(numbers, np.float64)), list(INIT)
        )
        rows = [
            (p.process_id, np.nan, np.nan, p.cross_section, p.error, p.maximum)
            for p in final.processes
        ]
        table = np.array(rows, np.float64).reshape(len(rows), len(PROCESSES))
        _name(self._file.create_dataset(PROCESS_TABLE, data=table), list(PROCESSES))
        self._file.create_dataset("version", data=np.array(VERSION, np.int32))
        # Last, so that a file cut short is known by its absence.
        self._own.create_dataset(RUN, data=write_document(final, self._sums))
        self._file.close()

    def _release(self) -> None:
        self._file.close()


def _name(table: h5py.Dataset, columns: list[str]) -> None:
    """Names the columns as h5py and the programs that write LHEH5 do, under both attributes."""
    names = np.array([name.encode() for name in columns])
    table.attrs[COLUMNS] = names
    table.attrs[table.name.rsplit("/", maxsplit=1)[-1]] = names
