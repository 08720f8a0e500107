"""Kinematics: observables of four-momenta in torch, differentiable, on any device.

Every function takes momenta `(..., 4)` = (E, px, py, pz) in GeV and broadcasts over the leading
axes. Along the beam axis (pT = 0) η is ±inf by the sign of pz (0 at rest), φ is 0, and gradients
are 0 instead of NaN, so that one such particle cannot spoil the gradient of a whole batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Minkowski product a·b in GeV², `(..., 4)` -> `(...)`."""
    product = a * b
    return product[..., 0] - product[..., 1] - product[..., 2] - product[..., 3]


def mass_squared(p: Tensor) -> Tensor:
    """Invariant mass squared p² in GeV²; may be slightly negative by rounding."""
    transverse = p[..., 1].square() + p[..., 2].square()
    return (p[..., 0] - p[..., 3]) * (p[..., 0] + p[..., 3]) - transverse


def mass(p: Tensor) -> Tensor:
    """Invariant mass in GeV; 0 where p² is not positive."""
    return _root(mass_squared(p))


def pt(p: Tensor) -> Tensor:
    """Transverse momentum in GeV."""
    return _root(p[..., 1].square() + p[..., 2].square())


def transverse_mass(p: Tensor) -> Tensor:
    """m_T = √(m² + pT²) = √(E² - pz²) in GeV."""
    return _root((p[..., 0] - p[..., 3]) * (p[..., 0] + p[..., 3]))


def eta(p: Tensor) -> Tensor:
    """Pseudorapidity asinh(pz/pT); ±inf along the axis, 0 at rest."""
    pz, perp = p[..., 3], pt(p)
    off_axis = perp > 0
    finite = torch.asinh(pz / torch.where(off_axis, perp, 1.0))
    # detach: pz·inf would turn the gradient's zero into NaN
    return torch.where(off_axis, finite, torch.where(pz == 0, 0.0, pz.detach() * math.inf))


def rapidity(p: Tensor) -> Tensor:
    """Rapidity ½ log((E + pz)/(E - pz)); ±inf for massless particles along the axis."""
    energy, pz = p[..., 0], p[..., 3]
    # rounding may put |pz| a little above E
    return 0.5 * torch.log((energy + pz).clamp_min(0) / (energy - pz).clamp_min(0))


def phi(p: Tensor) -> Tensor:
    """Azimuth in (-π, π]; 0 along the axis."""
    px, py = p[..., 1], p[..., 2]
    off_axis = (px != 0) | (py != 0)
    return torch.atan2(torch.where(off_axis, py, 0.0), torch.where(off_axis, px, 1.0))


def delta_phi(a: Tensor, b: Tensor) -> Tensor:
    """Azimuth of a minus that of b, in [-π, π)."""
    return torch.remainder(phi(a) - phi(b) + math.pi, 2 * math.pi) - math.pi


def delta_r(a: Tensor, b: Tensor) -> Tensor:
    """ΔR = √(Δη² + Δφ²) with pseudorapidities; 0 for two particles along the same axis."""
    eta_a, eta_b = eta(a), eta(b)
    difference = torch.where(eta_a == eta_b, 0.0, eta_a - eta_b)
    return _root(difference.square() + delta_phi(a, b).square())


def boost_z(p: Tensor, y: Tensor) -> Tensor:
    """Boost along the beam that adds y to every rapidity.

    Args:
        p: momenta `(..., 4)`.
        y: rapidity of the boost, broadcast against `p[..., 0]`.
    """
    stretch = torch.exp(y)
    plus, minus = (p[..., 0] + p[..., 3]) * stretch, (p[..., 0] - p[..., 3]) / stretch
    return torch.stack((0.5 * (plus + minus), p[..., 1], p[..., 2], 0.5 * (plus - minus)), -1)


def _root(square: Tensor) -> Tensor:
    """√max(square, 0) with gradient 0 instead of inf or NaN at 0."""
    positive = square > 0
    return torch.where(positive, torch.sqrt(torch.where(positive, square, 1.0)), 0.0)
