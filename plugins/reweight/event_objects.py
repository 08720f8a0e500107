"""What an event looks like from far: its jets, and its other final particles by flavour.

Jets make the picture safe against soft and collinear partons, so that an event of n + 1 partons has
the neighbours that its subtraction of n partons has (2109.07851).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.core.events.batch import momentum_block
from crosshook.plugins.reweight.jets import cluster, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray, IntArray

    Numbers = NDArray[Any]

JET: Final = 0
"""Stands for the PDG id of a jet; it sorts before the others by its place alone."""


@dataclass(frozen=True)
class EventObjects:
    """Objects of n events, one event after another: jets first, then others by PDG id.

    Attributes:
        kind: PDG id, or `JET`, `(total,)`.
        place: (px, py, pz, τ p_T) in GeV, `(total, 4)`; its Euclidean distance is that of momenta.
        counts: objects of each event, `(n,)`.
        jets: jets of each event, `(n,)`.
    """

    kind: IntArray
    place: FloatArray
    counts: IntArray
    jets: IntArray


def objects_of(
    batch: EventBatch, radius: float, smallest_pt: float, pt_weight: float
) -> EventObjects:
    """The objects of a batch.

    Args:
        batch: n events.
        radius: R of the jets.
        smallest_pt: jets with less p_T are left out, GeV.
        pt_weight: τ.
    """
    momenta = np.ascontiguousarray(momentum_block(batch.particle_columns))
    pdg = np.ascontiguousarray(batch.particle_columns["pdg_id"], np.int64)
    status = np.ascontiguousarray(batch.particle_columns["status"], np.int64)
    kind, place = np.zeros(len(pdg), np.int64), np.zeros((len(pdg), 4))
    counts, jets = (np.zeros(len(batch), np.int64) for _ in range(2))
    total = _collect(
        momenta, pdg, status, batch.offsets, radius, smallest_pt, pt_weight,
        kind, place, counts, jets,
    )  # fmt: skip
    return EventObjects(kind[:total].copy(), place[:total].copy(), counts, jets)


@compiled
def _put(place: Numbers, row: int, p: Numbers, number: int, pt_weight: float) -> None:
    for c in range(3):
        place[row, c] = p[number, c + 1]
    place[row, 3] = pt_weight * math.hypot(p[number, 1], p[number, 2])


@compiled
def _collect(
    momenta: Numbers,
    pdg: Numbers,
    status: Numbers,
    offsets: Numbers,
    radius: float,
    smallest_pt: float,
    pt_weight: float,
    kind: Numbers,
    place: Numbers,
    counts: Numbers,
    jets: Numbers,
) -> int:
    """Fills the last four arrays and returns the number of objects."""
    total = 0
    for event in range(len(counts)):
        begin, end = offsets[event], offsets[event + 1]
        partons = np.empty((end - begin, 4))
        others = np.empty(end - begin, np.int64)
        n, m = 0, 0
        for i in range(begin, end):
            if status[i] != 1:
                continue
            if abs(pdg[i]) <= 5 or pdg[i] == 21:
                for c in range(4):
                    partons[n, c] = momenta[i, c]
                n += 1
            else:
                # By flavour; those of one flavour are matched when distances are taken.
                j = m
                while j > 0 and pdg[others[j - 1]] > pdg[i]:
                    others[j] = others[j - 1]
                    j -= 1
                others[j] = i
                m += 1
        first = total
        for j in range(cluster(partons, n, radius)):
            if math.hypot(partons[j, 1], partons[j, 2]) >= smallest_pt:
                _put(place, total, partons, j, pt_weight)
                total += 1
        jets[event] = total - first
        for j in range(m):
            i = others[j]
            kind[total] = pdg[i]
            _put(place, total, momenta, i, pt_weight)
            total += 1
        counts[event] = total - first
    return total
