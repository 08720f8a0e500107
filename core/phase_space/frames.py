"""Rotations and boosts, as between the helicity frames of a decay chain.

In the helicity frame of a particle it is at rest, and +z is the direction it flies in in its
parent's helicity frame; the way back is a boost along z and R_z(φ) R_y(θ).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_SMALLEST = 1e-30
"""Floor of squares under which they are rounding: keeps gradients of their roots finite."""


def boost(p: Tensor, stretch: Tensor) -> Tensor:
    """Boosts along z.

    Args:
        p: momenta `(n, j, 4)`.
        stretch: e^y of the boost, `(n,)`; (E + |p|)/m takes a particle at rest to energy E.
    """
    energy, px, py, pz = p.unbind(-1)
    plus, minus = (energy + pz) * stretch[:, None], (energy - pz) / stretch[:, None]
    return torch.stack((0.5 * (plus + minus), px, py, 0.5 * (plus - minus)), -1)


def rotate(p: Tensor, cosine: Tensor, azimuth: Tensor) -> Tensor:
    """R_z(φ) R_y(θ): takes the z axis to the direction (θ, φ).

    Args:
        p: momenta `(n, j, 4)`.
        cosine: cosθ, `(n,)`.
        azimuth: φ, `(n,)`.
    """
    tilted = tilt(p, cosine, sine_of(cosine))
    return turn(tilted, azimuth)


def rotate_back(p: Tensor, cosine: Tensor, azimuth: Tensor) -> Tensor:
    """The inverse of `rotate`."""
    return tilt(turn(p, -azimuth), cosine, -sine_of(cosine))


def tilt(p: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """R_y of the angle with this cosine and sine, `(n,)` each, from z towards x."""
    energy, px, py, pz = p.unbind(-1)
    c, s = cosine[:, None], sine[:, None]
    return torch.stack((energy, c * px + s * pz, py, c * pz - s * px), -1)


def turn(p: Tensor, azimuth: Tensor) -> Tensor:
    """R_z(φ), φ `(n,)`, from x towards y."""
    energy, px, py, pz = p.unbind(-1)
    c, s = torch.cos(azimuth)[:, None], torch.sin(azimuth)[:, None]
    return torch.stack((energy, c * px - s * py, s * px + c * py, pz), -1)


def sine_of(cosine: Tensor) -> Tensor:
    """sinθ >= 0, `(n,)`."""
    return torch.sqrt(((1 - cosine) * (1 + cosine)).clamp_min(_SMALLEST))


def direction(p: Tensor) -> tuple[Tensor, Tensor]:
    """cosθ and φ in [0, 2π) of momenta `(n, 4)`."""
    _, px, py, pz = p.unbind(-1)
    length = torch.sqrt((px.square() + py.square() + pz.square()).clamp_min(_SMALLEST))
    cosine = (pz / length).clamp(-1, 1)
    return cosine, torch.remainder(torch.atan2(py, px), 2 * math.pi)
