"""When to stop iterating: what still moves, against what statistics move anyway.

Iterating removes the prior and adds noise. An iteration is late enough when the last one made is
no further from it than a part of what another sample of events would change, and its folded
spectra fit the measured ones as well as they ever will. Agreement at detector level alone ranks
nothing: spectra of the truth can still move where the detector does not see it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.unfolding.diagnostics_result import Stopping, Trend
from crosshook.core.unfolding.folding import folded, observed
from crosshook.core.unfolding.spectra import (
    Binning,
    Noise,
    column,
    delta,
    noise_from,
    noise_of_delta,
    spectrum,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.unfolding.inputs import Inputs

    Floats = NDArray[np.float64]

SETTLED = 0.25
"""Share of the noise in Δ that may remain: half a standard error, in amplitude."""


def stopping(
    inputs: Inputs,
    unfolded: Unfolded,
    binnings: Sequence[Binning],
    replicas: Sequence[Tensor],
    reference: Tensor | None,
) -> Stopping | None:
    """Follows every observable through the iterations.

    Args:
        inputs: what was unfolded.
        unfolded: the result.
        binnings: of the observables.
        replicas: weights by iteration of fits to resampled data, each `(n, k)`.
        reference: the simulation's weights of the truth rows, `(n,)`, where these are its rows.

    Returns:
        The trends and a recommendation; None if the component gives no iterations, or there is
        no observable to follow.
    """
    steps = next((f.weights for f in unfolded.families.values() if f.kind == "iteration"), None)
    if steps is None or steps.shape[1] == 0 or not binnings:
        return None
    comparable = [r for r in replicas if r.shape == steps.shape]
    trends = tuple(_trend(inputs, unfolded, b, steps, comparable, reference) for b in binnings)
    recommended, reason = recommend(trends, steps.shape[1])
    floor = "replicas" if len(comparable) > 1 else "events"
    return Stopping(steps.shape[1], trends, floor, recommended, reason)


def truth_noise(inputs: Inputs, values: Floats, resampled: Floats | None) -> Noise:
    """Δ that the statistics of the data make of a truth spectrum.

    Args:
        inputs: what was unfolded.
        values: of the bins, `(bins,)`.
        resampled: the same of fits to resampled data, `(r, bins)`, taken about their mean. Without
            them the noise is that of as many events as were measured, as if every one were seen
            with its truth: too low.
    """
    if resampled is not None and len(resampled) > 1:
        middle, size = resampled.mean(axis=0), len(resampled)
        # A resample is nearer to the mean it is part of than to the true one.
        return noise_from(size / (size - 1) * np.array([delta(r, middle) for r in resampled]))
    weight = inputs.measured.weight
    scale = float(weight.square().sum() / weight.sum()) * values.sum() / float(weight.sum())
    return noise_of_delta(values, np.abs(values) * scale, values, np.zeros_like(values))


def _trend(
    inputs: Inputs,
    unfolded: Unfolded,
    binning: Binning,
    steps: Tensor,
    replicas: Sequence[Tensor],
    reference: Tensor | None,
) -> Trend:
    values = column(unfolded.truth, binning.name)
    spectra = spectrum(values, steps, binning)
    resampled = np.stack([spectrum(values, r, binning) for r in replicas]) if replicas else None
    noises = [
        truth_noise(inputs, h, None if resampled is None else resampled[:, i])
        for i, h in enumerate(spectra)
    ]
    detector, detector_noise = [], []
    if reference is None:
        change = [math.nan]
    else:
        prior = reference[:, None]
        change = [delta(spectrum(values, prior, binning)[0], spectra[0])]
        seen = observed(inputs, binning)
        for weights in (prior, steps):
            bins = folded(inputs.simulation, weights.to(prior.dtype), binning)
            for content, variance in zip(bins.values, bins.variances, strict=True):
                detector.append(delta(seen.values[0], content))
                detector_noise.append(
                    noise_of_delta(seen.values[0], seen.variances[0], content, variance)
                )
    change += [delta(a, b) for a, b in pairwise(spectra)]
    return Trend(
        name=binning.name,
        detector=tuple(detector),
        detector_noise=tuple(n.mean for n in detector_noise),
        detector_limit=tuple(n.limit for n in detector_noise),
        change=tuple(change),
        remaining=tuple(delta(h, spectra[-1]) for h in spectra),
        noise=tuple(n.mean for n in noises),
    )


def recommend(trends: Sequence[Trend], iterations: int) -> tuple[int | None, str]:
    """The first iteration from which every observable stays within noise of the last, and why.

    Returns:
        Its number from 1, or None if the last iteration still moves; a sentence.
    """
    if iterations < 2:
        return None, "one iteration does not tell whether another would change the result"
    moving = [t for t in trends if t.change[-1] > SETTLED * t.noise[-1]]
    if moving:
        worst = max(moving, key=lambda t: t.change[-1] / t.noise[-1])
        size = math.sqrt(worst.change[-1] / worst.noise[-1])
        return None, (
            f"not settled after {iterations} iterations: the last one moved {worst.name} by "
            f"{size:.2g} of its statistical error, {math.sqrt(SETTLED):.2g} is allowed"
        )
    first = iterations
    while first > 1 and all(_late_enough(t, first - 1) for t in trends):
        first -= 1
    poor = [t for t in trends if t.detector and t.detector[first] > t.detector_limit[first]]
    tail = ""
    if poor:
        named = ", ".join(t.name for t in poor)
        tail = f"; at detector level {named} does not fit the data better with more iterations"
    if first == iterations:
        return first, f"only the last step, to iteration {first}, is within the noise{tail}"
    return first, (
        f"iterations {first} to {iterations} agree within {math.sqrt(SETTLED):.2g} of the "
        f"statistical error of every observable{tail}"
    )


def _late_enough(trend: Trend, iteration: int) -> bool:
    """Whether the last iteration is within noise of this one, and fits the data no better."""
    near = trend.remaining[iteration - 1] <= SETTLED * trend.noise[iteration - 1]
    if not near or not trend.detector:
        return near
    found, best = trend.detector[iteration], trend.detector[-1]
    fits = found <= trend.detector_limit[iteration]
    return fits or found - best <= SETTLED * trend.detector_noise[iteration]
