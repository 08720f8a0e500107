"""Maxima, efficiencies and χ² against brute force: bisection, enumeration, an actual bootstrap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.statistics import (
    RULES,
    Rule,
    chi_squared,
    efficiency,
    kish,
    maximum_weight,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RNG = np.random.default_rng(17)

SAMPLES: dict[str, Floats] = {
    "lognormal": RNG.lognormal(0.0, 1.5, 4000),
    "with zeros": np.where(RNG.random(3000) < 0.6, 0.0, RNG.lognormal(0.0, 1.0, 3000)),
    "signs": RNG.lognormal(0.0, 1.0, 1000) * np.where(RNG.random(1000) < 0.2, -1, 1),
    "ties": RNG.integers(0, 4, 500).astype(float),
    "equal": np.full(100, 2.5),
    "one": np.array([3.0]),
    "one of many": np.array([0.0, 0.0, 7.0, 0.0]),
    "tiny and huge": np.array([1e-300, 1e-3, 1.0, 1e10, 1e10]),
}
SHARES = (0.0, 1e-4, 1e-3, 0.05, 0.5, 0.9)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", SAMPLES)
def test_excess_share_by_bisection(name: str, share: float) -> None:
    """The root of Σ(|w| - M)₊ - share·Σ|w|, which falls from (1 - share)·Σ|w| to ≤ 0."""
    size = np.abs(SAMPLES[name])
    low, high = 0.0, float(size.max())
    for _ in range(200):
        middle = (low + high) / 2
        if np.maximum(size - middle, 0).sum() > share * size.sum():
            low = middle
        else:
            high = middle
    found = maximum_weight(SAMPLES[name], "excess-share", share)
    # Sums of n numbers: relative 1e-12 of Σ|w|, over the number of points above.
    above = max(1, np.count_nonzero(size > high))
    assert found == pytest.approx(high, rel=1e-10, abs=1e-12 * size.sum() / above)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", SAMPLES)
def test_carried_share_by_enumeration(name: str, share: float) -> None:
    """Of all weights in the sample, the smallest above which no more than the share is carried."""
    size = np.abs(SAMPLES[name])
    allowed = [m for m in np.unique(size[size > 0]) if size[size > m].sum() <= share * size.sum()]
    assert maximum_weight(SAMPLES[name], "carried-share", share) == min(allowed)


@pytest.mark.parametrize("name", SAMPLES)
def test_maximum(name: str) -> None:
    assert maximum_weight(SAMPLES[name], "maximum") == np.max(np.abs(SAMPLES[name]))


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("name", ["lognormal", "signs", "with zeros"])
def test_bootstrap_median_by_bootstrap(name: str, fraction: float) -> None:
    """Half of 4000 real resamples have a maximum up to the closed form's, to 5σ of a binomial.

    The median of a discrete distribution: at least half at or below, at least half at or above.
    """
    weights = SAMPLES[name]
    found = maximum_weight(weights, "bootstrap-median", fraction=fraction)
    size = round(fraction * weights.size)
    rng = np.random.default_rng(23)
    maxima = np.array([np.abs(rng.choice(weights, size)).max() for _ in range(4000)])
    slack = 5 * 0.5 / math.sqrt(4000)
    assert np.mean(maxima <= found) >= 0.5 - slack
    assert np.mean(maxima >= found) >= 0.5 - slack


def test_bootstrap_median_in_small() -> None:
    """Resamples of 2 of {1, 2, 3, 4}: P(max ≤ 2) = 1/4, P(max ≤ 3) = 9/16: the median is 3."""
    assert maximum_weight(np.array([4.0, 2, 1, 3]), "bootstrap-median", fraction=0.5) == 3.0
    # Mostly zeros: the median of maxima is 0, but a maximum must be above 0.
    mostly = np.array([0.0] * 99 + [5.0])
    assert maximum_weight(mostly, "bootstrap-median", fraction=0.01) == 5.0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SAMPLES)
def test_rules_know_no_order_scale_or_sign(name: str, rule: Rule) -> None:
    weights = SAMPLES[name]
    found = maximum_weight(weights, rule, 0.01)
    assert 0 < found <= np.max(np.abs(weights))
    shuffled = np.random.default_rng(1).permutation(weights)
    assert maximum_weight(shuffled, rule, 0.01) == found
    assert maximum_weight(-weights, rule, 0.01) == found
    assert maximum_weight(weights * 8, rule, 0.01) == 8 * found
    if rule in ("excess-share", "carried-share", "maximum"):
        padded = np.concatenate([weights, np.zeros(1000)])
        assert maximum_weight(padded, rule, 0.01) == found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("weights", [np.zeros(0), np.zeros(5)])
def test_nothing_but_zeros(rule: Rule, weights: Floats) -> None:
    assert maximum_weight(weights, rule) == 0.0


def test_a_share_lets_the_maximum_shrink() -> None:
    weights = SAMPLES["lognormal"]
    for rule in ("excess-share", "carried-share"):
        maxima = [maximum_weight(weights, rule, share) for share in SHARES]  # type: ignore[arg-type]
        assert maxima == sorted(maxima, reverse=True)
        assert maxima[0] == weights.max()


def test_unknown_rule() -> None:
    with pytest.raises(ConfigurationError) as caught:
        maximum_weight(np.ones(3), "median")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "rule 'median' is not one of maximum, carried-share, excess-share, bootstrap-median"
    )


def test_efficiency_of_one_channel() -> None:
    weights = SAMPLES["with zeros"]
    top = maximum_weight(weights, "excess-share", 0.01)
    found = efficiency([weights], share=0.01)
    kept = np.minimum(weights, top).mean() / top
    passed = weights[weights != 0]
    assert found.value == pytest.approx(kept, rel=1e-12)
    assert found.after_cuts == pytest.approx(np.minimum(passed, top).mean() / top, rel=1e-12)
    assert (found.rule, found.share, found.points) == ("excess-share", 0.01, 3000)
    assert math.isnan(found.error)


def test_efficiency_of_channels_by_hit_or_miss() -> None:
    """Draw channels ∝ their maxima and accept: the accepted share is ε, and so after cuts."""
    channels = [SAMPLES["lognormal"], 3 * SAMPLES["with zeros"], SAMPLES["signs"]]
    found = efficiency(channels, share=0.02)
    maxima = np.array([maximum_weight(w, "excess-share", 0.02) for w in channels])
    rng = np.random.default_rng(2)
    n = 200_000
    chosen = rng.choice(3, n, p=maxima / maxima.sum())
    weight = np.array([np.abs(rng.choice(w, n)) for w in channels])[chosen, np.arange(n)]
    accepted = rng.random(n) * maxima[chosen] < weight
    sigma = math.sqrt(found.value * (1 - found.value) / n)
    assert abs(accepted.mean() - found.value) < 5 * sigma
    after = accepted[weight > 0]
    sigma = math.sqrt(found.after_cuts * (1 - found.after_cuts) / after.size)
    assert abs(after.mean() - found.after_cuts) < 5 * sigma


def test_closed_and_empty_channels_do_not_matter() -> None:
    weights = SAMPLES["lognormal"]
    alone = efficiency([weights])
    joined = efficiency([np.zeros(50), weights, np.zeros(0)])
    assert joined.value == alone.value
    assert joined.after_cuts == alone.after_cuts
    assert efficiency([np.zeros(50)]).value == 0.0
    assert efficiency([np.zeros(50)]).after_cuts == 0.0


def test_equal_weights_are_perfect() -> None:
    found = efficiency([np.ones(100), np.ones(50)], "maximum", rng=np.random.default_rng(0))
    assert (found.value, found.after_cuts, found.error) == (1.0, 1.0, 0.0)


def test_the_bootstrap_error_is_the_spread_over_samples() -> None:
    """Against 200 fresh samples: the errors of 20 resamples scatter by 16 %; their mean is
    compared, to 30 %: wide enough for the bootstrap's own bias in a heavy tail, and far below
    the factor √n or 2 that a wrong one would show."""

    def draw(seed: int) -> list[Floats]:
        return [np.random.default_rng(seed).lognormal(0.0, 0.7, 2000)]

    values = [efficiency(draw(seed), share=0.01).value for seed in range(200)]
    rng = np.random.default_rng(5)
    errors = [efficiency(draw(seed), share=0.01, rng=rng).error for seed in range(20)]
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.3)


def test_kish() -> None:
    assert kish(np.full(7, 3.0)) == 1.0
    assert kish(np.array([1.0, 0.0, 0.0, 0.0])) == 0.25
    assert kish(np.array([1.0, 3.0])) == pytest.approx(16 / 20)
    assert kish(np.array([1.0, -1.0])) == 0.0
    assert math.isnan(kish(np.zeros(0)))
    assert math.isnan(kish(np.zeros(3)))


def test_chi_squared() -> None:
    """Values 1 ± 1 and 4 ± 2: mean (1 + 1)/(1 + 1/4) = 8/5, χ² = 0.36 + 1.44."""
    value, freedom = chi_squared(np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    assert (value, freedom) == (pytest.approx(1.8), 1)
    assert chi_squared(np.array([1.0]), np.array([1.0])) == (0.0, 0)
    assert chi_squared(np.zeros(0), np.zeros(0)) == (0.0, 0)
    # An iteration without an error says nothing.
    assert chi_squared(np.array([1.0, 4.0, 9.0]), np.array([1.0, 2.0, 0.0]))[1] == 1
