"""What an unweighting keeps of given points, by probabilities instead of random numbers.

A point of weight w in channel c whose exact weight is looked at with chance p is kept with
probability min(p, |w|/M_c) and then has the weight sign(w)·max(M_c, |w|/p): |w| in the mean.
p = 1 is a single stage. Of channels drawn in proportion to their maxima M_c all events that are no
overweights have one weight, and the figures below are for channels drawn so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crosshook.core.statistics import Floats, Ints


@dataclass(frozen=True)
class Acceptance:
    """Expectation values over points.

    Attributes:
        looked: exact weights looked at per point, those that need no look left aside.
        kept: events per point.
        kish: Kish's fraction of the events.
        overweight: share of Σ|w| that the events carry above the common weight.
        inside: share of points that need a look.
    """

    looked: float
    kept: float
    kish: float
    overweight: float
    inside: float


def acceptance(
    weight: Floats, channel: Ints, maxima: Floats, chance: Floats, needs_look: Floats
) -> Acceptance:
    """Expectation values of an unweighting.

    Args:
        weight: of each point, without the share of its channel, `(n,)`.
        channel: `(n,)`.
        maxima: M_c, `(k,)`.
        chance: p of each point, `(n,)`.
        needs_look: 1 for points inside the cuts, 0 for others, `(n,)`.
    """
    points = np.bincount(channel, minlength=maxima.size)
    open_ = np.where(points > 0, maxima, 0.0)
    total = float(open_.sum())
    if total == 0:
        return Acceptance(0.0, 0.0, np.nan, 0.0, 0.0)
    # What each point of the sample stands for among points drawn with the shares of generation.
    share = (open_ / total / np.maximum(points, 1))[channel]
    limit = open_[channel]
    used = limit > 0
    share, limit, chance = share[used], limit[used], chance[used]
    size, inside = np.abs(weight[used]), needs_look[used]
    probability = np.minimum(chance, size / limit)
    relative = np.maximum(1.0, size / (chance * limit))
    kept = float(np.sum(share * probability))
    first, second = (float(np.sum(share * probability * relative**j)) for j in (1, 2))
    return Acceptance(
        float(np.sum(share * chance * inside)),
        kept,
        first**2 / (kept * second) if kept else np.nan,
        (first - kept) / first if first else 0.0,
        float(np.sum(share * inside)),
    )
