"""Unweighter `two-stage`: cheap estimates thin the points out, exact weights decide on the rest.

With s the surrogate's weight, w the exact one and x = w/s (2109.11964): the first stage keeps a
point with p = min(1, |s|/s_max), the second with min(1, z1·|x|/x_max), z1 = max(1, |s|/s_max), and
the event leaves with sign(w)·s_max·x_max·max(1, z1·|x|/x_max). As z1·|x| is |w|/(p·s_max), this is
hit-or-miss of |w|/p against M = s_max·x_max: the mean is w whatever s, s_max and M are, as long as
p > 0. Therefore p is kept above a floor, which a surrogate that is 0, negative or wrong cannot
lower; one that is no number gives p = 1.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.acceptance import acceptance
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.interfaces.unweighter import Kept, TwoStageExpectation
from crosshook.core.statistics import Rule, maximum_weight

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unweighter import Candidates, Costs, Pilot
    from crosshook.core.statistics import Floats, Ints


RAISED = (1.0, 4.0, 16.0, 64.0, math.inf)
"""Times the floor: where a surrogate misses much, looking at more points needs fewer exact weights for
an event than keeping what is missed with huge weights; the last is a single stage."""
SMALLEST = 1e-200
"""Estimates below it are as good as 0."""


class TwoStage:
    """Keeps a point with probability min(p, |w|/M_c); the kept weight is sign(w)·max(M_c, |w|/p)."""

    n_uniform = 1

    def __init__(self, rule: Rule, share: float, floor: float, fall_back: bool) -> None:
        """Chooses how the maxima are found.

        Args:
            rule: for both maxima; see `crosshook.core.statistics.maximum_weight`.
            share: of the rule.
            floor: share of the exact weights that may go to points with the smallest estimates.
            fall_back: look at every exact weight if two stages promise no gain.
        """
        self._rule = rule
        self._share = share
        self._floor_share = floor
        self._fall_back = fall_back
        self._expected: TwoStageExpectation | None = None
        nothing = torch.zeros(0, dtype=torch.float64, device="cpu")
        self._first = self._floor = self._maxima = nothing

    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        """Chooses s_max and M of each channel, and whether two stages are worth it."""
        weight = pilot.weight.detach().cpu().to(torch.float64).numpy()
        if not np.isfinite(weight).all():
            message = "pilot weights contain NaN or infinity"
            raise NumericalError(message)
        estimate = weight
        if pilot.surrogate is not None:
            estimate = pilot.surrogate.detach().cpu().to(torch.float64).numpy()
        channel = pilot.channel.cpu().numpy()
        k, device = pilot.n_channels, pilot.weight.device
        first, floor, single = (np.zeros(k) for _ in range(3))
        for c in range(k):
            own = channel == c
            first[c], floor[c] = self._thinning(estimate[own], weight[own])
            single[c] = self._maximum(weight[own], np.ones(int(own.sum())))
        tried = [
            self._with_floor(
                weight, estimate, channel, single, first, np.minimum(1, floor * raised)
            )
            for raised in (RAISED if self._fall_back else RAISED[:1])
        ]
        # The first of those that need the fewest exact weights for an effective event.
        best = max(tried, key=lambda found: found[0].second * found[0].kish)
        self._expected, floor, maxima = best
        notes = self._decide(pilot.costs)
        if not self._expected.two_stages:
            first, floor, maxima = np.zeros(k), np.zeros(k), single
        self._first, self._floor, self._maxima = (
            torch.from_numpy(column).to(device) for column in (first, floor, maxima)
        )
        return notes

    def _with_floor(
        self,
        weight: Floats,
        estimate: Floats,
        channel: Ints,
        single: Floats,
        first: Floats,
        floor: Floats,
    ) -> tuple[TwoStageExpectation, Floats, Floats]:
        """What a floor promises, the floor, and the maxima that go with it."""
        chance = _chance(estimate, first[channel], floor[channel])
        maxima = np.array(
            [self._maximum(weight[channel == c], chance[channel == c]) for c in range(len(first))]
        )
        found = self._expectation(weight, estimate, channel, (maxima, single), chance)
        return found, floor, maxima

    def _thinning(self, estimate: Floats, weight: Floats) -> tuple[float, float]:
        """s_max of a channel, and the smallest p: `floor` of its mean.

        Points count by their exact weights, so that a few estimates that are far too large do not
        make s_max: a share of Σ|w| lies above it, as it would of Σ|s| for an exact surrogate.
        """
        usable = np.isfinite(estimate) & (np.abs(estimate) > SMALLEST)
        size = np.abs(estimate[usable])
        if size.size == 0:
            return 0.0, 1.0
        counts = np.abs(weight[usable]) / size
        chosen = maximum_weight(size, self._rule, self._share, counts=counts)
        # All points are looked at then; a smaller one would change nothing.
        chosen = max(chosen, float(size.min()))
        mean = float(np.minimum(size / chosen, 1.0).sum()) / estimate.size
        return chosen, self._floor_share * mean

    def _maximum(self, weight: Floats, chance: Floats) -> float:
        """M of a channel from |w|/p, which a point has with probability p.

        Not below the smallest of them: all points are kept then.
        """
        carried = np.abs(weight) / chance
        size = carried[weight != 0]
        chosen = maximum_weight(carried, self._rule, self._share, counts=chance)
        return max(chosen, float(size.min())) if size.size else chosen

    def _expectation(
        self,
        weight: Floats,
        estimate: Floats,
        channel: Ints,
        maxima: tuple[Floats, Floats],
        chance: Floats,
    ) -> TwoStageExpectation:
        inside = ((weight != 0) | (estimate != 0)).astype(np.float64)
        two = acceptance(weight, channel, maxima[0], chance, inside)
        one = acceptance(weight, channel, maxima[1], np.ones_like(chance), inside)
        rule = self._rule if self._rule == "maximum" else f"{self._rule} {self._share:g}"
        return TwoStageExpectation(
            rule=rule,
            points=weight.size,
            two_stages=bool((chance < 1).any()),
            first=two.looked,
            second=two.kept / two.looked if two.looked else 0.0,
            kish=two.kish,
            single=one.kept,
            single_kish=one.kish,
            inside=one.inside,
        )

    def _decide(self, costs: Costs | None) -> tuple[str, ...]:
        """Sentences on the maxima, and on what is to be gained."""
        assert self._expected is not None
        found = self._expected
        maxima = f"maxima by rule {found.rule} from {found.points} points"
        if not found.single > 0:
            return (maxima,)
        stages = (
            f"two stages: ε1 = {found.first:.3g}, ε2 = {found.second:.3g}, α = {found.kish:.3g}; "
            f"a single one: ε = {found.single:.3g}, α = {found.single_kish:.3g}"
        )
        if not found.two_stages:
            return (
                maxima,
                "a single stage needs the fewest exact weights: the surrogate is no help",
            )
        if costs is None:
            return (maxima, stages)
        gain, ceiling = found.gain(costs), found.ceiling(costs)
        times = (
            f"measured: {1e6 * costs.point:.3g} µs a point before its weight, "
            f"{1e6 * costs.surrogate:.3g} µs its estimate, {1e6 * costs.exact:.3g} µs an exact weight"
        )
        outcome = f"expected gain in time: {gain:.3g} of at most {ceiling:.3g}"
        if gain <= 1 and self._fall_back:
            self._expected = replace(found, two_stages=False)
            outcome += "; unweighted in a single stage"
        return (maxima, stages, times, outcome)

    def expectation(self) -> TwoStageExpectation:
        """What the fit found; see `TwoStageUnweighter.expectation`."""
        if self._expected is None:
            message = "two-stage: no expectation before the fit"
            raise ConfigurationError(message)
        return self._expected

    def maxima(self) -> Tensor:
        """M of each channel, `(k,)` in pb."""
        return self._maxima.clone()

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        """Both stages with one random number; see `Unweighter.unweight`."""
        channel = candidates.channel
        number = uniform[:, 0].to(channel.device)
        if not bool((self._first > 0).any()):
            rows = torch.arange(channel.shape[0], device=channel.device)
            chance = None
        else:
            first, floor = (c.to(channel.device)[channel] for c in (self._first, self._floor))
            share = candidates.surrogate().detach().abs() / first
            share = torch.where(share < torch.inf, share, torch.ones_like(share))
            chance = torch.maximum(share, floor).clamp(max=1.0)
            rows = torch.nonzero(number < chance)[:, 0]
        size = candidates.weight(rows).detach().abs()
        limit = self._maxima.to(channel.device)[channel[rows]]
        # Strict, so that weight 0 is never kept even at uniform = 0.
        kept = torch.nonzero(number[rows] * limit < size)[:, 0]
        index, size, limit = rows[kept], size[kept], limit[kept]
        carried = size if chance is None else size / chance[index]
        return Kept(index, torch.maximum(limit, carried) / size, chance)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The maxima and floors, and what they promise."""
        values: dict[str, object] = {}
        if self._expected is not None:
            values = asdict(self._expected)
        return {"first": self._first, "floor": self._floor, "maxima": self._maxima}, values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the maxima and floors."""
        self._first, self._floor = tensors["first"], tensors["floor"]
        self._maxima = tensors["maxima"]
        self._expected = None
        if values:
            self._expected = TwoStageExpectation(**values)  # type: ignore[arg-type]


def _chance(estimate: Floats, first: Floats | float, floor: Floats | float) -> Floats:
    """p of points: |s|/s_max between the floor and 1; 1 where there is no estimate to go by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(estimate) / first
    share = np.where(share < np.inf, share, 1.0)
    return np.minimum(np.maximum(share, floor), 1.0)


def make(
    context: BuildContext, *, rule: str, share: float, floor: float, fall_back: bool
) -> TwoStage:
    """The component's factory."""
    return TwoStage(cast("Rule", rule), share, floor, fall_back)
