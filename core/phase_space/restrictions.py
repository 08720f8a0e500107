"""What cuts leave of phase space, as far as maps can know: smallest p_T, smallest masses, ends of ŝ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.process.cuts import JETS
from crosshook.core.process.expression import LEPTONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALE = 1.0
"""Where massless poles flatten without cuts, in GeV."""


@dataclass(frozen=True)
class Restrictions:
    """Cuts on a final state; core applies them, maps only begin where they do.

    Attributes:
        masses: of the final legs in GeV.
        cuts: named cuts, in GeV where they have a unit.
        pdg: PDG ids of the final legs; empty if unknown, then cuts on kinds of legs restrict nothing.
    """

    masses: tuple[float, ...]
    cuts: Mapping[str, float]
    pdg: tuple[int, ...] = ()

    def _cut(self, name: str) -> float:
        return self.cuts.get(name, 0.0)

    def _is(self, leg: int, kind: frozenset[int]) -> bool:
        return bool(self.pdg) and abs(self.pdg[leg]) in kind

    def pt(self, leg: int) -> float:
        """Smallest p_T of a final leg, counted from 0, in GeV."""
        jet = self._cut("jet_pt_min") if self._is(leg, JETS) else 0.0
        return max(self._cut("pt_min"), jet)

    @property
    def scale(self) -> float:
        """Where poles of massless propagators flatten, in GeV."""
        largest = max(self.pt(leg) for leg in range(len(self.masses)))
        return max(largest, self._cut("m_pair_min")) or SCALE

    def smallest_mass(self, legs: frozenset[int]) -> float:
        """A lower bound of the mass of some final legs, in GeV."""
        bound = sum(self.masses[leg] for leg in legs)
        if len(legs) == 2:
            bound = max(bound, self._cut("m_pair_min"), self._pair(*legs))
        if len(legs) >= 2 and legs == self._leptons:
            bound = max(bound, self._cut("mll_min"))
        return bound

    @property
    def _leptons(self) -> frozenset[int]:
        return frozenset(leg for leg in range(len(self.pdg)) if self._is(leg, LEPTONS))

    def _pair(self, one: int, two: int) -> float:
        """Mass of two legs at their smallest distance, where only their azimuths differ."""
        jets = self._is(one, JETS) and self._is(two, JETS)
        distance = max(self._cut("delta_r_min"), self._cut("jet_delta_r_min") if jets else 0.0)
        rise = 1 - math.cos(min(distance, math.pi))
        return math.sqrt(2 * self.pt(one) * self.pt(two) * rise)

    def invariant(self, energy: float) -> tuple[float, float]:
        """Smallest and largest √ŝ in GeV for a collision energy √S."""
        transverse = [math.hypot(mass, self.pt(leg)) for leg, mass in enumerate(self.masses)]
        leptons = self._leptons
        low = sum(transverse)
        if len(leptons) >= 2:
            others = sum(m for leg, m in enumerate(transverse) if leg not in leptons)
            low = max(low, others + self._cut("mll_min"))
        low = max(low, self._cut("m_min"))
        return low, min(energy, self.cuts.get("m_max", math.inf))
