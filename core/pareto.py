"""How heavy the tail of a weight distribution is: the Pareto shape k̂, and what few points carry.

The largest M = min(n/5, 3√n) of n weights are fitted by a generalised Pareto distribution (Zhang
and Stephens, Technometrics 51 (2009) 316); moments up to order 1/k exist. Above k̂ = 1/2 the
variance of the weights is infinite, above 0.7 a stated standard error is not to be trusted at any
practical number of points (Vehtari et al., 1507.02646).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 20
"""Points in the tail below which no shape is fitted."""

TRUSTED = 0.7
"""Largest k̂ with which the error of a mean means something."""


def tail_shape(weights: Floats) -> float:
    """k̂ of the tail of |w|; NaN where too few weights differ to have a tail.

    Args:
        weights: finite, `(n,)`, zeros included.
    """
    size = np.abs(weights)
    n = size.size
    tail = min(n // 5, math.ceil(3 * math.sqrt(n)))
    if tail < FEWEST:
        return math.nan
    largest = np.sort(np.partition(size, n - tail - 1)[n - tail - 1 :])
    # Exceedances in units of the threshold's distance to the maximum: only the shape is wanted.
    excess = largest[1:] - largest[0]
    excess = excess[excess > 0] / excess[-1] if excess[-1] > 0 else excess[:0]
    return _shape(excess) if excess.size >= FEWEST else math.nan


def _shape(x: Floats) -> float:
    """The estimator of Zhang and Stephens for ascending x > 0, shrunk towards 1/2 by ten points."""
    n = x.size
    grid = 30 + int(math.sqrt(n))
    quarter = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quarter)
    theta = theta[theta != 0]
    shape = np.array([np.log1p(-t * x).mean() for t in theta])
    log_likelihood = n * (np.log(-theta / shape) - shape - 1)
    posterior = np.exp(log_likelihood - log_likelihood.max())
    mean = float((theta * posterior).sum() / posterior.sum())
    return (n * float(np.log1p(-mean * x).mean()) + 5) / (n + 10)


def carried_by_largest(weights: Floats, points: int) -> tuple[float, float]:
    """Shares of Σ|w| and of Σw² that the largest few points carry; NaN without weights.

    Args:
        weights: finite, `(n,)`.
        points: how many.
    """
    size = np.abs(weights)
    total, squares = float(size.sum()), float((size**2).sum())
    if not total > 0:
        return math.nan, math.nan
    few = min(points, size.size)
    largest = np.partition(size, size.size - few)[size.size - few :]
    return float(largest.sum()) / total, float((largest**2).sum()) / squares
