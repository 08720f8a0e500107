"""An unfolded sample seen through the simulated detector: what the measured spectra should be.

Only where the truth rows are those of the simulation. Fakes keep their shape, and their ratio to
the other events in the simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.unfolding.spectra import Binning, column, spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Simulation, Unfolded
    from crosshook.core.unfolding.inputs import Inputs

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bins:
    """Contents of k spectra with their variances, each `(k, bins)`."""

    values: Floats
    variances: Floats


def refers_to(unfolded: Unfolded, simulation: Simulation) -> bool:
    """Whether the truth rows of a result are those of the simulation that have truth."""
    wanted = simulation.truth.dense[simulation.has_truth]
    found = unfolded.truth.dense
    return found.shape == wanted.shape and torch.equal(found, wanted.to(found.device))


def at_detector(simulation: Simulation, weights: Tensor) -> Tensor:
    """Weights of reconstructed rows, fakes included, `(n_reco, k)`.

    Args:
        simulation: the events.
        weights: of the rows with truth, `(n_truth, k)`.
    """
    seen = simulation.has_reco
    both = simulation.has_truth & seen
    everywhere = weights.new_zeros((len(seen), weights.shape[1]))
    everywhere[simulation.has_truth] = weights
    before = simulation.weight[both].sum()
    scale = everywhere[both].sum(dim=0) / before
    fakes = seen & ~simulation.has_truth
    everywhere[fakes] = simulation.weight[fakes][:, None] * scale
    return everywhere[seen]


def folded(simulation: Simulation, weights: Tensor, binning: Binning) -> Bins:
    """Spectra of an unfolded sample at detector level.

    Args:
        simulation: the events.
        weights: of the rows with truth, `(n_truth, k)`.
        binning: of a reconstructed column.
    """
    seen = at_detector(simulation, weights)
    values = column(simulation.reco, binning.name)[simulation.has_reco]
    return Bins(spectrum(values, seen, binning), spectrum(values, seen.square(), binning))


def observed(inputs: Inputs, binning: Binning) -> Bins:
    """The measured spectrum less its background, `(1, bins)`."""
    measured, background = inputs.measured, inputs.background
    values = column(measured.reco, binning.name)
    content = spectrum(values, measured.weight[:, None], binning)
    variance = spectrum(values, measured.weight.square()[:, None], binning)
    if background is not None:
        values = column(background.reco, binning.name)
        content = content - spectrum(values, background.weight[:, None], binning)
        variance = variance + spectrum(values, background.weight.square()[:, None], binning)
    return Bins(content, variance)


def response(simulation: Simulation, truth: Binning, reco: Binning) -> Floats:
    """P(reco bin | truth bin) of events that are in a bin at both levels, `(truth, reco)`.

    Rows of bins without events are 0.
    """
    both = simulation.has_truth & simulation.has_reco
    true = column(simulation.truth, truth.name)[both]
    weight = simulation.weight[both]
    edges = torch.tensor(truth.edges, dtype=torch.float64, device=true.device)
    place = torch.bucketize(true.to(torch.float64).contiguous(), edges, right=True) - 1
    chosen = torch.nn.functional.one_hot(place.clamp(0, truth.bins - 1), truth.bins)
    inside = (place >= 0) & (place < truth.bins)
    columns = chosen * (inside * weight)[:, None]
    joint = spectrum(column(simulation.reco, reco.name)[both], columns, reco)
    total = joint.sum(axis=1, keepdims=True)
    shares: Floats = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return shares


def net(inputs: Inputs) -> tuple[float, float]:
    """Sum of measured weights less background, and its standard error."""
    weights = [inputs.measured.weight]
    total = float(inputs.measured.weight.sum())
    if inputs.background is not None:
        weights.append(inputs.background.weight)
        total -= float(inputs.background.weight.sum())
    return total, float(sum(w.square().sum() for w in weights)) ** 0.5
