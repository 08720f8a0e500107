"""When to distrust an unfolding: sentences that follow from its diagnostics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.pareto import TRUSTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.unfolding.diagnostics_result import Diagnostics, ShiftedObservable

FEW = 0.05
"""Effective share of the events below which a reweighting carries the measurement on too few."""
CARRIED = 0.05
"""Share of the sum of weights on ten events that is too much."""
FELT = 0.005
"""Share of the sum on ten events below which no tail matters."""
CLOSURE = 3.0
"""Standard errors by which the folded sum may miss the measured one."""
SMALL = 0.003
"""Relative miss of the sum that is never worth a word."""
RESAMPLES = 10
"""Fewer of them tell errors to no better than 25 %."""
CLIPPED = 1e-3
"""Share of the rows at the largest ratio that is worth a word."""
BIAS = 1.0
"""Δ of a stress test over the noise of the measurement from which the bias counts."""
MEAN_BIAS = 1.0
"""Bias of a mean over its statistical error from which it counts."""
NETWORK = 0.5
"""Share of the total variance on the network above which more seeds pay."""


def warnings(found: Diagnostics) -> tuple[str, ...]:
    """Reasons for distrust, the gravest first; none if nothing was found."""
    return tuple(_all(found))


def _all(found: Diagnostics) -> Iterator[str]:
    yield from _sums(found)
    yield from _iterations(found)
    yield from _stress(found)
    yield from _harm(found)
    yield from _detector(found)
    yield from _weights(found)
    yield from _replicas(found)


def _sums(found: Diagnostics) -> Iterator[str]:
    closure = found.closure
    if not math.isfinite(closure.difference):
        return
    allowed = max(CLOSURE * closure.measured_error / abs(closure.measured), SMALL)
    if abs(closure.difference) > allowed:
        yield (
            f"normalisation: folded with the detector the result has {abs(closure.difference):.2%} "
            f"{'more' if closure.difference > 0 else 'fewer'} events than were measured, "
            f"{allowed:.2%} is allowed"
        )


def _iterations(found: Diagnostics) -> Iterator[str]:
    if found.stopping is None:
        return
    if found.stopping.recommended is None:
        yield found.stopping.reason


def _stress(found: Diagnostics) -> Iterator[str]:
    for test in found.shifts:
        bad = [
            f"{o.name} ({'; '.join(reasons)})"
            for o in test.observables
            if (reasons := tuple(_biases(o)))
        ]
        if bad:
            yield (
                f"stress test {test.name!r}: a bias that statistics do not hide in "
                f"{', '.join(bad)}; more iterations or a better prior would lower it"
            )


def _biases(shifted: ShiftedObservable) -> Iterator[str]:
    """What of an observable is biased, and that alone."""
    if shifted.after > BIAS * shifted.noise:
        yield f"Δ {shifted.after:.2g}, noise {shifted.noise:.2g}"
    if abs(shifted.mean_bias) > MEAN_BIAS * shifted.mean_error:
        yield f"mean {shifted.mean_bias:+.2g}, error {shifted.mean_error:.2g}"


def _harm(found: Diagnostics) -> Iterator[str]:
    for test in found.harms:
        if test.harmed:
            yield (
                f"{test.name} agrees between simulation and data (Δ {test.detector:.2g}), yet its "
                f"truth was changed by Δ {test.truth:.2g}; noise explains {test.truth_limit:.2g}"
            )


def _detector(found: Diagnostics) -> Iterator[str]:
    if found.stopping is None:
        return
    poor = [
        f"{t.name} (Δ {t.detector[-1]:.2g}, limit {t.detector_limit[-1]:.2g})"
        for t in found.stopping.trends
        if t.detector and t.detector[-1] > t.detector_limit[-1]
    ]
    if poor:
        yield (
            f"folded with the detector the result does not describe the measured {', '.join(poor)}"
            ": the simulated response may differ from nature's, which no reweighting of the truth "
            "repairs"
        )


def _weights(found: Diagnostics) -> Iterator[str]:
    weights = found.weights
    full = weights.prior_effective if math.isfinite(weights.prior_effective) else weights.rows
    if full > 0 and weights.effective < FEW * full:
        yield (f"few events carry the result: effectively {weights.effective:.0f} of {full:.0f}")
    heavy = weights.tail_shape > TRUSTED and weights.largest_share > FELT
    if heavy or weights.largest_share > CARRIED:
        yield (
            f"heavy tail: the ten largest weights carry {weights.largest_share:.2%} of the sum, "
            f"Pareto shape {weights.tail_shape:.2g}"
        )
    if weights.negative:
        yield f"{weights.negative} weights are negative"
    if weights.at_ceiling > max(1.0, CLIPPED * weights.rows) and weights.highest_ratio > 1:
        yield (
            f"{weights.at_ceiling} of {weights.rows} events share the largest ratio, "
            f"{weights.highest_ratio:.3g} times the mean: it may be clipped"
        )


def _replicas(found: Diagnostics) -> Iterator[str]:
    resamples = found.fits.get("bootstrap_data", 0)
    seeds = found.fits.get("ensemble", 1)
    if not resamples and "covariance_data" not in found.fits:
        yield "no replicas of the data: the statistical errors of the result are not known"
    elif 0 < resamples // max(seeds, 1) < RESAMPLES:
        yield (
            f"{resamples // max(seeds, 1)} resamples of the data tell errors to "
            f"{1 / math.sqrt(2 * max(resamples // max(seeds, 1) - 1, 1)):.0%} only"
        )
    loud = [
        s.name
        for s in found.spectra
        if sum(n**2 for n in s.network) > NETWORK * sum(t**2 for t in s.total) > 0
    ]
    if loud:
        yield (
            f"the network's own noise is more than half of the variance of {', '.join(loud)}: "
            "average over more seeds"
        )
