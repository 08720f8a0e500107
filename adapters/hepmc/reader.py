"""Reads HepMC files as a stream of batches.

The first weight is the nominal one. σ is Σw/Σtrials where Sherpa counts trials among the weights;
otherwise it is what the generator says in its last event, and IDWTUP is -2: weights in any unit.
"""

from __future__ import annotations

import errno
import os
import zlib
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyhepmc
from isal import igzip

from crosshook.adapters.hepmc.event_columns import (
    MEV,
    TRIALS,
    event_numbers,
    particle_columns,
)
from crosshook.adapters.hepmc.event_format import GZIP_MAGIC
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEAM: Final = 4
"""HepMC's status of the particles that collide."""
WEIGHTING: Final = -2
END_MARK: Final = b"END_EVENT_LISTING"
VERSIONS: Final = {b"HepMC::Asciiv3": "HepMC3", b"HepMC::IO_GenEvent": "HepMC2"}
HEAD: Final = 1024
"""Bytes within which the format is named."""
READ_ERRORS: Final = (OSError, EOFError, RuntimeError, ValueError, UnicodeDecodeError, zlib.error)
"""What pyhepmc and the decompression raise on files that are damaged."""


class TailReader:
    """A binary file that remembers the last bytes that were read from it."""

    def __init__(self, file: Any) -> None:
        """Takes the open file."""
        self._file = file
        self.tail = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the file."""
        data = bytes(self._file.read(size))
        self.tail = (self.tail + data)[-256:]
        return data

    def readinto1(self, buffer: Any) -> int:
        """The next bytes, into a buffer; pyhepmc asks for them in this way."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: bytes) -> int:
        """Nothing is written; pyhepmc takes an object without this method for a name."""
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class HepmcStream(ClosingStream):
    """An open HepMC file. It is read once, from the beginning to the end.

    Attributes:
        info: what the first event says of the run; the cross section is that of the last event
            read so far.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Reads the first event.

        Raises:
            InputError: if it is no HepMC file.
        """
        self._path = path
        self._batch_size = batch_size
        self._largest = 0.0
        try:
            with path.open("rb") as raw:
                packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            self._file: Any = (
                igzip.IGzipFile(path)  # type: ignore[no-untyped-call]
                if packed
                else path.open("rb")
            )
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror}"
            raise InputError(message) from error
        try:
            self._tail = TailReader(self._file)
            self._reader = pyhepmc.open(self._tail, format=self._version())
            self._events = self._checked()
            self._first = next(self._events, None)
            self.info = self._run_info(self._first)
        except BaseException as error:
            self._file.close()
            if isinstance(error, READ_ERRORS):
                raise self._broken(0, error) from error
            raise

    def _version(self) -> str:
        """`HepMC3` or `HepMC2`, by the file's first lines."""
        begin = self._file.read(HEAD)
        self._file.seek(0)
        for mark, version in VERSIONS.items():
            if mark in begin:
                return version
        message = (
            f"{self._path}: no HepMC file: {' or '.join(m.decode() for m in VERSIONS)} missing"
        )
        raise InputError(message)

    def _checked(self) -> Iterator[Any]:
        """The events; an end that is none is an error after all complete events."""
        number = 0
        try:
            for event in self._reader:
                number += 1
                yield event
        except READ_ERRORS as error:
            raise self._broken(number, error) from error
        if END_MARK not in self._tail.tail:
            message = (
                f"{self._path}: event {number + 1}: cannot be read, or the file was cut: "
                f"{number} complete events before it"
            )
            raise InputError(message)

    def _broken(self, number: int, error: BaseException) -> InputError:
        text = next(iter(str(error).splitlines()), "") or type(error).__name__
        message = f"{self._path}: event {number + 1}: cannot be read as HepMC: {text}"
        return InputError(message)

    def _run_info(self, event: Any) -> RunInfo:
        self._trials: int | None = None
        self._others: list[int] = []
        if event is None:
            return RunInfo(weighting=WEIGHTING)
        unit = 1.0 if event.momentum_unit == pyhepmc.Units.GEV else MEV
        beams = [p for p in event.particles if p.status == BEAM][:2]
        names = _names(event)
        self._trials = next((names.index(t) for t in TRIALS if t in names), None)
        self._others = [i for i in range(1, len(names)) if i != self._trials]
        tools = event.run_info.tools if event.run_info is not None else []
        pdg = [int(p.pid) for p in beams] + [0, 0]
        energy = [float(p.momentum.e) * unit for p in beams] + [0.0, 0.0]
        return RunInfo(
            beams=(pdg[0], pdg[1]),
            energies=(energy[0], energy[1]),
            weighting=WEIGHTING,
            processes=self._processes(event, 0),
            generators=tuple((t.name, t.version, t.description) for t in tools),
            weights=tuple(WeightInfo(names[i]) for i in self._others),
        )

    def _processes(self, event: Any, process_id: int) -> tuple[ProcessInfo, ...]:
        sigma = event.cross_section
        if sigma is None:
            return ()
        return (
            ProcessInfo(
                process_id, float(sigma.xsec()), float(sigma.xsec_err()), float(self._largest)
            ),
        )

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order.

        Raises:
            InputError: at the first event that cannot be read, after all events before it.
        """
        if self._first is None:
            return
        rest: Iterator[Any] = _prepended(self._first, self._events)
        while True:
            events: list[Any] = []
            failure: InputError | None = None
            try:
                events.extend(islice(rest, self._batch_size))
            except InputError as error:
                failure = error
            if events:
                yield self._batch(events)
            if failure is not None:
                raise failure
            if len(events) < self._batch_size:
                return

    def _batch(self, events: list[Any]) -> EventBatch:
        particles, numbers = [], []
        in_gev = events[0].momentum_unit == pyhepmc.Units.GEV
        for event in events:
            data = pyhepmc.GenEventData()
            event.write_data(data)
            particles.append(particle_columns(data, in_gev))
            numbers.append(event_numbers(data))
        weights = np.array([event.weights for event in events], np.float64)
        columns = {name: np.array([n[name] for n in numbers]) for name in numbers[0]}
        columns["weight"] = weights[:, 0]
        if self._trials is not None:
            columns["trials"] = weights[:, self._trials]
        self._largest = max(self._largest, float(np.abs(weights[:, 0]).max()))
        process_id = int(columns["process_id"][0])
        self.info = replace(self.info, processes=self._processes(events[-1], process_id))
        return EventBatch.from_columns(
            self.info,
            [len(p["pdg_id"]) for p in particles],
            columns,
            {name: np.concatenate([p[name] for p in particles]) for name in PARTICLE_COLUMNS},
            weights[:, self._others],
        )

    def _close(self) -> None:
        self._file.close()


def _names(event: Any) -> list[str]:
    """Names of the weights; numbers where the file gives none."""
    count = len(event.weights)
    names = list(event.run_info.weight_names) if event.run_info is not None else []
    return names if len(names) == count else [str(i) for i in range(count)]


def _prepended(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
