"""Polar-angle map ∝ (1 + κ cosθ)^p: helicity conservation, and decays of polarised particles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PowerAngle:
    """Density proportional to (1 + κ cosθ)^p; an `AngleMap` that ignores the velocities.

    With q = p + 1, (1 + κ cosθ)^q is uniform between (1 - κ)^q and (1 + κ)^q.

    Attributes:
        slope: κ, between -1 and 1 and not 0.
        power: p, above -1.
    """

    slope: float
    power: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < abs(self.slope) <= 1 and self.power > -1):
            message = (
                f"slope {self.slope}, power {self.power}: needed are 0 < |slope| <= 1, power > -1"
            )
            raise ValueError(message)

    @property
    def _ends(self) -> tuple[float, float]:
        q = self.power + 1
        return (1 - self.slope) ** q, (1 + self.slope) ** q

    def forward(self, u: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """cosθ(u), `(n,)`."""
        low, high = self._ends
        base = torch.clamp_min(low + (high - low) * u, 1e-300) ** (1 / (self.power + 1))
        return ((base - 1) / self.slope).clamp(-1, 1)

    def inverse(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """u(cosθ), `(n,)`."""
        low, high = self._ends
        return (self._base(cosine) ** (self.power + 1) - low) / (high - low)

    def log_density(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """log|du/dcosθ|, `(n,)`."""
        low, high = self._ends
        norm = self.slope * (self.power + 1) / (high - low)
        return math.log(norm) + self.power * torch.log(self._base(cosine))

    def _base(self, cosine: Tensor) -> Tensor:
        return (1 + self.slope * cosine).clamp_min(1e-300)
