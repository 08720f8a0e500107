"""Decay: a chain of two-body decays with the maps of its variables, written as a nested value.

top = Decay(Decay(lepton, neutrino, Resonance(80.4, 2.1)), bottom, Resonance(173.0, 1.5))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.angle import FlatAngle
from crosshook.core.phase_space.branching import Branching, Leg

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.angle import AngleMap


@dataclass(frozen=True)
class Decay(Branching):
    """A particle or a whole event that goes to two others, with angles in its helicity frame.

    Attributes:
        first: the child (θ, φ) belong to.
        second: the other one.
        propagator: map of its invariant mass squared; without effect for the whole event, whose
            mass is given.
        angle: map of cosθ.
        aligned: a child of `first`, or None. If given, (θ, φ) are the direction of that
            grandchild instead, and the azimuth of `first`'s decay turns the three bodies about
            it. The measure is the same. A polarised particle whose spin shows in the direction of
            one of three products, as a top quark's in its lepton's, then has a distribution that
            does not depend on the third angle and does not mix with the masses.
        beam_axes: measure the angles in the children's decays from the direction in which beam 1
            (first child) and beam 2 (second child) fly in the child's rest frame, not from the
            child's own. For the whole event only. Heavy fermions from a γ or Z have their spins
            along these axes where equal chiralities dominate (hep-ph/9606419).
    """

    angle: AngleMap = field(default_factory=FlatAngle)
    aligned: Leg | Decay | None = None
    beam_axes: bool = False

    def __post_init__(self) -> None:
        if self.aligned is not None and (
            isinstance(self.first, Leg)
            or self.aligned not in (self.first.first, self.first.second)
        ):
            message = f"aligned: {self.aligned} is no child of the first decay product"
            raise ValueError(message)


_SMALLEST = 1e-30
"""Floor of p²/s, under which it is rounding: keeps logarithms finite at threshold."""

_PHASE_SPACE = 16 * torch.pi**2


@dataclass(frozen=True)
class Breakup:
    """Kinematics of one decay in its rest frame, each `(n,)`, in GeV.

    Attributes:
        mass: of the parent.
        momentum: of either child.
        energy1: of the first child.
        energy2: of the second.
    """

    mass: Tensor
    momentum: Tensor
    energy1: Tensor
    energy2: Tensor

    @property
    def log_element(self) -> Tensor:
        """Logarithm of dΦ₂/(dcosθ dφ) = (2π)^-2 p/(4√s)."""
        return torch.log(self.momentum / (_PHASE_SPACE * self.mass))

    @property
    def velocities(self) -> tuple[Tensor, Tensor]:
        """β of both children."""
        return self.momentum / self.energy1, self.momentum / self.energy2


def breakup(mass: Tensor, mass1: Tensor, mass2: Tensor) -> Breakup:
    """The decay of a mass into two others, `(n,)` each in GeV."""
    total, difference = mass1 + mass2, mass1 - mass2
    square = (mass - total) * (mass + total) * (mass - difference) * (mass + difference)
    square = square / (4 * mass.square())
    momentum = torch.sqrt(torch.maximum(square, _SMALLEST * mass.square()))
    energy1 = 0.5 * (mass + total * difference / mass)
    return Breakup(mass, momentum, energy1, mass - energy1)
