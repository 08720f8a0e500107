"""The random numbers of a block: latents, channels and further uniform numbers, from its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core import random
from crosshook.core.sampling.latents import nets

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.sampling.latents import Latents


class Numbers(NamedTuple):
    """Random numbers of one block, on the CPU.

    Attributes:
        r: in [0, 1), `(n, d)`.
        channel: `(n,)` int64.
        extra: in [0, 1), `(n, n_extra)`.
    """

    r: Tensor
    channel: Tensor
    extra: Tensor


def draw_numbers(
    seed: int,
    stage: str,
    block: int,
    n: int,
    dimensions: int,
    shares: Tensor,
    n_extra: int = 0,
    latents: Latents = "random",
) -> Numbers:
    """The numbers of one block.

    Channels are drawn by systematic sampling: place i of n takes the channel in which (i + s)/n
    falls among the cumulated shares, s uniform. Every point has channel c with probability p_c,
    and the numbers of points differ from n·p_c by less than one. Places are dealt to points in
    random order: events are cut from the end of a block, and what is left must not hold some
    channels more than others.

    Args:
        seed: the run's seed.
        stage: names the random stream.
        block: number of the block.
        n: points in the block.
        dimensions: d.
        shares: p_c, `(k,)`, summing to 1, on the CPU.
        n_extra: further uniform numbers a point.
        latents: how the numbers r hang together; nets are made channel by channel.
    """
    generator = random.stream(seed, stage, block)
    start = generator.random()
    r = None
    if latents == "random":
        r = torch.from_numpy(generator.random((n, dimensions)))
    extra = torch.from_numpy(generator.random((n, n_extra)))
    place = (torch.from_numpy(generator.permutation(n)).to(torch.float64) + start) / n
    edges = torch.cumsum(shares, 0)
    channel = torch.searchsorted(edges, place * edges[-1], right=True)
    channel = channel.clamp(max=int(torch.nonzero(shares)[-1]))
    if r is None:
        r = nets(latents, channel, shares.shape[0], dimensions, generator)
    return Numbers(r, channel, extra)
