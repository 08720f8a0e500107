"""Reads LHE files, plain or gzip, as a stream of batches in bounded memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from crosshook.adapters.lhe.compression import text_blocks
from crosshook.adapters.lhe.event_blocks import EventBlock, EventBlocks
from crosshook.adapters.lhe.event_reading import (
    EVENT_NUMBERS,
    PARTICLE_NUMBERS,
    read_body,
    read_tag,
)
from crosshook.adapters.lhe.head_reading import read_head
from crosshook.adapters.lhe.weight_columns import Row, WeightColumns
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS, PARTICLE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo


class LheStream:
    """An open LHE file. It is read once, from the beginning to the end.

    Attributes:
        info: what the file says before its first event; weights that later events bring and text
            after the end tag are added as they are met.
    """

    def __init__(self, path: Path, batch_size: int) -> None:
        """Reads up to the first event.

        Raises:
            InputError: if it is no LHE file.
        """
        self._path = path
        self._batch_size = batch_size
        try:
            self._file = path.open("rb")
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror}"
            raise InputError(message) from error
        try:
            self._text = EventBlocks(text_blocks(self._file, path), path)
            self.info: RunInfo = read_head(self._text.head, path)
        except BaseException:
            self._file.close()
            raise
        self._weights = WeightColumns(self.info.weights)
        self._events = self._blocks()
        self._columns: tuple[str, ...] = ()
        self._peek()

    def _blocks(self) -> Iterator[EventBlock]:
        yield from self._text

    def _peek(self) -> None:
        """Learns from the first event which further columns and weights there are."""
        try:
            first = next(self._events, None)
        except InputError as error:
            self._events = _raising(error)
            return
        if first is None:
            self._end()
            return
        self._events = _prepended(first, self._events)
        try:
            given, _ = read_tag(first.attributes, OPTIONAL_EVENT_COLUMNS, "")
            self._columns = tuple(name for name in OPTIONAL_EVENT_COLUMNS if name in given)
            body = read_body(first.body, "")
            self._weights.read(body.rwgt, body.listed, "")
        except InputError:
            return  # the first batch meets the same error and says where
        self.info = replace(self.info, weights=tuple(self._weights.weights))

    def _end(self) -> None:
        self.info = replace(
            self.info, trailer=self._text.trailer.decode("utf-8", "surrogateescape")
        )

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order.

        Raises:
            InputError: at the first event that cannot be read, after all events before it.
        """
        number = 0
        batch = _Columns(self._columns)
        try:
            for block in self._events:
                number += 1
                where = f"{self._path}: event {number} (line {block.line})"
                batch.add(block, self._weights, where)
                if len(batch.heads) == self._batch_size:
                    yield self._finish(batch)
                    batch = _Columns(self._columns)
        except InputError:
            if batch.heads:
                yield self._finish(batch)
            raise
        if batch.heads:
            yield self._finish(batch)
        self._end()

    def _finish(self, batch: _Columns) -> EventBatch:
        if len(self._weights.weights) > len(self.info.weights):
            self.info = replace(self.info, weights=tuple(self._weights.weights))
        return batch.to_batch(self.info, self._weights, self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class _Columns:
    """Events being collected for one batch."""

    def __init__(self, optional: tuple[str, ...]) -> None:
        self.heads: list[list[float]] = []
        self._particles: list[float] = []
        self._rows: list[Row] = []
        self._optional: dict[str, list[float]] = {name: [] for name in optional}
        self._raw: dict[str, list[bytes]] = {"attributes": [], "extra": [], "before": []}

    def add(self, block: EventBlock, weights: WeightColumns, where: str) -> None:
        """Reads one event; nothing is added if it cannot be read."""
        body = read_body(block.body, where)
        row = weights.read(body.rwgt, body.listed, where)
        values: dict[str, float] = {}
        others = b""
        if block.attributes and not block.attributes.isspace():
            values, others = read_tag(block.attributes, self._optional, where)
        if "trials" in self._optional and "trials" not in values:
            message = f"{where}: no attribute 'trials', which the first event has"
            raise InputError(message)
        if b"trials=" in others:
            message = f"{where}: has the attribute 'trials', which the first event has not"
            raise InputError(message)
        for name, column in self._optional.items():
            column.append(values.get(name, 0.0))
        self.heads.append(body.numbers[:EVENT_NUMBERS])
        self._particles += body.numbers[EVENT_NUMBERS:]
        self._rows.append(row)
        self._raw["attributes"].append(others)
        self._raw["extra"].append(body.extra)
        self._raw["before"].append(block.before)

    def to_batch(self, info: RunInfo, weights: WeightColumns, path: Path) -> EventBatch:
        """The collected events as a batch."""
        heads = np.array(self.heads)
        particles = np.array(self._particles).reshape(-1, PARTICLE_NUMBERS)
        columns = dict(zip(PARTICLE_COLUMNS, particles.T, strict=True))
        _check_whole(columns, path)
        table, present = weights.table(self._rows)
        names = ("process_id", "weight", "scale", "alpha_qed", "alpha_qcd")
        event = dict(zip(names, heads.T[1:], strict=True))
        return EventBatch.from_columns(
            info,
            heads[:, 0],
            {**event, **{name: np.array(v) for name, v in self._optional.items()}},
            columns,
            table,
            present,
            {key: texts for key, texts in self._raw.items() if any(texts)},
        )


def _check_whole(columns: dict[str, FloatArray], path: Path) -> None:
    """Integers must be whole numbers, or converting them would change the file."""
    for name, kind in PARTICLE_COLUMNS.items():
        if np.issubdtype(kind, np.integer) and not (columns[name] % 1 == 0).all():
            bad = float(columns[name][columns[name] % 1 != 0][0])
            message = f"{path}: {name} of a particle is {bad}, not a whole number"
            raise InputError(message)


def _prepended(first: EventBlock, rest: Iterator[EventBlock]) -> Iterator[EventBlock]:
    yield first
    yield from rest


def _raising(error: InputError) -> Iterator[EventBlock]:
    raise error
    yield  # pragma: no cover
