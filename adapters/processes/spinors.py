"""Two-component spinors and matrices of momenta, batched, complex128, in the chiral representation.

γ^μ = [[0, σ^μ], [σ̄^μ, 0]], so that P_L keeps the upper half. A massless particle has the
right-handed spinor χ and the left-handed λ = iσ² χ*, with χχ† = p·σ̄ = E + p⃗·σ⃗ and λλ† = p·σ. They
serve u and v alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def right(p: Tensor) -> Tensor:
    """χ of massless momenta `(n, 4)` in GeV, `(n, 2)`, up to a phase."""
    energy, px, py, pz = p.unbind(-1)
    up = pz >= 0
    # the larger light-cone component carries the root, whichever way the particle flies
    root = torch.sqrt(energy + torch.where(up, pz, -pz))
    across = torch.complex(px, torch.where(up, py, -py)) / root
    main = root.to(across.dtype)
    return torch.stack((torch.where(up, main, across), torch.where(up, across, main)), -1)


def left(p: Tensor) -> Tensor:
    """λ of massless momenta `(n, 4)` in GeV, `(n, 2)`, up to a phase."""
    first, second = right(p).conj().unbind(-1)
    return torch.stack((second, -first), -1)


def sigma(p: Tensor) -> Tensor:
    """p·σ = E - p⃗·σ⃗ of momenta `(n, 4)`, `(n, 2, 2)`."""
    energy, px, py, pz = p.unbind(-1)
    zero = torch.zeros_like(energy)
    across = torch.complex(-px, -py)
    rows = (
        *(torch.complex(energy - pz, zero), across.conj()),
        *(across, torch.complex(energy + pz, zero)),
    )
    return torch.stack(rows, -1).reshape(*energy.shape, 2, 2)


def product(bra: Tensor, ket: Tensor) -> Tensor:
    """a† b, `(n,)`, of spinors `(n, 2)`."""
    return (bra.conj() * ket).sum(-1)


def sandwich(bra: Tensor, matrix: Tensor, ket: Tensor) -> Tensor:
    """a† M b, `(n,)`, of spinors `(n, 2)` and matrices `(n, 2, 2)`."""
    return product(bra, (matrix * ket[:, None, :]).sum(-1))
