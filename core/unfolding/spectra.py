"""Spectra of weighted events and Δ, the distance between them, with what statistics make of it.

Δ = ½ Σ (p − q)²/(p + q) · 10³ over normalised histograms (the triangular discrimination). For two
samples of one truth whose bins have variances v_p and v_q its mean is ½ Σ (v_p + v_q)/(p + q) · 10³.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.interfaces.features import Features

    Floats = NDArray[np.float64]

DEFAULT_BINS = 20
PER_MILLE = 1e3


@dataclass(frozen=True)
class Binning:
    """Bins of one observable.

    Attributes:
        name: of the column, the same at both levels.
        edges: ascending, `(bins + 1,)`.
        unit: of the column; may be empty.
    """

    name: str
    edges: tuple[float, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        if len(self.edges) < 2 or any(not a < b for a, b in pairwise(self.edges)):
            message = f"observables.{self.name}.edges: {self.edges} do not ascend"
            raise ConfigurationError(message)

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1


def column(features: Features, name: str) -> Tensor:
    """One dense column, `(n,)`.

    Raises:
        ConfigurationError: if there is none of that name.
    """
    if name not in features.names:
        message = f"no column {name!r}; there are {', '.join(features.names) or 'none'}"
        raise ConfigurationError(message)
    return features.dense[:, features.names.index(name)]


def equal_share_binnings(features: Features, bins: int = DEFAULT_BINS) -> tuple[Binning, ...]:
    """Bins of equal shares of the events for every dense column, for those who name none.

    Values that repeat, as counts do, make fewer bins; a constant column gets none.
    """
    made = []
    units = features.units or ("",) * len(features.names)
    for i, (name, unit) in enumerate(zip(features.names, units, strict=True)):
        values = np.sort(features.dense[:, i].detach().cpu().numpy())
        if values.size == 0 or not values[0] < values[-1]:
            continue
        edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
        edges[-1] = np.nextafter(edges[-1], math.inf)  # the largest value lies inside
        made.append(Binning(name, tuple(float(edge) for edge in edges), unit))
    return tuple(made)


def spectrum(values: Tensor, weights: Tensor, binning: Binning) -> Floats:
    """Sums of weights in bins; what lies outside, or is no number, is in none.

    Args:
        values: `(n,)`.
        weights: `(n, k)` or `(n,)`.
        binning: the bins, the lower edge inside.

    Returns:
        `(k, bins)`, or `(bins,)`.
    """
    edges = torch.tensor(binning.edges, dtype=torch.float64, device=values.device)
    place = torch.bucketize(values.to(torch.float64).contiguous(), edges, right=True)
    place = torch.where(values.isnan(), torch.zeros_like(place), place)
    columns = weights.reshape(len(weights), -1).to(torch.float64)
    filled = torch.zeros(
        (binning.bins + 2, columns.shape[1]), dtype=torch.float64, device=values.device
    ).index_add(0, place, columns)
    inside: Floats = filled[1:-1].T.cpu().numpy()
    return inside if weights.ndim == 2 else inside[0]


def mean_and_deviation(values: Tensor, weights: Tensor) -> Floats:
    """Weighted mean and standard deviation, `(k, 2)` for weights `(n, k)`."""
    total = weights.sum(dim=0)
    mean = (values[:, None] * weights).sum(dim=0) / total
    square = ((values[:, None] - mean) ** 2 * weights).sum(dim=0) / total
    return torch.stack([mean, square.clamp(min=0.0).sqrt()], dim=1).cpu().numpy()


def delta(p: Floats, q: Floats) -> float:
    """Δ of two histograms, each normalised first; NaN where one is empty."""
    if not (p.sum() > 0 and q.sum() > 0):
        return math.nan
    a, b = p / p.sum(), q / q.sum()
    total = a + b
    used = total > 0
    return float(0.5 * PER_MILLE * np.sum((a - b)[used] ** 2 / total[used]))


def noise_of_delta(p: Floats, p_variance: Floats, q: Floats, q_variance: Floats) -> Noise:
    """What Δ is by chance between two samples of one truth, for bins that scatter by themselves.

    Args:
        p: bins of one, in any unit.
        p_variance: their variances.
        q: bins of the other.
        q_variance: their variances.
    """
    if not (p.sum() > 0 and q.sum() > 0):
        return Noise(math.nan, math.nan)
    a, b = p / p.sum(), q / q.sum()
    total = a + b
    used = total > 0
    # Normalised bins: Var(p_i/P) = [(1 − 2a_i) v_i + a_i² Σv]/P².
    spread = _normalised_variance(p, p_variance) + _normalised_variance(q, q_variance)
    terms = 0.5 * PER_MILLE * spread[used] / total[used]
    return Noise(float(terms.sum()), float(np.sqrt(2 * np.sum(terms**2))))


@dataclass(frozen=True)
class Noise:
    """Δ by chance.

    Attributes:
        mean: its expectation.
        deviation: its standard deviation.
    """

    mean: float
    deviation: float

    @property
    def limit(self) -> float:
        """Mean + 2 standard deviations: chance explains less."""
        return self.mean + 2 * self.deviation


def noise_from(deltas: Floats) -> Noise:
    """Δ by chance as replicas show it."""
    known = deltas[np.isfinite(deltas)]
    if known.size < 2:
        return Noise(math.nan, math.nan)
    return Noise(float(known.mean()), float(known.std(ddof=1)))


def _normalised_variance(p: Floats, variance: Floats) -> Floats:
    total = p.sum()
    share = p / total
    made: Floats = ((1 - 2 * share) * variance + share**2 * variance.sum()) / total**2
    return np.maximum(made, 0.0)
