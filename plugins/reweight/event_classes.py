"""Events with the same particles beside their jets, padded to a common shape: one class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.events.layout import offsets_of, ragged_rows
from crosshook.plugins.reweight.event_distance import MOST_ALIKE
from crosshook.plugins.reweight.event_objects import JET, EventObjects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crosshook.core.events.layout import FloatArray, IntArray


@dataclass(frozen=True)
class EventClass:
    """Events among which distances are defined.

    Attributes:
        rows: their rows in the sample, `(n,)`.
        place: objects, `(n, m, 4)`; jets first, zeros where an event has fewer.
        jets: jets of each, `(n,)`.
        groups: where each kind of object begins, jets first, and the last one's end.
        sums: Σp over the objects of each kind, `(n, g, 4)`.
    """

    rows: IntArray
    place: FloatArray
    jets: IntArray
    groups: IntArray
    sums: FloatArray


def joined(parts: Sequence[EventObjects]) -> EventObjects:
    """The objects of several batches as those of one sample."""
    return EventObjects(
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.jets for part in parts]),
    )


def classes_of(objects: EventObjects) -> Iterator[EventClass]:
    """The classes of a sample, one after another.

    Raises:
        InputError: if an event has too many objects of one kind.
    """
    offsets = offsets_of(objects.counts)
    others = objects.counts - objects.jets
    rows_of: dict[bytes, list[int]] = {}
    for row, (end, count) in enumerate(zip(offsets[1:].tolist(), others.tolist(), strict=True)):
        rows_of.setdefault(objects.kind[end - count : end].tobytes(), []).append(row)
    for key, members in rows_of.items():
        yield _class(objects, offsets, np.array(members), np.frombuffer(key, np.int64).tolist())


def _class(
    objects: EventObjects, offsets: IntArray, rows: IntArray, kinds: list[int]
) -> EventClass:
    jets = objects.jets[rows]
    width = int(jets.max())
    counted = [(kind, len(list(group))) for kind, group in groupby(kinds)]
    for kind, count in [(JET, width), *counted]:
        if count > MOST_ALIKE:
            name = "jets" if kind == JET else f"particles of PDG id {kind}"
            message = (
                f"event reweighter cell-resampler: {count} {name} in one event; at most "
                f"{MOST_ALIKE} can be compared; a larger jet_pt or jet_radius leaves fewer jets"
            )
            raise InputError(message)
    counts = objects.counts[rows]
    column = ragged_rows(np.zeros(len(rows), np.int64), counts)
    # Other particles follow the widest event's jets.
    column += np.where(column >= np.repeat(jets, counts), np.repeat(width - jets, counts), 0)
    place = np.zeros((len(rows), width + len(kinds), 4))
    place[np.repeat(np.arange(len(rows)), counts), column] = objects.place[
        ragged_rows(offsets[:-1][rows], counts)
    ]
    groups = np.cumsum([0, width, *(count for _, count in counted)])
    bounds = zip(groups[:-1].tolist(), groups[1:].tolist(), strict=True)
    sums = np.stack([place[:, begin:end].sum(axis=1) for begin, end in bounds], axis=1)
    return EventClass(rows, place, jets, groups, sums)
