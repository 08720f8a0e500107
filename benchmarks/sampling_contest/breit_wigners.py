"""Case `dalitz3ch`: three interfering Breit-Wigners of a three-body decay, one channel for each."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.interfaces.integrand import Evaluation

if TYPE_CHECKING:
    from torch import Tensor

MASSES = (0.35, 0.60, 0.80)
WIDTHS = (0.010, 0.020, 0.015)
PHASES = (0.0, 2.1, 4.0)


def breit_wigner(s: Tensor, mass: float, width: float) -> Tensor:
    """1/(s - m² + i m Γ)."""
    return 1.0 / torch.complex(s - mass * mass, torch.full_like(s, mass * width))


class BreitWigners:
    """1 → 3 massless particles, M = 1, in two invariants and two angles.

    Channel c maps invariant c by its Breit-Wigner and the next one flat; the invariants are s12,
    s23, s13, whose sum is 1, so that every pair has the same measure.

    Attributes:
        reference: the integral by quadrature, `by_quadrature(200)`, and its error.
    """

    name = "dalitz3ch"
    channels = ("s12", "s23", "s13")
    n_dim = 4
    n_features = 5
    reference: tuple[float, float] | None = (86.3666, 1e-4)

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        mass, width = u.new_tensor(MASSES)[channel], u.new_tensor(WIDTHS)[channel]
        low, high = torch.atan(-mass / width), torch.atan((1 - mass**2) / (mass * width))
        first = mass**2 + mass * width * torch.tan(low + (high - low) * u[:, 0])
        first = first.clamp(0, 1)
        jacobian = (high - low) * ((first - mass**2) ** 2 + (mass * width) ** 2) / (mass * width)
        invariants = self._invariants(first, (1 - first) * u[:, 1], channel)
        value = jacobian * (1 - first) * 4 * math.pi * self._squared(invariants, u[:, 2:])
        proposal = torch.stack(
            [
                m * g * breit_wigner(invariants[:, i], m, g).abs() ** 2
                for i, (m, g) in enumerate(zip(MASSES, WIDTHS, strict=True))
            ],
            dim=1,
        )
        prior = proposal / proposal.sum(dim=1, keepdim=True)
        return Evaluation(value, prior.log(), torch.cat([invariants, u[:, 2:]], dim=1))

    @staticmethod
    def _invariants(first: Tensor, second: Tensor, channel: Tensor) -> Tensor:
        order = torch.stack([channel, (channel + 1) % 3, (channel + 2) % 3], dim=1)
        given = torch.stack([first, second, 1 - first - second], dim=1)
        return torch.empty_like(given).scatter(1, order, given)

    @staticmethod
    def _squared(s: Tensor, angles: Tensor) -> Tensor:
        cosine, phi = 2 * angles[:, 0] - 1, 2 * math.pi * angles[:, 1]
        amplitude = torch.zeros_like(cosine, dtype=torch.complex128)
        for i, (m, g, phase) in enumerate(zip(MASSES, WIDTHS, PHASES, strict=True)):
            spin = 1.0 + 0.5 * cosine if i == 1 else torch.ones_like(cosine)
            strength = math.sqrt(m * g) * cmath.exp(1j * phase)
            amplitude = amplitude + strength * spin * breit_wigner(s[:, i], m, g)
        angular = 1 + 0.5 * cosine**2 + 0.3 * torch.sin(phi) * (1 - s[:, 0])
        return amplitude.abs() ** 2 * angular


class OneBreitWignerMap(BreitWigners):
    """The same integral in one channel with flat invariants."""

    name = "dalitz1ch"
    channels = ("flat",)
    n_features = 0

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        first = u[:, 0]
        invariants = self._invariants(first, (1 - first) * u[:, 1], torch.zeros_like(channel))
        value = (1 - first) * 4 * math.pi * self._squared(invariants, u[:, 2:])
        return Evaluation(value, u.new_zeros((u.shape[0], 1)))


def by_quadrature(panels: int) -> float:
    """The integral by Gauss-Legendre; 200 panels take seconds and differ from 120 by 5·10⁻⁵.

    Eight nodes in each panel of both invariants; six in cos θ, in which |M|² is a polynomial; sin φ
    averages to 0.
    """
    nodes, weights = np.polynomial.legendre.leggauss(8)
    unit = torch.from_numpy(((np.arange(panels)[:, None] + (nodes + 1) / 2) / panels).ravel())
    weight = torch.from_numpy(np.tile(weights / 2, panels) / panels)
    cosines, shares = np.polynomial.legendre.leggauss(6)
    total = 0.0
    for s12, w12 in zip(unit, weight, strict=True):
        s23 = (1 - s12) * unit
        s = torch.stack([s12.expand_as(s23), s23, 1 - s12 - s23], dim=1)
        for cosine, share in zip(cosines, shares, strict=True):
            angles = torch.zeros_like(s[:, :2])
            angles[:, 0] = (cosine + 1) / 2
            squared = BreitWigners._squared(s, angles)
            total += float(w12 * (1 - s12) * (weight @ squared)) * share / 2
    return float(4 * math.pi * total)
