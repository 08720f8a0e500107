"""Folds the symmetries of identical particles into one coordinate.

|M|² does not change when identical particles are exchanged, when the final state is turned about the
beam, mirrored at a plane through it or, between equal beams, at the plane across it. So one coordinate
u0, cut into pieces, tells which particle takes which place, whether the state is mirrored, and within
the piece the azimuth: the integrand is constant in u0, and all other coordinates see one image only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space import frames

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Fold:
    """The pieces of u0.

    Attributes:
        orders: ways to give places to particles: the place of each.
        mirror: whether images mirrored at a plane through the beam are told apart.
        flip: whether images mirrored at the plane across the beam are told apart.
    """

    orders: tuple[tuple[int, ...], ...]
    mirror: bool = False
    flip: bool = False

    @property
    def pieces(self) -> int:
        """Their number."""
        return len(self.orders) * (1 + self.mirror) * (1 + self.flip)

    def unfold(self, u: Tensor, momenta: Tensor) -> Tensor:
        """Gives places to particles, mirrors and turns.

        Args:
            u: u0, `(n,)`.
            momenta: by place, `(n, j, 4)`.

        Returns:
            By particle, `(n, j, 4)`.
        """
        scaled = u * self.pieces
        piece = scaled.detach().floor().clamp(max=self.pieces - 1)
        azimuth = 2 * math.pi * (scaled - piece)
        index = piece.to(torch.int64)
        energy, x, y, z = momenta.unbind(-1)
        if self.flip:
            z = z * (1 - 2 * (index % 2)).to(u.dtype)[:, None]
            index = index // 2
        if self.mirror:
            y = y * (1 - 2 * (index % 2)).to(u.dtype)[:, None]
            index = index // 2
        turned = frames.turn(torch.stack((energy, x, y, z), -1), azimuth)
        place = torch.tensor(self.orders, device=u.device)[index]
        return turned.gather(1, place[:, :, None].expand_as(turned))

    def fold(self, place: Tensor, azimuth: Tensor, mirrored: Tensor, flipped: Tensor) -> Tensor:
        """u0, `(n,)`.

        Args:
            place: of each particle, `(n, j)` int64, one of the orders.
            azimuth: of what lies along x before the turn, `(n,)`.
            mirrored: `(n,)` bool; without meaning unless images are told apart.
            flipped: likewise.
        """
        orders = torch.tensor(self.orders, device=place.device)
        index = (place[:, None] == orders).all(2).to(torch.int64).argmax(1)
        if self.mirror:
            index = 2 * index + mirrored.to(torch.int64)
        if self.flip:
            index = 2 * index + flipped.to(torch.int64)
        share = torch.remainder(azimuth, 2 * math.pi) / (2 * math.pi)
        return (index + share) / self.pieces
