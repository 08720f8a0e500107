"""Two stages: exact expectations with any surrogate, maxima by the right quantiles, gain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.interfaces.unweighter import Costs, Pilot, TwoStageExpectation
from crosshook.core.registry import default_registry
from crosshook.core.statistics import maximum_weight
from crosshook.core.testkit.acceptance import KnownCandidates, WeightClasses, expectation_by_scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.plugins.unweight.two_stage import TwoStage

N, K = 4000, 3


def _build(name: str = "two-stage", **options: object) -> Any:
    slot = {"use": name, "options": options}
    return default_registry().build("unweighter", slot, BuildContext(channels=K))


def _weights(kind: str = "positive") -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of channels 0 and 1; a fifth are zeros."""
    rng = np.random.default_rng(6)
    channel = rng.integers(0, 2, N)
    signs = [0, 1, 1, 1, 1] if kind == "positive" else [0, -1, 1, 1, 1]
    weight = rng.lognormal(0, 1, N) * rng.choice(signs, N) * (1 + 9 * channel)
    if kind == "one huge weight":
        weight[7] = 1e6 * np.abs(weight).max()
    return torch.from_numpy(weight), torch.from_numpy(channel)


def _noise(scale: float) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(8).normal(0, scale, N))


SURROGATES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "exact": lambda w: w.clone(),
    "good": lambda w: w * torch.exp(_noise(0.05)),
    "off by 1000": lambda w: w * torch.exp(math.log(1e3) * torch.sign(_noise(1.0))),
    "zero": torch.zeros_like,
    "half zero": lambda w: torch.where(_noise(1.0) > 0, w, torch.zeros_like(w)),
    "other sign": lambda w: -w * torch.exp(_noise(0.5)),
    "unrelated": lambda w: torch.exp(_noise(2.0)),
    "no number": lambda w: torch.where(_noise(1.0) > 0, w, w * math.nan),
    "near overflow": lambda w: torch.where(_noise(1.0) > 1, w * 1e300, w),
}


def _fitted(
    surrogate: str, kind: str = "positive", **options: object
) -> tuple[TwoStage, WeightClasses]:
    weight, channel = _weights(kind)
    guess = SURROGATES[surrogate](weight)
    unweighter = cast("TwoStage", _build(**{"fall_back": False, **options}))
    unweighter.fit(Pilot(weight, channel, K, guess), torch.Generator())
    return unweighter, WeightClasses(channel, weight, guess)


@pytest.mark.parametrize("kind", ["positive", "negative", "one huge weight"])
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_every_point_keeps_its_weight(surrogate: str, kind: str) -> None:
    """Σ P(accept)·weight = w to 10⁻¹², with the thresholds of the random number found by bisection.

    float64 places a threshold of 1/r within 2⁻⁵² r.
    """
    unweighter, points = _fitted(surrogate, kind)
    some = points.chosen(torch.arange(0, 60))
    value, regular = expectation_by_scan(unweighter, some)
    live = some.weight != 0
    assert regular.all()
    assert (value[~live] == 0).all()
    ratio = unweighter.maxima()[some.channel] / some.weight.abs()
    assert ((value - 1).abs() <= 1e-12 + ratio * 2.0**-52)[live].all()


@pytest.mark.parametrize("kind", ["positive", "negative", "one huge weight"])
def test_an_exact_surrogate_is_a_single_stage(kind: str) -> None:
    """The same maxima and the same events as rejection, up to points below the floor."""
    unweighter, points = _fitted("exact", kind, floor=1e-12)
    single = cast("Unweighter", _build("rejection"))
    single.fit(Pilot(points.weight, points.channel, K), torch.Generator())
    torch.testing.assert_close(unweighter.maxima(), single.maxima(), rtol=1e-12, atol=0)
    uniform = torch.from_numpy(np.random.default_rng(1).random((N, 1)))
    candidates = KnownCandidates(points.channel, points.weight)
    two, one = unweighter.unweight(candidates, uniform), single.unweight(candidates, uniform)
    assert torch.equal(two.index, one.index)
    torch.testing.assert_close(two.factor, one.factor, rtol=1e-12, atol=0)


@pytest.mark.parametrize("surrogate", ["good", "half zero", "other sign", "unrelated"])
def test_pulls_of_observables(surrogate: str) -> None:
    """1000 repetitions: five sums over events have the mean and the spread of their expectation.

    A kept weight is max(M, |w|/p) with chance min(p, |w|/M): the variance of a sum is
    Σ o² w² (max(M, |w|/p)/|w| - 1). Limits are 5 standard errors of 1000 repetitions; the sums of
    some hundred events are near enough to Gaussian for the error of their spread.
    """
    repeats, few = 1000, 500
    unweighter, points = _fitted(surrogate, "negative", share=0.02, floor=1.0)
    points = points.chosen(torch.arange(few))
    rng = np.random.default_rng(20261122)
    x = torch.from_numpy(rng.random(few))
    observables = torch.stack(
        (x**0, x, (x > 0.8).double(), torch.sign(points.weight), (torch.arange(few) % 7 == 0) * x)
    )
    # row by row: point 0 of every repetition, then point 1
    many = points.repeated(repeats)
    uniform = torch.from_numpy(rng.random((few * repeats, 1)))
    candidates = KnownCandidates(many.channel, many.weight, many.surrogate)
    kept = unweighter.unweight(candidates, uniform)
    out = torch.zeros(few * repeats, dtype=torch.float64)
    out[kept.index] = kept.factor * many.weight[kept.index]
    sums = (observables @ out.reshape(few, repeats)).T
    assert kept.chance is not None
    chance = kept.chance[::repeats]
    size, limit = points.weight.abs(), unweighter.maxima()[points.channel]
    spread = size * (torch.maximum(limit, size / chance) - size)
    pull = (sums - observables @ points.weight) / (observables**2 @ spread).sqrt()
    assert (pull.mean(0).abs() < 5 / repeats**0.5).all()
    assert ((pull.std(0) - 1).abs() < 5 / (2 * repeats) ** 0.5).all()


def test_exact_weights_are_computed_for_those_that_pass() -> None:
    """As many as announced, 5σ of a binomial number; a better surrogate asks for fewer."""
    asked = {}
    for surrogate in ("good", "unrelated"):
        unweighter, points = _fitted(surrogate)
        candidates = KnownCandidates(points.channel, points.weight, points.surrogate)
        uniform = torch.from_numpy(np.random.default_rng(3).random((N, 1)))
        kept = unweighter.unweight(candidates, uniform)
        assert kept.chance is not None
        expected = float(kept.chance.sum())
        assert abs(candidates.asked - expected) < 5 * expected**0.5
        asked[surrogate] = candidates.asked / max(1, len(kept.index))
    assert asked["good"] < 1.5
    assert asked["unrelated"] > 10


def test_floor_costs_its_share() -> None:
    """A surrogate that is 0 for half of the points: their chance is the floor, 1 % of the mean."""
    unweighter, points = _fitted("half zero", floor=0.01)
    kept = unweighter.unweight(
        KnownCandidates(points.channel, points.weight, points.surrogate),
        torch.zeros(N, 1, dtype=torch.float64),
    )
    assert kept.chance is not None
    for c in range(2):
        own = points.channel == c
        least = kept.chance[own & (points.surrogate == 0)]
        rest = kept.chance[own].where(points.surrogate[own] != 0, torch.zeros(1).double())
        torch.testing.assert_close(least, (0.01 * rest.mean()).expand_as(least), rtol=0.02, atol=0)
    assert torch.equal(kept.index, torch.nonzero(points.weight)[:, 0])


def test_maxima_of_the_second_stage_count_points_by_their_chance() -> None:
    """M leaves the share of Σ|w| above it, counted with the chance of each point to get there."""
    unweighter, points = _fitted("unrelated", share=0.03, floor=1e-6)
    kept = unweighter.unweight(
        KnownCandidates(points.channel, points.weight, points.surrogate),
        torch.ones(N, 1, dtype=torch.float64),
    )
    assert kept.chance is not None
    for c, limit in enumerate(unweighter.maxima()[:2]):
        own = points.channel == c
        size, chance = points.weight[own].abs(), kept.chance[own]
        excess = (chance * (size / chance - limit).clamp(min=0)).sum()
        assert float(excess / size.sum()) == pytest.approx(0.03, rel=1e-9)


@pytest.mark.parametrize("rule", ["maximum", "carried-share", "excess-share"])
def test_counted_maxima(rule: Any) -> None:
    """A point that counts three times is three points."""
    rng = np.random.default_rng(2)
    weight = rng.lognormal(0, 1, 500) * rng.choice([0, 1, -1], 500)
    counts = rng.integers(0, 4, 500)
    found = maximum_weight(weight, rule, 0.03, counts=counts.astype(np.float64))
    assert found == pytest.approx(maximum_weight(np.repeat(weight, counts), rule, 0.03), rel=1e-12)
    assert maximum_weight(weight, rule, counts=np.zeros(500)) == 0.0


def test_counts_need_a_rule_that_takes_them() -> None:
    weight = np.ones(3)
    with pytest.raises(ConfigurationError, match=r"rule 'bootstrap-median' takes no counts"):
        maximum_weight(weight, "bootstrap-median", counts=weight)


def test_gain_is_that_of_the_paper() -> None:
    """f_eff = (α/α_full)·[t_ME/ε_full] / [t_NN/(ε1 ε2) + t_ME/ε2] (2109.11964), phase space in both
    times; without error in s it is the ceiling."""
    found = TwoStageExpectation("", 1, True, 0.04, 0.7, 0.9, 0.02, 0.95, 1.0)
    ps, nn, me = 2.0, 5.0, 1200.0
    paper = (0.9 / 0.95) * ((ps + me) / 0.02) / ((ps + nn) / (0.04 * 0.7) + me / 0.7)
    costs = Costs(ps, nn, me)
    assert found.gain(costs) == pytest.approx(paper)
    perfect = TwoStageExpectation("", 1, True, 0.02, 1.0, 0.95, 0.02, 0.95, 1.0)
    assert perfect.gain(costs) == pytest.approx(found.ceiling(costs))
    assert found.ceiling(costs) == pytest.approx((ps + me) / (ps + nn + 0.02 * me))


def test_expectation_against_events() -> None:
    """ε1, ε2 and α of what is kept with random numbers, within 5 standard errors."""
    unweighter, points = _fitted("unrelated", "negative", floor=1.0)
    found = unweighter.expectation()
    # channels in proportion to their maxima, as in a generation
    shares = unweighter.maxima() / unweighter.maxima().sum()
    rng = np.random.default_rng(11)
    draws = 200_000
    rows = torch.cat(
        [
            torch.from_numpy(rng.choice(np.flatnonzero(points.channel == c), int(draws * p)))
            for c, p in enumerate(shares)
            if p > 0
        ]
    )
    drawn = points.chosen(rows)
    candidates = KnownCandidates(drawn.channel, drawn.weight, drawn.surrogate)
    kept = unweighter.unweight(candidates, torch.from_numpy(rng.random((len(rows), 1))))
    assert abs(candidates.asked / len(rows) - found.first) < 5 * (found.first / draws) ** 0.5
    second = len(kept.index) / candidates.asked
    assert abs(second - found.second) < 5 * (found.second / candidates.asked) ** 0.5
    # every weight in units of the common one, the same for all channels
    size = kept.factor * drawn.weight[kept.index].abs()
    size = size / shares[drawn.channel[kept.index]]
    alpha = float(size.sum() ** 2 / (len(size) * (size**2).sum()))
    assert alpha == pytest.approx(found.kish, abs=0.02)


@pytest.mark.parametrize("ratio", [0.1, 1000.0])
def test_falls_back_where_nothing_is_gained(ratio: float) -> None:
    """A surrogate that takes ten times the time of the amplitude is not used; one of a thousandth is."""
    weight, channel = _weights()
    pilot = Pilot(weight, channel, K, SURROGATES["good"](weight), Costs(0.0, 1.0, ratio))
    unweighter = _build()
    notes = unweighter.fit(pilot, torch.Generator())
    single = _build("rejection")
    single.fit(pilot, torch.Generator())
    assert unweighter.expectation().two_stages == (ratio > 1)
    assert notes[-1].endswith("; unweighted in a single stage") == (ratio < 1)
    if ratio < 1:
        candidates = KnownCandidates(channel, weight, torch.full_like(weight, math.nan))
        uniform = torch.from_numpy(np.random.default_rng(3).random((N, 1)))
        found, expected = (u.unweight(candidates, uniform) for u in (unweighter, single))
        assert found.chance is None
        assert torch.equal(found.index, expected.index)
        assert torch.equal(found.factor, expected.factor)
        forced = _build(fall_back=False)
        forced.fit(pilot, torch.Generator())
        assert forced.expectation().two_stages


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_no_surrogate_needs_more_exact_weights_than_none(surrogate: str) -> None:
    """Where it misses much the floor rises, up to a single stage; a good one is left alone."""
    found = _fitted(surrogate, fall_back=True)[0].expectation()
    assert (
        found.second * found.kish >= (1 - 1e-12) * found.single * found.single_kish / found.inside
    )
    hopeless = ("zero", "half zero", "unrelated", "off by 1000", "near overflow")
    assert found.two_stages == (surrogate not in hopeless)
    strict = _fitted(surrogate, fall_back=False)[0].expectation()
    assert found.second * found.kish >= strict.second * strict.kish
    if surrogate in ("exact", "good"):
        assert found == strict


def test_partly_unweighted_points_stay() -> None:
    """Weights of 1 but for a few overweights, with a surrogate that made them: x decides alone."""
    guess = torch.ones(N, dtype=torch.float64)
    guess[::2000] = 1.5
    weight = guess * torch.exp(_noise(0.05))
    unweighter = _build()
    unweighter.fit(Pilot(weight, torch.zeros(N, dtype=torch.int64), 1, guess), torch.Generator())
    found = unweighter.expectation()
    assert found.first > 0.95
    assert found.second > 0.8


def test_refusals() -> None:
    weight, channel = _weights()
    weight[5] = math.inf
    with pytest.raises(NumericalError, match=r"^pilot weights contain NaN or infinity$"):
        _build().fit(Pilot(weight, channel, K), torch.Generator())
    with pytest.raises(ConfigurationError, match=r"no expectation before the fit"):
        _build().expectation()
