"""Cell resampling (2109.07851): negative weights are evened out among nearest neighbours.

From every negative event a cell grows by its nearest neighbour until the sum S of its weights is
positive; then w → |w| S/Σ|w|, which keeps S. Weights move no further than the cell's radius; later
cells start from the weights that earlier ones left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.plugins.reweight.jets import compiled
from crosshook.plugins.reweight.vantage_tree import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

SMALLEST_SHARE: Final = 1e-3
"""S/Σ|w| from which a cell is complete. At 0 it would leave a pair of +1 and -1 without weight, a
loss to samples of equal weights."""
FIRST_LOOK: Final = 4
"""Neighbours that are looked for at first; four times as many whenever they do not suffice."""


@compiled
def _add(total: float, rest: float, term: float) -> tuple[float, float]:
    """Neumaier's sum: S is a small difference of large weights and wants all its digits."""
    new = total + term
    if abs(total) >= abs(term):
        return new, rest + ((total - new) + term)
    return new, rest + ((term - new) + total)


@compiled
def resample(
    weight: Numbers,
    place: Numbers,
    jets: Numbers,
    groups: Numbers,
    sums: Numbers,
    edge: Numbers,
    order: Numbers,
    limit: float,
    largest: int,
    factor: Numbers,
    cell_size: Numbers,
    cell_radius: Numbers,
    best: Numbers,
) -> int:
    """Evens out the negative weights of one class of events.

    Args:
        weight: none of them 0, `(n,)`; changed in place.
        place: see `event_distance.distance`.
        jets: see `event_distance.distance`.
        groups: see `event_distance.distance`.
        sums: see `vantage_tree.nearest`.
        edge: see `vantage_tree.nearest`.
        order: negative events in the order in which cells grow from them, `(s,)`.
        limit: largest distance, GeV.
        largest: events a cell may have.
        factor: takes weights after over weights before; starts as ones, `(n,)`.
        cell_size: takes the events of each cell, `(s,)`.
        cell_radius: takes the radius of each cell in GeV, `(s,)`.
        best: see `event_distance.distance`.

    Returns:
        The number of cells; seeds whose cell would be too large stay as they are.
    """
    n, cells = len(weight), 0
    most = min(largest, n) - 1
    for seed in order:
        if weight[seed] >= 0:
            continue
        k, members, radius, share = 0, 0, 0.0, 0.0
        found = np.empty(0, np.int64)
        while k < most and members == 0:
            k = min(max(4 * k, FIRST_LOOK), most)
            found, away = np.empty(k, np.int64), np.empty(k)
            count = nearest(place, jets, groups, sums, edge, seed, limit, found, away, best)
            total, rest, absolute = weight[seed], 0.0, -weight[seed]
            for j in range(count):
                total, rest = _add(total, rest, weight[found[j]])
                absolute += abs(weight[found[j]])
                if total + rest > SMALLEST_SHARE * absolute:
                    members, radius, share = j + 1, away[j], (total + rest) / absolute
                    break
            if count < k:
                break
        if members == 0:
            continue
        for j in range(members):
            row = found[j]
            change = math.copysign(share, weight[row])
            weight[row] *= change
            factor[row] *= change
        weight[seed] *= -share
        factor[seed] *= -share
        cell_size[cells], cell_radius[cells] = members + 1, radius
        cells += 1
    return cells
