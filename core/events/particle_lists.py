"""Lists of an event's particles that expressions index: final state, hardest jets, leptons, ...

Lists without an order of their own are sorted by transverse momentum, the hardest first; equal
momenta stay in the order of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from crosshook.core import kinematics
from crosshook.core.events.batch import momentum_block
from crosshook.core.events.layout import BoolArray, IntArray, offsets_of

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.events.batch import EventBatch

FINAL: Final = "final"
IN_FILE_ORDER: Final = (FINAL, "incoming", "line")
KINDS: Final[dict[str, tuple[int, ...]]] = {
    "jet": (1, 2, 3, 4, 5, 21),
    "lepton": (11, 13, 15),
    "neutrino": (12, 14, 16),
    "electron": (11,),
    "muon": (13,),
    "tau": (15,),
    "photon": (22,),
    "bottom": (5,),
    "top": (6,),
    "z": (23,),
    "w": (24,),
    "higgs": (25,),
}
"""Absolute PDG ids of the final-state particles of each list; `jet` are light partons."""
LISTS: Final = (*IN_FILE_ORDER, "hardest", *KINDS)
INCOMING_STATUS: Final = -1
FINAL_STATUS: Final = 1


@dataclass(frozen=True)
class ParticleList:
    """Some particles of each event.

    Attributes:
        rows: rows of the particle columns, event by event, `(j,)`.
        offsets: where each event's rows begin and the last one's end, `(n + 1,)`.
    """

    rows: IntArray
    offsets: IntArray

    @cached_property
    def counts(self) -> IntArray:
        """Members in each event, `(n,)`."""
        return np.diff(self.offsets)

    def member(self, i: int) -> tuple[IntArray, BoolArray]:
        """Row of each event's i-th member, and whether there is one; `(n,)` each."""
        there: BoolArray = self.counts > i
        rows = np.zeros(len(there), np.int64)
        rows[there] = self.rows[self.offsets[:-1][there] + i]
        return rows, there


class EventView:
    """A batch with its momenta as a tensor and its lists of particles, each made once."""

    def __init__(self, batch: EventBatch) -> None:
        """Takes the batch; nothing is copied."""
        self.batch = batch
        self._lists: dict[str, ParticleList] = {}

    @cached_property
    def momenta(self) -> Tensor:
        """(E, px, py, pz) of all particles, `(total, 4)` in GeV."""
        return torch.from_numpy(momentum_block(self.batch.particle_columns))

    @cached_property
    def owner(self) -> IntArray:
        """Row of the event of each particle, `(total,)`."""
        return np.repeat(np.arange(len(self.batch), dtype=np.int64), self.batch.counts)

    def list(self, name: str) -> ParticleList:
        """One of `LISTS`."""
        if name not in self._lists:
            self._lists[name] = self._make(name)
        return self._lists[name]

    def _make(self, name: str) -> ParticleList:
        status = self.batch.particle_columns["status"]
        if name == "line":
            return ParticleList(np.arange(len(status), dtype=np.int64), self.batch.offsets)
        wanted = status == (INCOMING_STATUS if name == "incoming" else FINAL_STATUS)
        if name in KINDS:
            wanted = wanted & np.isin(np.abs(self.batch.particle_columns["pdg_id"]), KINDS[name])
        rows = np.flatnonzero(wanted)
        owner = self.owner[rows]
        if name not in IN_FILE_ORDER:
            pt = kinematics.pt(self.momenta[torch.from_numpy(rows)]).numpy()
            rows = rows[np.lexsort((-pt, owner))]
        return ParticleList(rows, offsets_of(np.bincount(owner, minlength=len(self.batch))))

    def total(self, values: Tensor, chosen: ParticleList) -> Tensor:
        """Sum over a list of values of its rows, `(j, ...)` -> `(n, ...)`."""
        owner = torch.from_numpy(self.owner[chosen.rows])
        return values.new_zeros((len(self.batch), *values.shape[1:])).index_add(0, owner, values)
