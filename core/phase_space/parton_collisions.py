"""Collisions of two massless partons with any final state: beams of fixed energy, or hadrons.

u is that of the final state for fixed beams; hadrons put (ŝ, y) before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics
from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.beams import collision, fractions, incoming, largest_rapidity
from crosshook.core.phase_space.selection import of_own_channel

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.interval_map import IntervalMap
    from crosshook.core.phase_space.partonic import PartonicMap
    from crosshook.core.phase_space.rapidity import RapidityMap


@dataclass
class FixedPartons:
    """Partons that carry the whole energy of their beams.

    Attributes:
        energy: collision energy √s in GeV.
        final: maps of the final state.
        n_dim: dimensions of the cube.
        channels: names of the channels.
    """

    energy: float
    final: PartonicMap
    n_incoming: int = 2
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.n_dim, self.channels = self.final.n_dim, self.final.channels

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        s = torch.full_like(u[:, 0], self.energy**2)
        state = self.final.forward(s, u, channel)
        half = torch.full_like(s, 0.5 * self.energy)
        momenta = torch.cat((incoming(half, half), state.momenta), 1)
        own = of_own_channel(state.log_densities, channel)
        one = torch.ones_like(s)
        return PhaseSpacePoint(momenta, one, one, -own, state.log_densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        s = torch.full_like(momenta[:, 0, 0], self.energy**2)
        return self.final.inverse(s, momenta[:, 2:], channel)


@dataclass
class HadronicPartons:
    """Partons out of two hadrons; ŝ and y go through one map each, common to the channels.

    Attributes:
        energy: collision energy √S in GeV.
        invariant: map of ŝ in GeV².
        rapidity: map of y.
        final: maps of the final state.
        n_dim: dimensions of the cube.
        channels: names of the channels.
    """

    energy: float
    invariant: IntervalMap
    rapidity: RapidityMap
    final: PartonicMap
    n_incoming: int = 2
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not 0 < self.invariant.low < self.invariant.high <= self.energy**2:
            message = (
                f"invariant from {self.invariant.low} to {self.invariant.high} GeV²: must lie "
                f"between 0 and the collision energy squared {self.energy**2}"
            )
            raise ValueError(message)
        self.n_dim, self.channels = self.final.n_dim + 2, self.final.channels

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        s = self.invariant.forward(u[:, 0])
        largest = largest_rapidity(s, self.energy)
        y = self.rapidity.forward(u[:, 1], largest)
        x1, x2 = fractions(y, largest)
        state = self.final.forward(s, u[:, 2:], channel)
        half = 0.5 * self.energy
        final = kinematics.boost_z(state.momenta, y[:, None])
        momenta = torch.cat((incoming(half * x1, half * x2), final), 1)
        # S from dx1 dx2 = dŝ dy / S
        partons = (
            2 * math.log(self.energy)
            + self.invariant.log_density(s)
            + self.rapidity.log_density(y, largest)
        )
        densities = state.log_densities + partons[:, None]
        own = of_own_channel(densities, channel)
        return PhaseSpacePoint(momenta, x1, x2, -own, densities)

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        s, y = collision(momenta, self.energy)
        rest = kinematics.boost_z(momenta[:, 2:], -y[:, None])
        y_share = self.rapidity.inverse(y, largest_rapidity(s, self.energy))
        first = (self.invariant.inverse(s), y_share)
        return torch.cat((torch.stack(first, 1), self.final.inverse(s, rest, channel)), 1)
