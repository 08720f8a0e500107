"""DiagramMap: the unit cube onto n-body phase space along one diagram of s- and t-channel propagators.

dΦ_n = Π ds_i/(2π) Π dΦ₂ as in `tree`; here the polar angle of a splitting is measured from beam 1 in
the rest frame of what splits, and goes through a map of the momentum transfer (Byckling and Kajantie,
Particle Kinematics, 1973, chapter VI). With massless beams -t = -m₁² + 2 E_a (E₁ - p cosθ) >= 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core import kinematics
from crosshook.core.phase_space import frames
from crosshook.core.phase_space.boosts import boosted
from crosshook.core.phase_space.branching import mass_of
from crosshook.core.phase_space.decay import Breakup, breakup

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.branching import Leg
    from crosshook.core.phase_space.splitting import Splitting

_TWO_PI = 2 * math.pi


class _Beam(NamedTuple):
    """Beam 1 in the rest frame of a splitting: energy, cosθ and φ, `(n,)` each."""

    energy: Tensor
    cosine: Tensor
    azimuth: Tensor


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
        columns = iter(u.unbind(1))
        masses = self.root.known_masses(s)
        density = torch.zeros_like(s)
        for node, low, high in self.root.limits(masses):
            square = node.propagator.forward(next(columns), low, high)
            masses[node] = mass_of(square, s)
            density = density + node.propagator.log_density(square, low, high)
        placed: dict[Leg | Splitting, Tensor] = {self.root: _at_rest(masses[self.root])}
        for node in self.root.chain():
            system = breakup(masses[node], masses[node.first], masses[node.second])
            frame, mass = placed[node], masses[node]
            beam = self._beam(node, frame, mass, s)
            share, turn = next(columns), _TWO_PI * next(columns)
            if node.exchange is None:
                cosine, angle = 2 * share - 1, torch.full_like(s, -math.log(2))
                versine = 1 - cosine
            else:
                transfer = _transfer(beam, system, masses[node.first])
                value = node.exchange.forward(share, transfer.low, transfer.high)
                versine = ((value - transfer.low) / transfer.slope).clamp(0, 2)
                cosine = 1 - versine
                angle = node.exchange.log_density(value, transfer.low, transfer.high)
                angle = angle + torch.log(transfer.slope)
            direction = _direction(versine, turn)
            for child, energy, sign in (
                (node.first, system.energy1, 1.0),
                (node.second, system.energy2, -1.0),
            ):
                still = torch.cat(
                    (energy[:, None], sign * system.momentum[:, None] * direction), 1
                )
                if beam is not None and node is not self.root:
                    still = frames.rotate(still[:, None], beam.cosine, beam.azimuth)[:, 0]
                placed[child] = still if node is self.root else boosted(still, frame, mass, 1.0)
            density = density + angle - system.log_element
        momenta = torch.stack(
            [placed[leg] for leg in sorted(self.root.legs, key=lambda leg: leg.number)], 1
        )
        return momenta, density - math.log(_TWO_PI)

    def inverse(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.inverse`."""
        masses, sums = self._variables(momenta, s)
        columns = [
            node.propagator.inverse(masses[node].square(), low, high)
            for node, low, high in self.root.limits(masses)
        ]
        for node in self.root.chain():
            _, versine, turn, transfer = self._angles(node, masses, sums, s)
            if node.exchange is None or transfer is None:
                share = 1 - 0.5 * versine
            else:
                value = transfer.low + transfer.slope * versine
                share = node.exchange.inverse(value, transfer.low, transfer.high)
            columns += [share, turn / _TWO_PI]
        return torch.stack(columns, -1)

    def log_density(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.log_density`."""
        masses, sums = self._variables(momenta, s)
        density = torch.full_like(s, -math.log(_TWO_PI))
        for node, low, high in self.root.limits(masses):
            density = density + node.propagator.log_density(masses[node].square(), low, high)
        for node in self.root.chain():
            if node.exchange is None:  # flat: only the masses count
                system = breakup(masses[node], masses[node.first], masses[node.second])
                density = density - math.log(2) - system.log_element
                continue
            system, versine, _, transfer = self._angles(node, masses, sums, s)
            assert transfer is not None
            # rounding must not close a point at an end of the range
            value = transfer.low + transfer.slope * versine.clamp(0, 2)
            angle = node.exchange.log_density(value, transfer.low, transfer.high)
            density = density + angle + torch.log(transfer.slope) - system.log_element
        return density

    def _variables(
        self, momenta: Tensor, s: Tensor
    ) -> tuple[dict[Leg | Splitting, Tensor], dict[Leg | Splitting, Tensor]]:
        """Masses and momenta of all parts of given final states."""
        masses = self.root.known_masses(s)
        sums: dict[Leg | Splitting, Tensor] = {
            leg: momenta[:, leg.number] for leg in self.root.legs
        }
        for node in reversed(tuple(self.root.chain())):
            sums[node] = sums[node.first] + sums[node.second]
            if node is not self.root:
                square = kinematics.mass_squared(sums[node])
                masses[node] = mass_of(square, s)
        sums[self.root] = _at_rest(masses[self.root])
        return masses, sums

    def _angles(
        self,
        node: Splitting,
        masses: dict[Leg | Splitting, Tensor],
        sums: dict[Leg | Splitting, Tensor],
        s: Tensor,
    ) -> tuple[Breakup, Tensor, Tensor, _Transfer | None]:
        """Breakup, 1 - cosθ, φ in [0, 2π), and the momentum transfer if there is one."""
        system = breakup(masses[node], masses[node.first], masses[node.second])
        beam = self._beam(node, sums[node], masses[node], s)
        still = sums[node.first]
        if node is not self.root:
            still = boosted(still, sums[node], masses[node], -1.0)
            if beam is not None:
                still = frames.rotate_back(still[:, None], beam.cosine, beam.azimuth)[:, 0]
        _, x, y, z = still.unbind(-1)
        across = x.square() + y.square()
        length = torch.sqrt((across + z.square()).clamp_min(1e-300))
        # forward, 1 - cosθ is small: from the transverse momentum, without cancellation
        versine = torch.where(z > 0, across / (length * (length + z)), 1 - z / length)
        turn = torch.remainder(torch.atan2(y, x), _TWO_PI)
        transfer = None if beam is None else _transfer(beam, system, masses[node.first])
        return system, versine, turn, transfer

    def _beam(self, node: Splitting, frame: Tensor, mass: Tensor, s: Tensor) -> _Beam | None:
        """Beam 1 where something is exchanged with it."""
        if node.exchange is None:
            return None
        half, zero = 0.5 * torch.sqrt(s), torch.zeros_like(s)
        if node is self.root:
            return _Beam(half, torch.ones_like(s), zero)
        seen = boosted(torch.stack((half, zero, zero, half), -1), frame, mass, -1.0)
        return _Beam(seen[:, 0], *frames.direction(seen))


def _at_rest(mass: Tensor) -> Tensor:
    zero = torch.zeros_like(mass)
    return torch.stack((mass, zero, zero, zero), -1)


def _direction(versine: Tensor, azimuth: Tensor) -> Tensor:
    """The unit vector of 1 - cosθ and φ, `(n, 3)`."""
    sine = torch.sqrt((versine * (2 - versine)).clamp_min(1e-30))
    return torch.stack((sine * torch.cos(azimuth), sine * torch.sin(azimuth), 1 - versine), -1)


def _transfer(beam: _Beam | None, system: Breakup, mass: Tensor) -> _Transfer:
    """The range of the momentum transfer to a part of this mass."""
    assert beam is not None
    # E - p = m²/(E + p): exact where the part is fast
    reach = 2 * beam.energy / (system.energy1 + system.momentum)
    low = (mass.square() * (reach - 1)).clamp_min(0.0)
    return _Transfer(low, 2 * beam.energy * system.momentum)
