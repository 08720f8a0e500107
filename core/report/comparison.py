"""Agreement of a sample of events with a weighted reference: χ² and its probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.statistics import chi_squared_probability

if TYPE_CHECKING:
    from crosshook.core.histograms import Histogram

LEAST_EVENTS = 10.0
"""Neighbouring bins are put together until the reference expects this many events."""


@dataclass(frozen=True)
class Agreement:
    """χ² of a sample about a reference.

    Attributes:
        chi_squared: Σ (sample − reference)² / variance over groups of bins.
        groups: terms in it.
        probability: of a larger χ² by chance; NaN if it cannot be told.
    """

    chi_squared: float
    groups: int
    probability: float


def compare(
    reference: Histogram,
    sample: Histogram,
    least: float = LEAST_EVENTS,
    weighted: bool = False,
) -> Agreement:
    """Compares events with an independent weighted histogram of the same binning.

    The variance of the events is the one the reference expects, mean weight × reference: the
    observed one is too small where the bin fluctuated down, which would inflate χ². With negative
    weights no such expectation exists and the observed variance is used. The events' number is
    fixed, which takes one degree of freedom.

    Args:
        reference: weighted histogram in pb, errors from all its points.
        sample: of the events in pb.
        least: expected events in a group of bins.
        weighted: the events have weights of their own, as a bias gives them: their mean weight
            is taken bin by bin, and the common scale is fitted, because few heavy events set it.
    """
    if weighted:
        return _compare_weighted(reference, sample, least)
    total = sum(v for v in sample.values if math.isfinite(v))
    squares = sum(e**2 for e in sample.errors if math.isfinite(e))
    if not (total > 0 and squares > 0):
        return Agreement(math.nan, 0, math.nan)
    mean_weight = squares / total
    signed = min(sample.values) < 0 or min(reference.values) < 0
    chi_squared, groups = 0.0, 0
    expected = difference = variance = 0.0
    columns = (reference.values, reference.errors, sample.values, sample.errors)
    for wanted, spread, seen, seen_spread in zip(*columns, strict=True):
        if not all(map(math.isfinite, (wanted, spread, seen, seen_spread))):
            continue
        expected += abs(wanted) / mean_weight
        difference += seen - wanted
        variance += spread**2 + (seen_spread**2 if signed else mean_weight * wanted)
        if expected >= least and variance > 0:
            chi_squared += difference**2 / variance
            groups += 1
            expected = difference = variance = 0.0
    return Agreement(chi_squared, groups, chi_squared_probability(chi_squared, groups - 1))


def _compare_weighted(reference: Histogram, sample: Histogram, least: float) -> Agreement:
    groups: list[tuple[float, float, float]] = []
    wanted = spread = seen = seen_spread = 0.0
    columns = (reference.values, reference.errors, sample.values, sample.errors)
    for values in zip(*columns, strict=True):
        if not all(map(math.isfinite, values)):
            continue
        wanted, seen = wanted + values[0], seen + values[2]
        spread, seen_spread = spread + values[1] ** 2, seen_spread + values[3] ** 2
        if seen_spread > 0 and abs(wanted * seen) >= least * seen_spread:
            expected = seen_spread * abs(wanted / seen)  # mean weight of the bin × reference
            groups.append((wanted, seen, spread + expected))
            wanted = spread = seen = seen_spread = 0.0
    if not groups:
        return Agreement(math.nan, 0, math.nan)
    scale = sum(w * s / v for w, s, v in groups) / sum(s * s / v for _, s, v in groups)
    chi_squared = sum((w - scale * s) ** 2 / v for w, s, v in groups)
    return Agreement(
        chi_squared, len(groups), chi_squared_probability(chi_squared, len(groups) - 1)
    )
