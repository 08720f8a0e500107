"""Awkward arrays for uproot out of columns, and columns out of what uproot reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import awkward as ak
import numpy as np

from crosshook.core.events.nano import Jagged, NanoColumns, to_nano

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.events.batch import EventBatch

PARTICLE_PREFIX: Final = "LHEPart_"
COUNT: Final = "nLHEPart"


def to_awkward(column: object) -> ak.Array:
    """A column as awkward array without a record name (uproot could not append to one)."""
    if isinstance(column, Jagged):
        return ak.Array(
            ak.contents.ListOffsetArray(
                ak.index.Index64(column.offsets), ak.contents.NumpyArray(column.content)
            )
        )
    return ak.Array(ak.contents.NumpyArray(column))


def rntuple_data(batch: EventBatch) -> dict[str, ak.Array]:
    """Fields of an RNTuple, particles' numbers among them."""
    data = {name: to_awkward(column) for name, column in to_nano(batch).items()}
    return {COUNT: to_awkward(batch.counts.astype(np.int32)), **data}


def ttree_data(batch: EventBatch) -> dict[str, ak.Array]:
    """Branches of a TTree; the particles' share one counter, which uproot names `nLHEPart`."""
    columns = to_nano(batch)
    data = {
        name: to_awkward(column)
        for name, column in columns.items()
        if not name.startswith(PARTICLE_PREFIX)
    }
    particles = {
        name.removeprefix(PARTICLE_PREFIX): to_awkward(column)
        for name, column in columns.items()
        if name.startswith(PARTICLE_PREFIX)
    }
    return {**data, PARTICLE_PREFIX.rstrip("_"): ak.zip(particles)}


def to_columns(events: ak.Array, names: Sequence[str]) -> NanoColumns:
    """What uproot read, as columns."""
    columns: NanoColumns = {}
    for name in names:
        layout = events[name].layout
        if not isinstance(layout, ak.contents.ListOffsetArray):
            columns[name] = np.asarray(ak.to_packed(events[name]).layout.data)
            continue
        # The lists lie in a row; before and behind them may be those of other events.
        offsets = np.asarray(layout.offsets.data, np.int64)
        content = np.asarray(layout.content.data)[offsets[0] : offsets[-1]]
        columns[name] = Jagged(offsets - offsets[0], content)
    return columns
