"""IntervalMap: what a one-dimensional map from [0, 1] to an invariant has to offer.

The density is the map's whole measure: log|dx/du| = -log_density(x), so forward and inverse
need no Jacobian of their own and cannot disagree with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class IntervalMap(Protocol):
    """A map of u in [0, 1] onto x in [low, high], increasing.

    Attributes:
        low: lower end of x, in the unit of x (GeV² for an invariant mass squared).
        high: upper end of x.
    """

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...

    def forward(self, u: Tensor) -> Tensor:
        """x(u), `(n,)`, within [low, high] whatever the rounding."""
        ...

    def inverse(self, x: Tensor) -> Tensor:
        """u(x), `(n,)`; outside [0, 1] where x is outside [low, high]."""
        ...

    def log_density(self, x: Tensor) -> Tensor:
        """log|du/dx|, `(n,)`; -inf outside [low, high]."""
        ...


def closed(log_density: Tensor, x: Tensor, low: float, high: float) -> Tensor:
    """A density with everything outside [low, high] closed, up to rounding of the ends."""
    slack = 1e-12 * max(abs(low), abs(high))
    return log_density.masked_fill((x < low - slack) | (x > high + slack), float("-inf"))
