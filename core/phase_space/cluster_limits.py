"""Exact limits of the coordinates of two clusters of massless particles back to back in p_T.

Cluster A is the pair (1, 2); cluster B the pair (3, 4), or a single particle. With transverse momenta
p, the gap Δ and the angle φ of a pair,

    m² = 2 p1 p2 (coshΔ - cosφ),    m_T² = m² + K² = p1² + p2² + 2 p1 p2 coshΔ,

and two clusters of opposite K exist where m_TA + m_TB <= √s. Each method leaves room for all that is
drawn after it: sizes above the cut on p_T, and pairs above the cut on their mass or distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_NARROWEST = 1e-12
"""Width of an empty range, relative to sizes and absolute for gaps and angles."""


@dataclass(frozen=True)
class ClusterLimits:
    """Limits (low, high) of every coordinate, of the shape of what they are given.

    Attributes:
        single: whether B is a single particle.
        pt_min: smallest p_T in GeV, above 0.
        m_pair: smallest mass of a pair in GeV.
        delta_r: smallest distance of a pair.
    """

    single: bool
    pt_min: float
    m_pair: float
    delta_r: float
    least_mass: float = field(init=False, repr=False)
    least_transverse: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # of cluster B: mass and transverse mass
        mass = 0.0 if self.single else self.m_pair
        least = self.pt_min if self.single else max(2 * self.pt_min, self.m_pair)
        object.__setattr__(self, "least_mass", mass)
        object.__setattr__(self, "least_transverse", least)

    def cut(self, one: Tensor, two: Tensor) -> Tensor:
        """Smallest coshΔ - cosφ of a pair of these sizes."""
        # Δ² + φ² >= R² leaves at least R²/2 - R⁴/24
        square = min(self.delta_r**2, 6.0)
        return (self.m_pair**2 / (2 * one * two)).clamp_min(square / 2 - square**2 / 24)

    def first_size(self, energy: Tensor) -> tuple[Tensor, Tensor]:
        """Of p1; the energy is √s in GeV."""
        low = torch.full_like(energy, self.pt_min)
        recoil = 0.5 * energy - self.least_mass**2 / (2 * (energy - 2 * self.pt_min))
        room = energy - self.least_transverse - self.pt_min
        return low, _above(torch.minimum(recoil, room), low)

    def second_size(self, energy: Tensor, p1: Tensor) -> tuple[Tensor, Tensor]:
        """Of p2: √s >= p1 + p2 + (m_B² + (p1 - p2)²)^½."""
        low = torch.full_like(energy, self.pt_min)
        rest = (energy - 2 * p1).clamp_min(_NARROWEST)
        recoil = 0.5 * energy - self.least_mass**2 / (2 * rest)
        return low, _above(torch.minimum(recoil, energy - self.least_transverse - p1), low)

    def first_gap(self, energy: Tensor, p1: Tensor, p2: Tensor) -> tuple[Tensor, Tensor]:
        """Of Δ >= 0 between 1 and 2."""
        squares, product = p1.square() + p2.square(), 2 * p1 * p2
        opposite = torch.sqrt((p1 - p2).square() + self.least_mass**2)
        largest = energy - opposite.clamp_min(self.least_transverse)
        high = _acosh((largest.square() - squares) / product)
        low = self.cut(p1, p2) - 1
        if self.single:
            both = self.pt_min**2 + self.m_pair**2
            low = torch.maximum(low, (both - squares) / product)
        low = _acosh(low)
        return low, torch.maximum(high, low + _NARROWEST)

    def first_angle(
        self, p1: Tensor, p2: Tensor, cosh_gap: Tensor, left: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of φ >= 0 between 1 and 2; left is √s - m_TA."""
        squares, product = p1.square() + p2.square(), 2 * p1 * p2
        room = (left.square() - self.least_mass**2 - squares) / product
        near = _acos(torch.minimum(room, cosh_gap - self.cut(p1, p2)))
        far = torch.full_like(near, math.pi)
        if self.single:
            far = _acos((self.pt_min**2 - squares) / product)
        return near, torch.maximum(far, near + _NARROWEST)

    def third_size(self, left: Tensor) -> tuple[Tensor, Tensor]:
        """Of p3, the smaller one of B."""
        low = torch.full_like(left, self.pt_min)
        return low, _above(0.5 * left, low)

    def third_angle(self, k: Tensor, p3: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
        """Of the angle >= 0 between 3 and K_B: p3 <= p4 <= left - p3."""
        product = (2 * k * p3).clamp_min(_NARROWEST)
        near = _acos(k.square() / product)
        far = _acos((k.square() + p3.square() - (left - p3).square()) / product)
        return near, torch.maximum(far, near + _NARROWEST)

    def second_gap(
        self, cos_phi: Tensor, p3: Tensor, p4: Tensor, left: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of |Δ| between 3 and 4; a cut on distances may leave no room: then it is not kept."""
        high = _acosh((left.square() - p3.square() - p4.square()) / (2 * p3 * p4))
        low = _acosh(cos_phi + self.cut(p3, p4))
        low = torch.where(low < high, low, 0.0)
        return low, torch.maximum(high, low + _NARROWEST)


def _above(high: Tensor, low: Tensor) -> Tensor:
    return torch.maximum(high, low * (1 + _NARROWEST))


def _acosh(x: Tensor) -> Tensor:
    """acosh, 0 below its end, with gradient 0 there."""
    inside = x > 1
    return torch.where(inside, torch.acosh(torch.where(inside, x, 2.0)), 0.0)


def _acos(x: Tensor) -> Tensor:
    """acos, 0 or π beyond its ends, with gradient 0 there."""
    inside = x.abs() < 1
    arc = torch.acos(torch.where(inside, x, 0.0))
    return torch.where(inside, arc, torch.where(x > 0, 0.0, math.pi))
