"""The density of one channel and its refinement (after G. P. Lepage, J. Comput. Phys. 27 (1978) 192).

q(u) is a product over dimensions. A continuous one has bins of equal probability and learned
width, a discrete one bins of equal width and learned probability. With importances

    I_b = ⟨(|f|/q)^m⟩ of the points of q in bin b

⟨(|f|/q)^m⟩ is smallest, the other dimensions given, when each bin's probability is multiplied by
I_b^(1/m). For m = 2 that is Lepage's minimum of the variance; larger m look more at the largest
weights, which set the unweighting efficiency.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from crosshook.core.sampling.discrete import locate
from crosshook.plugins.vegas.values import knots_of

NARROWEST = 1e-10
"""Width below which rounding would spoil a bin: one of width 0 has no inverse."""

SMALLEST_STEP = 0.1
"""By this factor a bin's density falls at most, compared with the mean, in one refinement: points
that were not there may come with the next draw."""

SMOOTHINGS = 3
"""Averages over neighbouring bins before a refinement. High moments are noisy in single bins."""


@dataclass(frozen=True)
class ChannelGrid:
    """The density of one channel.

    Attributes:
        edges: edges of the bins in u, `(d, bins + 1)`, from 0 to 1.
        knots: cumulated probabilities of each discrete dimension, `(v + 1,)` each.
    """

    edges: Tensor
    knots: tuple[Tensor, ...] = ()

    def locate(self, u: Tensor) -> list[Tensor]:
        """The bin of n points `(n, d + m)` in each dimension, d + m tensors `(n,)`."""
        d, bins = self.edges.shape[0], self.edges.shape[1] - 1
        columns = u.detach().T[:d].contiguous()
        found = torch.searchsorted(self.edges.contiguous(), columns, right=True) - 1
        rows = list(found.clamp(0, bins - 1))
        return rows + [locate(u[:, d + j], len(k) - 1) for j, k in enumerate(self.knots)]

    def log_density(self, index: list[Tensor]) -> Tensor:
        """log q of points in given bins, `(n,)`."""
        bins = self.edges.shape[1] - 1
        tables = [-torch.log(row.diff() * bins) for row in self.edges]
        tables += [torch.log(knots.diff() * (len(knots) - 1)) for knots in self.knots]
        total = self.edges.new_zeros(len(index[0]) if index else 0)
        for table, column in zip(tables, index, strict=True):
            total = total + table[column]
        return total


def refine(
    grid: ChannelGrid, u: Tensor, value: Tensor, mixture: Tensor, moment: float, damping: float
) -> ChannelGrid:
    """One step of every dimension towards the smallest moment of the weights.

    Args:
        grid: the density so far.
        u: points, `(n, d + m)`.
        value: the function f whose weights f/q are judged, `(n,)`.
        mixture: the density the points were drawn from, times a constant, `(n,)`.
        moment: m.
        damping: exponent of the step; 1 goes to the optimum of each dimension, 0 stays.

    Returns:
        The new density; the same if f is 0 at all points.
    """
    index = grid.locate(u)
    log_q = grid.log_density(index)
    log_weight = torch.log(value.detach().abs()) - log_q
    if not bool((log_weight > -torch.inf).any()):
        return grid
    power = torch.exp(moment * (log_weight - log_weight.max()) + log_q - torch.log(mixture))
    d, bins = grid.edges.shape[0], grid.edges.shape[1] - 1
    step = damping / moment
    edges = []
    for j in range(d):
        factor = _factor(_smooth(_sums(index[j], power, bins)), step)
        edges.append(_rebin(grid.edges[j], torch.clamp(factor, min=SMALLEST_STEP)))
    knots = []
    for old, column in zip(grid.knots, index[d:], strict=True):
        probability = old.diff()
        importance = _sums(column, power, len(probability)) / probability
        knots.append(knots_of(probability * _factor(importance, step)))
    return ChannelGrid(torch.stack(edges) if edges else grid.edges, tuple(knots))


def _sums(index: Tensor, power: Tensor, bins: int) -> Tensor:
    return power.new_zeros(bins).index_add_(0, index, power)


def _smooth(importance: Tensor) -> Tensor:
    """Averages over neighbours with weights 1, 6, 1 (7, 1 at the ends), as vegas does, repeated."""
    if importance.numel() < 3:
        return importance
    for _ in range(SMOOTHINGS):
        middle = (importance[:-2] + 6 * importance[1:-1] + importance[2:]) / 8
        first = (7 * importance[:1] + importance[1:2]) / 8
        last = (importance[-2:-1] + 7 * importance[-1:]) / 8
        importance = torch.cat([first, middle, last])
    return importance


def _factor(importance: Tensor, step: float) -> Tensor:
    """By what each bin's density is multiplied, 1 on average."""
    factor = (importance / importance.max()) ** step
    return factor / factor.mean()


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
