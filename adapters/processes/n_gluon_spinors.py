"""Spinors of massless legs, all counted as outgoing.

An incoming gluon of momentum p enters with -p and the opposite helicity. Spinors of p and -p differ
by a phase that every ordered amplitude has in common, so those of p serve for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_TURN = (
    (0.36, 0.48, -0.80),
    (-0.80, 0.60, 0.0),
    (0.48, 0.64, 0.60),
)
"""A rotation that leaves no leg of a usual event, beams above all, along the spinors' axis."""


def spinors(momenta: Tensor) -> Tensor:
    """λ of every leg, with |⟨ij⟩|² = 2 pi·pj; the conjugate spinor is its complex conjugate.

    Args:
        momenta: `(n, m, 4)` with positive energies, massless, in GeV.

    Returns:
        `(m, 2, n)` complex, in GeV^½: points last, so that rows are picked in one piece.
    """
    x, y, z = (momenta[..., 1:] @ momenta.new_tensor(_TURN).T).permute(2, 1, 0).unbind(0)
    across = x.square() + y.square()
    energy = torch.sqrt(across + z.square())
    smallest = torch.finfo(z.dtype).tiny
    # E + z, without cancellation
    plus = torch.where(z >= 0, energy + z, across / (energy - z).clamp_min(smallest))
    first = torch.sqrt(plus.clamp_min(smallest))
    second = torch.complex(x / first, y / first)
    return torch.stack((torch.complex(first, torch.zeros_like(first)), second), 1)


def products(one: Tensor, two: Tensor) -> Tensor:
    """⟨ij⟩ of spinors `(i, 2, n)` and `(j, 2, n)`: `(i, j, n)`."""
    return one[:, None, 0] * two[None, :, 1] - one[:, None, 1] * two[None, :, 0]
