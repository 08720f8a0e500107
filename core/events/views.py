"""Awkward arrays and torch tensors that look at a batch's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.events.batch import MultiplicityGroup, momentum_block
from crosshook.core.events.layout import MOMENTUM, ragged_rows

if TYPE_CHECKING:
    import awkward as ak

    from crosshook.core.events.batch import EventBatch


def particles_view(batch: EventBatch) -> ak.Array:
    """Jagged records of particles: every column that is no momentum, and `p4`.

    The generator's mass column stays beside `p4`: it is not the invariant mass of the momentum.
    """
    import awkward as ak
    import vector

    columns = batch.particle_columns
    p4 = ak.contents.RecordArray(
        [ak.contents.NumpyArray(columns[name]) for name in ("px", "py", "pz", "e")],
        ["px", "py", "pz", "E"],
        parameters={"__record__": "Momentum4D"},
    )
    others = {
        name: ak.contents.NumpyArray(column)
        for name, column in columns.items()
        if name not in MOMENTUM
    }
    record = ak.contents.RecordArray([*others.values(), p4], [*others, "p4"])
    layout = ak.contents.ListOffsetArray(ak.index.Index64(batch.offsets), record)
    return ak.Array(layout, behavior=vector.backends.awkward.behavior)


def events_view(batch: EventBatch) -> ak.Array:
    """Records of events: their columns, `weights` by column, and `particles`."""
    import awkward as ak
    import vector

    columns = {name: ak.contents.NumpyArray(column) for name, column in batch.event.items()}
    particles = batch.particles.layout
    weights = ak.contents.NumpyArray(batch.weights).to_RegularArray()
    layout = ak.contents.RecordArray(
        [*columns.values(), weights, particles],
        [*columns, "weights", "particles"],
        length=len(batch),
    )
    return ak.Array(layout, behavior=vector.backends.awkward.behavior)


def multiplicity_groups(batch: EventBatch) -> list[MultiplicityGroup]:
    """One group a multiplicity, ascending."""
    import torch

    momenta = momentum_block(batch.particle_columns)
    pdg_id = batch.particle_columns["pdg_id"]
    groups = []
    for m in np.unique(batch.counts):
        rows = np.flatnonzero(batch.counts == m)
        if len(rows) == len(batch):
            p, ids = momenta, pdg_id
        else:
            taken = ragged_rows(batch.offsets[:-1][rows], batch.counts[rows])
            p, ids = momenta[taken], pdg_id[taken]
        shape = (len(rows), int(m))
        groups.append(
            MultiplicityGroup(
                torch.from_numpy(rows),
                torch.from_numpy(p.reshape(*shape, 4)),
                torch.from_numpy(ids.reshape(shape)),
            )
        )
    return groups
