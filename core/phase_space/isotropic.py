"""Isotropic two-body splittings: directions in the rest frame and the measure of dΦ₂."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.decay import Breakup

TWO_PI = 2 * math.pi


def vector(momentum: Tensor, versine: Tensor, azimuth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The vector of this length, 1 - cosθ and φ, components `(n,)`."""
    across = momentum * torch.sqrt((versine * (2 - versine)).clamp_min(1e-30))
    return (
        across * torch.cos(azimuth),
        across * torch.sin(azimuth),
        torch.addcmul(momentum, momentum, versine, value=-1),
    )


def spherical(x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """1 - cosθ, and φ in [0, 2π), `(n,)` each, of a vector."""
    across = x.square() + y.square()
    length = torch.sqrt((across + z.square()).clamp_min(1e-300))
    # forward, 1 - cosθ is small: from the transverse momentum, without cancellation
    versine = torch.where(z > 0, across / (length * (length + z)), 1 - z / length)
    return versine, torch.remainder(torch.atan2(y, x), TWO_PI)


def even(system: Breakup) -> Tensor:
    """du² over dΦ₂/(2π) of an even cosθ and φ, `(n,)`: ½ (2π)² 4 M/p.

    The 2π belongs to the invariant of what splits, ds/(2π).
    """
    return 2 * TWO_PI**2 * system.mass / system.momentum
