"""Phase space of three or four identical massless partons: a ladder in rapidity with its collinear poles.

The particles are ordered in rapidity, as in multi-Regge kinematics, where |M|² ~ Π 1/p_T² and nothing
depends on the rapidities (compare Chili, 2302.10449). Here the collision energy is given, and the span
of the rapidities follows from it. Each channel draws all transverse momenta but one, which recoils: what
recoils may have any p_T, and where it is soft, another channel does better. Neighbours that a channel
draws as a pair are drawn with the pole 1/m² of parallel gluons.
u = (u0, j - 1 sizes, j - 2 angles, j - 2 rapidity gaps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space import rapidity_span
from crosshook.core.phase_space.falling import Falling
from crosshook.core.phase_space.identical import Fold
from crosshook.core.phase_space.partonic import FinalState
from crosshook.core.phase_space.rungs import FOUR, THREE, Rungs
from crosshook.core.phase_space.transverse import Coordinates, TransverseChain

if TYPE_CHECKING:
    from torch import Tensor

RUNGS: dict[int, tuple[Rungs, ...]] = {3: THREE, 4: FOUR}


@dataclass
class RapidityLadder:
    """Maps of j partons above a cut on p_T.

    Attributes:
        particles: number j, 3 or 4.
        pt_min: smallest p_T in GeV, above 0.
        exponent: ν of dp_T/p_T^ν.
        m_pair: smallest mass of a pair in GeV; it and the next tell where collinear poles end.
        delta_r: smallest distance of a pair.
        n_dim: 3j - 4.
        channels: named after their orders of drawing.
    """

    particles: int
    pt_min: float
    exponent: float
    m_pair: float = 0.0
    delta_r: float = 0.0
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.particles not in RUNGS or not self.pt_min > 0:
            message = (
                f"{self.particles} partons above p_T = {self.pt_min} GeV: "
                "allowed are 3 or 4 above a cut that is not 0"
            )
            raise ValueError(message)
        rungs = RUNGS[self.particles]
        self.n_dim = 3 * self.particles - 4
        self.channels = tuple(each.name for each in rungs)
        self._fold = Fold(self.particles)
        # without a cut on pairs the poles are cut off where gluons are no longer resolved
        delta_r = self.delta_r or (0.0 if self.m_pair else 0.1)
        size = Falling(self.exponent)
        self._chain = TransverseChain(rungs, self.pt_min, self.m_pair, delta_r, size)
        self._places = tuple(each.places for each in rungs)
        self._gaps = tuple(each.gaps for each in rungs)

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        j = self.particles
        parts = torch.split(u[:, 1:], [j - 1, j - 2, j - 2], dim=1)
        drawn, shares = self._chain.forward(torch.sqrt(s), Coordinates(*parts), channel)
        place = torch.tensor(self._places, device=u.device).argsort(1)[channel]
        transverse = drawn.gather(1, place[:, :, None].expand_as(drawn))
        gaps = shares.gather(1, torch.tensor(self._gaps, device=u.device).argsort(1)[channel])
        # the sum of the gaps below; exactly 1 and 0 at the ends
        inner = gaps.flip(1).cumsum(1).flip(1)[:, 1:]
        ends = torch.ones_like(inner[:, :1]), torch.zeros_like(inner[:, :1])
        sizes = torch.sqrt(transverse.square().sum(-1))
        span = rapidity_span.solve(s, sizes, torch.cat((ends[0], inner, ends[1]), 1))
        plus, minus = sizes * torch.exp(span.rapidities), sizes * torch.exp(-span.rapidities)
        x, y = transverse.unbind(-1)
        momenta = torch.stack((0.5 * (plus + minus), x, y, 0.5 * (plus - minus)), -1)
        densities = self._log_densities(s, transverse, gaps, span.log_element)
        return FinalState(self._fold.unfold(u[:, 0], momenta), densities)

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        sizes = torch.sqrt(momenta[..., 1].square() + momenta[..., 2].square())
        rapidities = torch.asinh(momenta[..., 3] / sizes)
        order = torch.argsort(rapidities, dim=1, descending=True)
        rapidities = rapidities.gather(1, order)
        transverse = momenta[..., 1:3].gather(1, order[:, :, None].expand(-1, -1, 2))
        span = (rapidities[:, 0] - rapidities[:, -1]).clamp_min(rapidity_span.SMALLEST)
        gaps = (rapidities[:, :-1] - rapidities[:, 1:]) / span[:, None]
        place = torch.tensor(self._places, device=order.device)[channel]
        drawn = transverse.gather(1, place[:, :, None].expand_as(transverse))
        shares = gaps.gather(1, torch.tensor(self._gaps, device=order.device)[channel])
        u = self._chain.inverse(torch.sqrt(s), drawn, shares, channel)
        first, second = drawn[:, 0], drawn[:, 1]
        mirrored = first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0]
        azimuth = torch.atan2(first[:, 1], first[:, 0])
        u0 = self._fold.fold(momenta, order, azimuth, mirrored)
        return torch.cat((u0[:, None], *u), 1)

    def _log_densities(
        self, s: Tensor, transverse: Tensor, gaps: Tensor, log_element: Tensor
    ) -> Tensor:
        """Density of every channel in dΦ_j, `(n, k)`."""
        j, k = self.particles, len(self.channels)
        places = torch.tensor(self._places, device=s.device)
        order = torch.tensor(self._gaps, device=s.device)
        root_s = torch.sqrt(s)[:, None].expand(-1, k)
        channel = torch.arange(k, device=s.device).expand(len(s), -1)
        chains = self._chain.log_density(root_s, transverse[:, places], gaps[:, order], channel)
        # (2π)^(4-3j) 2^-j of dΦ; (j - 2)! and j! from the orders of the places and the particles
        constant = (
            (3 * j - 4) * math.log(2 * math.pi)
            + j * math.log(2)
            + math.lgamma(j - 1)
            - math.lgamma(j + 1)
        )
        return chains + (constant - log_element)[:, None]
