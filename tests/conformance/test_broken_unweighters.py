"""Deliberately wrong unweighters, one defect each, and the finding that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.interfaces.unweighter import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unweighter import Candidates, Pilot
    from crosshook.core.testkit import Finding


class Rejection:
    """Correct: hit-or-miss against 0.8 of the pilot's largest weight, overweights kept."""

    n_uniform = 1

    def __init__(self, context: BuildContext) -> None:
        self.limit = torch.zeros(0, dtype=torch.float64, device="cpu")

    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        largest = torch.zeros(pilot.n_channels, dtype=torch.float64, device=pilot.weight.device)
        self.limit = 0.8 * largest.scatter_reduce(0, pilot.channel, pilot.weight.abs(), "amax")
        return ("maxima from the pilot",)

    def maxima(self) -> Tensor:
        return self.limit.clone()

    def chance(self, size: Tensor, limit: Tensor) -> Tensor:
        return (size / limit).clamp(max=1.0).nan_to_num(0.0)

    def factor(self, size: Tensor, limit: Tensor) -> Tensor:
        return torch.maximum(size, limit) / size

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        channel = candidates.channel
        size = candidates.weight(torch.arange(len(channel), device=channel.device)).abs()
        limit = self.limit[channel]
        index = torch.nonzero(uniform[:, 0] < self.chance(size, limit))[:, 0]
        return Kept(index, self.factor(size[index], limit[index]))


class TwoStages(Rejection):
    """Correct: first against the surrogate, then exact weight over surrogate; two numbers each."""

    n_uniform = 2
    reach = 1.2
    floor = 0.01

    def maxima(self) -> Tensor:
        return self.reach * self.limit

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        limit = self.limit[candidates.channel]
        guess = torch.maximum(candidates.surrogate().abs(), self.floor * limit)
        first = torch.nonzero(uniform[:, 0] < self.chance(guess, limit))[:, 0]
        size = candidates.weight(first).abs()
        ratio = size * torch.maximum(guess, limit)[first] / guess[first]
        second = self.reach * limit[first]
        kept = uniform[first, 1] < self.chance(ratio, second)
        factor = torch.maximum(ratio, second)[kept] / size[kept]
        return Kept(first[kept], factor, self.chance(guess, limit))


class SaysItLooksAtAll(TwoStages):
    """Its events are right, and a cross section from its chances is not."""

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        return Kept(kept.index, kept.factor)


class ChanceWithoutFloor(TwoStages):
    """The chance is that of the surrogate, without the floor that was used."""

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        limit = self.limit[candidates.channel]
        return Kept(kept.index, kept.factor, self.chance(candidates.surrogate().abs(), limit))


class TwoStagesBiased(TwoStages):
    """Forgets the second stage's overweights."""

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        size = candidates.weight(kept.index).abs()
        limit = self.reach * self.limit[candidates.channel[kept.index]]
        return Kept(kept.index, torch.where(size > limit, kept.factor, limit / size), kept.chance)


class TrustsTheSurrogate(TwoStages):
    """Never looks at a point whose surrogate is 0."""

    floor = 0.0


class DropsOverweights(Rejection):
    def chance(self, size: Tensor, limit: Tensor) -> Tensor:
        return torch.where(size > limit, torch.zeros_like(size), super().chance(size, limit))


class ClipsOverweights(Rejection):
    def factor(self, size: Tensor, limit: Tensor) -> Tensor:
        return limit / size


class BiasedByOnePercent(Rejection):
    def chance(self, size: Tensor, limit: Tensor) -> Tensor:
        return super().chance(1.01 * size, limit)


class KeepsZeros(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        channel = candidates.channel
        size = candidates.weight(torch.arange(len(channel), device=channel.device)).abs()
        limit = self.limit[channel]
        index = torch.nonzero(uniform[:, 0] * limit <= size)[:, 0]
        return Kept(index, torch.maximum(size, limit)[index] / size[index].clamp(min=1e-300))


class RaisesItsMaximum(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        size = candidates.surrogate().abs()
        self.limit = self.limit.scatter_reduce(0, candidates.channel, size, "amax")
        return kept


class OwnRandomNumbers(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        return super().unweight(candidates, torch.rand_like(uniform))


class SpoilsTheWeights(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        candidates.surrogate().abs_()
        return kept


class SpoilsThePilot(Rejection):
    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        pilot.weight.abs_()
        return super().fit(pilot, rng)


class DropsNegatives(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        positive = candidates.weight(kept.index) > 0
        return Kept(kept.index[positive], kept.factor[positive])


class SignedFactor(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        return Kept(kept.index, kept.factor * candidates.weight(kept.index).sign())


class Backwards(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        kept = super().unweight(candidates, uniform)
        return Kept(kept.index.flip(0), kept.factor.flip(0))


class OneMaximumForAll(Rejection):
    def maxima(self) -> Tensor:
        return self.limit.max()[None]


class UnequalWeights(Rejection):
    """Exact in the mean, but its events do not come out with one weight."""

    def chance(self, size: Tensor, limit: Tensor) -> Tensor:
        return super().chance(size, limit).sqrt()

    def factor(self, size: Tensor, limit: Tensor) -> Tensor:
        return 1.0 / self.chance(size, limit)


class BatchMaximum(Rejection):
    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        size, own = candidates.surrogate().abs(), self.limit
        if len(size):
            self.limit = size.max().expand_as(own)
        kept = super().unweight(candidates, uniform)
        self.limit = own
        return kept


BROKEN = [
    (DropsOverweights, r"drops an overweight point", "overweights_are_kept"),
    (DropsOverweights, r"E\[kept·factor\] = 0, not 1 \(an overweight", "expectation_is_exact"),
    (ClipsOverweights, r"overweight point: its excess is lost", "expectation_is_exact"),
    (BiasedByOnePercent, r"biased: E\[kept·factor\] = 1\.01", "expectation_is_exact"),
    (KeepsZeros, r"keeps a point of weight 0 at uniform = 0", "zero_weight_is_never_kept"),
    (RaisesItsMaximum, r"decisions change after other candidates", "fitted_state_is_frozen"),
    (OwnRandomNumbers, r"global state: torch's generator", "global_state_untouched"),
    (SpoilsTheWeights, r"mutates its input surrogate", "inputs_unchanged"),
    (SpoilsThePilot, r"fit mutates its pilot", "fit_keeps_to_its_inputs"),
    (DropsNegatives, r"biased: E\[kept·factor\] = 0, not 1", "expectation_is_exact"),
    (SignedFactor, r"factors are positive", "kept_rows_are_in_order"),
    (Backwards, r"not ascending", "kept_rows_are_in_order"),
    (OneMaximumForAll, r"maxima\(\) has shape \(1,\), wanted \(5,\)", "maxima_are_usable"),
    (UnequalWeights, r"kept weight is .*, not the maximum", "kept_weights_are_equal"),
    (BatchMaximum, r"depends on the rest of the batch", "rows_independent"),
    (TrustsTheSurrogate, r"biased: E\[kept·factor\] = 0", "expectation_by_repetition_is_one"),
    (TwoStagesBiased, r"biased: E\[kept·factor\] = 0\.\d+ ± ", "expectation_by_repetition_is_one"),
    (
        SaysItLooksAtAll,
        r"asked for \d+ times of 10000, .* said to be 1$",
        "chance_is_that_of_asking",
    ),
    (ChanceWithoutFloor, r"asked for \d+ times of .* said to be 0", "chance_is_that_of_asking"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"),
    BROKEN,
    ids=[f"{f.__name__}-{i}" for i, (f, _, _) in enumerate(BROKEN)],
)
def test_wrong_unweighter_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("unweighter", factory, words, check)


@pytest.mark.parametrize("factory", [Rejection, TwoStages])
def test_correct_unweighter_passes(
    findings_on: Callable[..., list[Finding]], factory: type
) -> None:
    assert findings_on("unweighter", factory) == []
