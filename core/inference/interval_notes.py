"""What a reader must know of confidence intervals: whether Wilks' can be believed, and Neyman's."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from crosshook.core.inference.profile import threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.inference.result import ParameterResult, ToyResult

SIGNIFICANT = 3.0
"""Standard errors by which a coverage is off."""
MATTERS = 0.05
"""Difference of a coverage from its level that is worth a word."""
BENT = 1.3
"""Twice the 68.3 % interval over the 95.4 % one, or the inverse, which is 1 for a parabola."""
UNEVEN = 1.5
"""Ratio of critical values at neighbouring true values that a line between them may not follow."""


def interval_notes(
    parameters: Sequence[ParameterResult],
    toys: Sequence[ToyResult],
    levels: Sequence[float],
) -> list[str]:
    """Sentences on the intervals of all parameters that were asked for.

    Args:
        parameters: with their likelihoods.
        toys: pseudo-experiments; may be none.
        levels: of confidence.
    """
    found: list[str | None] = []
    for parameter in parameters:
        if parameter.nuisance:
            continue
        own = [toy for toy in toys if toy.parameter == parameter.name]
        if own:
            found += [_coverage(parameter.name, own, levels[0]), _neighbours(parameter, own)]
        else:
            found.append(_shape(parameter))
    return [note for note in found if note is not None]


def _shape(parameter: ParameterResult) -> str | None:
    """For want of pseudo-experiments: a likelihood that is no parabola is a warning."""
    one, two = (
        sum(value <= limit for value in parameter.statistic)
        for limit in (threshold(0.6827), threshold(0.9545))
    )
    if one and 1 / BENT <= two / (2 * one) <= BENT:
        return None
    return (
        f"the likelihood of {parameter.name} is no parabola: whether Wilks' intervals cover is "
        "open; pseudo-experiments tell, and give Neyman's (intervals.toys)"
    )


def _coverage(name: str, toys: Sequence[ToyResult], level: float) -> str | None:
    """The worst coverage of Wilks' intervals, if it is off."""
    off = [
        toy
        for toy in toys
        if abs(toy.coverage[0][0] - level) > max(MATTERS, SIGNIFICANT * toy.coverage[0][1])
    ]
    if not off:
        return None
    worst = max(off, key=lambda toy: abs(toy.coverage[0][0] - level))
    value, error = worst.coverage[0]
    return (
        f"Wilks' {level:.1%} intervals of {name} hold the truth in {value:.0%} ± {error:.0%} of the "
        f"data sets at {worst.truth:.3g}, and are off at {len(off)} of {len(toys)} true values: "
        "quote Neyman's"
    )


def _neighbours(parameter: ParameterResult, toys: Sequence[ToyResult]) -> str | None:
    """Whether Neyman's critical values are known at enough true values."""
    ordered = sorted(toys, key=lambda toy: toy.truth)
    around = [*ordered, *ordered[:1]] if parameter.period is not None else ordered
    uneven = [
        (one, other)
        for one, other in pairwise(around)
        if max(one.critical[0], other.critical[0])
        > UNEVEN * max(min(one.critical[0], other.critical[0]), 1e-12)
    ]
    if not uneven:
        return None
    one, other = uneven[0]
    return (
        f"critical values of {parameter.name} are {one.critical[0]:.2g} at {one.truth:.3g} and "
        f"{other.critical[0]:.2g} at {other.truth:.3g}: Neyman's intervals are a guess between "
        "them; take more intervals.toys.values"
    )
