"""What the compiled scanner is given and what it fills: arrays by name."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from crosshook.core.events.layout import FloatArray, IntArray

    Bytes = NDArray[np.uint8]


class Outcome(IntEnum):
    """Why the scanner stopped."""

    FULL = 0
    """As many events as were asked for."""
    ODD = 1
    """The next event is not plain: it is for the careful reader."""
    ROOM = 2
    """An array is full."""
    TEXT = 3
    """No further complete event in the text."""


class Known(NamedTuple):
    """What the file's events are known to carry.

    Attributes:
        ids: the ids of named weights one after another, in the order they usually come.
        id_ends: where each of them ends, `(w,)`.
        columns: the column of each of them, `(w,)`.
        table: a hash table of their numbers, -1 where empty, a power of two long.
        listed: columns of the numbers in `<weights>`, as many as were seen so far.
        exact: 1 if `<weights>` must hold exactly these, else fewer are allowed; `(1,)`.
        attributes: places of `trials`, `mur2` and `muf2` among the optional columns, -1 for those
            the file does not have, `(3,)`.
    """

    ids: Bytes
    id_ends: IntArray
    columns: IntArray
    table: IntArray
    listed: IntArray
    exact: IntArray
    attributes: IntArray


class Columns(NamedTuple):
    """Events as they are filled in: n events, t particles, W further weights at most.

    Attributes:
        counts: particles of each event, `(n,)`.
        process_id: `(n,)`.
        numbers: weight, scale, α_QED, α_QCD, `(n, 4)`.
        optional: optional columns, `(n, 3)`.
        weights: further weights, `(n, W)`.
        present: which of them the event has, `(n, W)`.
        ends: where the event's raw texts end, by `layout.RAW_COLUMNS`, `(n, 3)`.
        pdg_id: `(t,)`.
        integers: status, mothers, colours, `(t, 5)`.
        momenta: E, px, py, pz, `(t, 4)`.
        reals: mass, lifetime, spin, `(t, 3)`.
        attributes: raw text of further attributes.
        extra: raw text of lines that are no column.
        before: raw text between events.
        filled: numbers of events and particles, lengths of the three raw texts, and whether an
            event lacks a weight; `(6,)`.
    """

    counts: IntArray
    process_id: IntArray
    numbers: FloatArray
    optional: FloatArray
    weights: FloatArray
    present: NDArray[np.bool_]
    ends: IntArray
    pdg_id: IntArray
    integers: NDArray[np.int32]
    momenta: FloatArray
    reals: FloatArray
    attributes: Bytes
    extra: Bytes
    before: Bytes
    filled: IntArray


N_EVENTS, N_PARTICLES, N_ATTRIBUTES, N_EXTRA, N_BEFORE, LACKING = range(6)
"""Entries of `Columns.filled`."""
