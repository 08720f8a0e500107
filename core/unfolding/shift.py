"""Stress tests: the simulation with another truth takes the place of the data, and is unfolded.

The pseudo-data are the simulation's own events with other weights, so that they have no noise
against it: what is left of the shift is the bias, of stopping early above all, and the noise of
the network. The shift `as unfolded` takes the truth that was found in the data: its bias is the
one to expect of the measurement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.unfolder import Measured
from crosshook.core.unfolding.diagnostics_result import ShiftedObservable, ShiftTest
from crosshook.core.unfolding.folding import at_detector, net
from crosshook.core.unfolding.spectra import column, delta, mean_and_deviation, spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Simulation
    from crosshook.core.unfolding.inputs import Inputs
    from crosshook.core.unfolding.spectra import Binning

AS_UNFOLDED: Final = "as unfolded"
TILT = 0.5
"""Weights of a tilt lie within 1 ± this."""
NORMAL_QUARTILES = 1.349
"""Distance between the quartiles of a Gaussian of unit width."""


def tilted(simulation: Simulation, name: str) -> Tensor:
    """Truth weights of a smooth shift of one observable, `(n_truth,)`.

    w (1 + ½ tanh((z − median)/σ)), σ from the quartiles: bounded, so that no event decides.

    Raises:
        ConfigurationError: if the observable is constant, or there is none of that name.
    """
    rows = simulation.has_truth
    z = column(simulation.truth, name)[rows]
    low, middle, high = (float(torch.quantile(z[: 2**24], q)) for q in (0.25, 0.5, 0.75))
    width = (high - low) / NORMAL_QUARTILES or float(z.std())
    if not width > 0:
        message = f"diagnostics.shifts: {name!r} is constant; nothing to shift"
        raise ConfigurationError(message)
    return simulation.weight[rows] * (1 + TILT * torch.tanh((z - middle) / width))


def pseudo_data(inputs: Inputs, truth: Tensor) -> tuple[Inputs, Tensor]:
    """The simulation with given truth weights as measured events, scaled to the measured sum.

    Args:
        inputs: what was unfolded.
        truth: weights of the rows with truth, `(n_truth,)`.

    Returns:
        Inputs without background, and the truth weights in the same scale, `(n_truth,)`.
    """
    simulation = inputs.simulation
    seen = at_detector(simulation, truth[:, None])[:, 0]
    scale = net(inputs)[0] / float(seen.sum())
    measured = Measured(simulation.reco.select(simulation.has_reco), seen * scale)
    return replace(inputs, measured=measured, background=None), truth * scale


def judge(
    name: str,
    inputs: Inputs,
    truth: Tensor,
    result: Tensor,
    binnings: Sequence[Binning],
    noises: Sequence[float],
    mean_errors: Sequence[float],
) -> ShiftTest:
    """Compares what came out with what was put in.

    Args:
        name: of the shift.
        inputs: what was unfolded.
        truth: weights put in, `(n_truth,)`.
        result: weights that came out, `(n_truth,)`.
        binnings: of the observables.
        noises: Δ that statistics make of each.
        mean_errors: statistical errors of the means.
    """
    simulation = inputs.simulation
    rows = simulation.has_truth
    prior = simulation.weight[rows]
    columns = torch.stack([truth, result, prior], dim=1)
    made = []
    for binning, noise, error in zip(binnings, noises, mean_errors, strict=True):
        values = column(simulation.truth, binning.name)[rows]
        wanted, found, before = spectrum(values, columns, binning)
        means = mean_and_deviation(values, columns)[:, 0]
        made.append(
            ShiftedObservable(
                binning.name,
                delta(before, wanted),
                delta(found, wanted),
                noise,
                float(means[1] - means[0]),
                error,
            )
        )
    return ShiftTest(name, tuple(made), float(result.sum() / truth.sum()) - 1)
