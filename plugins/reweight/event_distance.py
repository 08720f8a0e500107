"""Distances between events (2109.07851, 2303.15246).

d(a, b) = Σ over kinds of min over pairings of Σ |p - q|, missing objects of zero momentum: a
metric, under which soft objects do not matter. Σ over kinds of |Σp - Σq| <= d(a, b) spares pairings.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.plugins.reweight.jets import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

MOST_ALIKE: Final = 10
"""Objects of one kind an event may have: pairings are found among 2^10 subsets."""
ROUNDED: Final = 1 - 1e-12


@compiled
def _apart(p: Numbers, q: Numbers) -> float:
    total = 0.0
    for c in range(4):
        total += (p[c] - q[c]) ** 2
    return math.sqrt(total)


@compiled
def _pairing(a: Numbers, b: Numbers, best: Numbers) -> float:
    """The least Σ|p - q| over pairings of m objects with m others."""
    m = a.shape[0]
    if m == 1:
        return _apart(a[0], b[0])
    if m == 2:
        straight = _apart(a[0], b[0]) + _apart(a[1], b[1])
        return min(straight, _apart(a[0], b[1]) + _apart(a[1], b[0]))
    # best[S]: the first |S| objects of a are paired with the objects S of b.
    for subset in range(1 << m):
        best[subset] = math.inf
    best[0] = 0.0
    for subset in range((1 << m) - 1):
        row = 0
        for j in range(m):
            row += (subset >> j) & 1
        for j in range(m):
            if not (subset >> j) & 1:
                larger = subset | (1 << j)
                best[larger] = min(best[larger], best[subset] + _apart(a[row], b[j]))
    return float(best[(1 << m) - 1])


@compiled
def distance(
    place: Numbers, jets: Numbers, groups: Numbers, a: int, b: int, best: Numbers
) -> float:
    """Distance of two events of one class in GeV.

    Args:
        place: objects, `(n, m, 4)`; jets first, rows of zeros where an event has fewer.
        jets: number of jets, `(n,)`.
        groups: where each kind of object begins, jets first, and the last one's end, `(g + 1,)`.
        a: row of the one.
        b: row of the other.
        best: room for 2^`MOST_ALIKE` numbers.
    """
    count = max(jets[a], jets[b])
    total = 0.0
    if count > 0:
        total = _pairing(place[a, :count], place[b, :count], best)
    for g in range(1, len(groups) - 1):
        begin, end = groups[g], groups[g + 1]
        total += _pairing(place[a, begin:end], place[b, begin:end], best)
    return total


@compiled
def bound(sums: Numbers, a: int, b: int, reach: float) -> float:
    """Σ over kinds of |Σp - Σq|, or part of it where that is beyond reach already.

    Less what rounding may lift the bound of events as near as can be.

    Args:
        sums: Σp over the objects of each kind, `(n, g, 4)`.
        a: row of the one.
        b: row of the other.
        reach: distance that counts, GeV.
    """
    total = 0.0
    for g in range(sums.shape[1]):
        total += _apart(sums[a, g], sums[b, g]) * ROUNDED
        if total > reach:
            break
    return total


def room() -> NDArray[np.float64]:
    """The scratch array that `distance` and `nearest` want."""
    return np.zeros(1 << MOST_ALIKE)
