"""Features of phase-space points: what channel weights learn from, the same whatever the channel.

Logarithms of the invariants of all pairs of legs over ŝ, and of ŝ itself with the boost of the
system where the beams are hadrons: Lorentz invariants and the two numbers they leave out.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics

if TYPE_CHECKING:
    from torch import Tensor

LOWEST = 1e-12
"""Pairs with a smaller 2 p·q/ŝ than this look alike."""


def feature_names(incoming: int, legs: int) -> tuple[str, ...]:
    """Names of the columns.

    Args:
        incoming: number of incoming legs.
        legs: number of all legs m.
    """
    pairs = tuple(f"log s[{i},{j}]" for i, j in _pairs(incoming, legs))
    angles = tuple(f"cos theta[{i}]" for i in range(incoming, legs))
    return (*pairs, *angles, "log s", "y")


def point_features(momenta: Tensor, incoming: int) -> Tensor:
    """Features of points, `(n, f)`.

    Args:
        momenta: `(n, m, 4)` in GeV, lab frame, incoming first.
        incoming: number of incoming legs.
    """
    total = momenta[:, :incoming].sum(dim=1)
    square = kinematics.mass_squared(total)
    columns = []
    for i, j in _pairs(incoming, momenta.shape[1]):
        product = 2.0 * kinematics.dot(momenta[:, i], momenta[:, j]) / square
        columns.append(torch.log(product.clamp(min=LOWEST)))
    for i in range(incoming, momenta.shape[1]):
        size = momenta[:, i, 1:].norm(dim=1).clamp(min=1e-300)
        columns.append(momenta[:, i, 3] / size)
    plus, minus = total[:, 0] + total[:, 3], total[:, 0] - total[:, 3]
    columns += [torch.log(square), 0.5 * torch.log(plus / minus)]
    return torch.stack(columns, dim=1)


def _pairs(incoming: int, legs: int) -> list[tuple[int, int]]:
    """All pairs but that of the incoming legs, whose invariant is that of the whole."""
    everything = combinations(range(legs), 2)
    return [(i, j) for i, j in everything if not (incoming == 2 and (i, j) == (0, 1))]
