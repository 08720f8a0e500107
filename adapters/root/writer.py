"""Writes ROOT files: events as RNTuple or TTree, sums in `Runs`, run information as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import uproot

from crosshook.adapters.root.tables import rntuple_data, ttree_data
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.document import write_document
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.events.run_info import RunInfo

Container = Literal["rntuple", "ttree"]
CHUNK: Final = 50_000
"""Events written at once; smaller pieces make files large and slow to read."""
EVENTS: Final = "Events"
RUNS: Final = "Runs"
RUN_INFO: Final = "RunInfo"
CODECS: Final = {"zstd": uproot.ZSTD, "lz4": uproot.LZ4, "zlib": uproot.ZLIB, "lzma": uproot.LZMA}


class RootWriter(StagedWriter):
    """A ROOT file being written."""

    def __init__(
        self,
        path: Path,
        info: RunInfo,
        container: Container,
        codec: str,
        level: int,
        overwrite: bool,
    ) -> None:
        """Starts the file; see schemas/v1/components/root.json for the options."""
        self._info = info
        self._container = container
        staged = StagedFile(path, overwrite)
        super().__init__(staged)
        with staged.opening():
            self._file = uproot.recreate(staged.path, compression=CODECS[codec](level))
        self._table: uproot.WritableTree | uproot.WritableNTuple | None = None
        self._names: tuple[str, ...] = ()
        self._waiting: list[EventBatch] = []
        self._sums = WeightSums()

    def _write(self, batch: EventBatch) -> None:
        names = tuple(batch.event)
        if not self._sums.events:
            self._names = names
        elif names != self._names:
            message = f"events with the columns {', '.join(names)} after {', '.join(self._names)}"
            raise InputError(message)
        self._sums.add(batch)
        self._waiting.append(batch)
        if sum(map(len, self._waiting)) >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        batch = EventBatch.concatenate(self._waiting)
        self._waiting = []
        if self._container == "rntuple":
            fields = rntuple_data(batch)
            if self._table is None:
                self._table = self._file.mkrntuple(EVENTS, fields)
            else:
                self._table.extend(fields)
            return
        branches = ttree_data(batch)
        if self._table is None:
            self._table = self._file.mktree(
                EVENTS, {n: a.type.content for n, a in branches.items()}
            )
        self._table.extend(branches)

    def _finish(self, info: RunInfo | None) -> None:
        if self._waiting:
            self._info = self._waiting[-1].info
        if self._waiting or self._table is None:
            self._waiting = self._waiting or [EventBatch.empty(self._info)]
            self._flush()
        self._write_runs(self._info if info is None else info)
        self._file.close()

    def _write_runs(self, info: RunInfo) -> None:
        sums = self._sums
        row: dict[str, NDArray[np.generic]] = {
            "run": np.array([1], np.uint32),
            "genEventCount": np.array([sums.events], np.int64),
            "genEventSumw": np.array([sums.weight]),
            "genEventSumw2": np.array([sums.squares]),
            "genEventCountNegative": np.array([sums.negative], np.int64),
            "genTrials": np.array([sums.points]),
        }
        if self._container == "rntuple":
            self._file.mkrntuple(RUNS, row)
        else:
            self._file.mktree(RUNS, {name: a.dtype for name, a in row.items()}).extend(row)
        self._file[RUN_INFO] = write_document(info, sums)

    def _release(self) -> None:
        self._file.close()
