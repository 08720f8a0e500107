"""Awkward arrays for uproot out of columns, and columns out of what uproot reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import awkward as ak
import numpy as np

from crosshook.core.events.nano import Jagged, NanoColumns, to_nano

if TYPE_CHECKING:
    from collections.abc import Sequence

    import uproot

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


class ClusterColumns:
    """Columns of an RNTuple, cluster by cluster.

    uproot's `arrays` also reads the cluster that begins where the entries end: every one twice.
    """

    def __init__(self, events: uproot.models.RNTuple.RNTuple, names: Sequence[str]) -> None:
        """Finds out where the columns are."""
        self._ntuple = events.ntuple
        form, _ = events.to_akform(filter_name=list(names))
        self._places: dict[str, tuple[int, ...]] = {}
        for name in names:
            field = form.content(name)
            fields = (field, field.content) if field.is_list else (field,)
            self._places[name] = tuple(int(f.form_key.removeprefix("column-")) for f in fields)

    def __len__(self) -> int:
        """Number of clusters."""
        return len(self._ntuple.cluster_summaries)

    def __getitem__(self, cluster: int) -> NanoColumns:
        """The columns of one cluster."""
        columns: NanoColumns = {}
        for name, places in self._places.items():
            found = [self._ntuple.read_cluster_range(p, cluster, cluster + 1) for p in places]
            if len(found) == 1:
                columns[name] = found[0]
            else:
                columns[name] = Jagged(found[0].astype(np.int64, copy=False), found[1])
        return columns
