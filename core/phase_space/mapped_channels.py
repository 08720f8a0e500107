"""MappedChannels: several maps of one final state as the channels of a `PartonicMap`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.partonic import FinalState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.phase_space.momentum_map import MomentumMap


@dataclass
class MappedChannels:
    """A `PartonicMap` with one channel per map.

    Attributes:
        maps: the maps by name, all of the same final state.
        channels: their names.
        n_dim: dimensions of the cube.
    """

    maps: Mapping[str, MomentumMap]
    channels: tuple[str, ...] = field(init=False)
    n_dim: int = field(init=False)

    def __post_init__(self) -> None:
        self.channels = tuple(self.maps)
        self._each = tuple(self.maps.values())
        dimensions = {each.n_dim for each in self._each}
        if len(dimensions) != 1:
            message = f"channels {', '.join(self.channels)}: differ in their number of particles"
            raise ValueError(message)
        (self.n_dim,) = dimensions

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        particles = (self.n_dim + 4) // 3
        final = u.new_zeros((u.shape[0], particles, 4))
        own = []
        for number, each in enumerate(self._each):
            rows = torch.nonzero(channel == number)[:, 0]
            momenta, density = each.forward(u[rows], s[rows])
            final = final.index_copy(0, rows, momenta)
            own.append((rows, density))
        columns = []
        for number, each in enumerate(self._each):
            rows, density = own[number]
            known = torch.zeros_like(s).index_copy(0, rows, density)
            others = torch.nonzero(channel != number)[:, 0]
            if len(others):
                known = known.index_copy(0, others, each.log_density(final[others], s[others]))
            columns.append(known)
        return FinalState(final, torch.stack(columns, -1))

    def log_densities(self, s: Tensor, momenta: Tensor) -> Tensor:
        """Log of the density of every channel in dΦ_j at momenta `(n, j, 4)`, `(n, k)`."""
        return torch.stack([each.log_density(momenta, s) for each in self._each], -1)

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        u = momenta.new_zeros((momenta.shape[0], self.n_dim))
        for number, each in enumerate(self._each):
            rows = torch.nonzero(channel == number)[:, 0]
            u = u.index_copy(0, rows, each.inverse(momenta[rows], s[rows]))
        return u
