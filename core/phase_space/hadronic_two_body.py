"""Phase space of two partons out of hadrons into two particles, over several channels.

u = (ŝ, y, cosθ*, φ): x1 = √τ e^y, x2 = √τ e^-y, τ = ŝ/S, dx1 dx2 = dŝ dy / S; |y| <= ½ log(1/τ)
keeps x1 and x2 below 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.rapidity import RapidityMap, UniformRapidity
from crosshook.core.phase_space.selection import by_channel, columns
from crosshook.core.phase_space.two_body import TwoBody, angles, lab_momenta, two_body

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.channel import TwoBodyChannel

_BELOW_ONE = 1 - 2.0**-53
"""The largest double below 1: parton densities are asked for x < 1 only."""

_SMALLEST_RANGE = 1e-9
"""Floor of Y, under which it is rounding: keeps the density finite at ŝ = S."""


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
        half_range = self._half_range(s)
        y = self.rapidity.forward(u[:, 1], half_range)
        x1 = torch.exp(y - half_range).clamp_max(_BELOW_ONE)
        x2 = torch.exp(-y - half_range).clamp_max(_BELOW_ONE)
        half = 0.5 * self.energy
        momenta = lab_momenta(system, cosine, 2 * math.pi * u[:, 3], half * x1, half * x2)
        densities = self._log_densities(s, y, cosine, system)
        own = densities.gather(1, channel[:, None]).squeeze(1)
        return PhaseSpacePoint(momenta, x1, x2, -own, densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, 4)` of the given channels that lead to lab momenta `(n, 4, 4)`."""
        x1, x2 = (2 / self.energy * momenta[:, leg, 0] for leg in (0, 1))
        s = self.energy**2 * x1 * x2
        system = two_body(s, *self.masses)
        beta3, beta4 = system.beta3, system.beta4
        cosine, azimuth = angles(system, momenta, self.masses[0])
        u = (
            by_channel([c.invariant for c in self.maps], channel, lambda m: m.inverse(s)),
            self.rapidity.inverse(0.5 * torch.log(x1 / x2), self._half_range(s)),
            by_channel(
                [c.angle for c in self.maps], channel, lambda m: m.inverse(cosine, beta3, beta4)
            ),
            azimuth / (2 * math.pi),
        )
        return torch.stack(u, -1)

    def _half_range(self, s: Tensor) -> Tensor:
        """Y = ½ log(S/ŝ), the largest rapidity of the partonic system."""
        return (-0.5 * torch.log(s / self.energy**2)).clamp_min(_SMALLEST_RANGE)

    def _log_densities(self, s: Tensor, y: Tensor, cosine: Tensor, system: TwoBody) -> Tensor:
        """Density of every channel in dx1 dx2 dΦ₂, `(n, k)`."""
        beta3, beta4 = system.beta3, system.beta4
        # S from dx1 dx2 = dŝ dy / S, 2π from φ
        common = (
            math.log(self.energy**2 / (2 * math.pi))
            + self.rapidity.log_density(y, self._half_range(s))
            - system.log_element
        )
        invariant = columns([c.invariant for c in self.maps], lambda m: m.log_density(s))
        angle = columns(
            [c.angle for c in self.maps], lambda m: m.log_density(cosine, beta3, beta4)
        )
        return common[:, None] + invariant + angle
