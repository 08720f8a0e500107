"""Splitting: a diagram as a chain of two-body splittings, written as a nested value.

e+e- -> W+W- -> 4 fermions by exchange of a neutrino, beam 1 to the first pair:

    Splitting(
        Splitting(Leg(0), Leg(1), Resonance(80.4, 2.1)),
        Splitting(Leg(2), Leg(3), Resonance(80.4, 2.1)),
        exchange=PowerPropagator(1.0, offset=1.0),
    )
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.phase_space.branching import Branching

if TYPE_CHECKING:
    from crosshook.core.phase_space.propagator import Propagator


@dataclass(frozen=True)
class Splitting(Branching):
    """A system of particles that parts into two, isotropically or along beam 1.

    Attributes:
        first: what is nearer to beam 1, if something is exchanged.
        second: the rest.
        propagator: map of its invariant mass squared; without effect for the whole event.
        exchange: map of -t in GeV² for t = (p_beam1 - p_first)², or None for a flat cosθ.
        floor: smallest invariant mass in GeV, if cuts leave less room than the masses.
    """

    exchange: Propagator | None = None
    floor: float = 0.0

    @property
    def mass(self) -> float:
        """The smallest invariant mass in GeV."""
        return max(self.floor, self.first.mass + self.second.mass)
