"""An exactly solvable toy: the CP angle α of a H → ττ-like decay, seen by a poor detector.

Truth is z = (cos θ, φ), with p(z|α) = (1 − B cos(φ − 2α))/(4π). The detector shows y, a smeared
artanh(cos θ), and q, a smeared φ: its resolution depends on cos θ, 15 % of the angles are lost
(uniform), 20 % of the events have their decay products swapped, and the acceptance depends on both.
p(x|α) = (A0 + A1 cos 2α + A2 sin 2α)/σ_fid(α), where the A take one numerical integral each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

B = 0.617
TAIL, SWAP, SIGMA_Y = 0.15, 0.20, 0.10
TWO_PI = 2 * math.pi
WRAPS = 3
"""Turns of the circle on either side; the widest resolution is 0.8."""
EDGE = 1e-12
"""Distance from ±1 that cos θ keeps, so that artanh is a number."""


def density(u: Tensor, theta: Tensor) -> Tensor:
    """dσ/du in pb, `(n, t)`, of points `(n, 2)` at α in `(t, 1)`."""
    phi = truth(u)[:, 1]
    return 1 - B * torch.cos(phi[:, None] - 2 * theta[:, 0])


def truth(u: Tensor) -> Tensor:
    """cos θ and φ, `(n, 2)`."""
    return torch.stack([2 * u[:, 0] - 1, TWO_PI * u[:, 1] - math.pi], dim=1)


class Detector:
    """The transfer function; parts of it can be left out, to see what that does."""

    def __init__(self, swap: float = SWAP, tail: float = TAIL, *, acceptance: bool = True) -> None:
        """Takes the share of swapped and of lost angles, and whether events can be lost."""
        self._swap, self._tail, self._loses = swap, tail, acceptance

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z), `(n,)`."""
        (y, q), (c, phi) = reco.dense.T, truth.dense.T
        centre, width = _centre(c), 0.3 + 0.5 * c * c
        total = torch.zeros_like(y)
        for share, sign in ((1 - self._swap, 1), (self._swap, -1)):
            line = torch.exp(-0.5 * ((sign * y - centre) / SIGMA_Y) ** 2) / SIGMA_Y
            away = sign * q - phi
            circle = sum(
                torch.exp(-0.5 * ((away + TWO_PI * k) / width) ** 2)
                for k in range(-WRAPS, WRAPS + 1)
            )
            angle = (1 - self._tail) * circle / width / math.sqrt(TWO_PI) + self._tail / TWO_PI
            total = total + share * line / math.sqrt(TWO_PI) * angle
        return torch.log(total)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """y and q, the draws of a truth row together."""
        c, phi = truth.dense.repeat_interleave(n_draws, dim=0).T
        normal = torch.randn((len(c), 2), generator=rng, dtype=torch.float64)
        uniform = torch.rand((len(c), 3), generator=rng, dtype=torch.float64)
        y = _centre(c) + SIGMA_Y * normal[:, 0]
        q = phi + (0.3 + 0.5 * c * c) * normal[:, 1]
        q = torch.where(uniform[:, 0] < self._tail, TWO_PI * uniform[:, 1], q)
        sign = torch.where(uniform[:, 2] < self._swap, -1.0, 1.0)
        q = torch.remainder(sign * q + math.pi, TWO_PI) - math.pi
        return Features(torch.stack([sign * y, q], dim=1), ("y", "q"), ("", "rad"))

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z), `(n,)`."""
        c, phi = truth.dense.T
        if not self._loses:
            return torch.zeros_like(c)
        return torch.log(torch.sigmoid((0.85 - c.abs()) / 0.05) * (0.7 + 0.3 * torch.cos(phi)))


def _centre(c: Tensor) -> Tensor:
    return torch.atanh(c.clamp(-1 + EDGE, 1 - EDGE))


def exact_log_likelihood(
    y: NDArray[np.float64], q: NDArray[np.float64], alpha: NDArray[np.float64]
) -> NDArray[np.float64]:
    """ln p(x|α) by 200-point quadrature in cos θ, the integral over φ in closed form.

    Args:
        y: `(n,)`.
        q: `(n,)`.
        alpha: `(t,)`.

    Returns:
        `(n, t)`.
    """
    basis = np.stack([np.ones_like(alpha), np.cos(2 * alpha), np.sin(2 * alpha)])
    with np.errstate(divide="ignore"):
        return np.log(exact_amplitudes(y, q) @ basis) - np.log(exact_fiducial(alpha))


def exact_amplitudes(y: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """A0, A1 and A2 of every event, `(n, 3)`."""
    c, weight = np.polynomial.legendre.leggauss(200)
    width, seen = 0.3 + 0.5 * c * c, _seen(c)
    one, two = np.exp(-(width**2) / 2), np.exp(-2 * width**2)
    found = np.zeros((len(y), 3))
    for share, sign in ((1 - SWAP, 1), (SWAP, -1)):
        pull = (sign * y[:, None] - np.arctanh(c)) / SIGMA_Y
        line = np.exp(-0.5 * pull**2) / SIGMA_Y / np.sqrt(TWO_PI)
        kernel = share * weight / 2 * seen * line
        cos, sin = np.cos(q)[:, None], np.sin(sign * q)[:, None]
        cos2, sin2 = np.cos(2 * q)[:, None], np.sin(2 * sign * q)[:, None]
        smeared = (
            0.7 + 0.3 * one * cos,
            -B * (0.7 * one * cos + 0.15 * (1 + two * cos2)),
            -B * (0.7 * one * sin + 0.15 * two * sin2),
        )
        flat = (0.7, -B * 0.15, 0.0)
        for i in range(3):
            angle = ((1 - TAIL) * smeared[i] + TAIL * flat[i]) / TWO_PI
            found[:, i] += (kernel * angle).sum(axis=1)
    return found


def exact_fiducial(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """σ_fid(α) in pb, `(t,)`."""
    c, weight = np.polynomial.legendre.leggauss(200)
    return (weight / 2 * _seen(c)).sum() * (0.7 - 0.15 * B * np.cos(2 * alpha))


def _seen(c: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp((np.abs(c) - 0.85) / 0.05))
