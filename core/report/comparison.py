"""Agreement of two histograms with errors: χ², its degrees of freedom and its probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from crosshook.core.histograms import Histogram


@dataclass(frozen=True)
class Agreement:
    """χ² = Σ (a − b)² / (σ_a² + σ_b²) over the bins where either has an error.

    Attributes:
        chi_squared: the sum.
        bins: terms in it.
        probability: of a larger χ² by chance; NaN without bins.
    """

    chi_squared: float
    bins: int
    probability: float


def compare(first: Histogram, second: Histogram) -> Agreement:
    """Compares two independent histograms of the same binning."""
    total, bins = 0.0, 0
    columns = (first.values, first.errors, second.values, second.errors)
    for a, sigma_a, b, sigma_b in zip(*columns, strict=True):
        variance = sigma_a**2 + sigma_b**2
        if math.isfinite(a) and math.isfinite(b) and math.isfinite(variance) and variance > 0:
            total += (a - b) ** 2 / variance
            bins += 1
    return Agreement(total, bins, chi_squared_probability(total, bins))


def chi_squared_probability(chi_squared: float, degrees_of_freedom: int) -> float:
    """P(χ² larger than this), the regularised upper incomplete gamma function Q(n/2, χ²/2)."""
    if degrees_of_freedom < 1 or not math.isfinite(chi_squared):
        return math.nan
    half = torch.tensor([degrees_of_freedom / 2, chi_squared / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))
