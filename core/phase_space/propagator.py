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

SMALLEST = 1e-12
"""Floor of a range, relative to its upper end: keeps the density finite where a range closes."""


class Propagator(Protocol):
    """A map of u in [0, 1] onto s in [low, high], increasing; all `(n,)`, s in GeV²."""

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), within [low, high] whatever the rounding."""
        ...

    def drawn(self, u: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """s(u) and the logarithm of its density, in fewer steps than one after the other."""
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
        return between(low + _range(low, high) * u, low, high)

    def drawn(self, u: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """See `Propagator.drawn`."""
        span = _range(low, high)
        return between(torch.addcmul(low, span, u), low, high), -torch.log(span)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        return (s - low) / _range(low, high)

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        return closed(-torch.log(_range(low, high)), s, low, high)


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
        check_pole(self.mass, self.width)

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """s(u), `(n,)`."""
        return self._at(u, low, high, self._phase(low, low + _range(low, high)))

    def drawn(self, u: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """See `Propagator.drawn`."""
        span = self._phase(low, low + _range(low, high))
        s = self._at(u, low, high, span)
        return s, self._log_density(s, span)

    def _at(self, u: Tensor, low: Tensor, high: Tensor, span: Tensor) -> Tensor:
        start, angle = self._distance(low), span * u
        sine, cosine = torch.sin(angle), torch.cos(angle)
        # tan of a sum, less the first tan: exact for narrow ranges far from the pole too
        rise = (1 + start.square()) * sine / (cosine - start * sine)
        return between(low + self.mass * self.width * rise, low, high)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        return self._phase(low, s) / self._phase(low, low + _range(low, high))

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        span = self._phase(low, low + _range(low, high))
        return closed(self._log_density(s, span), s, low, high)

    def _log_density(self, s: Tensor, span: Tensor) -> Tensor:
        scale = self.mass * self.width
        pole = (s - self.mass**2).square() + scale**2
        return torch.log(scale / (span * pole))

    def _distance(self, s: Tensor) -> Tensor:
        """(s - M²)/(MΓ)."""
        return (s - self.mass**2) / (self.mass * self.width)

    def _phase(self, low: Tensor, s: Tensor) -> Tensor:
        """The integral of the pole from `low` to s: the difference of the atan of both distances."""
        rise = (s - low) / (self.mass * self.width)
        return torch.atan2(rise, 1 + self._distance(low) * self._distance(s))


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
        return between((low + self.offset) * torch.exp(grown) - self.offset, low, high)

    def drawn(self, u: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """See `Propagator.drawn`."""
        a, length = 1 - self.exponent, self._length(low, high)
        start = low + self.offset
        if a == 0:
            grown, norm = u * length, 1 / (length * start)
        else:
            whole = torch.expm1(a * length)
            grown, norm = torch.log1p(u * whole) / a, a / (whole * start)
        s = between(start * torch.exp(grown) - self.offset, low, high)
        return s, torch.log(norm) - self.exponent * grown

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
        return closed(density, s, low, high)

    def _length(self, low: Tensor, high: Tensor) -> Tensor:
        return torch.log1p(_range(low, high) / (low + self.offset))


def _range(low: Tensor, high: Tensor) -> Tensor:
    return torch.maximum(high - low, SMALLEST * high)


def check_pole(mass: float, width: float) -> None:
    """Refuses what is no mass and width of an unstable particle."""
    if not (mass > 0 and width > 0):
        message = f"resonance of mass {mass} and width {width}: both must be > 0"
        raise ValueError(message)


def between(s: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """s held within [low, high]."""
    return torch.minimum(torch.maximum(s, low), torch.maximum(high, low))


def closed(log_density: Tensor, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """A density with everything outside [low, high] closed, up to rounding of the ends."""
    slack = SMALLEST * high
    return log_density.masked_fill((s < low - slack) | (s > high + slack), float("-inf"))
