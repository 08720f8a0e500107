"""Phase space of j >= 3 identical massless partons: power laws in p_T, uniform in rapidity.

The particles are ordered in rapidity, as in multi-Regge kinematics, where |M|² ~ Π 1/p_T² and nothing
depends on the rapidities (compare Chili, 2302.10449). Here the collision energy is given, and the span
of the rapidities follows from it. Channel i draws all transverse momenta but the i-th in that order,
which recoils: what recoils may have any p_T, and where it is soft, another channel does better.
u = (u0, j - 1 sizes, j - 2 angles, j - 2 places between the first and the last rapidity).
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
from crosshook.core.phase_space.transverse import TransverseChain

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class RapidityLadder:
    """Maps of j partons above a cut on p_T.

    Attributes:
        particles: number j, at least 3.
        pt_min: smallest p_T in GeV, above 0.
        exponent: ν of dp_T/p_T^ν.
        recoils: places of the recoiling particle, one channel each; all of them if empty.
        n_dim: 3j - 4.
        channels: `recoil-1` to `recoil-j`, counted from the most forward particle.
    """

    particles: int
    pt_min: float
    exponent: float
    recoils: tuple[int, ...] = ()
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.particles < 3 or not self.pt_min > 0:
            message = (
                f"{self.particles} partons above p_T = {self.pt_min} GeV: "
                "needed are at least 3 and a cut above 0"
            )
            raise ValueError(message)
        self.n_dim = 3 * self.particles - 4
        recoils = self.recoils or tuple(range(self.particles))
        self.channels = tuple(f"recoil-{place + 1}" for place in recoils)
        self._fold = Fold(self.particles)
        self._chain = TransverseChain(self.particles, self.pt_min, Falling(self.exponent))
        self._drawn = tuple(
            (*(i for i in range(self.particles) if i != recoil), recoil) for recoil in recoils
        )

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        j = self.particles
        drawn = self._chain.forward(torch.sqrt(s), u[:, 1:j], u[:, j : 2 * j - 2])
        turn = torch.tensor(self._drawn, device=u.device).argsort(1)[channel]
        transverse = drawn.gather(1, turn[:, :, None].expand_as(drawn))
        sizes = torch.sqrt(transverse.square().sum(-1))
        span = rapidity_span.solve(s, sizes, self._places(u[:, 2 * j - 2 :]))
        plus, minus = sizes * torch.exp(span.rapidities), sizes * torch.exp(-span.rapidities)
        x, y = transverse.unbind(-1)
        momenta = torch.stack((0.5 * (plus + minus), x, y, 0.5 * (plus - minus)), -1)
        densities = self._log_densities(s, transverse, span.log_element)
        return FinalState(self._fold.unfold(u[:, 0], momenta), densities)

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        sizes = torch.sqrt(momenta[..., 1].square() + momenta[..., 2].square())
        rapidities = torch.asinh(momenta[..., 3] / sizes)
        order = torch.argsort(rapidities, dim=1, descending=True)
        sizes, rapidities = sizes.gather(1, order), rapidities.gather(1, order)
        transverse = momenta[..., 1:3].gather(1, order[:, :, None].expand(-1, -1, 2))
        places, _ = rapidity_span.measure(s, sizes, rapidities)
        turn = torch.tensor(self._drawn, device=order.device)[channel]
        drawn = transverse.gather(1, turn[:, :, None].expand_as(transverse))
        u_sizes, u_angles = self._chain.inverse(torch.sqrt(s), drawn)
        first, second = drawn[:, 0], drawn[:, 1]
        mirrored = first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0]
        azimuth = torch.atan2(first[:, 1], first[:, 0])
        u0 = self._fold.fold(momenta, order, azimuth, mirrored)
        inner = places[:, 1:-1]
        above = torch.cat((torch.ones_like(inner[:, :1]), inner[:, :-1]), 1)
        powers = torch.arange(inner.shape[1], 0, -1, device=inner.device)
        u_places = (inner / above.clamp_min(torch.finfo(inner.dtype).tiny)) ** powers
        return torch.cat((u0[:, None], u_sizes, u_angles, u_places), 1)

    def _places(self, u: Tensor) -> Tensor:
        """t of every particle: those between the ends uniform, in falling order."""
        places = [torch.ones_like(u[:, 0])]
        for i in range(u.shape[1]):
            power = 1 / (u.shape[1] - i)
            # not 0, where the root has no slope
            places.append(places[-1] * u[:, i].clamp_min(1e-300) ** power)
        return torch.stack((*places, torch.zeros_like(u[:, 0])), -1)

    def _log_densities(self, s: Tensor, transverse: Tensor, log_element: Tensor) -> Tensor:
        """Density of every channel in dΦ_j, `(n, k)`."""
        j = self.particles
        turn = torch.tensor(self._drawn, device=s.device)
        root_s = torch.sqrt(s)[:, None].expand(-1, len(self._drawn))
        chains = self._chain.log_density(root_s, transverse[:, turn])
        # (2π)^(4-3j) 2^-j of dΦ; (j - 2)! and j! from the orders of the places and the particles
        constant = (
            (3 * j - 4) * math.log(2 * math.pi)
            + j * math.log(2)
            + math.lgamma(j - 1)
            - math.lgamma(j + 1)
        )
        return chains + (constant - log_element)[:, None]
