"""The two partons that collide: their momenta, and their shares of the hadrons' momenta.

x1 = √τ e^y, x2 = √τ e^-y, τ = ŝ/S, dx1 dx2 = dŝ dy / S; |y| <= Y = ½ log(1/τ) keeps both below 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BELOW_ONE = 1 - 2.0**-53
"""The largest double below 1: parton densities are asked for x < 1 only."""

_SMALLEST_RANGE = 1e-9
"""Floor of Y, under which it is rounding: keeps the density finite at ŝ = S."""


def incoming(energy1: Tensor, energy2: Tensor) -> Tensor:
    """Massless momenta along +z and -z, `(n, 2, 4)`, of energies `(n,)`."""
    zero = torch.zeros_like(energy1)
    one = torch.stack((energy1, zero, zero, energy1), -1)
    two = torch.stack((energy2, zero, zero, -energy2), -1)
    return torch.stack((one, two), 1)


def largest_rapidity(s: Tensor, energy: float) -> Tensor:
    """Y of the partons' system, `(n,)`, for ŝ `(n,)` in GeV² and √S in GeV."""
    return (-0.5 * torch.log(s / energy**2)).clamp_min(_SMALLEST_RANGE)


def fractions(y: Tensor, largest: Tensor) -> tuple[Tensor, Tensor]:
    """x1 and x2, `(n,)` each and below 1, from y and Y."""
    x1 = torch.exp(y - largest).clamp_max(_BELOW_ONE)
    return x1, torch.exp(-y - largest).clamp_max(_BELOW_ONE)


def collision(momenta: Tensor, energy: float) -> tuple[Tensor, Tensor]:
    """ŝ in GeV² and y, `(n,)` each, of lab momenta `(n, m, 4)`, the partons first."""
    x1, x2 = (2 / energy * momenta[:, leg, 0] for leg in (0, 1))
    return energy**2 * x1 * x2, 0.5 * torch.log(x1 / x2)
