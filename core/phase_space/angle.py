"""Polar-angle maps of a two-body system: flat, and peaked as a t- or u-channel propagator.

For a massless incoming leg and a final leg of velocity β in the partonic frame, t - m² is
proportional to 1 - β cosθ: the pole maps follow its inverse with β of that very ŝ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor


class AngleMap(Protocol):
    """A map of u in [0, 1] onto cosθ in [-1, 1], increasing, given velocities."""

    def forward(self, u: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """cosθ of leg 3 to beam 1, `(n,)`, from the velocities of legs 3 and 4 `(n,)`."""
        ...

    def inverse(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """u(cosθ), `(n,)`."""
        ...

    def log_density(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """log|du/dcosθ|, `(n,)`."""
        ...


@dataclass(frozen=True)
class FlatAngle:
    """cosθ uniform in [-1, 1]."""

    def forward(self, u: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """cosθ(u), `(n,)`."""
        return 2 * u - 1

    def inverse(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """u(cosθ), `(n,)`."""
        return 0.5 * (1 + cosine)

    def log_density(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """log ½, `(n,)`."""
        return torch.full_like(cosine, -math.log(2))


@dataclass(frozen=True)
class ForwardPole:
    """Density ∝ 1/(1 - β₃ cosθ): leg 3 follows beam 1 (t-channel)."""

    def forward(self, u: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """cosθ(u), `(n,)`."""
        return _pole(u, beta3)

    def inverse(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """u(cosθ), `(n,)`."""
        return _pole_inverse(cosine, beta3)

    def log_density(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """log|du/dcosθ|, `(n,)`."""
        return _pole_log_density(cosine, beta3)


@dataclass(frozen=True)
class BackwardPole:
    """Density ∝ 1/(1 + β₄ cosθ): leg 4 follows beam 1 (u-channel)."""

    def forward(self, u: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """cosθ(u), `(n,)`."""
        return -_pole(1 - u, beta4)

    def inverse(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """u(cosθ), `(n,)`."""
        return 1 - _pole_inverse(-cosine, beta4)

    def log_density(self, cosine: Tensor, beta3: Tensor, beta4: Tensor) -> Tensor:
        """log|du/dcosθ|, `(n,)`."""
        return _pole_log_density(-cosine, beta4)


def _inside(beta: Tensor) -> Tensor:
    """β kept off 0 (0/0) and off 1, where 1/(1 - β cosθ) cannot be normalised.

    The upper end regulates massless legs, whose pole lies outside any cut on pT.
    """
    return beta.clamp(1e-9, 1 - 1e-6)


def _pole(u: Tensor, beta: Tensor) -> Tensor:
    beta = _inside(beta)
    exponent = torch.log1p(beta) - 2 * u * torch.atanh(beta)
    return (-torch.expm1(exponent) / beta).clamp(-1, 1)


def _pole_inverse(cosine: Tensor, beta: Tensor) -> Tensor:
    beta = _inside(beta)
    return (torch.log1p(beta) - torch.log1p(-beta * cosine)) / (2 * torch.atanh(beta))


def _pole_log_density(cosine: Tensor, beta: Tensor) -> Tensor:
    beta = _inside(beta)
    return torch.log(beta / (2 * torch.atanh(beta))) - torch.log1p(-beta * cosine)
