"""Collects the text of events and turns it into a batch of columns at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.adapters.lhe.event_numbers import UnreadableEvent, convert
from crosshook.adapters.lhe.event_reading import read_body, read_tag
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.lhe.event_blocks import EventBlock
    from crosshook.adapters.lhe.event_reading import Where
    from crosshook.adapters.lhe.weight_columns import Row, WeightColumns
    from crosshook.core.events.layout import FloatArray, IntArray
    from crosshook.core.events.run_info import RunInfo

NO_ROW: Final[tuple[tuple[int, ...], list[float]]] = ((), [])
EVENT_LINE: Final = ("process_id", "weight", "scale", "alpha_qed", "alpha_qcd")


class CollectedEvents:
    """Some events in a row of one file."""

    def __init__(self, path: Path, start: int, optional: tuple[str, ...]) -> None:
        """Begins with event `start` from 0; `optional` are the file's further event columns."""
        self._path = path
        self._start = start
        self._lines: list[int] = []
        self._numbers: list[bytes] = []
        self._rows: list[Row] = []
        self._optional: dict[str, list[float]] = {name: [] for name in optional}
        self._raw: dict[str, list[bytes]] = {"attributes": [], "extra": [], "before": []}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def end(self) -> int:
        """Number of the event after the last one, from 0."""
        return self._start + len(self)

    def _where(self, row: int, line: int) -> str:
        return f"{self._path}: event {self._start + row + 1} (line {line})"

    def add(self, block: EventBlock, weights: WeightColumns) -> None:
        """Takes in one event; nothing is added if it cannot be read.

        Raises:
            InputError: if the event has not the parts it should have.
        """

        def where() -> str:
            return self._where(len(self), block.line)

        body = read_body(block.body, where)
        row = weights.read(body.rwgt, body.listed, where) if body.rwgt or body.listed else NO_ROW
        values: dict[str, float] = {}
        others = b""
        if block.attributes:
            values, others = read_tag(block.attributes, self._optional, where)
        if self._optional or b"trials=" in others:
            self._take_optional(values, others, where)
        self._rows.append(row)
        self._lines.append(block.line)
        self._raw["attributes"].append(others)
        self._raw["extra"].append(body.extra)
        self._raw["before"].append(block.before)
        self._numbers.append(body.numbers)

    def _take_optional(self, values: dict[str, float], others: bytes, where: Where) -> None:
        if "trials" in self._optional and "trials" not in values:
            message = f"{where()}: no attribute 'trials', which the first event has"
            raise InputError(message)
        if b"trials=" in others:
            message = f"{where()}: has the attribute 'trials', which the first event has not"
            raise InputError(message)
        for name, column in self._optional.items():
            column.append(values.get(name, 0.0))

    def to_batch(
        self, info: RunInfo, weights: WeightColumns, stop: int | None = None
    ) -> EventBatch:
        """The collected events as a batch.

        Args:
            info: the run.
            weights: columns of the further weights.
            stop: only the events before this row.

        Raises:
            UnreadableEvent: at the first event with something that is no number.
        """
        extras = self._raw["extra"][:stop]
        numbers = convert(
            self._numbers[:stop], extras, lambda row: self._where(row, self._lines[row])
        )
        columns = dict(zip(PARTICLE_COLUMNS, numbers.particles.T, strict=True))
        self._check_whole(columns, numbers.counts)
        table, present = weights.table(self._rows[:stop])
        event = dict(zip(EVENT_LINE, numbers.events.T[1:], strict=True))
        optional = {name: np.array(v[:stop]) for name, v in self._optional.items()}
        raw = {key: texts[:stop] for key, texts in self._raw.items()} | {"extra": extras}
        return EventBatch.from_columns(
            info,
            numbers.counts,
            {**event, **optional},
            columns,
            table,
            present,
            {key: texts for key, texts in raw.items() if any(texts)},
        )

    def _check_whole(self, columns: dict[str, FloatArray], counts: IntArray) -> None:
        """Integers must be whole numbers, or converting them would change the file."""
        for name, kind in PARTICLE_COLUMNS.items():
            if not np.issubdtype(kind, np.integer):
                continue
            broken = np.flatnonzero(columns[name] != np.trunc(columns[name]))
            if len(broken):
                row = int(np.searchsorted(np.cumsum(counts), broken[0], side="right"))
                value = columns[name][broken[0]]
                message = f"{self._where(row, self._lines[row])}: {name} is {value}"
                raise UnreadableEvent(row, f"{message}, not a whole number")
