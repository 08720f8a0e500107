"""Phase space of two partons out of hadrons into two particles, over several channels.

u = (ŝ, y, cosθ*, φ); see `beams` for the partons' momenta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.beams import collision, fractions, largest_rapidity
from crosshook.core.phase_space.rapidity import RapidityMap, UniformRapidity
from crosshook.core.phase_space.selection import by_channel, columns, of_own_channel
from crosshook.core.phase_space.two_body import TwoBody, angles, lab_momenta, two_body

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.channel import TwoBodyChannel


@dataclass
class HadronicTwoBody:
    """Maps u `(n, 4)` to momenta of 2 -> 2 in the lab, beam 1 along +z.

    Attributes:
        energy: collision energy √S in GeV.
        masses: masses of the two final legs in GeV.
        maps: the channels; their invariants cover one range between (m3 + m4)² and S.
        rapidity: map of y, common to the channels.
        channels: names of the channels.
    """

    energy: float
    masses: tuple[float, float]
    maps: tuple[TwoBodyChannel, ...]
    rapidity: RapidityMap = field(default_factory=UniformRapidity)
    n_dim: int = 4
    n_incoming: int = 2
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.maps[0].invariant.low, self.maps[0].invariant.high
        for each in self.maps:
            if (each.invariant.low, each.invariant.high) != (low, high):
                message = (
                    f"channel {each.name}: invariant from {each.invariant.low} to "
                    f"{each.invariant.high} GeV², but {self.maps[0].name} has {low} to {high}"
                )
                raise ValueError(message)
        if not sum(self.masses) ** 2 <= low < high <= self.energy**2:
            message = (
                f"invariant from {low} to {high} GeV²: must lie between the threshold "
                f"{sum(self.masses) ** 2} and the collision energy squared {self.energy**2}"
            )
            raise ValueError(message)
        self.channels = tuple(each.name for each in self.maps)

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, 4)` of channels `(n,)`."""
        s = by_channel([c.invariant for c in self.maps], channel, lambda m: m.forward(u[:, 0]))
        system = two_body(s, *self.masses)
        beta3, beta4 = system.beta3, system.beta4
        cosine = by_channel(
            [c.angle for c in self.maps], channel, lambda m: m.forward(u[:, 2], beta3, beta4)
        )
        largest = largest_rapidity(s, self.energy)
        y = self.rapidity.forward(u[:, 1], largest)
        x1, x2 = fractions(y, largest)
        half = 0.5 * self.energy
        momenta = lab_momenta(system, cosine, 2 * math.pi * u[:, 3], half * x1, half * x2)
        densities = self._log_densities(s, y, cosine, system)
        own = of_own_channel(densities, channel)
        return PhaseSpacePoint(momenta, x1, x2, -own, densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, 4)` of the given channels that lead to lab momenta `(n, 4, 4)`."""
        s, y = collision(momenta, self.energy)
        system = two_body(s, *self.masses)
        beta3, beta4 = system.beta3, system.beta4
        cosine, azimuth = angles(system, momenta, self.masses[0])
        u = (
            by_channel([c.invariant for c in self.maps], channel, lambda m: m.inverse(s)),
            self.rapidity.inverse(y, largest_rapidity(s, self.energy)),
            by_channel(
                [c.angle for c in self.maps], channel, lambda m: m.inverse(cosine, beta3, beta4)
            ),
            azimuth / (2 * math.pi),
        )
        return torch.stack(u, -1)

    def _log_densities(self, s: Tensor, y: Tensor, cosine: Tensor, system: TwoBody) -> Tensor:
        """Density of every channel in dx1 dx2 dΦ₂, `(n, k)`."""
        beta3, beta4 = system.beta3, system.beta4
        # S from dx1 dx2 = dŝ dy / S, 2π from φ
        common = (
            math.log(self.energy**2 / (2 * math.pi))
            + self.rapidity.log_density(y, largest_rapidity(s, self.energy))
            - system.log_element
        )
        invariant = columns([c.invariant for c in self.maps], lambda m: m.log_density(s))
        angle = columns(
            [c.angle for c in self.maps], lambda m: m.log_density(cosine, beta3, beta4)
        )
        return common[:, None] + invariant + angle
