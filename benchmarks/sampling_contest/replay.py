"""A buffer of evaluated points, and the losses a density is trained with on them.

Peers whose library has a density but no training loop of its own are trained with this one: every
batch is evaluated once, kept with the density it was drawn from, and used again and again with
importance weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Points:
    """Evaluated points.

    Attributes:
        u: `(n, d)`.
        channel: `(n,)`.
        f: α·f, `(n,)`.
        q: density they were drawn from, `(n,)`.
    """

    u: Tensor
    channel: Tensor
    f: Tensor
    q: Tensor

    def __add__(self, other: Points) -> Points:
        return Points(
            torch.cat([self.u, other.u]),
            torch.cat([self.channel, other.channel]),
            torch.cat([self.f, other.f]),
            torch.cat([self.q, other.q]),
        )

    def choose(self, n: int, generator: torch.Generator) -> Points:
        """n of the points, without replacement."""
        rows = torch.randperm(self.f.numel(), generator=generator)[:n]
        return Points(self.u[rows], self.channel[rows], self.f[rows], self.q[rows])


def kullback_leibler(points: Points, q: Tensor) -> Tensor:
    """-Σ |f| log q, normalised, of points drawn from `points.q`."""
    weight = points.f.abs() / points.q
    return -(weight * torch.log(q)).mean() / weight.mean()


def stratified_variance(points: Points, q: Tensor) -> Tensor:
    """(Σ_c s_c / I)² (2311.01548), of points drawn from `points.q`."""
    spread, integral = q.new_zeros(()), q.new_zeros(())
    for c in points.channel.unique():
        rows = points.channel == c
        f, own, drawn = points.f[rows], q[rows], points.q[rows]
        mean = (f / drawn).mean()
        spread = spread + torch.sqrt(((f / own - mean) ** 2 * own / drawn).mean() + 1e-30)
        integral = integral + (f.abs() / drawn).mean()
    return (spread / integral) ** 2
