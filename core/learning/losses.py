"""Losses of neural importance sampling; the first three are zero, noise included, at their goal.

With a = α_c·f the integrand of channel c, A_c = ∫|a|, q_c the density of the mapping and ρ_c the
density the points were drawn from, all losses compare |a| with A_c q_c point by point:

variance     Σ_c s_c, the error of the integral with the best shares, where
             s_c² = ∫ (|a| − A_c q)²/q = ∫ a²/q − A_c²  (2212.06172 without its control term)
kl           Σ_c ∫ |a| log(|a|/(A_c q)) − |a| + A_c q
reverse-kl   Σ_c ∫ A_c q log(A_c q/|a|) − A_c q + |a|, with |a| no smaller than 10⁻⁶ A_c q
unweighting  Σ_c (∫ (|a|/q)^p q)^(1/p): a smooth stand-in for Σ_c max|a|/q, whose inverse is the
             unweighting efficiency

The terms of the first three beyond the textbook ones have no expectation, since q is normalised,
but they cancel the noise: a mapping is fitted to the *values* of the integrand, not to the density
of points. `unweighting` is 1 at its goal, and keeps its noise. Channels enter relative to the whole
integral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.settings import Loss

LARGEST_LOG = 12.0
"""Logarithm of the largest ratio w = |a|/(A q) that counts in full; beyond it w grows with log w
only, so that a few badly missed points neither drown all others nor are forgotten."""
SMALLEST_LOG = math.log(1e-6)
"""Logarithm of the smallest |a|/(A q) in the reverse divergence, which has none for cut points."""


@dataclass(frozen=True)
class Batch:
    """Points as a loss sees them.

    Attributes:
        channel: `(n,)` int64.
        log_target: log|a|, `(n,)`; -inf where the integrand is 0.
        log_q: log of the mapping's density, `(n,)`, with gradients.
        log_rho: log of the density the points come from, `(n,)`.
        size: A_c, `(k,)`.
        spread: s_c as known so far, `(k,)`.
    """

    channel: Tensor
    log_target: Tensor
    log_q: Tensor
    log_rho: Tensor
    size: Tensor
    spread: Tensor


def channel_means(values: Tensor, channel: Tensor, k: int) -> Tensor:
    """Mean over each channel's points, `(k,)`; 0 without points."""
    total = torch.zeros(k, dtype=values.dtype, device=values.device)
    count = torch.bincount(channel, minlength=k).clamp(min=1)
    return total.index_add(0, channel, values) / count


def spreads(batch: Batch) -> Tensor:
    """s_c² of a batch, `(k,)`."""
    k = batch.size.shape[0]
    log_w, log_share = _ratios(batch)
    term = torch.exp(log_share) * torch.expm1(log_w) ** 2
    return batch.size**2 * channel_means(term, batch.channel, k)


def loss(kind: Loss, batch: Batch, power: float) -> Tensor:
    """The loss of a batch, relative to the integral.

    Args:
        kind: which.
        batch: the points.
        power: p of `unweighting`.
    """
    k = batch.size.shape[0]
    total = batch.size.sum()
    if kind == "variance":
        weight = batch.spread.sum() / (batch.spread * total**2)
        return (weight * spreads(batch)).sum()
    log_w, log_share = _ratios(batch)
    q = torch.exp(log_share)
    if kind == "kl":
        w = torch.exp(log_w)
        finite = torch.where(w > 0, log_w, torch.zeros_like(log_w))
        term = q * (w * finite - w + 1.0)
    elif kind == "reverse-kl":
        low = log_w.clamp(min=SMALLEST_LOG)
        term = q * (torch.expm1(low) - low)
    else:
        # Powers are summed relative to the largest: w^p reaches far beyond float64.
        lifted = power * log_w + log_share
        highest = lifted.detach().max()
        means = channel_means(torch.exp(lifted - highest), batch.channel, k)
        seen = torch.where(means > 0, means, torch.ones_like(means))
        norm = torch.exp((torch.log(seen) + highest) / power)
        return (batch.size / total * torch.where(means > 0, norm, torch.zeros_like(norm))).sum()
    return (batch.size / total * channel_means(term, batch.channel, k)).sum()


def _ratios(batch: Batch) -> tuple[Tensor, Tensor]:
    """log |a|/(A q), damped where it is large, and log q/ρ."""
    log_size = torch.log(batch.size)[batch.channel]
    log_w = batch.log_target - log_size - batch.log_q
    beyond = (log_w - LARGEST_LOG).clamp(min=0.0)
    # What w loses q gains, so that w q is |a|/A still: such a point pulls, if not in proportion.
    damped = beyond - torch.log1p(beyond)
    return log_w - damped, batch.log_q + damped - batch.log_rho
