"""Pseudo-experiments: data sets drawn from pools of simulated events whose log p is known already.

They tell how often Wilks' intervals hold the truth, how biased the estimate is, and the quantiles
of the statistic that Neyman's construction needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.inference.likelihood import poisson_term
from crosshook.core.inference.profile import floored, maximum_over, refined, threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.inference.grid import Axis, ParameterGrid
    from crosshook.core.inference.likelihood import EventLikelihoods

BATCH = 2_000_000
"""Numbers held at a time."""
FINE = 8
"""Points between those of the grid where the best value of a pseudo-experiment is looked for."""


@dataclass(frozen=True)
class PseudoExperiments:
    """Pseudo-experiments at one true value of a parameter.

    Attributes:
        name: of the parameter.
        truth: its true value, a point of the axis.
        events: of each data set; the mean for an extended likelihood.
        overlap: share of events that two data sets have in common, on average.
        statistic: −2 (log L(truth) − max log L), profiled, `(e,)`.
        best: estimated value less the true one, around the period, `(e,)`.
        width: half the length of the 68.3 % interval by Wilks, `(e,)`.
    """

    name: str
    truth: float
    events: float
    overlap: float
    statistic: Tensor
    best: Tensor
    width: Tensor

    def coverage(self, level: float) -> tuple[float, float]:
        """Share of intervals by Wilks that hold the truth, and its standard error.

        Estimates of two data sets are correlated by their overlap ρ, and whether their intervals
        hold the truth by c ρ², c the part of the second Hermite polynomial in the indicator of
        |x| ≤ z: 2 (z φ(z))² over the binomial variance.
        """
        inside = (self.statistic <= threshold(level)).to(torch.float64)
        variance = level * (1 - level)
        z = threshold(level) ** 0.5
        second = 2 * (z * math.exp(-z * z / 2)) ** 2 / (2 * math.pi)
        error = (variance / len(inside) + second * self.overlap**2) ** 0.5
        return float(inside.mean()), error

    def critical(self, level: float) -> float:
        """The statistic that this share of the pseudo-experiments does not exceed."""
        return float(torch.quantile(self.statistic, level))

    @property
    def bias(self) -> tuple[float, float]:
        """Mean of `best`, and its standard error; events of two data sets correlate them."""
        share = 1 / len(self.best) + self.overlap
        return float(self.best.mean()), float(self.best.std()) * share**0.5

    @property
    def pulls(self) -> Tensor:
        """`best` over `width`, `(e,)`."""
        return self.best / self.width


def drawn_rows(pool: int, events: int, experiments: int, rng: torch.Generator) -> Tensor:
    """Which events of a pool each data set has, `(e, events)`.

    Data sets share events as little as possible: the pool is dealt out in random order, again and
    again until all have enough.
    """
    decks = -(-events * experiments // pool)
    rows = torch.cat([torch.randperm(pool, generator=rng, device="cpu") for _ in range(decks)])
    return rows[: events * experiments].reshape(experiments, events)


@torch.no_grad()
def pseudo_experiments(
    pool: EventLikelihoods,
    name: str,
    truth: int,
    rows: Tensor | Sequence[Tensor],
    rng: torch.Generator,
    *,
    luminosity: float | None = None,
    constrained_at: Sequence[float] = (),
) -> PseudoExperiments:
    """Fits data sets made of a pool's events.

    Args:
        pool: densities of events of the true parameters.
        name: the parameter that is asked for; others are profiled.
        truth: its true value's place on the axis.
        rows: of the pool that each data set has, `(e, events)`, or a list of sets of any length.
        rng: of what constrained parameters are measured to be.
        luminosity: see `log_likelihood`.
        constrained_at: true value of every axis, where some are constrained.
    """
    grid = pool.grid
    axis = next(a for a in grid.axes if a.name == name)
    log_p = floored(pool.nominal)
    made = []
    size = max(1, BATCH // max(1, len(grid) * max(1, len(rows[0]) if len(rows) else 1)))
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        if isinstance(some, torch.Tensor):
            log_l = log_p[some].sum(dim=1)
        else:
            log_l = torch.stack([log_p[each].sum(dim=0) for each in some])
        if luminosity is not None:
            assert pool.cross_section is not None
            counts = torch.tensor([len(each) for each in some], dtype=torch.float64, device="cpu")
            sigma = pool.cross_section.mean(dim=0)
            log_l = log_l + poisson_term(sigma, counts[:, None], luminosity)
        log_l = log_l + _measured_constraints(grid, len(some), constrained_at, rng)
        made.append(_fits(log_l, grid, axis, truth))
    statistic, best, width = (torch.cat(parts) for parts in zip(*made, strict=True))
    mean = sum(len(each) for each in rows) / max(1, len(rows))
    overlap = min(mean / max(len(pool), 1), 1.0)
    return PseudoExperiments(
        name, float(axis.values[truth]), mean, overlap, statistic, best, width
    )


def _measured_constraints(
    grid: ParameterGrid, n: int, truth: Sequence[float], rng: torch.Generator
) -> Tensor:
    """Constraints whose means are measured anew in each data set, `(n, t)`."""
    total = torch.zeros((n, len(grid)), dtype=torch.float64, device="cpu")
    for position, axis in enumerate(grid.axes):
        if axis.constraint is not None:
            _, deviation = axis.constraint
            noise = torch.randn((n, 1), generator=rng, dtype=torch.float64, device="cpu")
            mean = truth[position] + deviation * noise
            total = total - 0.5 * ((grid.points[:, position] - mean) / deviation) ** 2
    return total


def _fits(
    log_l: Tensor, grid: ParameterGrid, axis: Axis, truth: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Statistic, distance of the estimate from the truth, half width; each `(e,)`."""
    along = maximum_over(log_l, grid, axis.name)
    fine = refined(along, FINE, closed=axis.closed)
    highest, place = fine.max(dim=1)
    statistic = 2 * (highest - along[:, truth])
    step = axis.step / FINE
    best = (place - truth * FINE).to(torch.float64) * step
    if axis.period is not None:
        best = torch.remainder(best + axis.period / 2, axis.period) - axis.period / 2
    inside = 2 * (highest[:, None] - fine) < 1.0
    return statistic, best, inside.sum(dim=1).to(torch.float64) * step / 2
