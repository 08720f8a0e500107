"""Probabilities of the values of a discrete dimension, as the grid learns them."""

from __future__ import annotations

import torch
from torch import Tensor

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
