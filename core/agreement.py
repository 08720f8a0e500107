"""Whether an integral can be trusted: do blocks, training and channels agree, is there a tail?

A sampler that misses a peak looks sure of itself: its own error knows nothing of what it never
saw. Four independent looks at the points say more. Each gives figures for the report, and a
sentence where chance does not explain what it found.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.pareto import TRUSTED, carried_by_largest, tail_shape
from crosshook.core.results import AgreementResult
from crosshook.core.statistics import chi_squared, chi_squared_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from crosshook.core.integrate import Weighted
    from crosshook.core.interfaces.training import Iteration
    from crosshook.core.training_result import IterationResult

    Floats = NDArray[np.float64]

IMPROBABLE = 1e-6
"""A probability below this is no accident."""

LARGEST = 10
"""Points whose share of the sums is told."""

CARRIED = 0.5
"""Share of Σw² on so few points from which the error is theirs alone."""

MANY = 500
"""Weights other than zero from which the largest ten are few: of 100 exponential ones they carry
60 % of Σw², of 500 a quarter."""

FEWEST = 100
"""Points of a training iteration below which its error is a guess."""


def agreement(
    weighted: Weighted,
    names: Sequence[str],
    shares: Floats,
    iterations: Sequence[IterationResult | Iteration] = (),
) -> AgreementResult:
    """Looks at an integration from four sides.

    Args:
        weighted: the finished stage.
        names: of the channels.
        shares: p_c the points were drawn with, `(k,)`.
        iterations: of the training before it.

    Returns:
        The figures with a sentence for each disagreement.
    """
    notes: list[str] = []
    chi2, dof = chi_squared(weighted.block_estimates, weighted.block_errors)
    blocks = chi_squared_probability(chi2, dof)
    if blocks < IMPROBABLE:
        notes.append(
            f"the {weighted.blocks} blocks of the integration disagree: χ²/dof = {chi2:.4g} / "
            f"{dof}; its error is too small"
        )
    training, sentence = _against_training(weighted, iterations)
    if sentence:
        notes.append(sentence)
    pulls = _channel_pulls(weighted)
    channels = math.nan
    if pulls.size > 1 and np.isfinite(pulls).any():
        worst = int(np.nanargmax(np.abs(pulls)))
        channels = _two_sided(float(pulls[worst]), int(np.isfinite(pulls).sum()))
        if channels < IMPROBABLE:
            notes.append(_channel_note(weighted, names[worst], worst, float(pulls[worst])))
    drawn = [v / p for v, p in zip(weighted.weights, shares, strict=True) if v.size]
    weight = np.concatenate(drawn) if drawn else np.zeros(0)
    shape = tail_shape(weight)
    carried, squares = carried_by_largest(weight, LARGEST)
    if shape > TRUSTED or (squares > CARRIED and np.count_nonzero(weight) > MANY):
        tail = f", Pareto shape k̂ = {shape:.2f} (error trusted up to {TRUSTED})"
        notes.append(
            f"few points decide: the {LARGEST} largest of {weight.size} weights carry "
            f"{carried:.2%} of the integral and {squares:.0%} of Σw²"
            + (tail if math.isfinite(shape) else "")
        )
    return AgreementResult(
        blocks_probability=blocks,
        training_probability=training,
        channel_pulls=tuple(float(p) for p in pulls),
        channels_probability=channels,
        tail_shape=shape,
        largest_share=carried,
        largest_square_share=squares,
        notes=tuple(notes),
    )


def _against_training(
    weighted: Weighted, iterations: Sequence[IterationResult | Iteration]
) -> tuple[float, str]:
    """The least probability of the training's estimates, and a sentence if chance is not it.

    A single iteration counts only where it is *above* the integral: early samplers may miss what
    later ones find, and few large weights raise estimate and error together. What training saw and
    the frozen sampler does not see is lost. The later half as a whole counts both ways.
    """
    estimate = weighted.estimate
    told = [
        i
        for i in iterations
        if i.evaluations >= FEWEST and math.isfinite(i.estimate) and 0 < i.error < math.inf
    ]
    if not told or not math.isfinite(estimate.error):
        return math.nan, ""
    sign = math.copysign(1.0, estimate.value)
    excess = [
        sign * (i.estimate - estimate.value) / math.hypot(i.error, estimate.error) for i in told
    ]
    worst = int(np.argmax(excess))
    single = min(1.0, len(told) * 0.5 * math.erfc(excess[worst] / math.sqrt(2)))
    late = told[len(told) // 2 :]
    points = sum(i.evaluations for i in late)
    mean = sum(i.evaluations * i.estimate for i in late) / points
    error = math.hypot(*(i.evaluations * i.error for i in late)) / points
    pull = (mean - estimate.value) / math.hypot(error, estimate.error)
    together = _two_sided(pull, 1)
    if single < IMPROBABLE:
        found = told[worst]
        return single, (
            f"the training saw more than the integration: an iteration found {found.estimate:.6g} "
            f"± {found.error:.2g}, {excess[worst]:.1f} standard errors above {estimate.value:.6g}; "
            "the sampler may have closed a region it knew"
        )
    if together < IMPROBABLE:
        return together, (
            f"training and integration disagree: the later iterations give {mean:.6g} ± "
            f"{error:.2g}, {abs(pull):.1f} standard errors from {estimate.value:.6g}"
        )
    return min(1.0, 2 * min(single, together)), ""


def _channel_pulls(weighted: Weighted) -> Floats:
    """d_c of `crosshook.core.sampling.balance` over its error, `(k,)`; NaN if nothing is known."""
    balance = weighted.balance
    k = weighted.sums.points.size
    if balance is None or k < 2:
        return np.full(k, math.nan)
    difference, error = _balance(weighted, balance)
    known = error > 0
    return np.where(known, difference / np.where(known, error, 1.0), math.nan)


def _balance(weighted: Weighted, balance: Floats) -> tuple[Floats, Floats]:
    n = weighted.sums.n
    totals, squares = balance[:, 0], balance[:, 1]
    difference = totals.sum(axis=0) / n
    if weighted.replicas is None:
        variance = squares.sum(axis=0) / n - difference**2
        return difference, np.sqrt(np.maximum(variance, 0.0) / n)
    # The points of a net are no random sample: only the spread of blocks is an error.
    blocks = totals.shape[0]
    spread = totals.std(axis=0, ddof=1) if blocks > 1 else np.zeros_like(difference)
    return difference, spread * math.sqrt(blocks) / n


def _channel_note(weighted: Weighted, name: str, channel: int, pull: float) -> str:
    assert weighted.balance is not None
    difference, _ = _balance(weighted, weighted.balance)
    share = abs(float(difference[channel]) / weighted.estimate.value)
    side = "less" if pull < 0 else "more"
    return (
        f"channels disagree: the points of channel {name} find {share:.2%} of the integral {side} "
        f"than the points of the others, {abs(pull):.1f} standard errors; some channel misses a "
        "part of what its channel weights claim"
    )


def _two_sided(pull: float, trials: int) -> float:
    return min(1.0, trials * math.erfc(abs(pull) / math.sqrt(2)))
