"""Phase space of two identical massless partons above a cut on p_T: u = (u0, 1 - |cosθ|)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.falling import Falling
from crosshook.core.phase_space.identical import Fold
from crosshook.core.phase_space.partonic import FinalState

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class IdenticalPair:
    """Density ∝ (1 - |cosθ|)^-ν down to the angle of the cut.

    Attributes:
        pt_min: smallest p_T in GeV, above 0.
        exponent: ν; 2 for the exchange of a massless vector.
        n_dim: 2.
        channels: `pair`.
    """

    pt_min: float
    exponent: float = 2.0
    n_dim: int = 2
    channels: tuple[str, ...] = ("pair",)
    _fold: Fold = field(default_factory=lambda: Fold(((0, 1), (1, 0))))

    def __post_init__(self) -> None:
        self._power = Falling(self.exponent)

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        low = self._low(s)
        x = self._power.forward(u[:, 1], low, torch.ones_like(low))
        half = 0.5 * torch.sqrt(s)
        along, across = half * (1 - x), half * torch.sqrt(x * (2 - x))
        zero = torch.zeros_like(x)
        one = torch.stack((half, across, zero, along), -1)
        two = torch.stack((half, -across, zero, -along), -1)
        momenta = self._fold.unfold(u[:, 0], torch.stack((one, two), 1))
        # dΦ = dcosθ dφ / (32 π²), both orders of the particles
        density = math.log(8 * math.pi) + self._power.log_density(x, low, torch.ones_like(low))
        return FinalState(momenta, density[:, None])

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        order = torch.argsort(momenta[..., 3], dim=1, descending=True)
        first = momenta.gather(1, order[:, :1, None].expand(-1, 1, 4))[:, 0]
        across = first[:, 1].square() + first[:, 2].square()
        half = 0.5 * torch.sqrt(s)
        x = across / (half * (half + first[:, 3]))
        azimuth = torch.atan2(first[:, 2], first[:, 1])
        no = torch.zeros_like(x, dtype=torch.bool)
        u0 = self._fold.fold(order.argsort(1), azimuth, no, no)
        low = self._low(s)
        return torch.stack((u0, self._power.inverse(x, low, torch.ones_like(low))), -1)

    def _low(self, s: Tensor) -> Tensor:
        """1 - cosθ at the cut; a little below its limit 1 at threshold."""
        ratio = (4 * self.pt_min**2 / s).clamp_max(1.0)
        return (ratio / (1 + torch.sqrt(1 - ratio))).clamp_max(1 - 1e-12)
