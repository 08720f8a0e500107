"""TransverseMap: the cube onto lab momenta through transverse momenta and rapidities, as in Chili.

With k parts of masses m_i (2302.10449, section 2.1)

    dx1 dx2 dΦ_k = (2π)^(4-3k) 2/S Π_i ½ dy_i Π_(i<k) ½ dp_T,i² dφ_i.

The last part recoils. Here rapidities are drawn relative to it, and then that of the whole, within
what x1, x2 < 1 allow. Every point passes the cuts on p_T of the parts drawn, which are those that have
such cuts. Parts of several legs are resonances or splittings that decay isotropically.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.beams import collision, fractions, incoming, largest_rapidity
from crosshook.core.phase_space.branching import mass_of
from crosshook.core.phase_space.decay import breakup
from crosshook.core.phase_space.four_vector import (
    FourVector,
    into_rest_frame,
    leg,
    out_of_rest_frame,
    together,
)
from crosshook.core.phase_space.isotropic import TWO_PI, even, spherical, vector
from crosshook.core.phase_space.propagator import PowerPropagator
from crosshook.core.phase_space.rapidity_gap import RapidityGap
from crosshook.core.phase_space.splitting import Splitting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from crosshook.core.phase_space.branching import Leg
    from crosshook.core.phase_space.rapidity import RapidityMap

GAP_WIDTH = 2.0
"""Rapidities of parts then fall apart as e^-|Δy|; VEGAS adapts it."""

LARGEST_GAP = 30.0
"""No two parts are further apart: e^Δy < S/(m_T1 m_T2), and both m_T are above 4 MeV at 13 TeV."""


class Part(NamedTuple):
    """What is placed by its transverse momentum and rapidity.

    Attributes:
        node: a leg, or what decays to several.
        pt_min: smallest p_T in GeV.
        scale: where p_T^-2ν flattens without such a cut, in GeV.
    """

    node: Leg | Splitting
    pt_min: float
    scale: float


class _Placed(NamedTuple):
    """Variables of the parts: p_T², φ and Δy of all but the last, and y of the whole; `(n,)` each."""

    squares: list[Tensor]
    azimuths: list[Tensor]
    gaps: list[Tensor]
    y: Tensor


@dataclass
class TransverseMap:
    """One channel of `HadronicGroups`.

    The columns of u are the invariants of the parts, parents first, then p_T², φ and Δy of each part
    but the last, y of the whole, and angle and azimuth of each splitting.

    Attributes:
        name: of the channel.
        energy: collision energy √S in GeV.
        parts: at least two; the last one recoils.
        rapidity: map of y of the whole.
        exponent: ν of dp_T²/(p_T²)^ν.
        turned: azimuths are counted from that of the first part, which alone is then without
            meaning.
    """

    name: str
    energy: float
    parts: tuple[Part, ...]
    rapidity: RapidityMap
    exponent: float
    turned: bool = False
    n_incoming: int = 2
    n_dim: int = field(init=False)
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._legs = sorted((x for p in self.parts for x in p.node.legs), key=lambda x: x.number)
        self.n_dim, self.channels = 3 * len(self._legs) - 2, (self.name,)
        self._gap = RapidityGap(GAP_WIDTH, LARGEST_GAP)
        self._pt = [
            PowerPropagator(self.exponent, 0.0 if part.pt_min else part.scale**2)
            for part in self.parts[:-1]
        ]
        self._nodes = [
            node
            for part in self.parts
            if isinstance(part.node, Splitting)
            for node in part.node.chain()
        ]

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)`; see `PhaseSpace.forward`."""
        columns = iter(u.T.contiguous().unbind(0))
        total = torch.full_like(u[:, 0], self.energy**2)
        masses: dict[Leg | Splitting, Tensor] = {
            x: total.new_full((1,), x.mass) for x in self._legs
        }
        density = torch.zeros_like(total)
        for node, low, high in self._limits(masses, total):
            square, log_density = node.propagator.drawn(next(columns), low, high)
            masses[node] = mass_of(square, total)
            density = density + log_density
        squares: list[Tensor] = []
        azimuths: list[Tensor] = []
        gaps: list[Tensor] = []
        for pt, (low, high) in zip(self._pt, self._pt_ranges(total), strict=True):
            square, log_density = pt.drawn(next(columns), low, high)
            squares.append(square)
            azimuth = TWO_PI * next(columns)
            azimuths.append(azimuth + azimuths[0] if self.turned and azimuths else azimuth)
            gaps.append(self._gap.forward(next(columns)))
            density = density + log_density + self._gap.log_density(gaps[-1])
        xs = [torch.sqrt(q) * torch.cos(a) for q, a in zip(squares, azimuths, strict=True)]
        ys = [torch.sqrt(q) * torch.sin(a) for q, a in zip(squares, azimuths, strict=True)]
        xs.append(-torch.stack(xs).sum(0))
        ys.append(-torch.stack(ys).sum(0))
        ahead, behind = [], []
        for part, x, y, gap in zip(
            self.parts, xs, ys, [*gaps, torch.zeros_like(total)], strict=True
        ):
            square = torch.addcmul(torch.addcmul(masses[part.node].square(), x, x), y, y)
            transverse, rise = torch.sqrt(square), torch.exp(gap)
            ahead.append(transverse * rise)
            behind.append(transverse / rise)
        plus, minus = torch.stack(ahead).sum(0), torch.stack(behind).sum(0)
        s = plus * minus
        # beyond the beams' energy there is nothing: such points are closed, and stay finite
        inside = s < total
        s = torch.where(inside, s, 0.5 * total)
        largest = largest_rapidity(s, self.energy)
        y_whole = self.rapidity.forward(next(columns), largest)
        density = density + self.rapidity.log_density(y_whole, largest)
        shift = torch.exp(y_whole) * torch.sqrt(minus / plus)
        placed: dict[Leg | Splitting, FourVector] = {}
        for part, x, y, up, down in zip(self.parts, xs, ys, ahead, behind, strict=True):
            up, down = 0.5 * up * shift, 0.5 * down / shift
            placed[part.node] = FourVector(up + down, x, y, up - down)
        measure = torch.ones_like(total)
        for node in self._nodes:
            system = breakup(masses[node], masses[node.first], masses[node.second])
            share, turn = next(columns), TWO_PI * next(columns)
            placed[node.first], placed[node.second] = out_of_rest_frame(
                vector(system.momentum, 2 - 2 * share, turn),
                (system.energy1, system.energy2),
                placed[node],
                masses[node],
            )
            measure = measure * even(system)
        x1, x2 = fractions(y_whole, largest)
        half = 0.5 * self.energy
        beams = (leg(incoming(half * x1, half * x2), i) for i in (0, 1))
        momenta = together([*beams, *(placed[each] for each in self._legs)])
        density = density + torch.log(measure) + self._constant()
        closed = torch.full_like(density, -torch.inf)
        return PhaseSpacePoint(
            momenta,
            x1,
            x2,
            torch.where(inside, -density, closed),
            torch.where(inside, density, closed)[:, None],
        )

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` that lead to lab momenta `(n, m, 4)`."""
        total = torch.full_like(momenta[:, 0, 0], self.energy**2)
        masses, sums = self._variables(momenta, total)
        columns = [
            node.propagator.inverse(masses[node].square(), low, high)
            for node, low, high in self._limits(masses, total)
        ]
        placed = self._placed(momenta, sums)
        for number, (low, high) in enumerate(self._pt_ranges(total)):
            azimuth = placed.azimuths[number]
            if self.turned and number:
                azimuth = torch.remainder(azimuth - placed.azimuths[0], TWO_PI)
            columns += [
                self._pt[number].inverse(placed.squares[number], low, high),
                azimuth / TWO_PI,
                self._gap.inverse(placed.gaps[number]),
            ]
        s, _ = collision(momenta, self.energy)
        columns.append(self.rapidity.inverse(placed.y, largest_rapidity(s, self.energy)))
        for node in self._nodes:
            still = into_rest_frame(sums[node.first], sums[node], masses[node])
            versine, turn = spherical(*still[1:])
            columns += [1 - 0.5 * versine, turn / TWO_PI]
        return torch.stack(columns, -1)

    def log_densities(self, momenta: Tensor) -> Tensor:
        """Log of the density in dx1 dx2 dΦ_j at lab momenta `(n, m, 4)`, `(n, 1)`."""
        total = torch.full_like(momenta[:, 0, 0], self.energy**2)
        masses, sums = self._variables(momenta, total)
        density, measure = torch.zeros_like(total), torch.ones_like(total)
        for node, low, high in self._limits(masses, total):
            density = density + node.propagator.log_density(masses[node].square(), low, high)
            system = breakup(masses[node], masses[node.first], masses[node.second])
            measure = measure * even(system)
        placed = self._placed(momenta, sums)
        for number, (low, high) in enumerate(self._pt_ranges(total)):
            density = density + self._pt[number].log_density(placed.squares[number], low, high)
            density = density + self._gap.log_density(placed.gaps[number])
        s, _ = collision(momenta, self.energy)
        largest = largest_rapidity(s, self.energy)
        density = density + self.rapidity.log_density(placed.y, largest)
        return (density + torch.log(measure) + self._constant())[:, None]

    def _constant(self) -> float:
        """Log of du/dφ for all azimuths, over the constants of the measure."""
        k = len(self.parts)
        element = (4 - 3 * k) * math.log(TWO_PI) - 2 * math.log(self.energy)
        element += (2 - 2 * k) * math.log(2)
        return -(k - 1) * math.log(TWO_PI) - element

    def _limits(
        self, masses: dict[Leg | Splitting, Tensor], total: Tensor
    ) -> Iterator[tuple[Splitting, Tensor, Tensor]]:
        """Every splitting with the limits of its invariant, in the order of `_nodes`."""
        for part in self.parts:
            if isinstance(part.node, Splitting):
                others = sum(p.node.mass for p in self.parts if p is not part)
                low = total.new_full((1,), part.node.mass**2)
                yield part.node, low, total.new_full((1,), (self.energy - others) ** 2)
                yield from part.node.limits(masses)

    def _pt_ranges(self, total: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Limits of p_T² of all parts but the last, `(1,)` each."""
        for part in self.parts[:-1]:
            yield (
                total.new_full((1,), part.pt_min**2),
                total.new_full((1,), 0.25 * self.energy**2),
            )

    def _variables(
        self, momenta: Tensor, total: Tensor
    ) -> tuple[dict[Leg | Splitting, Tensor], dict[Leg | Splitting, FourVector]]:
        """Masses and momenta of all parts of given events."""
        masses: dict[Leg | Splitting, Tensor] = {
            x: total.new_full((1,), x.mass) for x in self._legs
        }
        sums: dict[Leg | Splitting, FourVector] = {
            each: leg(momenta, each.number + self.n_incoming) for each in self._legs
        }
        for node in reversed(self._nodes):
            sums[node] = sums[node.first].plus(sums[node.second])
            masses[node] = mass_of(sums[node].square, total)
        return masses, sums

    def _placed(self, momenta: Tensor, sums: dict[Leg | Splitting, FourVector]) -> _Placed:
        """The parts' own variables."""
        squares, azimuths, rapidities = [], [], []
        for part in self.parts:
            _, x, y, z = sums[part.node]
            square = x.square() + y.square()
            squares.append(square)
            azimuths.append(torch.remainder(torch.atan2(y, x), TWO_PI))
            if isinstance(part.node, Splitting):
                mass = sums[part.node].square.clamp_min(0)
            else:
                mass = torch.full_like(x, part.node.mass**2)
            rapidities.append(torch.asinh(z / torch.sqrt((square + mass).clamp_min(1e-300))))
        last = rapidities[-1]
        gaps = [y - last for y in rapidities[:-1]]
        _, whole = collision(momenta, self.energy)
        return _Placed(squares[:-1], azimuths[:-1], gaps, whole)
