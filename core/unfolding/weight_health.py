"""Whether an unfolding's weights can carry a measurement: effective size, tail, clipped ratios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.pareto import carried_by_largest, tail_shape
from crosshook.core.unfolding.diagnostics_result import WeightHealth

if TYPE_CHECKING:
    from torch import Tensor

LARGEST = 10
SAME = 1e-9
"""Relative difference of ratios that are one value."""


def weight_health(weights: Tensor, reference: Tensor | None) -> WeightHealth:
    """Looks at nominal weights.

    Args:
        weights: `(n,)`.
        reference: of the simulation, `(n,)`, where rows are the simulation's.
    """
    w = weights.detach().cpu().numpy().astype(np.float64)
    lowest = highest = prior = math.nan
    ceiling = 0
    if reference is not None:
        before = reference.detach().cpu().numpy().astype(np.float64)
        ratio = w[before != 0] / before[before != 0]
        prior = _effective(before)
        mean = float(w.sum() / before.sum())
        lowest, highest = (float(q) / mean for q in np.quantile(ratio, (0.001, 0.999)))
        # In a binned method every ratio is shared by the rows of a cell.
        if 2 * np.unique(ratio).size > ratio.size:
            ceiling = int(np.count_nonzero(ratio >= ratio.max() * (1 - SAME)))
    return WeightHealth(
        rows=w.size,
        effective=_effective(w),
        prior_effective=prior,
        largest_share=carried_by_largest(w, LARGEST)[0],
        tail_shape=tail_shape(w),
        negative=int(np.count_nonzero(w < 0)),
        lowest_ratio=lowest,
        highest_ratio=highest,
        at_ceiling=ceiling,
    )


def _effective(w: np.ndarray) -> float:
    squares = float(np.sum(w**2))
    return float(np.sum(w)) ** 2 / squares if squares > 0 else 0.0
