"""Unweighter: keeps points with the probability that makes the rest equal in weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Costs:
    """What points cost, in seconds of a processor, as measured in a pilot stage.

    Attributes:
        point: of a candidate before any weight: random numbers, mapping, phase space, cuts,
            scales, parton densities.
        surrogate: of the cheap estimate of a candidate's weight.
        exact: of an exact weight of a point inside the cuts.
    """

    point: float
    surrogate: float
    exact: float


@dataclass(frozen=True)
class Pilot:
    """Weights of a pilot stage, from which maxima are chosen.

    Attributes:
        weight: full weights of all points, cut zeros included, `(n,)` in pb.
        channel: channel of each point, `(n,)` int64.
        n_channels: number of channels k.
        surrogate: the cheap estimate of each weight, `(n,)`, or None.
        costs: what points cost, or None if nothing was measured.
    """

    weight: Tensor
    channel: Tensor
    n_channels: int
    surrogate: Tensor | None = None
    costs: Costs | None = None


@dataclass(frozen=True)
class Kept:
    """Points that survived.

    Attributes:
        index: rows of the candidates, ascending, `(j,)` int64.
        factor: weight_out / weight_in of each, `(j,)`; positive.
        chance: probability with which the exact weight of each candidate was asked for, `(n,)`;
            None if all were.
    """

    index: Tensor
    factor: Tensor
    chance: Tensor | None = None


class Candidates(Protocol):
    """Points to choose from; their exact weight may be expensive."""

    @property
    def channel(self) -> Tensor:
        """Channel of each candidate, `(n,)` int64."""
        ...

    def surrogate(self) -> Tensor:
        """A cheap estimate of every weight, `(n,)` in pb; the weight itself where it is known."""
        ...

    def weight(self, index: Tensor) -> Tensor:
        """Exact weights of the rows asked for, `(j,)` in pb; each row asked for is counted."""
        ...


class Unweighter(Protocol):
    """Fitted once to a pilot, then frozen.

    At a fixed fitted state every candidate with weight_in ≠ 0 satisfies
    E_uniform[kept · factor] = 1 exactly; weight 0 is never kept; the same factor applies to every
    weight the event carries. Weights above the maximum are kept with their excess.
    """

    n_uniform: int

    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        """Chooses the maxima.

        Args:
            pilot: weights of a pilot stage.
            rng: for rules that resample.

        Returns:
            Sentences for the report.
        """
        ...

    def maxima(self) -> Tensor:
        """The largest |weight| of each channel that is no overweight, `(k,)` in pb."""
        ...

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        """Chooses among candidates.

        Args:
            candidates: n points.
            uniform: random numbers in [0, 1), `(n, n_uniform)`.

        Returns:
            The kept rows with their factors.
        """
        ...


@dataclass(frozen=True)
class TwoStageExpectation:
    """What two stages of unweighting promise beside a single one, over the points of a pilot.

    Channels are drawn in proportion to their maxima. Times are per event and for equal statistical
    power: the number of events times their Kish fraction.

    Attributes:
        rule: how the maxima were chosen.
        points: N, the number of points of the pilot.
        two_stages: False if the unweighter asks for every exact weight all the same.
        first: ε1, exact weights asked for per point.
        second: ε2, events kept per exact weight.
        kish: α, Kish's fraction of the events.
        single: ε_full, events kept per point in a single stage by the same rule.
        single_kish: α_full, Kish's fraction of those.
        inside: share of points inside the cuts, whose exact weight a single stage computes.
    """

    rule: str
    points: int
    two_stages: bool
    first: float
    second: float
    kish: float
    single: float
    single_kish: float
    inside: float

    def gain(self, costs: Costs) -> float:
        """f_eff, the time of a single stage over that of two."""
        alone = (costs.point + self.inside * costs.exact) / (self.single * self.single_kish)
        cheap = (costs.point + costs.surrogate) / (self.first * self.second)
        return alone / (cheap + costs.exact / self.second) * self.kish

    def ceiling(self, costs: Costs) -> float:
        """f_eff of a surrogate without error."""
        alone = costs.point + self.inside * costs.exact
        return alone / (costs.point + costs.surrogate + self.single * costs.exact)


class TwoStageUnweighter(Unweighter, Protocol):
    """An unweighter with the capability `two_stage`: it asks for few exact weights."""

    def expectation(self) -> TwoStageExpectation:
        """What the fit found.

        Raises:
            ConfigurationError: if there was no fit.
        """
        ...
