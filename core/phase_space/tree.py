"""TreeMap: the unit cube onto n-body phase space through one chain of two-body decays.

dΦ_n = Π ds_i/(2π) Π dΦ₂ (Byckling and Kajantie, Particle Kinematics, 1973, chapter V): n - 2
invariants, drawn parents first so that each has exact limits, and n - 1 pairs (cosθ, φ). For 2 or
more particles of any masses; differentiable and invertible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics
from crosshook.core.phase_space.branching import mass_of
from crosshook.core.phase_space.chain import Angles, assemble, dissect
from crosshook.core.phase_space.decay import Breakup, Decay, breakup

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.branching import Leg

_TWO_PI = 2 * math.pi


@dataclass(frozen=True)
class TreeMap:
    """Maps u `(n, 3j - 4)` to momenta of j particles in the rest frame of the whole event.

    The columns of u are the invariants of the decays, parents first, then cosθ and φ of each.

    Attributes:
        root: the whole event.
    """

    root: Decay

    def __post_init__(self) -> None:
        self.root.check_numbers()

    @property
    def n_dim(self) -> int:
        """Dimensions of the cube."""
        return 3 * len(self.root.legs) - 4

    def forward(self, u: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Momenta and density.

        Args:
            u: `(n, d)` in [0, 1].
            s: mass squared of the whole event in GeV², `(n,)`.

        Returns:
            Momenta `(n, j, 4)` in the order of the legs' numbers, and log of their density in
            dΦ_j, `(n,)`.
        """
        columns = iter(u.unbind(1))
        masses = self.root.known_masses(s)
        density = torch.zeros_like(s)
        for decay, low, high in self.root.limits(masses):
            square = decay.propagator.forward(next(columns), low, high)
            masses[decay] = mass_of(square, s)
            density = density + decay.propagator.log_density(square, low, high)
        breakups = self._breakups(masses)
        angles = {}
        for decay, system in breakups.items():
            cosine = decay.angle.forward(next(columns), *system.velocities)
            angles[decay] = Angles(cosine, _TWO_PI * next(columns))
            density = density + decay.angle.log_density(cosine, *system.velocities)
        momenta = assemble(self.root, breakups, angles)
        numbers = [leg.number for leg in self.root.legs]
        order = [numbers.index(number) for number in range(len(numbers))]
        return momenta[:, order], density - _log_element(breakups)

    def inverse(self, momenta: Tensor, s: Tensor) -> Tensor:
        """The points u `(n, d)` that lead to momenta `(n, j, 4)` in the rest frame."""
        masses, breakups, angles = self._variables(momenta, s)
        columns = [
            decay.propagator.inverse(masses[decay].square(), low, high)
            for decay, low, high in self.root.limits(masses)
        ]
        for decay, system in breakups.items():
            columns.append(decay.angle.inverse(angles[decay].cosine, *system.velocities))
            columns.append(angles[decay].azimuth / _TWO_PI)
        return torch.stack(columns, -1)

    def log_density(self, momenta: Tensor, s: Tensor) -> Tensor:
        """Log of the density in dΦ_j at momenta `(n, j, 4)` in the rest frame, `(n,)`."""
        masses, breakups, angles = self._variables(momenta, s)
        density = -_log_element(breakups)
        for decay, low, high in self.root.limits(masses):
            density = density + decay.propagator.log_density(masses[decay].square(), low, high)
        for decay, system in breakups.items():
            cosine = angles[decay].cosine
            density = density + decay.angle.log_density(cosine, *system.velocities)
        return density

    def _breakups(self, masses: dict[Leg | Decay, Tensor]) -> dict[Decay, Breakup]:
        return {
            decay: breakup(masses[decay], masses[decay.first], masses[decay.second])
            for decay in self.root.chain()
        }

    def _variables(
        self, momenta: Tensor, s: Tensor
    ) -> tuple[dict[Leg | Decay, Tensor], dict[Decay, Breakup], dict[Decay, Angles]]:
        """Masses, kinematics and angles of given momenta."""
        masses = self.root.known_masses(s)
        for decay in self.root.chain():
            if decay is not self.root:
                total = momenta[:, [leg.number for leg in decay.legs]].sum(1)
                square = kinematics.mass_squared(total)
                masses[decay] = mass_of(square, s)
        breakups = self._breakups(masses)
        angles: dict[Decay, Angles] = {}
        ordered = momenta[:, [leg.number for leg in self.root.legs]]
        dissect(self.root, ordered, breakups, angles)
        return masses, breakups, angles


def _log_element(breakups: dict[Decay, Breakup]) -> Tensor:
    """log of dΦ_j over the product of all ds, dcosθ and dφ/(2π), `(n,)`."""
    elements = torch.stack([system.log_element for system in breakups.values()])
    # every decay has 2π of its azimuth, every one but the root 1/(2π) of its invariant
    return elements.sum(0) + math.log(_TWO_PI)
