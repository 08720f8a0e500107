"""Collects events read one by one and turns them into a batch of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.adapters.lhe.event_numbers import read_numbers
from crosshook.adapters.lhe.event_reading import read_body, read_tag
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS, RAW_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.adapters.lhe.event_blocks import EventBlock
    from crosshook.adapters.lhe.event_numbers import Numbers
    from crosshook.adapters.lhe.weight_columns import Row, WeightColumns
    from crosshook.core.events.run_info import RunInfo

NO_ROW: Final[tuple[tuple[int, ...], list[float]]] = ((), [])
EVENT_LINE: Final = ("process_id", "weight", "scale", "alpha_qed", "alpha_qcd")


class CollectedEvents:
    """Some events in a row of one file."""

    def __init__(self, path: Path, optional: Sequence[str]) -> None:
        """Begins with none; `optional` are the file's further event columns."""
        self._path = path
        self._optional = tuple(optional)
        self._numbers: list[Numbers] = []
        self._values: list[dict[str, float]] = []
        self._rows: list[Row] = []
        self._raw: dict[str, list[bytes]] = {key: [] for key in RAW_COLUMNS}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, block: EventBlock, weights: WeightColumns) -> None:
        """Takes in one event; nothing is added if it cannot be read.

        Raises:
            InputError: if the event has not the parts it should have.
        """

        def where() -> str:
            return f"{self._path}: event {block.number} (line {block.line})"

        body = read_body(block.body, where)
        numbers = read_numbers(body.numbers, body.extra, where)
        values, others = read_tag(block.attributes, self._optional, where)
        if "trials" in self._optional and "trials" not in values:
            message = f"{where()}: no attribute 'trials', which the first event has"
            raise InputError(message)
        row = weights.read(body.rwgt, body.listed, where) if body.rwgt or body.listed else NO_ROW
        self._numbers.append(numbers)
        self._values.append(values)
        self._rows.append(row)
        for key, text in zip(RAW_COLUMNS, (others, numbers.extra, block.before), strict=True):
            self._raw[key].append(text)

    def to_batch(self, info: RunInfo, weights: WeightColumns) -> EventBatch:
        """The collected events as a batch.

        Args:
            info: the run.
            weights: columns of the further weights.
        """
        event = dict(
            zip(EVENT_LINE, np.array([n.event[1:] for n in self._numbers]).T, strict=True)
        )
        particles = np.concatenate([n.particles for n in self._numbers])
        table, present = weights.table(self._rows)
        return EventBatch.from_columns(
            info,
            [len(n.particles) for n in self._numbers],
            event | {name: [v.get(name, 0.0) for v in self._values] for name in self._optional},
            dict(zip(PARTICLE_COLUMNS, particles.T, strict=True)),
            table,
            present,
            {key: texts for key, texts in self._raw.items() if any(texts)},
        )
