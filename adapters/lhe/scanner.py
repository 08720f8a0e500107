"""The compiled scanner from Python's side: its tables, its arrays, and batches out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.adapters.lhe.event_scan import scan_events
from crosshook.adapters.lhe.scan_state import (
    LACKING,
    N_EVENTS,
    N_PARTICLES,
    Columns,
    Known,
    Outcome,
)
from crosshook.adapters.lhe.weight_columns import check_size
from crosshook.adapters.lhe.weight_scan import hash_of
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import MOMENTUM, OPTIONAL_EVENT_COLUMNS, RAW_COLUMNS
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from crosshook.adapters.lhe.event_blocks import EventBlocks
    from crosshook.adapters.lhe.weight_columns import WeightColumns
    from crosshook.core.events.layout import IntArray
    from crosshook.core.events.run_info import RunInfo

NUMBERS: Final = ("weight", "scale", "alpha_qed", "alpha_qcd")
INTEGERS: Final = ("status", "mother1", "mother2", "colour1", "colour2")
REALS: Final = ("mass", "lifetime", "spin")
FIRST_EVENTS: Final = 1024
"""Room to begin with; it doubles as needed and is kept for the next batch."""
FIRST_PARTICLES: Final = 1 << 13
FIRST_WEIGHTS: Final = 1 << 20
FIRST_TEXT: Final = 1 << 16


class Scanner:
    """Reads plain events of one file at speed."""

    def __init__(self, optional: Sequence[str], weights: WeightColumns) -> None:
        """Begins with no events.

        Args:
            optional: the file's further event columns.
            weights: columns of further weights; what they learn is taken over.
        """
        self._optional = tuple(optional)
        self._weights = weights
        self._state: tuple[int, int] = (-1, -1)
        self._columns = _room(FIRST_EVENTS, FIRST_PARTICLES, (FIRST_TEXT,) * 3, 0)

    def __len__(self) -> int:
        return int(self._columns.filled[N_EVENTS])

    def fill(self, blocks: EventBlocks, wanted: int) -> bool:
        """Reads events until it holds as many as wanted, or meets one that is not plain.

        Args:
            blocks: the file; what was read is taken from it.
            wanted: number of events to hold in the end.

        Returns:
            Whether it holds as many.
        """
        self._learn()
        window = blocks.window
        while True:
            outcome = Outcome.TEXT
            if window.complete > window.position:
                text = np.frombuffer(window.text, np.uint8)
                before = len(self)
                status, window.position = scan_events(
                    text,
                    window.position,
                    window.complete,
                    self._known,
                    self._columns,
                    wanted,
                )
                outcome = Outcome(status)
                blocks.taken += len(self) - before
            if outcome is Outcome.ROOM:
                self._grow(wanted)
            elif outcome is not Outcome.TEXT or not window.more():
                return outcome is Outcome.FULL

    def _learn(self) -> None:
        """Brings the tables up to date with the columns of weights."""
        weights = self._weights
        state = len(weights.weights), len(weights.listed)
        if state != self._state:
            self._state = state
            self._known = _known(self._optional, weights)
            self._columns = _room(
                max(min(len(self._columns.counts), FIRST_WEIGHTS // max(state[0], 1)), 1),
                len(self._columns.pdg_id),
                tuple(len(text) for text in self._columns[-4:-1]),
                state[0],
            )

    def _grow(self, wanted: int) -> None:
        """Makes room for another event: what is more than half full gets twice the size.

        If nothing is, the event itself is longer than what is free somewhere: all texts and the
        particles get twice the size.
        """
        old = self._columns
        n, particles, *texts, _ = old.filled.tolist()
        weights = old.weights.shape[1]
        events = len(old.counts)
        sizes = [len(a) for a in (old.pdg_id, old.attributes, old.extra, old.before)]
        if n == events:
            events = min(2 * events, wanted)
            check_size(events, weights)
        else:
            full = [2 * use > size for size, use in zip(sizes, (particles, *texts), strict=True)]
            if not any(full):
                full = [True] * len(full)
            sizes = [2 * size if more else size for size, more in zip(sizes, full, strict=True)]
        self._columns = _room(events, sizes[0], tuple(sizes[1:]), weights)
        for name in Columns._fields:
            column = getattr(old, name)
            getattr(self._columns, name)[: len(column)] = column

    def take(self, info: RunInfo) -> EventBatch:
        """The events as a batch; the scanner is empty after it."""
        columns = self._columns
        n, t = int(columns.filled[N_EVENTS]), int(columns.filled[N_PARTICLES])
        momenta = columns.momenta[:t].copy()
        event: dict[str, NDArray[np.generic]] = {"process_id": columns.process_id[:n].copy()}
        event |= {name: columns.numbers[:n, i].copy() for i, name in enumerate(NUMBERS)}
        event |= {name: columns.optional[:n, i].copy() for i, name in enumerate(self._optional)}
        particles: dict[str, NDArray[np.generic]] = {"pdg_id": columns.pdg_id[:t].copy()}
        particles |= {name: columns.integers[:t, i].copy() for i, name in enumerate(INTEGERS)}
        particles |= {name: columns.reals[:t, i].copy() for i, name in enumerate(REALS)}
        particles |= {name: momenta[:, i] for i, name in enumerate(MOMENTUM)}
        batch = EventBatch.from_columns(
            info,
            columns.counts[:n].copy(),
            event,
            particles,
            columns.weights[:n].copy(),
            columns.present[:n].copy() if columns.filled[LACKING] else None,
            {
                key: _texts(text, columns.ends[:n, i])
                for i, (key, text) in enumerate(zip(RAW_COLUMNS, columns[-4:-1], strict=True))
                if n and columns.ends[n - 1, i]
            },
        )
        columns.filled[:] = 0
        return batch


def _texts(text: NDArray[np.uint8], ends: IntArray) -> Texts:
    """The pieces of a text by their ends."""
    return Texts(text[: ends[-1]].copy(), np.concatenate([np.zeros(1, np.int64), ends]))


def _room(events: int, particles: int, texts: tuple[int, ...], weights: int) -> Columns:
    """Arrays for some events."""
    return Columns(
        counts=np.empty(events, np.int64),
        process_id=np.empty(events, np.int64),
        numbers=np.empty((events, len(NUMBERS))),
        optional=np.empty((events, len(OPTIONAL_EVENT_COLUMNS))),
        weights=np.empty((events, weights)),
        present=np.empty((events, weights), np.bool_),
        ends=np.empty((events, len(RAW_COLUMNS)), np.int64),
        pdg_id=np.empty(particles, np.int64),
        integers=np.empty((particles, len(INTEGERS)), np.int32),
        momenta=np.empty((particles, len(MOMENTUM))),
        reals=np.empty((particles, len(REALS))),
        attributes=np.empty(texts[0], np.uint8),
        extra=np.empty(texts[1], np.uint8),
        before=np.empty(texts[2], np.uint8),
        filled=np.zeros(6, np.int64),
    )


def _known(optional: Sequence[str], weights: WeightColumns) -> Known:
    """What the file's events carry, as tables."""
    ids = list(weights.columns)
    text = np.frombuffer(b"".join(ids) or b"\0", np.uint8).copy()
    ends = np.cumsum([len(one) for one in ids], dtype=np.int64)
    table = np.full(1 << max(2 * len(ids), 2).bit_length(), -1, np.int64)
    for number, end in enumerate(ends.tolist()):
        place = hash_of(text, end - len(ids[number]), end) & (len(table) - 1)
        while table[place] >= 0:
            place = (place + 1) & (len(table) - 1)
        table[place] = number
    return Known(
        ids=text,
        id_ends=ends,
        columns=np.array(list(weights.columns.values()), np.int64),
        table=table,
        listed=np.array(weights.listed, np.int64),
        exact=np.array([weights.exact], np.int64),
        attributes=np.array(
            [optional.index(name) if name in optional else -1 for name in OPTIONAL_EVENT_COLUMNS],
            np.int64,
        ),
    )
