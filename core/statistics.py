"""Figures of weighted samples: maxima by rule, unweighting efficiency, Kish, χ².

Definitions, with w the weights of *all* points, cut zeros included:

ε = ⟨min(|w|, w_max)⟩ / w_max for a w_max chosen by one of the rules below; ε(0.1 %) uses
`excess-share` with share 10⁻³. The efficiency after cuts divides by the points with w ≠ 0 only;
the cut efficiency is their share. Kish's fraction is (Σw)²/(N Σw²).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Rule = Literal["maximum", "carried-share", "excess-share", "bootstrap-median"]
RULES: tuple[Rule, ...] = get_args(Rule)


def maximum_weight(
    weights: Floats,
    rule: Rule = "excess-share",
    share: float = 1e-3,
    fraction: float = 0.1,
    counts: Floats | None = None,
) -> float:
    """The weight above which a point is an overweight.

    Rules:
        `maximum`: the largest |w|.
        `carried-share`: the smallest w_max such that points above it carry at most `share` of
            Σ|w| (Sherpa's Max_Epsilon).
        `excess-share`: the w_max at which Σ(|w| - w_max)₊ = share · Σ|w| (MadGraph's trunc_max).
        `bootstrap-median`: the median of the largest |w| of random resamples of `fraction` of the
            points, in closed form. (Resamples as large as the sample would have the sample
            maximum as their median, since (1 - 1/n)ⁿ ≈ 0.37 < 1/2.)

    Args:
        weights: finite, `(n,)`.
        rule: one of the above.
        share: for the two share rules.
        fraction: for `bootstrap-median`.
        counts: how many points each stands for, `(n,)`, at least 0; 1 if None. Not for
            `bootstrap-median`.

    Returns:
        w_max > 0, or 0 if every weight is 0.
    """
    if counts is not None:
        return _maximum_counted(weights, counts, rule, share)
    size = np.sort(np.abs(weights[weights != 0]))[::-1]
    if size.size == 0:
        return 0.0
    if rule == "maximum":
        return float(size[0])
    if rule == "bootstrap-median":
        resample = max(1, round(fraction * weights.size))
        rank = math.floor(weights.size * (1.0 - 0.5 ** (1.0 / resample)))
        return float(size[min(rank, size.size - 1)])
    total = float(size.sum())
    above = np.cumsum(size) - size  # carried by the points strictly before each in this order
    if rule == "carried-share":
        # w_max = size[i] leaves the i points before it above; keep the largest i allowed.
        allowed = np.nonzero(above <= share * total)[0]
        return float(size[allowed[-1]])
    if rule == "excess-share":
        # With the i largest above w_max the excess is above_i - i·w_max, linear in between.
        rank = np.arange(size.size)
        excess = above - rank * size
        i = int(np.searchsorted(excess, share * total, side="right"))
        return float((np.sum(size[:i]) - share * total) / i)
    message = f"rule {rule!r} is not one of {', '.join(RULES)}"
    raise ConfigurationError(message)


def _maximum_counted(weights: Floats, counts: Floats, rule: Rule, share: float) -> float:
    """`maximum_weight` of points that stand for many or for a part of one."""
    usable = (weights != 0) & (counts > 0)
    size, many = np.abs(weights[usable]), counts[usable]
    if size.size == 0:
        return 0.0
    order = np.argsort(-size, kind="stable")
    size, many = size[order], many[order]
    if rule == "maximum":
        return float(size[0])
    carried = size * many
    total = float(carried.sum())
    above = np.cumsum(carried) - carried
    if rule == "carried-share":
        return float(size[np.nonzero(above <= share * total)[0][-1]])
    if rule == "excess-share":
        number = np.cumsum(many) - many
        i = int(np.searchsorted(above - number * size, share * total, side="right"))
        return float((carried[:i].sum() - share * total) / many[:i].sum())
    message = f"rule {rule!r} takes no counts; allowed: maximum, carried-share, excess-share"
    raise ConfigurationError(message)


@dataclass(frozen=True)
class Efficiency:
    """Unweighting efficiency of a sample.

    Attributes:
        rule: how w_max was chosen.
        share: parameter of the rule.
        value: ε over all points.
        error: bootstrap standard error of ε, w_max chosen anew in each resample; NaN if not asked.
        after_cuts: ε over the points with w ≠ 0.
        points: N, the number of all points.
    """

    rule: str
    share: float
    value: float
    error: float
    after_cuts: float
    points: int


def efficiency(
    channels: list[Floats],
    rule: Rule = "excess-share",
    share: float = 1e-3,
    resamples: int = 20,
    rng: np.random.Generator | None = None,
) -> Efficiency:
    """ε of channels that are sampled in proportion to their maxima.

    Args:
        channels: for each channel its weights without share, whose mean is the channel's integral.
        rule: see `maximum_weight`, applied channel by channel.
        share: of the rule.
        resamples: bootstrap resamples for the error, at least 2.
        rng: generator for them; without one the error is NaN.

    Returns:
        ε = Σ_c ⟨min(|w_c|, M_c)⟩ / Σ_c M_c, its error, and ε over the points after cuts.
    """
    value, after = _efficiency(channels, rule, share)
    error = math.nan
    if rng is not None:
        drawn = [
            _efficiency([_resample(w, rng) for w in channels], rule, share)[0]
            for _ in range(resamples)
        ]
        error = float(np.std(drawn, ddof=1))
    return Efficiency(rule, share, value, error, after, sum(w.size for w in channels))


def _resample(weights: Floats, rng: np.random.Generator) -> Floats:
    return weights[rng.integers(0, weights.size, weights.size)] if weights.size else weights


def _efficiency(channels: list[Floats], rule: Rule, share: float) -> tuple[float, float]:
    maxima = [maximum_weight(w, rule, share) for w in channels]
    total = sum(maxima)
    if total == 0:
        return 0.0, 0.0
    kept = sum(
        float(np.minimum(np.abs(w), m).mean()) for w, m in zip(channels, maxima, strict=True) if m
    )
    passed = sum(
        m / total * float(np.count_nonzero(w)) / w.size
        for w, m in zip(channels, maxima, strict=True)
        if m
    )
    return kept / total, kept / total / passed


def kish(weights: Floats) -> float:
    """Kish's fraction (Σw)²/(N Σw²), 1 for equal weights; NaN for an empty sample."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / (weights.size * squares) if squares else math.nan


def chi_squared_probability(chi_squared: float, degrees_of_freedom: int) -> float:
    """P(χ² larger than this), the regularised upper incomplete gamma function Q(n/2, χ²/2)."""
    if degrees_of_freedom < 1 or not math.isfinite(chi_squared):
        return math.nan
    import torch

    half = torch.tensor(
        [degrees_of_freedom / 2, chi_squared / 2], dtype=torch.float64, device="cpu"
    )
    return float(torch.special.gammaincc(half[0], half[1]))


def chi_squared(estimates: Floats, errors: Floats) -> tuple[float, int]:
    """χ² of iterations about their inverse-variance mean, and its degrees of freedom."""
    usable = errors > 0
    values, sigma = estimates[usable], errors[usable]
    if values.size < 2:
        return 0.0, 0
    mean = np.sum(values / sigma**2) / np.sum(1 / sigma**2)
    return float(np.sum(((values - mean) / sigma) ** 2)), int(values.size - 1)
