"""Denominators of unstable propagators with fixed widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def breit_wigner(s: Tensor, mass: float | Tensor, width: float | Tensor) -> Tensor:
    """1/((s - M²)² + M²Γ²) in GeV⁻⁴, `(n,)`, for s in GeV²."""
    return 1 / ((s - mass**2).square() + (mass * width) ** 2)
