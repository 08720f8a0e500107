"""Map of an unstable fermion's invariant: its propagator times what grows with its virtuality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.propagator import SMALLEST, between, check_pole, closed

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 30
"""Newton's steps at most; one doubles the distance to π/2, four more reach rounding."""


@dataclass(frozen=True)
class WideningResonance:
    """Density ∝ s/((s - M²)² + M²Γ²); a `Propagator`.

    A heavy quark off its shell decays the faster, the heavier it is: the plain Breit-Wigner leaves
    weights of several in its upper tail. With s = M² + MΓ tanφ the integral is
    G(φ) = (M/Γ) φ - log cosφ, increasing and convex where s > 0, so that Newton's method from above
    inverts it without fail.

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
        start, top = self._phase(low), self._phase(_above(low, high))
        first = self._integral(start)
        target = first + (self._integral(top) - first) * u
        with torch.no_grad():
            phase = top
            for _ in range(_STEPS):
                step = (self._integral(phase) - target) / self._slope(phase)
                phase = torch.minimum(torch.maximum(phase - step, start), top)
                if bool((step.abs() <= 1e-15).all()):
                    break
        # the last step again, with gradients: those of an implicit function
        phase = phase - (self._integral(phase) - target) / self._slope(phase)
        s = self.mass**2 + self.mass * self.width * torch.tan(phase)
        return between(s, low, high)

    def drawn(self, u: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """See `Propagator.drawn`."""
        s = self.forward(u, low, high)
        return s, self.log_density(s, low, high)

    def inverse(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """u(s), `(n,)`."""
        first = self._integral(self._phase(low))
        span = self._integral(self._phase(_above(low, high))) - first
        return (self._integral(self._phase(s)) - first) / span

    def log_density(self, s: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """log|du/ds|, `(n,)`."""
        first = self._integral(self._phase(low))
        span = self._integral(self._phase(_above(low, high))) - first
        pole = (s - self.mass**2).square() + (self.mass * self.width) ** 2
        density = torch.log(torch.maximum(s, SMALLEST * high) / (span * pole))
        return closed(density, s, low, high)

    def _phase(self, s: Tensor) -> Tensor:
        return torch.atan((s - self.mass**2) / (self.mass * self.width))

    def _integral(self, phase: Tensor) -> Tensor:
        return self.mass / self.width * phase - torch.log(torch.cos(phase))

    def _slope(self, phase: Tensor) -> Tensor:
        return (self.mass / self.width + torch.tan(phase)).clamp_min(1e-300)


def _above(low: Tensor, high: Tensor) -> Tensor:
    return torch.maximum(high, low + SMALLEST * high)
