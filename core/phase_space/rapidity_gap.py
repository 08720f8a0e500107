"""Map of the difference of two rapidities, symmetric and falling exponentially."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RapidityGap:
    """Density ∝ 1/cosh²(Δ/w), which falls as e^(-2|Δ|/w), for |Δ| <= D; its integral is a tanh.

    Attributes:
        width: w.
        largest: D.
    """

    width: float
    largest: float

    @property
    def _end(self) -> float:
        return math.tanh(self.largest / self.width)

    def forward(self, u: Tensor) -> Tensor:
        """Δ(u), `(n,)`."""
        return self.width * torch.atanh(self._end * (2 * u - 1))

    def inverse(self, gap: Tensor) -> Tensor:
        """u(Δ), `(n,)`."""
        return 0.5 * (1 + torch.tanh(gap / self.width) / self._end)

    def log_density(self, gap: Tensor) -> Tensor:
        """log|du/dΔ|, `(n,)`; -inf beyond D."""
        density = -2 * torch.log(torch.cosh(gap / self.width))
        density = density - math.log(2 * self.width * self._end)
        # rounding must not close the ends
        return density.masked_fill(gap.abs() > self.largest * (1 + 1e-9), float("-inf"))
