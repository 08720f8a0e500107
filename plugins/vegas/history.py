"""The points of one channel from all draws of a training, under the density of all draws together.

Point u of any draw counts with 1/Σ_t n_t q_t(u), n_t points having been drawn from q_t (the
balance heuristic, Veach and Guibas 1995): none is thrown away, and a point that an early grid hit
by luck gets no more weight than the later grids, which look there often, leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.vegas.grid import ChannelGrid


class History:
    """Grows with every draw.

    Attributes:
        u: all points, `(n, d + m)`.
        value: the function there, `(n,)`.
        mixture: Σ_t n_t q_t(u), `(n,)`.
    """

    def __init__(self, dimensions: int, like: Tensor) -> None:
        """Empty.

        Args:
            dimensions: d + m.
            like: has the type and the device.
        """
        self.u = like.new_empty((0, dimensions))
        self.value = like.new_empty(0)
        self.mixture = like.new_empty(0)
        self._draws: list[tuple[int, ChannelGrid]] = []

    def add(self, grid: ChannelGrid, u: Tensor, value: Tensor) -> None:
        """Takes a draw.

        Args:
            grid: the density it was drawn from.
            u: points, `(n, d + m)`.
            value: the function there, `(n,)`.
        """
        n = u.shape[0]
        old = self.mixture + n * _density(grid, self.u)
        self._draws.append((n, grid))
        new = torch.zeros_like(value)
        for count, density in self._draws:
            new = new + count * _density(density, u)
        self.u = torch.cat([self.u, u])
        self.value = torch.cat([self.value, value])
        self.mixture = torch.cat([old, new])


def _density(grid: ChannelGrid, u: Tensor) -> Tensor:
    return torch.exp(grid.log_density(grid.locate(u)))
