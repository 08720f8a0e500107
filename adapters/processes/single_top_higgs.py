"""pp -> t h j and t̄ h j by W exchange at leading order, with a CP phase in the top's Yukawa coupling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.flavours import quark_name
from crosshook.adapters.processes.parameters import current
from crosshook.adapters.processes.single_top_higgs_amplitude import single_top_higgs
from crosshook.adapters.processes.single_top_higgs_checkpoints import CHECKPOINTS
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
from crosshook.core.interfaces.process import BeamSetup, ProcessDefaults, Resonance
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.phase_space.hadronic_channels import HadronicChannels
from crosshook.core.phase_space.hadronic_groups import HadronicGroups
from crosshook.core.phase_space.rapidity import PlateauRapidity
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.phase_space.transverse import Part, TransverseMap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.process import PhaseSpace

_QUARK, _ANTIQUARK = 0, 1
_NO_COLOUR = (0, 0)
_FALL = 1.5
"""Power ν of the ŝ maps: the exchanged W keeps |M|² from falling fast. VEGAS does the rest."""

_PLACED = "placed"
"""The first channel: p_T of the Higgs boson and the jet, the azimuth between them, rapidities, as a
detector measures them; the same wherever the b comes from."""

_HIGGS_SCALE, _JET_SCALE, _PT_FALL = 100.0, 60.0, 2.0
"""Where p_T^-2ν flattens, in GeV, and ν: of a few tried those with the best efficiency after VEGAS."""

_RAPIDITY = PlateauRapidity(margin=2.0, width=0.45)
"""As for top pairs."""


def _subprocesses(charge: str) -> tuple[Subprocess, ...]:
    """Light quarks of two generations on a b; charge conjugates share their amplitudes by CP."""
    signs = {"top": (1,), "antitop": (-1,), "both": (1, -1)}[charge]
    found = []
    for sign in signs:
        for incoming, outgoing in ((2, 1), (4, 3), (-1, -2), (-3, -4)):
            light = ((501, 0) if sign * incoming > 0 else (0, 501),) * 2
            heavy = ((502, 0) if sign > 0 else (0, 502),) * 2
            pdg = (sign * incoming, sign * 5, sign * 6, 25, sign * outgoing)
            names = [_name(each) for each in pdg]
            found.append(
                Subprocess(
                    pdg=pdg,
                    amplitude=_QUARK if incoming > 0 else _ANTIQUARK,
                    process_id=1 if sign > 0 else 2,
                    label=f"{names[0]} {names[1]} > {' '.join(names[2:])}",
                    colour_flows=((light[0], heavy[0], heavy[1], _NO_COLOUR, light[1]),),
                    mirror=True,
                    qed_order=3,
                )
            )
    return tuple(found)


def _name(pdg: int) -> str:
    known = {25: "h", 6: "t", -6: "t~"}
    return known.get(pdg) or quark_name(abs(pdg)) + ("~" if pdg < 0 else "")


@dataclass
class SingleTopHiggsAmplitudes:
    """MatrixElement of pp -> t h j.

    Attributes:
        charge: `top`, `antitop` or `both`.
        mass_h: of the Higgs boson in GeV; |M|² depends on it through the momenta only.
        parameters: electroweak inputs, the top's mass, and its Yukawa coupling, by name.
        subprocesses: of tops, then of antitops.
        masses: mass of each leg in GeV.
        alpha_qed: α.
    """

    charge: str
    mass_h: float
    parameters: Mapping[str, float]
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    alpha_qed: float = field(init=False)

    def __post_init__(self) -> None:
        self.subprocesses = _subprocesses(self.charge)
        self.masses = (0.0, 0.0, self.parameters["mass_t"], self.mass_h, 0.0)
        self.alpha_qed = 1 / self.parameters["alpha_qed_inverse"]

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, 5, 4)`, and `colour` if wanted; α_s does not enter."""
        first, bottom, top, higgs, jet = momenta.unbind(1)
        quark = self.subprocesses[subprocess].amplitude == _QUARK
        light = (first, jet) if quark else (jet, first)
        value = single_top_higgs(light, bottom, top, higgs, current(self.parameters, theta))
        flows = value.new_ones(len(value), 1) if "colour" in want else None
        return SquaredAmplitude(value, flows)


@dataclass
class SingleTopHiggs:
    """Process pp -> t h j with a CP phase.

    Attributes:
        charge: `top`, `antitop` or `both`.
        mass_h: of the Higgs boson in GeV.
        parameters: electroweak inputs, the top's mass, and its Yukawa coupling, by name.
        name: for people.
        defaults: 13 TeV, scales of half the sum of transverse masses.
        resonances: none; top and Higgs boson are final.
        checkpoints: another program's values.
    """

    charge: str
    mass_h: float
    parameters: Mapping[str, float]
    name: str = field(init=False)
    defaults: ProcessDefaults = field(
        default_factory=lambda: ProcessDefaults(renormalisation="ht/2", factorisation="ht/2")
    )
    resonances: tuple[Resonance, ...] = ()
    checkpoints: tuple[CheckPoint, ...] = field(init=False)

    def __post_init__(self) -> None:
        tops = {"top": "t h j", "antitop": "t~ h j", "both": "t h j, t~ h j"}
        self.name = f"p p > {tops[self.charge]}"
        self.checkpoints = CHECKPOINTS

    def matrix_element(self) -> SingleTopHiggsAmplitudes:
        """The amplitudes."""
        return SingleTopHiggsAmplitudes(self.charge, self.mass_h, self.parameters)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        """One channel for all, and one for each diagram and its mirror image.

        With `placed` alone inference has coordinates that are smooth in what is measured.
        """
        if not beams.hadronic:
            message = f"{self.name}: beams {beams.pdg} are not hadrons; allowed are protons (2212)"
            raise ConfigurationError(message)
        top, w_boson = self.parameters["mass_t"], self.parameters["mass_w"]
        diagrams: dict[str, tuple[Line, ...]] = {}
        for suffix, light in (("", 0), ("~", 1)):
            exchange = Line(frozenset({light, 4}), w_boson, power=2.0)
            further = Line(frozenset({light, 3, 4}), w_boson, power=2.0)
            diagrams[f"top{suffix}"] = (exchange, Line(frozenset({2, 3}), power=2.0))
            diagrams[f"W{suffix}"] = (exchange, further)
        masses, pdg = (top, self.mass_h, 0.0), (6, 25, 1)
        by_diagrams = DescribedSpace(masses, 2, diagrams, _FALL, pdg).build(beams, cuts)
        assert isinstance(by_diagrams, HadronicChannels)
        limits = Restrictions(masses, cuts, pdg)
        parts = (
            Part(Leg(1, self.mass_h), limits.pt(1), _HIGGS_SCALE),
            Part(Leg(2), limits.pt(2), _JET_SCALE),
            Part(Leg(0, top), limits.pt(0), _HIGGS_SCALE),
        )
        placed = TransverseMap(_PLACED, beams.energy, parts, _RAPIDITY, _PT_FALL, turned=True)
        return HadronicGroups((placed, by_diagrams), (_PLACED, *diagrams))


def make_th_cp(
    context: BuildContext,
    *,
    charge: str,
    alpha_qed_inverse: float,
    sin2_theta_w: float,
    mass_w: float,
    mass_t: float,
    mass_h: float,
    cp_phase: float,
    cp_odd_factor: float,
) -> SingleTopHiggs:
    """Builds pp -> t h j with a CP phase.

    Args:
        context: unused: tensors live where the momenta do.
        charge: `top`, `antitop` or `both`.
        alpha_qed_inverse: 1/α.
        sin2_theta_w: sin²θ_W, which gives the weak coupling, g² = 4πα/sin²θ_W.
        mass_w: mass of the W in GeV.
        mass_t: mass of the top quark in GeV; its Yukawa coupling is in proportion.
        mass_h: mass of the Higgs boson in GeV.
        cp_phase: phase α of the Yukawa coupling in radians.
        cp_odd_factor: κ of the CP-odd part κ sin α.
    """
    parameters = {
        "alpha_qed_inverse": float(alpha_qed_inverse),
        "sin2_theta_w": float(sin2_theta_w),
        "mass_w": float(mass_w),
        "mass_t": float(mass_t),
        "cp_phase": float(cp_phase),
        "cp_odd_factor": float(cp_odd_factor),
    }
    return SingleTopHiggs(charge, float(mass_h), parameters)
