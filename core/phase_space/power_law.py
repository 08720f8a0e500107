"""Power-law map: an invariant distributed as s^-ν, the fall of parton luminosities and photons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.interval_map import closed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PowerLawMap:
    """Density proportional to s^-ν between low > 0 and high.

    With a = 1 - ν and L = log(high/low): s = low·(1 + u·(e^{aL} - 1))^{1/a}, and low·e^{uL} for
    ν = 1; both forms meet smoothly, so ν may be anything.

    Attributes:
        low: lower end, positive.
        high: upper end, above `low`.
        exponent: ν.
    """

    low: float
    high: float
    exponent: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high:
            message = f"power law from {self.low} to {self.high}: 0 < low < high is needed"
            raise ValueError(message)

    @property
    def _log_range(self) -> float:
        return math.log(self.high / self.low)

    @property
    def _a(self) -> float:
        return 1.0 - self.exponent

    def forward(self, u: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        if self._a == 0:
            log_ratio = u * self._log_range
        else:
            log_ratio = torch.log1p(u * math.expm1(self._a * self._log_range)) / self._a
        return (self.low * torch.exp(log_ratio)).clamp(self.low, self.high)

    def inverse(self, x: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        log_ratio = torch.log(x / self.low)
        if self._a == 0:
            return log_ratio / self._log_range
        return torch.expm1(self._a * log_ratio) / math.expm1(self._a * self._log_range)

    def log_density(self, x: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        if self._a == 0:
            norm = 1 / self._log_range
        else:
            norm = self._a / math.expm1(self._a * self._log_range)
        density = math.log(norm / self.low) - self.exponent * torch.log(x / self.low)
        return closed(density, x, self.low, self.high)
