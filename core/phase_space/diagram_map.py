"""DiagramMap: the unit cube onto n-body phase space along one diagram of s- and t-channel propagators.

dΦ_n = Π ds_i/(2π) Π dΦ₂ as in `tree`; here the polar angle of a splitting is measured from beam 1 in
the rest frame of what splits, and goes through a map of the momentum transfer (Byckling and Kajantie,
Particle Kinematics, 1973, chapter VI). With massless beams -t = -m₁² + 2 E_a (E₁ - p cosθ) >= 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core.phase_space.branching import mass_of
from crosshook.core.phase_space.decay import breakup
from crosshook.core.phase_space.four_vector import (
    Axis,
    FourVector,
    into_rest_frame,
    leg,
    out_of_rest_frame,
    together,
)
from crosshook.core.phase_space.isotropic import TWO_PI, even, spherical, vector
from crosshook.core.phase_space.propagator import between

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.branching import Leg
    from crosshook.core.phase_space.decay import Breakup
    from crosshook.core.phase_space.splitting import Splitting


class _Transfer(NamedTuple):
    """-t = low + slope·(1 - cosθ), `(n,)` each in GeV²."""

    low: Tensor
    slope: Tensor

    @property
    def high(self) -> Tensor:
        return self.low + 2 * self.slope


@dataclass(frozen=True)
class DiagramMap:
    """A `MomentumMap` of j particles in the rest frame of the whole event, beam 1 along +z.

    The columns of u are the invariants of the splittings, parents first, then angle and azimuth of
    each.

    Attributes:
        root: the whole event.
    """

    root: Splitting

    def __post_init__(self) -> None:
        self.root.check_numbers()

    @property
    def n_dim(self) -> int:
        """Dimensions of the cube."""
        return 3 * len(self.root.legs) - 4

    def forward(self, u: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """See `MomentumMap.forward`."""
        columns = iter(u.T.contiguous().unbind(0))
        masses = self.root.known_masses(s)
        density = torch.zeros_like(s)
        for node, low, high in self.root.limits(masses):
            square, log_density = node.propagator.drawn(next(columns), low, high)
            masses[node] = mass_of(square, s)
            density = density + log_density
        placed: dict[Leg | Splitting, FourVector] = {}
        measure = torch.ones_like(s)
        for node in self.root.chain():
            system = breakup(masses[node], masses[node.first], masses[node.second])
            frame = placed.get(node)
            share, turn = next(columns), TWO_PI * next(columns)
            if node.exchange is None:
                versine = 2 - 2 * share
                measure = measure * even(system)
            else:
                energy = _beam_energy(frame, masses[node], s)
                transfer = _transfer(energy, system, masses[node.first])
                value, log_density = node.exchange.drawn(share, transfer.low, transfer.high)
                versine = ((value - transfer.low) / transfer.slope).clamp(0, 2)
                density = density + log_density
                measure = measure * _leaning(energy, masses[node])
            away = vector(system.momentum, versine, turn)
            if frame is None:
                placed[node.first] = FourVector(system.energy1, *away)
                placed[node.second] = FourVector(system.energy2, *(-part for part in away))
                continue
            if node.exchange is not None:
                away = _beam_axis(frame, masses[node], s).rotate(*away)
            placed[node.first], placed[node.second] = out_of_rest_frame(
                away, (system.energy1, system.energy2), frame, masses[node]
            )
        legs = sorted(self.root.legs, key=lambda each: each.number)
        momenta = together([placed[each] for each in legs])
        return momenta, density + torch.log(measure / TWO_PI)

    def inverse(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.inverse`."""
        masses, sums = self._variables(momenta, s)
        columns = [
            node.propagator.inverse(masses[node].square(), low, high)
            for node, low, high in self.root.limits(masses)
        ]
        for node in self.root.chain():
            system = breakup(masses[node], masses[node.first], masses[node.second])
            versine, turn = self._angles(node, masses[node], sums, s)
            share = 1 - 0.5 * versine
            if node.exchange is not None:
                frame = None if node is self.root else sums[node]
                energy = _beam_energy(frame, masses[node], s)
                transfer = _transfer(energy, system, masses[node.first])
                value = transfer.low + transfer.slope * versine
                share = node.exchange.inverse(value, transfer.low, transfer.high)
            columns += [share, turn / TWO_PI]
        return torch.stack(columns, -1)

    def log_density(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.log_density`."""
        masses, sums = self._variables(momenta, s)
        density, measure = torch.zeros_like(s), torch.ones_like(s)
        for node, low, high in self.root.limits(masses):
            density = density + node.propagator.log_density(masses[node].square(), low, high)
        for node in self.root.chain():
            system = breakup(masses[node], masses[node.first], masses[node.second])
            if node.exchange is None:
                measure = measure * even(system)
                continue
            frame = None if node is self.root else sums[node]
            energy = _beam_energy(frame, masses[node], s)
            transfer = _transfer(energy, system, masses[node.first])
            square = masses[node.first].square()
            # -t = 2 p_beam·p - m²: no angle in any frame is needed
            value = torch.sqrt(s) * sums[node.first].minus(square) - square
            # rounding must not close a point at an end of the range
            value = between(value, transfer.low, transfer.high)
            density = density + node.exchange.log_density(value, transfer.low, transfer.high)
            measure = measure * _leaning(energy, masses[node])
        return density + torch.log(measure / TWO_PI)

    def _variables(
        self, momenta: Tensor, s: Tensor
    ) -> tuple[dict[Leg | Splitting, Tensor], dict[Leg | Splitting, FourVector]]:
        """Masses and momenta of all parts of given final states; of the whole, the mass only."""
        masses = self.root.known_masses(s)
        sums: dict[Leg | Splitting, FourVector] = {
            each: leg(momenta, each.number) for each in self.root.legs
        }
        for node in reversed(tuple(self.root.chain())):
            if node is not self.root:
                sums[node] = sums[node.first].plus(sums[node.second])
                masses[node] = mass_of(sums[node].square, s)
        return masses, sums

    def _angles(
        self,
        node: Splitting,
        mass: Tensor,
        sums: dict[Leg | Splitting, FourVector],
        s: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """1 - cosθ, and φ in [0, 2π)."""
        still = sums[node.first]
        x, y, z = still[1:]
        if node is not self.root:
            x, y, z = into_rest_frame(still, sums[node], mass)[1:]
            if node.exchange is not None:
                x, y, z = _beam_axis(sums[node], mass, s).rotate_back(x, y, z)
        return spherical(x, y, z)


def _beam_energy(frame: FourVector | None, mass: Tensor, s: Tensor) -> Tensor:
    """Energy of beam 1 in the rest frame of a system, `(n,)`; of the whole event for None."""
    half = 0.5 * torch.sqrt(s)
    return half if frame is None else half * frame.minus(mass.square()) / mass


def _beam_axis(frame: FourVector, mass: Tensor, s: Tensor) -> Axis:
    """Direction of beam 1 in the rest frame of a system."""
    half, zero = 0.5 * torch.sqrt(s), torch.zeros_like(s)
    seen = into_rest_frame(FourVector(half, zero, zero, half), frame, mass)
    return Axis.along(*seen[1:])


def _leaning(beam: Tensor, mass: Tensor) -> Tensor:
    """dt over dΦ₂/(dφ/2π), `(n,)`, for a beam of this energy: (2π)² 4 M/p · 2 E_a p."""
    return 8 * TWO_PI**2 * beam * mass


def _transfer(beam: Tensor, system: Breakup, mass: Tensor) -> _Transfer:
    """The range of the momentum transfer to a part of this mass from a beam of this energy."""
    # E - p = m²/(E + p): exact where the part is fast
    reach = 2 * beam / (system.energy1 + system.momentum)
    low = (mass.square() * (reach - 1)).clamp_min(0.0)
    return _Transfer(low, 2 * beam * system.momentum)
