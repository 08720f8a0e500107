"""Power laws on intervals whose ends differ from point to point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_NARROWEST = 1e-12
"""Floor of log(high/low), under which it is rounding."""

_SMALLEST = 1e-24
"""Floor of the distance from an upper end, relative to the interval."""


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


@dataclass(frozen=True)
class FallingFrom:
    """Density proportional to (x + x0)^-ν between low >= 0 and high: flat up to about x0.

    Attributes:
        power: the power law.
        onset: x0 > 0, of the shape of x.
    """

    power: Falling
    onset: Tensor

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """x(u), increasing."""
        x = self.power.forward(u, low + self.onset, high + self.onset) - self.onset
        return torch.minimum(torch.maximum(x, low), high)

    def inverse(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(x)."""
        return self.power.inverse(x + self.onset, low + self.onset, high + self.onset)

    def log_density(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/dx|."""
        return self.power.log_density(x + self.onset, low + self.onset, high + self.onset)


@dataclass(frozen=True)
class FallingToRoot:
    """The same, times (high - x)^-½ towards the upper end: where phase space ends in such a root.

    x = low + (high - low) q (2 - q), and q in [0, 1] falls from x0/(2 (high - low)) on.

    Attributes:
        power: the power law.
        onset: x0 > 0, of the shape of x.
    """

    power: Falling
    onset: Tensor

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """x(u), increasing."""
        inner, zero = self._inner(low, high)
        q = inner.forward(u, zero, zero + 1)
        return low + (high - low) * q * (2 - q)

    def inverse(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(x)."""
        inner, zero = self._inner(low, high)
        return inner.inverse(1 - self._rest(x, low, high), zero, zero + 1)

    def log_density(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/dx|."""
        inner, zero = self._inner(low, high)
        rest = self._rest(x, low, high)
        return inner.log_density(1 - rest, zero, zero + 1) - torch.log(2 * (high - low) * rest)

    def _inner(self, low: Tensor, high: Tensor) -> tuple[FallingFrom, Tensor]:
        onset = (low + self.onset) / (2 * (high - low))
        return FallingFrom(self.power, onset), torch.zeros_like(low)

    def _rest(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """1 - q."""
        return torch.sqrt(((high - x) / (high - low)).clamp_min(_SMALLEST))
