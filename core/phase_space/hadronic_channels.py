"""Partons out of two hadrons into any final state, with a map of ŝ for each channel.

u = (ŝ, y, final state); see `beams` for the partons' momenta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics
from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.beams import collision, fractions, incoming, largest_rapidity
from crosshook.core.phase_space.selection import by_channel, columns, of_own_channel

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.interval_map import IntervalMap
    from crosshook.core.phase_space.mapped_channels import MappedChannels
    from crosshook.core.phase_space.rapidity import RapidityMap


@dataclass
class HadronicChannels:
    """Maps u `(n, 3j - 2)` to momenta in the lab, beam 1 along +z.

    Attributes:
        energy: collision energy √S in GeV.
        invariants: map of ŝ in GeV² of every channel, all of one range.
        rapidity: map of y, common to the channels.
        final: maps of the final state.
        n_dim: dimensions of the cube.
        channels: names of the channels.
    """

    energy: float
    invariants: tuple[IntervalMap, ...]
    rapidity: RapidityMap
    final: MappedChannels
    n_incoming: int = 2
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.n_dim, self.channels = self.final.n_dim + 2, self.final.channels
        ranges = {(each.low, each.high) for each in self.invariants}
        if len(self.invariants) != len(self.channels) or len(ranges) != 1:
            message = (
                f"{len(self.invariants)} maps of the invariant mass squared with ranges {ranges} "
                f"for {len(self.channels)} channels: one each is needed, all of one range"
            )
            raise ValueError(message)
        ((low, high),) = ranges
        if not 0 < low < high <= self.energy**2:
            message = (
                f"invariant from {low} to {high} GeV²: must lie between 0 and the collision "
                f"energy squared {self.energy**2}"
            )
            raise ValueError(message)

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        s = by_channel(self.invariants, channel, lambda m: m.forward(u[:, 0]))
        largest = largest_rapidity(s, self.energy)
        y = self.rapidity.forward(u[:, 1], largest)
        x1, x2 = fractions(y, largest)
        state = self.final.forward(s, u[:, 2:], channel)
        half = 0.5 * self.energy
        final = kinematics.boost_z(state.momenta, y[:, None])
        momenta = torch.cat((incoming(half * x1, half * x2), final), 1)
        invariant = columns(self.invariants, lambda m: m.log_density(s))
        densities = state.log_densities + invariant + self._common(s, y)[:, None]
        own = of_own_channel(densities, channel)
        return PhaseSpacePoint(momenta, x1, x2, -own, densities)

    def log_densities(self, momenta: Tensor) -> Tensor:
        """Log of the density of every channel in dx1 dx2 dΦ at lab momenta `(n, m, 4)`, `(n, k)`."""
        s, y = collision(momenta, self.energy)
        rest = kinematics.boost_z(momenta[:, 2:], -y[:, None])
        invariant = columns(self.invariants, lambda m: m.log_density(s))
        return self.final.log_densities(s, rest) + invariant + self._common(s, y)[:, None]

    def _common(self, s: Tensor, y: Tensor) -> Tensor:
        """Log of the density in y, and of S from dx1 dx2 = dŝ dy / S, `(n,)`."""
        density = self.rapidity.log_density(y, largest_rapidity(s, self.energy))
        return 2 * math.log(self.energy) + density

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        s, y = collision(momenta, self.energy)
        rest = kinematics.boost_z(momenta[:, 2:], -y[:, None])
        first = (
            by_channel(self.invariants, channel, lambda m: m.inverse(s)),
            self.rapidity.inverse(y, largest_rapidity(s, self.energy)),
        )
        return torch.cat((torch.stack(first, 1), self.final.inverse(s, rest, channel)), 1)
