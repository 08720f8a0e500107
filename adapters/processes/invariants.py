"""Reduced invariants of 2 -> 2 scattering of massless incoming legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.kinematics import dot

if TYPE_CHECKING:
    from torch import Tensor


def reduced_invariants(momenta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """s = 2 p1·p2 in GeV², τ1 = 2 p1·k3/s, τ2 = 2 p1·k4/s.

    For final masses m, t - m² = -τ1 s and u - m² = -τ2 s; τ1 + τ2 = 1.

    Args:
        momenta: `(n, 4, 4)` in any frame.
    """
    p1, p2, k3, k4 = momenta.unbind(1)
    s = 2 * dot(p1, p2)
    return s, 2 * dot(p1, k3) / s, 2 * dot(p1, k4) / s
