"""Folds the symmetries of identical particles into one coordinate.

|M|² does not change when identical particles are exchanged, when the final state is turned about the
beam or mirrored at a plane through it. So one coordinate u0, cut into pieces, tells which particle takes
which place, whether the state is mirrored, and within the piece the azimuth: the integrand is constant
in u0, and all other coordinates see one order of the particles only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space import frames

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Fold:
    """The pieces of u0 for j identical particles.

    Attributes:
        particles: j.
        mirror: whether mirror images are told apart; those of two particles are turned states.
    """

    particles: int
    mirror: bool = True
    orders: tuple[tuple[int, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "orders", tuple(permutations(range(self.particles))))

    def unfold(self, u: Tensor, momenta: Tensor) -> Tensor:
        """Gives places to particles, mirrors and turns.

        Args:
            u: u0, `(n,)`.
            momenta: by place, `(n, j, 4)`.

        Returns:
            By particle, `(n, j, 4)`.
        """
        images = 2 if self.mirror else 1
        pieces = images * len(self.orders)
        scaled = u * pieces
        piece = scaled.detach().floor().clamp(max=pieces - 1)
        azimuth = 2 * math.pi * (scaled - piece)
        index = piece.to(torch.int64)
        mirror = (1 - 2 * (index % images)).to(u.dtype)
        place = torch.tensor(self.orders, device=u.device)[index // images]
        energy, x, y, z = momenta.unbind(-1)
        turned = frames.turn(torch.stack((energy, x, y * mirror[:, None], z), -1), azimuth)
        return turned.gather(1, place[:, :, None].expand_as(turned))

    def fold(self, momenta: Tensor, order: Tensor, azimuth: Tensor, mirrored: Tensor) -> Tensor:
        """u0, `(n,)`.

        Args:
            momenta: by particle; only its shape counts, `(n, j, 4)`.
            order: the particle at each place, `(n, j)` int64.
            azimuth: of what lies along x before the turn, `(n,)`.
            mirrored: whether the state is mirrored, `(n,)` bool.
        """
        j = momenta.shape[1]
        digits = torch.tensor([j**i for i in range(j)], device=order.device)
        codes = [sum(place * j**i for i, place in enumerate(o)) for o in self.orders]
        lookup = torch.zeros(j**j, dtype=torch.int64, device=order.device)
        lookup[torch.tensor(codes, device=order.device)] = torch.arange(
            len(codes), device=order.device
        )
        place = torch.argsort(order, dim=1)
        index = lookup[(place * digits).sum(1)]
        if self.mirror:
            index = 2 * index + mirrored.to(torch.int64)
        share = torch.remainder(azimuth, 2 * math.pi) / (2 * math.pi)
        return (index + share) / (len(self.orders) * (2 if self.mirror else 1))
