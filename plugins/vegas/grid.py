"""The refinement step of a VEGAS grid (G. P. Lepage, J. Comput. Phys. 27 (1978) 192; 2009.05112).

Bins with large squared weights are made narrower: their importance, smoothed over neighbours and
compressed, is spread evenly over the new bins.
"""

from __future__ import annotations

import torch
from torch import Tensor

NARROWEST = 1e-10
"""Width below which rounding would spoil a bin: one of width 0 has no inverse."""


def refine(edges: Tensor, r: Tensor, weight: Tensor, damping: float) -> Tensor:
    """New edges of one channel's grid.

    Args:
        edges: `(d, bins + 1)`, from 0 to 1.
        r: random numbers the points came from, `(n, d)`.
        weight: weights of the points, `(n,)`.
        damping: exponent of the compression.

    Returns:
        Edges `(d, bins + 1)`; unchanged if no weight differs from 0.
    """
    squared = weight.detach() ** 2
    if r.shape[0] == 0 or not bool((squared > 0).any()):
        return edges
    bins = edges.shape[1] - 1
    index = (r.detach() * bins).floor().clamp(0, bins - 1).to(torch.int64)
    rows = []
    for dimension in range(edges.shape[0]):
        column = index[:, dimension]
        importance = edges.new_zeros(bins).index_add_(0, column, squared.to(edges.dtype))
        hits = torch.bincount(column, minlength=bins).to(edges.dtype)
        importance = importance / hits.clamp(min=1.0)
        rows.append(_rebin(edges[dimension], _compress(_smooth(importance), damping)))
    return torch.stack(rows)


def _smooth(importance: Tensor) -> Tensor:
    """Averages over neighbours with weights 1, 6, 1 (7, 1 at the ends), as vegas does."""
    if importance.numel() < 3:
        return importance
    middle = (importance[:-2] + 6 * importance[1:-1] + importance[2:]) / 8
    first = (7 * importance[:1] + importance[1:2]) / 8
    last = (importance[-2:-1] + 7 * importance[-1:]) / 8
    return torch.cat([first, middle, last])


def _compress(importance: Tensor, damping: float) -> Tensor:
    """((1 - x) / ln(1/x))^damping of the normalised importance, with its limits 0 and 1."""
    x = importance / importance.sum()
    inner = ((x > 0) & (x < 1)).to(x.dtype)
    safe = torch.where(inner > 0, x, torch.full_like(x, 0.5))
    value = torch.where(inner > 0, (1 - safe) / -torch.log(safe), x)
    # A bin never hit keeps a little weight, so that no bin grows without bound.
    floor = value.max() * 1e-10
    return torch.clamp(value, min=float(floor)) ** damping


def _rebin(edges: Tensor, importance: Tensor) -> Tensor:
    """Edges that give every new bin the same share of the importance."""
    bins = importance.numel()
    cumulative = torch.cat([importance.new_zeros(1), torch.cumsum(importance, 0)])
    targets = cumulative[-1] * torch.arange(1, bins, device=edges.device) / bins
    index = torch.searchsorted(cumulative, targets, right=True).clamp(1, bins) - 1
    fraction = (targets - cumulative[index]) / importance[index]
    inner = edges[index] + fraction * (edges[index + 1] - edges[index])
    rebinned = torch.cat([edges[:1], inner, edges[-1:]])
    return _widened(rebinned) if bool((rebinned.diff() < NARROWEST).any()) else rebinned


def _widened(edges: Tensor) -> Tensor:
    """A little of the even grid mixed in, so that no bin is narrower than `NARROWEST`."""
    bins = edges.numel() - 1
    even = torch.linspace(0, 1, bins + 1, dtype=edges.dtype, device=edges.device)
    share = min(NARROWEST * bins, 1.0)
    mixed = torch.cummax((1 - share) * edges + share * even, 0).values
    return torch.cat([edges[:1], mixed[1:-1], edges[-1:]])
