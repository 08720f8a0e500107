"""Power laws on intervals whose ends differ from point to point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_NARROWEST = 1e-12
"""Floor of log(high/low), under which it is rounding."""


@dataclass(frozen=True)
class Falling:
    """Density proportional to x^-ν between low > 0 and high, tensors of one shape.

    Attributes:
        exponent: ν, not 1.
    """

    exponent: float

    def __post_init__(self) -> None:
        if self.exponent == 1:
            message = "exponent 1: the power law is a logarithm there; use one beside it"
            raise ValueError(message)

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """x(u), increasing."""
        a = 1 - self.exponent
        range_ = self._log_range(low, high)
        x = low * torch.exp(torch.log1p(u * torch.expm1(a * range_)) / a)
        return torch.minimum(torch.maximum(x, low), high)

    def inverse(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(x)."""
        a = 1 - self.exponent
        return torch.expm1(a * torch.log(x / low)) / torch.expm1(a * self._log_range(low, high))

    def log_density(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/dx|."""
        a = 1 - self.exponent
        norm = a / torch.expm1(a * self._log_range(low, high))
        return torch.log(norm / low) - self.exponent * torch.log(x / low)

    def _log_range(self, low: Tensor, high: Tensor) -> Tensor:
        return torch.log(high / low).clamp_min(_NARROWEST)
