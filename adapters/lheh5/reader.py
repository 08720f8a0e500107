"""Reads LHEH5 files, of other programs and our own, as a stream of batches."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

from crosshook.adapters.lheh5.layout import (
    COLUMNS,
    COUNTER_EVENTS,
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
    lengths_of,
)
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.damaged_file import explained
from crosshook.core.events.document import read_document
from crosshook.core.events.layout import ragged_rows
from crosshook.core.events.nano import RAW_NAMES
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.events.layout import BoolArray, FloatArray, IntArray

KIND: Final = "an LHEH5 file"
READ_ERRORS: Final = (OSError, KeyError, ValueError, RuntimeError, TypeError, IndexError)
"""What h5py raises on files that are damaged or not what they claim to be."""
OPTIONAL: Final = {"trials": "trials", "mur2": "rscale", "muf2": "fscale"}
"""Optional columns of events and where they come from; of scales the file holds the root."""


class Lheh5Stream(ClosingStream):
    """An open LHEH5 file.

    Attributes:
        info: the run.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Opens the file and reads the run information.

        Raises:
            InputError: if it is no LHEH5 file of version 2.
        """
        self._path = path
        self._batch_size = batch_size
        with explained(path, KIND, READ_ERRORS):
            self._file = h5py.File(path, "r")
        try:
            with explained(path, KIND, READ_ERRORS):
                self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> None:
        file = self._file
        missing = [
            t for t in (INIT_TABLE, PROCESS_TABLE, EVENT_TABLE, PARTICLE_TABLE) if t not in file
        ]
        if missing:
            message = f"no LHEH5 file of version 2: no table {', '.join(missing)}"
            raise InputError(message)
        if COUNTER_EVENTS in file and len(file[COUNTER_EVENTS]):
            message = f"has counter-events ({COUNTER_EVENTS}), which events here have no place for"
            raise InputError(message)
        self._events, self._particles = file[EVENT_TABLE], file[PARTICLE_TABLE]
        self._columns = _columns(self._events, EVENTS)
        self._of_particle = _columns(self._particles, tuple(PARTICLES.values()))
        if NOMINAL not in self._columns and "weight" in self._columns:
            self._columns[NOMINAL] = self._columns.pop("weight")
        ids = [name for name in self._columns if name not in EVENTS]
        self._weights = [self._columns[name] for name in ids]
        self._own = file.get(OWN)
        if self._own is not None and RUN in self._own:
            self.info = read_document(self._own[RUN].asstr()[()])
        else:
            self._own = None
            self.info = _run_info(file, ids)
        if list(self.info.weight_ids) != ids:
            message = (
                f"weights {', '.join(self.info.weight_ids)} announced, {', '.join(ids)} found"
            )
            raise InputError(message)
        self._present = self._which_present()
        self._lengths = {
            name: np.concatenate([[0], np.cumsum(self._own[lengths_of(name)][:])])
            for name in RAW_NAMES.values()
            if self._own is not None and lengths_of(name) in self._own
        }

    def _which_present(self) -> tuple[str, ...]:
        """Optional event columns that the first event has."""
        if not len(self._events):
            return ()
        first = self._events[0]
        return tuple(
            name
            for name, source in OPTIONAL.items()
            if source in self._columns and not np.isnan(first[self._columns[source]])
        )

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order."""
        for start in range(0, len(self._events), self._batch_size):
            with explained(self._path, KIND, READ_ERRORS):
                batch = self._batch(start, min(start + self._batch_size, len(self._events)))
            yield batch

    def _batch(self, start: int, stop: int) -> EventBatch:
        rows = np.asarray(self._events[start:stop], np.float64)

        def column(name: str) -> FloatArray:
            return np.asarray(rows[:, self._columns[name]])

        counts, first = _whole(column("nparticles")), _whole(column("start"))
        particles = self._rows_of_particles(first, counts)
        event = {
            "process_id": _whole(column("pid")),
            "weight": column(NOMINAL),
            "scale": column("scale"),
            "alpha_qed": column("aqed"),
            "alpha_qcd": column("aqcd"),
        }
        for name in self._present:
            event[name] = self._optional(name, rows, start)
        weights = rows[:, self._weights]
        present: BoolArray = ~np.isnan(weights)
        return EventBatch.from_columns(
            self.info,
            counts,
            event,
            {ours: particles[:, self._of_particle[theirs]] for ours, theirs in PARTICLES.items()},
            np.where(present, weights, 0.0),
            present,
            self._raw(start, stop),
        )

    def _optional(self, name: str, rows: FloatArray, start: int) -> FloatArray:
        """Trials or a squared scale; exact where the file is our own."""
        if self._own is not None and name in self._own:
            return np.asarray(self._own[name][start : start + len(rows)], np.float64)
        source = OPTIONAL[name]
        values = np.asarray(rows[:, self._columns[source]])
        if np.isnan(values).any():
            row = start + int(np.argmax(np.isnan(values)))
            message = f"event {row + 1}: no {source}, which the first event has"
            raise InputError(message)
        return values if name == "trials" else values**2

    def _rows_of_particles(self, first: IntArray, counts: IntArray) -> FloatArray:
        """Particles of some events, read in one piece."""
        width = self._particles.shape[1]
        if not int(counts.sum()):
            return np.zeros((0, width))
        begin, end = int(first.min()), int((first + counts).max())
        if begin < 0 or end > len(self._particles) or bool((counts < 0).any()):
            message = f"particles {begin} to {end} announced, {len(self._particles)} found"
            raise InputError(message)
        block = np.asarray(self._particles[begin:end], np.float64)
        return np.asarray(block[ragged_rows(first - begin, counts)])

    def _raw(self, start: int, stop: int) -> dict[str, list[bytes]]:
        texts = {}
        for name, column_name in RAW_NAMES.items():
            ends = self._lengths.get(column_name)
            if ends is None or self._own is None or not ends[-1]:
                continue
            own = ends[start : stop + 1]
            whole = self._own[column_name][own[0] : own[-1]].tobytes()
            texts[name] = [whole[a - own[0] : b - own[0]] for a, b in pairwise(own.tolist())]
        return texts

    def _close(self) -> None:
        self._file.close()


def _columns(table: h5py.Dataset, default: tuple[str, ...]) -> dict[str, int]:
    """Places of a table's columns by name."""
    for attribute in (COLUMNS, table.name.rsplit("/", maxsplit=1)[-1]):
        if attribute in table.attrs:
            names = [
                n.decode() if isinstance(n, bytes) else str(n) for n in table.attrs[attribute]
            ]
            return {name: i for i, name in enumerate(names)}
    return {name: i for i, name in enumerate(default)}


def _run_info(file: h5py.File, ids: list[str]) -> RunInfo:
    """What a file of another program says about its run."""
    places = _columns(file[INIT_TABLE], INIT)
    init = np.asarray(file[INIT_TABLE][()], np.float64).reshape(-1)
    value = {name: float(init[i]) for name, i in places.items() if i < len(init)}
    rows = np.asarray(file[PROCESS_TABLE][()], np.float64).reshape(len(file[PROCESS_TABLE]), -1)
    of = _columns(file[PROCESS_TABLE], PROCESSES)
    processes = tuple(
        ProcessInfo(
            int(row[of["procId"]]),
            float(row[of["xSection"]]),
            float(row[of["error"]]),
            float(row[of["unitWeight"]]),
        )
        for row in rows
    )
    attributes = file[INIT_TABLE].attrs
    name, version, text = (
        str(attributes.get(f"generator{part}", "")) for part in ("Name", "Version", "Description")
    )
    return RunInfo(
        beams=(int(value["beamA"]), int(value["beamB"])),
        energies=(value["energyA"], value["energyB"]),
        pdf_groups=(int(value["PDFgroupA"]), int(value["PDFgroupB"])),
        pdf_sets=(int(value["PDFsetA"]), int(value["PDFsetB"])),
        weighting=int(value["weightingStrategy"]),
        processes=processes,
        generators=((name, version, text),) if name else (),
        weights=tuple(WeightInfo(weight_id) for weight_id in ids),
    )


def _whole(column: FloatArray) -> IntArray:
    """A column of whole numbers.

    Raises:
        InputError: if one is none.
    """
    if not np.array_equal(column, np.trunc(column)):
        bad = column[column != np.trunc(column)][0]
        message = f"{bad} is no whole number"
        raise InputError(message)
    return column.astype(np.int64)
