"""gg → ng at leading order, n = 2, 3, 4, with gluons of fixed energy or out of protons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.n_gluon_checkpoints import CHECKPOINTS
from crosshook.adapters.processes.n_gluon_squared import GluonAmplitudes
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup, ProcessDefaults, Resonance
from crosshook.core.phase_space.identical_pair import IdenticalPair
from crosshook.core.phase_space.parton_collisions import FixedPartons, HadronicPartons
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.rambo import MasslessRambo
from crosshook.core.phase_space.rapidity import PlateauRapidity
from crosshook.core.phase_space.two_clusters import TwoClusters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.matrix_element import CheckPoint
    from crosshook.core.phase_space.partonic import PartonicMap

_GLUONS, _PROTONS = (21, 21), (2212, 2212)

_PT_FALL = {3: 2.4, 4: 2.1}
"""Power ν of dp_T/p_T^ν: of 1.6 to 2.5 that with the smallest spread of weights, untrained."""

_INVARIANT_FALL = 2.0
"""Power of the ŝ map with protons."""

_RAPIDITY = PlateauRapidity(margin=2.0, width=0.45)
"""Edges where the parton densities fall, as for top pairs."""


def _defaults(hadronic: bool, gluons: int) -> ProcessDefaults:
    if hadronic:
        cuts = {"pt_min": 30.0, "delta_r_min": 0.4}
        return ProcessDefaults(_PROTONS, True, 13000.0, "ht/2", "ht/2", cuts)
    cuts = {"pt_min": 30.0, "m_pair_min": 30.0}
    return ProcessDefaults(_GLUONS, False, 1000.0, "ht/2", "ht/2", cuts)


@dataclass
class GluonProcess:
    """Process gg → ng.

    Attributes:
        gluons: number n of outgoing gluons.
        hadronic: whether they come out of protons.
        flat: whether phase space is flat instead of clusters.
        sampled: whether helicities are sampled instead of summed.
        name: for people.
        defaults: 1 TeV with the cuts of 2001.05478, or 13 TeV.
        resonances: none.
        checkpoints: stored values for this n.
    """

    gluons: int
    hadronic: bool
    flat: bool
    sampled: bool
    name: str = field(init=False)
    defaults: ProcessDefaults = field(init=False)
    resonances: tuple[Resonance, ...] = ()
    checkpoints: tuple[CheckPoint, ...] = field(init=False)

    def __post_init__(self) -> None:
        final = " ".join("g" * self.gluons)
        self.name = f"p p > {final}" if self.hadronic else f"g g > {final}"
        self.defaults = _defaults(self.hadronic, self.gluons)
        self.checkpoints = CHECKPOINTS[self.gluons]

    def matrix_element(self) -> GluonAmplitudes:
        """The amplitudes."""
        return GluonAmplitudes(self.gluons, self.sampled)

    def phase_space(
        self, beams: BeamSetup, cuts: Mapping[str, float]
    ) -> FixedPartons | HadronicPartons:
        """Channels of clusters, or the flat one."""
        if beams.hadronic != self.hadronic:
            message = f"{self.name}: beams {beams.pdg} do not fit the option initial"
            raise ConfigurationError(message)
        pt_min = _finite(self.name, self.gluons, cuts)
        final = self._final(pt_min, cuts)
        low, high = self._masses(beams.energy, pt_min, cuts)
        if not self.hadronic:
            return FixedPartons(beams.energy, final)
        invariant = PowerLawMap(low**2, high**2, _INVARIANT_FALL)
        return HadronicPartons(beams.energy, invariant, _RAPIDITY, final)

    def _final(self, pt_min: float, cuts: Mapping[str, float]) -> PartonicMap:
        if self.flat:
            return MasslessRambo(self.gluons)
        if self.gluons == 2:
            return IdenticalPair(pt_min)
        m_pair, delta_r = cuts.get("m_pair_min", 0.0), cuts.get("delta_r_min", 0.0)
        return TwoClusters(self.gluons, pt_min, _PT_FALL[self.gluons], m_pair, delta_r)

    def _masses(
        self, energy: float, pt_min: float, cuts: Mapping[str, float]
    ) -> tuple[float, float]:
        """Range of the invariant mass of the final state in GeV."""
        pairs = self.gluons * (self.gluons - 1) / 2
        low = max(
            self.gluons * pt_min,
            pairs**0.5 * cuts.get("m_pair_min", 0.0),
            cuts.get("m_min", 0.0),
        )
        high = min(energy, cuts.get("m_max", energy))
        if not low < high:
            given = ", ".join(f"{name}: {value:g}" for name, value in cuts.items())
            message = (
                f"{self.name}: no phase space: the invariant mass of the final state must exceed "
                f"{low:g} GeV and stay below {high:g} GeV (energy {energy:g} GeV, cuts: {given})"
            )
            raise ConfigurationError(message)
        return low, high


def _finite(name: str, gluons: int, cuts: Mapping[str, float]) -> float:
    """`pt_min`, if the cuts keep off every pole.

    Raises:
        ConfigurationError: if they do not.
    """
    pt_min = cuts.get("pt_min", 0.0)
    if not pt_min > 0:
        message = f"{name}: cuts.pt_min must be above 0: |M|² has a pole along the beams"
        raise ConfigurationError(message)
    apart = max(cuts.get("m_pair_min", 0.0), cuts.get("delta_r_min", 0.0))
    if gluons > 2 and not apart > 0:
        message = (
            f"{name}: cuts.m_pair_min or cuts.delta_r_min must be above 0: |M|² has a pole where "
            "two gluons are parallel"
        )
        raise ConfigurationError(message)
    return pt_min


def make_n_gluon(
    context: BuildContext, *, gluons: int, initial: str, phase_space: str, helicities: str
) -> GluonProcess:
    """Builds gg → ng.

    Args:
        context: unused: tensors live where the momenta do.
        gluons: number n of outgoing gluons, 2, 3 or 4.
        initial: `partons` of fixed energy or `protons`.
        phase_space: `clusters` or `rambo`.
        helicities: `summed` or `sampled`.
    """
    return GluonProcess(
        gluons, initial == "protons", phase_space == "rambo", helicities == "sampled"
    )
