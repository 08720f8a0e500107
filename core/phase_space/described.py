"""The phase space of any process, from its masses and diagrams; flat where no diagram is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from crosshook.core.errors import ConfigurationError
from crosshook.core.phase_space.breit_wigner import BreitWignerMap
from crosshook.core.phase_space.decay_at_rest import DecayAtRest
from crosshook.core.phase_space.diagram import skeleton, transverse_parts
from crosshook.core.phase_space.diagram_map import DiagramMap
from crosshook.core.phase_space.hadronic_channels import HadronicChannels
from crosshook.core.phase_space.hadronic_groups import HadronicGroups
from crosshook.core.phase_space.mapped_channels import MappedChannels
from crosshook.core.phase_space.massive_rambo import MassiveRambo
from crosshook.core.phase_space.parton_collisions import FixedPartons
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.rapidity import PlateauRapidity
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.phase_space.transverse import TransverseMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.interfaces.process import BeamSetup, PhaseSpace
    from crosshook.core.phase_space.diagram import Line
    from crosshook.core.phase_space.hadronic_groups import HadronicGroup
    from crosshook.core.phase_space.interval_map import IntervalMap
    from crosshook.core.phase_space.momentum_map import MomentumMap

RAMBO = "rambo"

_RAPIDITY = PlateauRapidity(margin=2.0, width=0.45)
"""As for top pairs; VEGAS adapts it."""

_PT_FALL = 2.0
"""ν of dp_T²/(p_T²)^ν: partons of most processes fall with 2 to 2.5, and heavier tails are safe."""


class SpaceMaker(Protocol):
    """Makes maps of a described phase space in place of crosshook's own."""

    def __call__(
        self, described: DescribedSpace, beams: BeamSetup, cuts: Mapping[str, float]
    ) -> PhaseSpace:
        """The maps for a run; see `DescribedSpace.build`."""
        ...


@dataclass(frozen=True)
class DescribedSpace:
    """Masses and diagrams of a process.

    Attributes:
        masses: of the final legs in GeV.
        n_incoming: 1 or 2.
        diagrams: propagators of each channel by its name; `rambo` alone where there is none.
        fall: ν of ŝ^-ν out of hadrons, in channels without a resonance of the whole final state.
        pdg: PDG ids of the final legs, which tell what cuts on jets and leptons mean.
        transverse: channels, out of hadrons, whose parts are placed by p_T and rapidity.
    """

    masses: tuple[float, ...]
    n_incoming: int
    diagrams: Mapping[str, tuple[Line, ...]]
    fall: float = 2.0
    pdg: tuple[int, ...] = ()
    transverse: frozenset[str] = frozenset()

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(self.diagrams) or (RAMBO,)

    def build(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        """The maps for a run.

        Cuts tell where ŝ begins and where massless poles flatten; core applies them.

        Args:
            beams: of the run.
            cuts: named cuts, in GeV.

        Raises:
            ConfigurationError: if nothing is left of phase space, or a diagram is none.
        """
        limits = Restrictions(self.masses, cuts, self.pdg)
        maps: dict[str, MomentumMap] = {}
        wholes: list[Line | None] = []
        floors = [sum(self.masses)]
        for name, lines in self.diagrams.items():
            if name in self.transverse:
                continue
            where = _place(name)
            made = skeleton(lines, limits, self.n_incoming, where)
            maps[name] = DiagramMap(made.root)
            floors.append(made.root.mass)
            wholes.append(made.whole)
        if not self.diagrams:
            maps, wholes = {RAMBO: MassiveRambo(self.masses)}, [None]
        low, high = self._range(limits, beams, max(floors))
        if self.transverse and not beams.hadronic:
            message = (
                f"{_place(min(self.transverse))}: transverse momenta and rapidities are drawn out "
                "of hadrons only; use propagators"
            )
            raise ConfigurationError(message)
        if self.n_incoming == 1:
            return DecayAtRest(beams.energy, MappedChannels(maps))
        if not beams.hadronic:
            return FixedPartons(beams.energy, MappedChannels(maps))
        groups: list[HadronicGroup] = []
        if maps:
            invariants = tuple(self._invariant(line, low**2, high**2) for line in wholes)
            final = MappedChannels(maps)
            groups.append(HadronicChannels(beams.energy, invariants, _RAPIDITY, final))
        for name in sorted(self.transverse):
            parts = transverse_parts(self.diagrams[name], limits, _place(name))
            groups.append(TransverseMap(name, beams.energy, parts, _RAPIDITY, _PT_FALL))
        return HadronicGroups(tuple(groups), self.channels) if self.transverse else groups[0]

    def smallest(self, limits: Restrictions, beams: BeamSetup) -> float:
        """Smallest √ŝ in GeV.

        Raises:
            ConfigurationError: if nothing is left above it.
        """
        return self._range(limits, beams, 0.0)[0]

    def _range(self, limits: Restrictions, beams: BeamSetup, floor: float) -> tuple[float, float]:
        """Smallest and largest √ŝ in GeV."""
        low, high = limits.invariant(beams.energy)
        low = max(low, floor)
        if not low < high:
            message = (
                f"no phase space: the final state has a mass above {low:g} GeV, and {high:g} GeV "
                "are left by the beams and the cuts"
            )
            raise ConfigurationError(message)
        if beams.hadronic and low == 0:
            message = (
                "no phase space: out of hadrons a massless final state needs a cut that keeps its "
                "mass above 0, such as cuts.pt_min or cuts.m_min"
            )
            raise ConfigurationError(message)
        return low, high

    def _invariant(self, line: Line | None, low: float, high: float) -> IntervalMap:
        if line is not None and line.mass and line.width:
            return BreitWignerMap(low, high, line.mass, line.width)
        return PowerLawMap(low, high, self.fall)


def _place(name: str) -> str:
    return f"phase space: channel {name}"
