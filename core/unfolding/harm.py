"""Do no harm: where simulation and data agree, an unfolding has nothing to change.

An observable of which both have the same spectrum at detector level is a control: its truth should
move by no more than noise. One that moves shows that the unfolding makes things up, or that the
observable hangs together with one that does differ; in both cases it deserves a look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.unfolding.diagnostics_result import HarmTest
from crosshook.core.unfolding.folding import observed
from crosshook.core.unfolding.spectra import Binning, column, delta, noise_of_delta, spectrum
from crosshook.core.unfolding.stopping import truth_noise

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.unfolding.inputs import Inputs

SIGMAS = 3.0
"""Standard deviations of the noise above its mean that a control may change: there are many."""


def harm_test(
    inputs: Inputs, unfolded: Unfolded, binning: Binning, replicas: Tensor | None
) -> HarmTest:
    """Tests one observable.

    Args:
        inputs: what was unfolded.
        unfolded: the result.
        binning: of the observable, at both levels.
        replicas: nominal weights of fits to resampled data, `(n, r)`.
    """
    simulation = inputs.simulation
    seen = observed(inputs, binning)
    reco, weight = (
        column(simulation.reco, binning.name)[simulation.has_reco],
        simulation.weight[simulation.has_reco],
    )
    content = spectrum(reco, weight, binning)
    variance = spectrum(reco, weight.square(), binning)
    chance = noise_of_delta(seen.values[0], seen.variances[0], content, variance)
    detector = delta(seen.values[0], content)

    values = column(unfolded.truth, binning.name)
    result = spectrum(values, unfolded.families["nominal"].weights, binning)[0]
    true = column(simulation.truth, binning.name)[simulation.has_truth]
    prior = spectrum(true, simulation.weight[simulation.has_truth], binning)
    resampled = None if replicas is None else spectrum(values, replicas, binning)
    noise = truth_noise(inputs, result, resampled)
    limit = noise.mean + SIGMAS * noise.deviation
    truth = delta(prior, result)
    agrees = detector <= chance.limit
    return HarmTest(
        binning.name,
        detector,
        chance.limit,
        truth,
        limit,
        agrees,
        agrees and truth > limit,
    )
