"""The nearest neighbours of an event, by a vantage-point tree: all that it needs is that d is a metric.

A vantage point has a nearer and a farther half below it, with the distance e that parts them. An event
at the distance d from the vantage point is no nearer than d - e to anything in the one, nor than e - d
to anything in the other half (Yianilos, SODA 1993; for cells of events 2303.15246). For N events the
tree takes N log N distances; how many a search takes depends on how far it must look, not on N.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.plugins.reweight.event_distance import bound, distance, room
from crosshook.plugins.reweight.jets import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.plugins.reweight.event_classes import EventClass

    Numbers = NDArray[Any]

LEAF: Final = 48
"""Events that are looked at one by one."""
DEEPEST: Final = 256
"""Halves that may wait for their turn; each level of the tree leaves one."""
SLACK: Final = 1e-12
"""Of the distances that are subtracted: rounding may not hide a neighbour."""


def planted(group: EventClass) -> tuple[EventClass, NDArray[np.float64]]:
    """A class as a tree.

    Returns:
        Its events in another order, and what parts the halves of each range of them: a range is a
        vantage point, the nearer half of the others, and the farther half; `(n,)` in GeV, at the
        place of each vantage point.
    """
    n = len(group.rows)
    order, edge = np.arange(n), np.zeros(n)
    _build(group.place, group.jets, group.groups, order, edge, room())
    # Events of a leaf lie side by side in memory.
    columns = {name: getattr(group, name)[order] for name in ("rows", "place", "jets", "sums")}
    return replace(group, **columns), edge


@compiled
def _build(
    place: Numbers,
    jets: Numbers,
    groups: Numbers,
    order: Numbers,
    edge: Numbers,
    best: Numbers,
) -> None:
    """Sorts ranges by the distance from their vantage points, halves of halves."""
    ranges = np.zeros((DEEPEST, 2), np.int64)
    ranges[0, 1], waiting = len(order), 1
    while waiting > 0:
        waiting -= 1
        begin, end = ranges[waiting]
        if end - begin <= LEAF:
            continue
        # The farthest from the vantage point above: one at the rim parts better than one amidst.
        order[begin], order[end - 1] = order[end - 1], order[begin]
        below = order[begin + 1 : end].copy()
        away = np.empty(len(below))
        for i in range(len(below)):
            away[i] = distance(place, jets, groups, order[begin], below[i], best)
        rank = np.argsort(away)
        for i in range(len(below)):
            order[begin + 1 + i] = below[rank[i]]
        half = len(below) // 2
        edge[begin] = away[rank[half]]
        middle = begin + 1 + half
        ranges[waiting] = middle, end
        ranges[waiting + 1] = begin + 1, middle
        waiting += 2


@compiled
def _insert(found: Numbers, away: Numbers, count: int, other: int, d: float, limit: float) -> int:
    """Puts an event among the nearest, if it is one; how many there are then."""
    k = len(found)
    if d > limit or (count == k and d >= away[k - 1]):
        return count
    count = min(count + 1, k)
    j = count - 1
    while j > 0 and away[j - 1] > d:
        away[j], found[j] = away[j - 1], found[j - 1]
        j -= 1
    away[j], found[j] = d, other
    return count


@compiled
def nearest(
    place: Numbers,
    jets: Numbers,
    groups: Numbers,
    sums: Numbers,
    edge: Numbers,
    seed: int,
    limit: float,
    found: Numbers,
    away: Numbers,
    best: Numbers,
) -> int:
    """The nearest neighbours of an event, nearest first; of equally near ones any.

    Args:
        place: see `event_distance.distance`.
        jets: see `event_distance.distance`.
        groups: see `event_distance.distance`.
        sums: Σp over the objects of each kind, `(n, g, 4)`.
        edge: see `planted`.
        seed: the event.
        limit: largest distance, GeV.
        found: takes their rows, `(k,)`.
        away: takes their distances, `(k,)`.
        best: see `event_distance.distance`.

    Returns:
        How many there are, k at most.
    """
    k, count = len(found), 0
    ranges, least = np.zeros((DEEPEST, 2), np.int64), np.zeros(DEEPEST)
    ranges[0, 1], waiting = len(edge), 1
    while waiting > 0:
        waiting -= 1
        begin, end = ranges[waiting]
        reach = min(limit, away[k - 1]) if count == k else limit
        if least[waiting] > reach:
            continue
        if end - begin <= LEAF:
            for other in range(begin, end):
                reach = min(limit, away[k - 1]) if count == k else limit
                if other != seed and bound(sums, seed, other, reach) <= reach:
                    d = distance(place, jets, groups, seed, other, best)
                    count = _insert(found, away, count, other, d, limit)
            continue
        d = distance(place, jets, groups, seed, begin, best)
        if begin != seed:
            count = _insert(found, away, count, begin, d, limit)
        apart, middle = edge[begin], begin + 1 + (end - begin - 1) // 2
        beyond = max(abs(d - apart) - SLACK * (d + apart), 0.0)
        # The half that the event lies in comes first: what it finds may spare the other.
        inside = d < apart
        far, near = (waiting, waiting + 1) if inside else (waiting + 1, waiting)
        ranges[near], least[near] = (begin + 1, middle), 0.0 if inside else beyond
        ranges[far], least[far] = (middle, end), beyond if inside else 0.0
        waiting += 2
    return count
