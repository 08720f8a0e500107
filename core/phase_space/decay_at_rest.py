"""DecayAtRest: phase space of one particle at rest, over the channels of any `PartonicMap`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.selection import of_own_channel

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.partonic import PartonicMap


@dataclass
class DecayAtRest:
    """Maps u `(n, 3j - 4)` to momenta of 1 -> j.

    Attributes:
        mass: of what decays, in GeV.
        final: maps of its products.
        n_dim: dimensions of the cube.
        channels: names of the channels.
    """

    mass: float
    final: PartonicMap
    n_incoming: int = 1
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.n_dim, self.channels = self.final.n_dim, self.final.channels

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        s = torch.full_like(u[:, 0], self.mass**2)
        state = self.final.forward(s, u, channel)
        zero, one = torch.zeros_like(s), torch.ones_like(s)
        parent = torch.stack((self.mass * one, zero, zero, zero), -1)[:, None]
        own = of_own_channel(state.log_densities, channel)
        return PhaseSpacePoint(
            torch.cat((parent, state.momenta), 1), one, one, -own, state.log_densities
        )

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to momenta `(n, m, 4)`."""
        s = torch.full_like(momenta[:, 0, 0], self.mass**2)
        return self.final.inverse(s, momenta[:, 1:], channel)
