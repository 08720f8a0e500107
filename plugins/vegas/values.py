"""A discrete dimension of the mapping: value i of v is drawn with its own probability p_i.

The interval of r from Σ_{j<i} p_j on, of length p_i, is stretched linearly over the bin
[i/v, (i + 1)/v) of u, so that log|∂u/∂r| = −log(v p_i).
"""

from __future__ import annotations

import torch
from torch import Tensor

from crosshook.core.sampling.discrete import locate, place

FLOOR = 0.01
"""Smallest probability of a value in units of the even share 1/v: a training that saw only zeros
there may have missed something, and what is never drawn is a bias."""


def even_knots(channels: int, count: int, like: Tensor) -> Tensor:
    """Cumulated probabilities of equally probable values, `(k, v + 1)`, from 0 to 1.

    Args:
        channels: k.
        count: number of values v.
        like: has the type and the device.
    """
    return torch.linspace(0, 1, count + 1, dtype=like.dtype, device=like.device).repeat(
        channels, 1
    )


def values_forward(r: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """One coordinate of n points.

    Args:
        r: in [0, 1], `(n,)`.
        knots: cumulated probabilities of each point's channel, `(n, v + 1)`.

    Returns:
        u and log|∂u/∂r|, `(n,)` each.
    """
    count = knots.shape[1] - 1
    inner = knots[:, 1:-1].contiguous()
    value = torch.searchsorted(inner, r.detach()[:, None].contiguous(), right=True)[:, 0]
    low, high = _interval(knots, value)
    fraction = torch.clamp((r - low) / (high - low), 0.0, 1.0)
    return place(value, fraction, count), -torch.log(count * (high - low))


def values_inverse(u: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """The other way.

    Args:
        u: in [0, 1], `(n,)`.
        knots: cumulated probabilities of each point's channel, `(n, v + 1)`.

    Returns:
        r and log|∂r/∂u|, `(n,)` each.
    """
    count = knots.shape[1] - 1
    value = locate(u, count)
    low, high = _interval(knots, value)
    r = low + (high - low) * torch.clamp(u * count - value, 0.0, 1.0)
    # Rounding must not carry r to the next interval; only the last one holds its end.
    end = torch.where(value < count - 1, torch.nextafter(high, low), high)
    return torch.minimum(r, end), torch.log(count * (high - low))


def _interval(knots: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    ends = knots.gather(1, torch.stack([value, value + 1], dim=1))
    return ends[:, 0], ends[:, 1]


def knots_of(share: Tensor) -> Tensor:
    """Cumulated probabilities of one channel, none below the floor.

    Args:
        share: proportional to the probabilities, not all 0, `(v,)`.

    Returns:
        `(v + 1,)`, from 0 to 1.
    """
    count = share.numel()
    probability = torch.clamp(share / share.sum(), min=FLOOR / count)
    inner = torch.cumsum(probability / probability.sum(), 0)[:-1]
    return torch.cat([inner.new_zeros(1), inner, inner.new_ones(1)])
