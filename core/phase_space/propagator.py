"""Maps of an intermediate particle's invariant mass squared between limits that vary by point.

In a chain of decays the limits of one invariant follow from those drawn before it. As for
`IntervalMap`, the density is the whole measure: log|ds/du| = -log_density(s).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST = 1e-12
"""Floor of a range, relative to its upper end: keeps the density finite where a range closes."""


class Propagator(Protocol):
    """A map of u in [0, 1] onto s in [low, high], increasing; all `(n,)`, s in GeV²."""

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), within [low, high] whatever the rounding."""
        ...

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s); outside [0, 1] where s is outside [low, high]."""
        ...

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|; -inf outside [low, high]."""
        ...


@dataclass(frozen=True)
class FlatPropagator:
    """Density 1/(high - low)."""

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        return _between(low + _range(low, high) * u, low, high)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        return (s - low) / _range(low, high)

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        return _closed(-torch.log(_range(low, high)), s, low, high)


@dataclass(frozen=True)
class Resonance:
    """Density ∝ 1/((s - M²)² + M²Γ²), the square of an unstable propagator.

    Attributes:
        mass: M in GeV.
        width: Γ in GeV, positive.
    """

    mass: float
    width: float

    def __post_init__(self) -> None:
        if not (self.mass > 0 and self.width > 0):
            message = f"resonance of mass {self.mass} and width {self.width}: both must be > 0"
            raise ValueError(message)

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        first, span = self._phases(low, high)
        s = self.mass**2 + self.mass * self.width * torch.tan(first + span * u)
        return _between(s, low, high)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        first, span = self._phases(low, high)
        return (self._phase(s) - first) / span

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        scale = self.mass * self.width
        _, span = self._phases(low, high)
        pole = (s - self.mass**2).square() + scale**2
        return _closed(torch.log(scale / (span * pole)), s, low, high)

    def _phase(self, s: Tensor) -> Tensor:
        return torch.atan((s - self.mass**2) / (self.mass * self.width))

    def _phases(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """atan((low - M²)/MΓ), and how far that of `high` lies above it."""
        first = self._phase(low)
        return first, self._phase(low + _range(low, high)) - first


@dataclass(frozen=True)
class PowerPropagator:
    """Density ∝ (s + offset)^-ν.

    With a = 1 - ν and L = log((high + offset)/(low + offset)), s + offset = (low + offset)
    (1 + u (e^{aL} - 1))^{1/a}, and (low + offset) e^{uL} for ν = 1.

    Attributes:
        exponent: ν.
        offset: in GeV², positive where `low` may be 0.
    """

    exponent: float
    offset: float = 0.0

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        a, length = 1 - self.exponent, self._length(low, high)
        grown = u * length if a == 0 else torch.log1p(u * torch.expm1(a * length)) / a
        return _between((low + self.offset) * torch.exp(grown) - self.offset, low, high)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        a, length = 1 - self.exponent, self._length(low, high)
        grown = torch.log((s + self.offset) / (low + self.offset))
        return grown / length if a == 0 else torch.expm1(a * grown) / torch.expm1(a * length)

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        a, length = 1 - self.exponent, self._length(low, high)
        norm = length.reciprocal() if a == 0 else a / torch.expm1(a * length)
        start = low + self.offset
        density = torch.log(norm / start) - self.exponent * torch.log((s + self.offset) / start)
        return _closed(density, s, low, high)

    def _length(self, low: Tensor, high: Tensor) -> Tensor:
        return torch.log1p(_range(low, high) / (low + self.offset))


def _range(low: Tensor, high: Tensor) -> Tensor:
    return torch.maximum(high - low, _SMALLEST * high)


def _between(s: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(s, low), torch.maximum(high, low))


def _closed(log_density: Tensor, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """A density with everything outside [low, high] closed, up to rounding of the ends."""
    slack = _SMALLEST * high
    return log_density.masked_fill((s < low - slack) | (s > high + slack), float("-inf"))
