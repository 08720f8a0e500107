"""Flat map: an invariant distributed uniformly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.interval_map import closed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class FlatMap:
    """Density 1/(high - low) between low and high.

    Attributes:
        low: lower end.
        high: upper end, above `low`.
    """

    low: float
    high: float

    def forward(self, u: Tensor) -> Tensor:
        """x(u), `(n,)`."""
        return (self.low + (self.high - self.low) * u).clamp(self.low, self.high)

    def inverse(self, x: Tensor) -> Tensor:
        """u(x), `(n,)`."""
        return (x - self.low) / (self.high - self.low)

    def log_density(self, x: Tensor) -> Tensor:
        """log|du/dx|, `(n,)`."""
        constant = torch.full_like(x, -math.log(self.high - self.low))
        return closed(constant, x, self.low, self.high)
