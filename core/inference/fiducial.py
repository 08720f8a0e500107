"""σ_fid(θ) = ∫ dσ(θ) ε(z): what makes densities of accepted events integrate to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.inference.drawing import NETS, net_means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel, TruthPoints
    from crosshook.core.interfaces.transfer_function import TransferFunction


@dataclass(frozen=True)
class FiducialCrossSection:
    """σ_fid at t parameter points by m detectors.

    Attributes:
        value: in pb, `(m, t)`.
        nets: estimates of independent nets by the first detector, `(nets, t)`; errors of different
            θ hang together.
    """

    value: Tensor
    nets: Tensor

    @property
    def error(self) -> Tensor:
        """Standard errors by the first detector in pb, `(t,)`."""
        error: Tensor = self.nets.std(dim=0) / float(len(self.nets)) ** 0.5
        return error


@torch.no_grad()
def fiducial_cross_section(
    model: ParametricModel,
    transfers: Sequence[TransferFunction],
    theta: Tensor,
    rng: torch.Generator,
) -> FiducialCrossSection:
    """Integrates the accepted cross section.

    Args:
        model: gives dσ/du(θ).
        transfers: detectors, of which log ε(z) is taken.
        theta: `(t, p)`.
        rng: seeds the points, which all detectors share.

    Raises:
        NumericalError: if nothing is accepted.
    """
    state = rng.get_state()
    found = []
    for transfer in transfers:
        rng.set_state(state)

        def log_acceptance(points: TruthPoints, transfer: TransferFunction = transfer) -> Tensor:
            accepted = transfer.log_acceptance(points.features)
            return torch.where(points.inside, accepted, torch.full_like(accepted, -torch.inf))

        found.append(net_means(model, theta, rng, log_acceptance, NETS))
    value = torch.stack([nets.mean(dim=0) for nets in found])
    wrong = ~((value > 0) & torch.isfinite(value))
    if bool(wrong.any()):
        row, column = (int(i) for i in torch.nonzero(wrong)[0])
        found_there = float(value[row, column])
        why = "dσ or the acceptance is no number"
        if found_there == 0:
            why = "the acceptance of the transfer function is zero there, or the process is"
        message = (
            f"{model.name}: σ_fid = {found_there:g} pb at θ = {theta[column].tolist()}; {why}"
        )
        raise NumericalError(message)
    return FiducialCrossSection(value, found[0])
