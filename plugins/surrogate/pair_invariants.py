"""Logarithms of the invariants of all pairs of legs: what surrogates see of a point."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST = 1e-15
"""Of 2p_i·p_j/ŝ: below it float64 momenta know nothing, and rounding may make it negative."""


def pairs(legs: int) -> tuple[tuple[int, int], ...]:
    """All pairs i < j, in the order of the columns of `log_invariants`."""
    return tuple(combinations(range(legs), 2))


def log_invariants(momenta: Tensor, n_incoming: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Logarithms of invariants, the same in every frame.

    Args:
        momenta: `(n, m, 4)` in GeV, incoming first.
        n_incoming: 1 or 2.
        dtype: of the logarithms of pairs; their products are float64 in any case.

    Returns:
        log(2p_i·p_j/ŝ) of all pairs, `(n, m(m-1)/2)`, and log(ŝ/GeV²), `(n,)`.
    """
    components = momenta.permute(2, 1, 0).contiguous()
    products = []
    for first in range(momenta.shape[1] - 1):
        four = components[:, first + 1 :] * components[:, first : first + 1]
        products.append(four[0] - four[1] - four[2] - four[3])
    total = components[:, :n_incoming].sum(dim=1)
    s = total[0].square() - total[1:].square().sum(dim=0)
    ratio = 2.0 * torch.cat(products) / s
    return ratio.clamp(min=SMALLEST).to(dtype).log().T, s.log()
