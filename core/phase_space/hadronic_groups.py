"""HadronicGroups: channels of different kinds as one phase space, each with its density anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

from crosshook.core.interfaces.process import PhaseSpace, PhaseSpacePoint
from crosshook.core.phase_space.four_vector import rows_of
from crosshook.core.phase_space.selection import of_own_channel

if TYPE_CHECKING:
    from torch import Tensor


class HadronicGroup(PhaseSpace, Protocol):
    """A phase space that also tells the densities of its channels at momenta of others."""

    def log_densities(self, momenta: Tensor) -> Tensor:
        """Logs of the densities of its channels in dx1 dx2 dΦ at lab momenta, `(n, k)`."""
        ...


@dataclass
class HadronicGroups:
    """A phase space of several groups of channels.

    Attributes:
        groups: of channels.
        channels: names of all channels, in any order.
        n_dim: dimensions of the cube.
    """

    groups: tuple[HadronicGroup, ...]
    channels: tuple[str, ...]
    n_incoming: int = 2
    n_dim: int = field(init=False)

    def __post_init__(self) -> None:
        grouped = [name for group in self.groups for name in group.channels]
        if sorted(grouped) != sorted(self.channels):
            message = f"channels {self.channels}: those of the groups are {grouped}"
            raise ValueError(message)
        self._columns = [grouped.index(name) for name in self.channels]
        dimensions = {group.n_dim for group in self.groups}
        if len(dimensions) != 1:
            message = f"groups of {sorted(dimensions)} dimensions: all must have the same"
            raise ValueError(message)
        (self.n_dim,) = dimensions

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        channel = self._grouped(channel)
        points, places, first = [], [], 0
        for group in self.groups:
            last = first + len(group.channels)
            rows = torch.nonzero((channel >= first) & (channel < last))[:, 0]
            places.append(rows)
            points.append(group.forward(u[rows], channel[rows] - first))
            first = last
        order = torch.cat(places).argsort()
        laid_out = torch.cat([p.momenta.permute(2, 1, 0) for p in points], 2).permute(2, 1, 0)
        momenta = rows_of(laid_out, order)
        x1, x2, jacobian = (
            torch.cat([getattr(p, name) for p in points])[order]
            for name in ("x1", "x2", "log_jacobian")
        )
        columns = []
        for number, group in enumerate(self.groups):
            known = u.new_zeros((u.shape[0], len(group.channels)))
            known = known.index_copy(0, places[number], points[number].log_densities)
            others = [rows for n, rows in enumerate(places) if n != number]
            rows = torch.cat(others) if others else places[number][:0]
            if len(rows):
                known = known.index_copy(0, rows, group.log_densities(rows_of(momenta, rows)))
            columns.append(known)
        densities = torch.cat(columns, 1)
        # closed points have no density in any channel
        open_ = jacobian > -torch.inf
        densities = torch.where(open_[:, None], densities, torch.full_like(densities, -torch.inf))
        own = of_own_channel(densities, channel)
        jacobian = torch.where(open_, -own, jacobian)
        return PhaseSpacePoint(momenta, x1, x2, jacobian, densities[:, self._columns])

    def _grouped(self, channel: Tensor) -> Tensor:
        """Numbers of channels `(n,)` in the order of the groups."""
        return torch.tensor(self._columns, device=channel.device)[channel]

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to lab momenta `(n, m, 4)`."""
        channel = self._grouped(channel)
        u, first = momenta.new_zeros((momenta.shape[0], self.n_dim)), 0
        for group in self.groups:
            last = first + len(group.channels)
            rows = torch.nonzero((channel >= first) & (channel < last))[:, 0]
            if len(rows):
                u = u.index_copy(0, rows, group.inverse(momenta[rows], channel[rows] - first))
            first = last
        return u
