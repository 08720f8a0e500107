"""Maps of the rapidity y of the partonic system in its range -Y to Y, Y = ½ log(1/τ).

Near the ends one parton takes the whole momentum of its hadron and the densities vanish as a
power of 1 - x; a map that starts out flat there leaves a few large weights to the edge of the
plateau, which is what limits the unweighting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor


class RapidityMap(Protocol):
    """A map of u in [0, 1] onto y in [-Y, Y], increasing; Y > 0 differs from point to point."""

    def forward(self, u: Tensor, half_range: Tensor) -> Tensor:
        """y(u), `(n,)`."""
        ...

    def inverse(self, y: Tensor, half_range: Tensor) -> Tensor:
        """u(y), `(n,)`."""
        ...

    def log_density(self, y: Tensor, half_range: Tensor) -> Tensor:
        """log|du/dy|, `(n,)`."""
        ...


@dataclass(frozen=True)
class UniformRapidity:
    """Density 1/(2Y)."""

    def forward(self, u: Tensor, half_range: Tensor) -> Tensor:
        """y(u), `(n,)`."""
        return (2 * u - 1) * half_range

    def inverse(self, y: Tensor, half_range: Tensor) -> Tensor:
        """u(y), `(n,)`."""
        return 0.5 * (1 + y / half_range)

    def log_density(self, y: Tensor, half_range: Tensor) -> Tensor:
        """log|du/dy|, `(n,)`."""
        return -torch.log(2 * half_range)


@dataclass(frozen=True)
class PlateauRapidity:
    """Density ∝ 1/(1 + exp((|y| - y0)/w)), y0 = Y - margin: flat, with edges like (1 - x)^p.

    Its integral from 0 is F(y) = -w log((e^{-y/w} + ε)/(1 + ε)) with ε = e^{-y0/w}, which inverts
    in closed form.

    Attributes:
        margin: distance of the edge's middle from the end of the range.
        width: w, over which the edge falls by e.
    """

    margin: float
    width: float

    def forward(self, u: Tensor, half_range: Tensor) -> Tensor:
        """y(u), `(n,)`."""
        signed = 2 * u - 1
        right = signed >= 0
        # not abs(): its gradient at 0 is 0
        target = torch.where(right, signed, -signed) * self._integral(half_range, half_range)
        floor = self._floor(half_range)
        y = -self.width * torch.log((1 + floor) * torch.exp(-target / self.width) - floor)
        y = torch.minimum(y, half_range)
        return torch.where(right, y, -y)

    def inverse(self, y: Tensor, half_range: Tensor) -> Tensor:
        """u(y), `(n,)`."""
        right = y >= 0
        part = self._integral(torch.where(right, y, -y), half_range)
        share = 0.5 * part / self._integral(half_range, half_range)
        return 0.5 + torch.where(right, share, -share)

    def log_density(self, y: Tensor, half_range: Tensor) -> Tensor:
        """log|du/dy|, `(n,)`."""
        distance = torch.where(y >= 0, y, -y) - half_range + self.margin
        whole = 2 * self._integral(half_range, half_range)
        return -torch.log(whole * (1 + torch.exp(distance / self.width)))

    def _floor(self, half_range: Tensor) -> Tensor:
        return torch.exp((self.margin - half_range) / self.width)

    def _integral(self, y: Tensor, half_range: Tensor) -> Tensor:
        """F(y) for y >= 0."""
        floor = self._floor(half_range)
        return -self.width * torch.log((torch.exp(-y / self.width) + floor) / (1 + floor))
