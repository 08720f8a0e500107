"""Phase space of 2 -> 2 with beams of fixed energy: u = (cosθ, φ)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.selection import by_channel, columns, of_own_channel
from crosshook.core.phase_space.two_body import angles, lab_momenta, two_body

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.angle import AngleMap


@dataclass
class FixedTwoBody:
    """Maps u `(n, 2)` to momenta of 2 -> 2 in the frame of two equal, massless beams.

    Attributes:
        energy: collision energy √s in GeV, above threshold.
        masses: masses of the two final legs in GeV.
        channels: names of the channels.
        maps: map of cosθ of leg 3 to beam 1, one per channel.
    """

    energy: float
    masses: tuple[float, float]
    channels: tuple[str, ...]
    maps: tuple[AngleMap, ...]
    n_dim: int = 2
    n_incoming: int = 2

    def __post_init__(self) -> None:
        if self.energy <= sum(self.masses):
            message = (
                f"collision energy {self.energy} GeV: must exceed the sum of the final masses, "
                f"{sum(self.masses)} GeV"
            )
            raise ValueError(message)

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, 2)` of channels `(n,)`."""
        system = two_body(torch.full_like(u[:, 0], self.energy**2), *self.masses)
        beta3, beta4 = system.beta3, system.beta4
        cosine = by_channel(self.maps, channel, lambda m: m.forward(u[:, 0], beta3, beta4))
        beam = torch.full_like(cosine, 0.5 * self.energy)
        momenta = lab_momenta(system, cosine, 2 * math.pi * u[:, 1], beam, beam)
        densities = columns(self.maps, lambda m: m.log_density(cosine, beta3, beta4))
        densities = densities - (system.log_element + math.log(2 * math.pi))[:, None]
        own = of_own_channel(densities, channel)
        one = torch.ones_like(cosine)
        return PhaseSpacePoint(momenta, one, one, -own, densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, 2)` of the given channels that lead to lab momenta `(n, 4, 4)`."""
        system = two_body(torch.full_like(momenta[:, 0, 0], self.energy**2), *self.masses)
        beta3, beta4 = system.beta3, system.beta4
        cosine, azimuth = angles(system, momenta, self.masses[0])
        first = by_channel(self.maps, channel, lambda m: m.inverse(cosine, beta3, beta4))
        return torch.stack((first, azimuth / (2 * math.pi)), -1)
