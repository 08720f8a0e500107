"""Phase space of three or four identical massless partons: two clusters back to back in p_T.

|M|² of gluons is a sum of poles 1/s_ij of neighbours in colour, and ~ Π 1/p_T² where rapidities are far
apart. Here a pair is drawn with its pole in (Δy, Δφ), which is exact whatever the rest does, and the
rest, a second pair or a single particle, balances it: the distance in rapidity between the two follows
from the energy as in a two-body collision. Every pair of particles is drawn as a pair in some channel.
Channels differ by the numbers of the particles only, so that all of them have the same integrand in u,
and one mapping suits them all. Every point passes the cut on p_T, and both pairs the cut on pairs.
u = (u0, p1, p2, Δ, φ and for a second pair p3, angle, Δ), see `cluster_steps`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core.phase_space.cluster_limits import ClusterLimits
from crosshook.core.phase_space.cluster_steps import Clusters, ClusterSteps, Draw, Undo, Weigh
from crosshook.core.phase_space.falling import Falling
from crosshook.core.phase_space.identical import Fold
from crosshook.core.phase_space.partonic import FinalState

if TYPE_CHECKING:
    from torch import Tensor

ORDERS: dict[int, tuple[tuple[int, ...], ...]] = {
    3: ((0, 1, 2), (0, 2, 1), (1, 2, 0)),
    4: ((0, 1, 2, 3), (2, 3, 0, 1), (0, 2, 1, 3), (1, 3, 0, 2), (0, 3, 1, 2), (1, 2, 0, 3)),
}
"""Particles 1, 2 | 3, 4 of each channel, counted from 0."""

_SWAPS = {
    3: ((0, 1, 2), (1, 0, 2)),
    4: ((0, 1, 2, 3), (1, 0, 2, 3), (0, 1, 3, 2), (1, 0, 3, 2)),
}

_SMALLEST = 1e-13
"""Floor of energies relative to √s, under which they are rounding."""


@dataclass
class TwoClusters:
    """Maps of j partons above cuts on p_T and on pairs, between equal beams.

    Attributes:
        particles: number j, 3 or 4.
        pt_min: smallest p_T in GeV, above 0.
        exponent: ν of dp_T/p_T^ν.
        m_pair: smallest mass of a pair in GeV; it or the next is above 0.
        delta_r: smallest distance of a pair.
        n_dim: 3j - 4.
        channels: named after the clusters, e.g. `12-34`, the one drawn first before the other.
    """

    particles: int
    pt_min: float
    exponent: float
    m_pair: float = 0.0
    delta_r: float = 0.0
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.particles not in ORDERS or not self.pt_min > 0:
            message = (
                f"{self.particles} partons above p_T = {self.pt_min} GeV: "
                "allowed are 3 or 4 above a cut that is not 0"
            )
            raise ValueError(message)
        if not max(self.m_pair, self.delta_r) > 0:
            message = (
                f"pairs above m = {self.m_pair} GeV and ΔR = {self.delta_r}: "
                "one of these cuts must not be 0"
            )
            raise ValueError(message)
        self.n_dim = 3 * self.particles - 4
        self._orders = ORDERS[self.particles]
        names = ["".join(str(i + 1) for i in order) for order in self._orders]
        self.channels = tuple(f"{name[:2]}-{name[2:]}" for name in names)
        self._single = self.particles == 3
        self._fold = Fold(_SWAPS[self.particles], mirror=True, flip=True)
        limits = ClusterLimits(self._single, self.pt_min, self.m_pair, self.delta_r)
        self._steps = ClusterSteps(limits, Falling(self.exponent))

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """See `PartonicMap.forward`."""
        energy = torch.sqrt(s)
        drawn = self._steps.walk(energy, Draw(u[:, 1:]))
        by_place = self._fold.unfold(u[:, 0], _momenta(energy, drawn))
        numbers = torch.tensor(self._orders, device=u.device)[channel]
        momenta = by_place.gather(1, numbers.argsort(1)[:, :, None].expand_as(by_place))
        return FinalState(momenta, self._log_densities(energy, momenta, channel))

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """See `PartonicMap.inverse`."""
        numbers = torch.tensor(self._orders, device=s.device)[channel]
        found = _read(momenta.gather(1, numbers[:, :, None].expand_as(momenta)))
        way = Undo(found.values)
        self._steps.walk(torch.sqrt(s), way)
        u0 = self._fold.fold(found.place, found.azimuth, found.mirrored, found.flipped)
        return torch.stack((u0, *way.u), 1)

    def _log_densities(self, energy: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """Density of every channel in dΦ_j, `(n, k)`; -inf where it has no points."""
        j, k = self.particles, len(self.channels)
        orders = torch.tensor(self._orders, device=energy.device)
        way = Weigh(_read(momenta[:, orders]).values)
        energy = energy[:, None].expand(-1, k)
        clusters = self._steps.walk(energy, way)
        one, two = clusters.transverse
        # (2π)^(4-3j) 2^-j of dΦ, 2/λ^½ of the two clusters, p dp dφ of each vector
        constant = (3 * j - 4) * math.log(2 * math.pi) + (j - 1) * math.log(2)
        constant -= math.log(2 * math.pi * self._fold.pieces)
        sizes = torch.stack(clusters.sizes).log().sum(0)
        root = torch.log(2 * energy * _momentum(energy, one, two))
        density = way.log_density + constant + root - sizes
        own = torch.arange(k, device=energy.device) == channel[:, None]
        return torch.where(way.inside | own, density, -torch.inf)


class _Found(NamedTuple):
    """A state taken apart, see `Fold.fold`; values as `ClusterSteps.walk` asks for them."""

    values: tuple[Tensor, ...]
    place: Tensor
    azimuth: Tensor
    mirrored: Tensor
    flipped: Tensor


def _read(momenta: Tensor) -> _Found:
    """Takes momenta `(..., j, 4)` apart, those of cluster A first."""
    _, px, py, pz = momenta.unbind(-1)
    size = torch.sqrt(px.square() + py.square())
    rapidity = torch.asinh(pz / size)
    ahead = momenta[..., :2, :].sum(-2)
    flipped = ahead[..., 3] < 0
    rapidity = torch.where(flipped[..., None], -rapidity, rapidity)
    pairs = momenta.shape[-2] // 2
    firsts, places = [], []
    # of A the first is ahead, of B the smaller one
    for a, keys in ((0, -rapidity), (2, size))[:pairs]:
        swapped = keys[..., a] > keys[..., a + 1]
        firsts.append(swapped)
        both = torch.stack((swapped, ~swapped), -1).to(torch.int64)
        places.append(both + a)
    if pairs == 1:
        places.append(torch.full_like(places[0][..., :1], 2))

    def picked(values: Tensor, pair: int) -> tuple[Tensor, Tensor]:
        one, two = values[..., 2 * pair], values[..., 2 * pair + 1]
        swapped = firsts[pair]
        return torch.where(swapped, two, one), torch.where(swapped, one, two)

    p1, p2 = picked(size, 0)
    (x1, x2), (y1, y2) = picked(px, 0), picked(py, 0)
    above, below = picked(rapidity, 0)
    across = x1 * y2 - y1 * x2
    mirrored = across < 0
    angle = torch.atan2(torch.where(mirrored, -across, across), x1 * x2 + y1 * y2)
    values = [p1, p2, above - below, angle]
    if pairs == 2:
        p3, _ = picked(size, 1)
        (x3, _), (y3, _) = picked(px, 1), picked(py, 1)
        one, two = picked(rapidity, 1)
        kx, ky = -x1 - x2, -y1 - y2
        turned = torch.atan2(kx * y3 - ky * x3, kx * x3 + ky * y3)
        values += [p3, torch.where(mirrored, -turned, turned), one - two]
    place = torch.cat(places, -1)
    return _Found(tuple(values), place, torch.atan2(y1, x1), mirrored, flipped)


def _momenta(energy: Tensor, drawn: Clusters) -> Tensor:
    """Momenta `(n, j, 4)`: cluster A ahead, 1 along x, 2 at y >= 0."""
    p1, p2, *others = drawn.sizes
    phi, *angles = drawn.angles
    zero = torch.zeros_like(p1)
    xs, ys = [p1, p2 * torch.cos(phi)], [zero, p2 * torch.sin(phi)]
    kx, ky = -xs[0] - xs[1], -ys[1]
    if others:
        # the direction of B; any will do where it vanishes
        k = torch.sqrt((kx.square() + ky.square()).clamp_min(1e-24))
        c, s = others[0] * torch.cos(angles[0]) / k, others[0] * torch.sin(angles[0]) / k
        xs.append(c * kx - s * ky)
        ys.append(c * ky + s * kx)
        kx, ky = kx - xs[2], ky - ys[2]
    x, y = torch.stack((*xs, kx), -1), torch.stack((*ys, ky), -1)
    sizes = torch.sqrt(x.square() + y.square())
    one, two = drawn.transverse
    along = _momentum(energy, one, two)
    # of A and B: E + |p_z| fixes the rapidity of the first, the gap that of the second
    first = 0.5 * (energy + (one - two) * (one + two) / energy)
    rapidities: list[Tensor] = []
    for a, total, sign in ((0, first + along, 1.0), (2, energy - first + along, -1.0)):
        if a < sizes.shape[1] - 1:
            gap = drawn.gaps[a // 2]
            rest = sizes[:, a] + sizes[:, a + 1] * torch.exp(-sign * gap)
            ahead = sign * torch.log(total / rest)
            rapidities += [ahead, ahead - gap]
        else:
            rapidities += [sign * torch.log(total / sizes[:, a])]
    rapidity = torch.stack(rapidities, -1)
    return torch.stack((sizes * torch.cosh(rapidity), x, y, sizes * torch.sinh(rapidity)), -1)


def _momentum(energy: Tensor, one: Tensor, two: Tensor) -> Tensor:
    """p_z of two clusters of these transverse masses: λ^½/(2√s)."""
    least = _SMALLEST * energy
    outer = (energy - one - two).clamp_min(least) * (energy + one + two)
    inner = (energy - one + two).clamp_min(least) * (energy + one - two).clamp_min(least)
    return torch.sqrt(outer * inner) / (2 * energy)
