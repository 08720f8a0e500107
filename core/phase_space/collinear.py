"""Angle between two massless particles, peaked where they become parallel:

1/m² = 1/(2 p q (cosh Δy - cos Δφ)) for a given rapidity gap has the form 1/(A - cosφ).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST = 1e-12
"""Floor of ranges and of A - 1, under which they are rounding."""


@dataclass(frozen=True)
class Parallel:
    """Density ∝ 1/(A - cosφ) between near and far in [0, π], tensors of one shape.

    Attributes:
        above: A - 1 > 0, of the shape of φ.
    """

    above: Tensor

    def forward(self, u: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """φ(u), increasing."""
        low, high = self._phase(near), self._phase(far)
        phase = low + u * (high - low)
        found = 2 * torch.atan2(torch.sin(phase), self._stretch() * torch.cos(phase))
        return torch.minimum(torch.maximum(found, near), far)

    def inverse(self, phi: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """u(φ)."""
        low, high = self._phase(near), self._phase(far)
        return (self._phase(phi) - low) / (high - low).clamp_min(_SMALLEST)

    def log_density(self, phi: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """log|du/dφ|."""
        range_ = (self._phase(far) - self._phase(near)).clamp_min(_SMALLEST)
        # 1 - cosφ without cancellation
        below = self.above + 2 * torch.sin(0.5 * phi).square()
        return 0.5 * torch.log(self.above * (self.above + 2)) - torch.log(2 * range_ * below)

    def _stretch(self) -> Tensor:
        return torch.sqrt((self.above + 2) / self.above.clamp_min(_SMALLEST))

    def _phase(self, phi: Tensor) -> Tensor:
        """∫ dφ/(A - cosφ) from 0, up to its factor."""
        half = 0.5 * phi
        return torch.atan2(self._stretch() * torch.sin(half), torch.cos(half))
