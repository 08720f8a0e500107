"""Turns the sums of a weighted stage into the figures of a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.agreement import agreement
from crosshook.core.results import ChannelResult, IntegrationResult, WeightSpectrum
from crosshook.core.statistics import Rule, chi_squared, efficiency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.integrate import Weighted
    from crosshook.core.training_result import IterationResult

    Floats = NDArray[np.float64]

REPORTED_RULES: tuple[tuple[Rule, float], ...] = (
    ("excess-share", 1e-3),
    ("carried-share", 1e-3),
    ("bootstrap-median", 0.0),
    ("maximum", 0.0),
)
SPECTRUM_LOW, SPECTRUM_HIGH, SPECTRUM_BINS = -6.0, 3.0, 90


def integration_result(
    weighted: Weighted,
    names: tuple[str, ...],
    shares: Tensor,
    rng: np.random.Generator,
    seconds: float,
    iterations: Sequence[IterationResult] = (),
) -> IntegrationResult:
    """The figures of an integration.

    Args:
        weighted: the finished stage.
        names: of the channels.
        shares: p_c the points were drawn with, `(k,)`.
        rng: for bootstrap errors.
        seconds: wall time.
        iterations: of the training before, to compare with.
    """
    sums, estimate = weighted.sums, weighted.estimate
    chi2, dof = chi_squared(weighted.block_estimates, weighted.block_errors)
    valid = int(sums.valid.sum())
    drawn = shares.numpy()
    channels = tuple(
        ChannelResult(
            name,
            float(drawn[c]),
            int(sums.points[c]),
            float(sums.means()[c]),
            float(weighted.channel_errors[c]),
            float(sums.largest[c]),
            int(sums.zeros[c]),
        )
        for c, name in enumerate(names)
    )
    as_drawn = sums.squares / np.maximum(drawn, 1e-300) / np.maximum(sums.valid, 1)
    second_moment = float(as_drawn.sum())
    relative = second_moment / estimate.value**2 if estimate.value else math.nan
    return IntegrationResult(
        cross_section=estimate.value,
        error=estimate.error,
        evaluations=sums.n,
        chi_squared=chi2,
        degrees_of_freedom=dof,
        channels=channels,
        cut_efficiency=1.0 - float(sums.zeros.sum()) / valid if valid else 0.0,
        invalid=int(sums.invalid.sum()),
        negative_share=_negative_share(weighted.weights),
        efficiencies=tuple(
            efficiency(weighted.weights, rule, share, rng=rng) for rule, share in REPORTED_RULES
        ),
        mean_over_max=float((sums.absolute / np.maximum(sums.valid, 1)).sum())
        / float(sums.largest.sum())
        if sums.largest.sum() > 0
        else math.nan,
        kish=1.0 / relative if relative else math.nan,
        relative_deviation=math.sqrt(max(relative - 1.0, 0.0)),
        histograms=weighted.histograms,
        running=weighted.running,
        spectrum=weight_spectrum(weighted.weights, drawn),
        seconds=seconds,
        latents=weighted.latents,
        agreement=agreement(weighted, names, drawn, iterations),
    )


def _negative_share(weights: list[Floats]) -> float:
    means = [
        (float(-w[w < 0].sum()) / w.size, float(np.abs(w).sum()) / w.size)
        for w in weights
        if w.size
    ]
    total = sum(m[1] for m in means)
    return sum(m[0] for m in means) / total if total else 0.0


def weight_spectrum(weights: list[Floats], shares: Floats) -> WeightSpectrum:
    """Spectrum of w = v/p_c over its mean; both ends collect what lies beyond."""
    edges = np.linspace(SPECTRUM_LOW, SPECTRUM_HIGH, SPECTRUM_BINS + 1)
    drawn = [np.abs(v) / p for v, p in zip(weights, shares, strict=True)]
    mean = sum(float(p) * float(w.mean()) for w, p in zip(drawn, shares, strict=True) if w.size)
    counts = []
    for w in drawn:
        logs = np.log10(w[w > 0] / mean) if mean else np.zeros(0)
        inside = np.clip(logs, SPECTRUM_LOW, SPECTRUM_HIGH)
        counts.append(tuple(int(n) for n in np.histogram(inside, edges)[0]))
    zeros = sum(int(np.count_nonzero(v == 0)) for v in weights)
    return WeightSpectrum(tuple(float(e) for e in edges), tuple(counts), zeros)
