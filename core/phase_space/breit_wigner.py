"""Breit-Wigner map: an invariant distributed as the square of an unstable propagator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.interval_map import closed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BreitWignerMap:
    """Density proportional to 1/((s - M²)² + M²Γ²) between low and high.

    Attributes:
        low: lower end in GeV².
        high: upper end in GeV², above `low`.
        mass: M in GeV.
        width: Γ in GeV, positive.
    """

    low: float
    high: float
    mass: float
    width: float

    @property
    def _scale(self) -> float:
        return self.mass * self.width

    @property
    def _ends(self) -> tuple[float, float]:
        """Angles atan((s - M²)/MΓ) of the two ends."""
        m2 = self.mass**2
        return math.atan((self.low - m2) / self._scale), math.atan((self.high - m2) / self._scale)

    def forward(self, u: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        first, last = self._ends
        s = self.mass**2 + self._scale * torch.tan(first + (last - first) * u)
        return s.clamp(self.low, self.high)

    def inverse(self, x: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        first, last = self._ends
        return (torch.atan((x - self.mass**2) / self._scale) - first) / (last - first)

    def log_density(self, x: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        first, last = self._ends
        pole = (x - self.mass**2).square() + self._scale**2
        density = math.log(self._scale / (last - first)) - torch.log(pole)
        return closed(density, x, self.low, self.high)
