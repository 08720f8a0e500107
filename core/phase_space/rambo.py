"""Flat massless phase space that can be inverted: RAMBO on diet (Plätzer, 1308.2922).

A chain of two-body decays, Q_1 → p_1 Q_2, Q_2 → p_2 Q_3, ..., with invariant masses drawn so that the
density in dΦ_j is constant, 1/V with V = (2π)^(4-3j) (π/2)^(j-1) s^(j-2) / ((j-1)! (j-2)!).
u holds the j - 2 masses, then cosθ and φ of each of the j - 1 decays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.frames import sine_of
from crosshook.core.phase_space.partonic import FinalState

if TYPE_CHECKING:
    from torch import Tensor

_BISECTIONS = 50
"""From [0, 1] down to the rounding of a double."""

_SMALLEST = 1e-14
"""Floor of a ratio of masses squared and of 1 minus it: no particle and no system is at rest."""


def log_volume(s: Tensor, particles: int) -> Tensor:
    """Log of the volume of massless phase space, in GeV^(2j-4), `(n,)`, for s in GeV²."""
    j = particles
    constant = (
        (4 - 3 * j) * math.log(2 * math.pi)
        + (j - 1) * math.log(math.pi / 2)
        - math.lgamma(j)
        - math.lgamma(j - 1)
    )
    return constant + (j - 2) * torch.log(s)


@dataclass
class MasslessRambo:
    """The one channel `rambo`.

    Attributes:
        particles: number j of massless particles, at least 2.
        n_dim: 3j - 4.
        channels: `rambo`.
    """

    particles: int
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = ("rambo",)

    def __post_init__(self) -> None:
        if self.particles < 2:
            message = f"rambo with {self.particles} particles: at least 2 are needed"
            raise ValueError(message)
        self.n_dim = 3 * self.particles - 4

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        j = self.particles
        mass = torch.sqrt(s)
        zero = torch.zeros_like(s)
        parent = torch.stack((mass, zero, zero, zero), -1)
        square = s
        momenta = []
        for i in range(j - 1):
            last = i == j - 2
            inner = zero if last else square * _ratio(u[:, i], j - 2 - i)
            cosine = 2 * u[:, j - 2 + 2 * i] - 1
            azimuth = 2 * math.pi * u[:, j - 1 + 2 * i]
            energy = 0.5 * (square - inner) / torch.sqrt(square)
            sine = sine_of(cosine)
            x, y = sine * torch.cos(azimuth), sine * torch.sin(azimuth)
            rest = energy[:, None] * torch.stack((torch.ones_like(x), x, y, cosine), -1)
            child = _boosted(rest, parent, torch.sqrt(square), 1.0)
            momenta.append(child)
            parent, square = parent - child, inner
        momenta.append(torch.cat((parent[:, 1:].norm(dim=1, keepdim=True), parent[:, 1:]), 1))
        return FinalState(torch.stack(momenta, 1), -log_volume(s, j)[:, None])

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        j = self.particles
        masses, angles = [], []
        square = s
        for i in range(j - 1):
            parent = momenta[:, i:].sum(1)
            rest = _boosted(momenta[:, i], parent, torch.sqrt(square), -1.0)
            inner = _mass_squared(momenta[:, i + 1 :])
            if i < j - 2:
                v, k = inner / square, j - 2 - i
                masses.append(v**k * (1 + k * (1 - v)))
            cosine = rest[:, 3] / rest[:, 1:].norm(dim=1)
            azimuth = torch.remainder(torch.atan2(rest[:, 2], rest[:, 1]), 2 * math.pi)
            angles += [0.5 * (1 + cosine), azimuth / (2 * math.pi)]
            square = inner
        return torch.stack((*masses, *angles), 1)


def _ratio(u: Tensor, k: int) -> Tensor:
    """The v in [0, 1] with u = (k + 1) v^k - k v^(k+1): ratio of two successive masses squared.

    Bisected without gradient; a last step of Newton's method brings the gradient.
    """
    with torch.no_grad():
        low, high = torch.zeros_like(u), torch.ones_like(u)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            above = middle**k * (1 + k * (1 - middle)) > u
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        v = 0.5 * (low + high)
        slope = (k * (k + 1) * v ** (k - 1) * (1 - v)).clamp_min(1e-12)
        value = v**k * (1 + k * (1 - v))
    return (v - (value - u) / slope).clamp(_SMALLEST, 1 - _SMALLEST)


def _mass_squared(momenta: Tensor) -> Tensor:
    """(Σp)² of massless momenta `(n, j, 4)`, without cancellation between energies."""
    total = torch.zeros_like(momenta[:, 0, 0])
    j = momenta.shape[1]
    for a in range(j):
        for b in range(a + 1, j):
            one, two = momenta[:, a], momenta[:, b]
            product = one[:, 0] * two[:, 0]
            ratio = one[:, 1:] / one[:, :1] - two[:, 1:] / two[:, :1]
            total = total + product * ratio.square().sum(1)
    return total


def _boosted(p: Tensor, frame: Tensor, mass: Tensor, direction: float) -> Tensor:
    """p `(n, 4)` of the rest frame of `frame` seen outside (direction 1), or the reverse (-1)."""
    along = direction * (p[:, 1:] * frame[:, 1:]).sum(1)
    energy = (p[:, 0] * frame[:, 0] + along) / mass
    factor = direction * (p[:, 0] + energy) / (frame[:, 0] + mass)
    return torch.cat((energy[:, None], p[:, 1:] + factor[:, None] * frame[:, 1:]), 1)
