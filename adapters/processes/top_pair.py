"""pp -> tt̄ at leading order in QCD: gg and light qq̄, three channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.flavours import light_quarks, quark_name
from crosshook.adapters.processes.parameters import current
from crosshook.adapters.processes.top_pair_amplitudes import (
    gluon_colour_flows,
    gluons_to_heavy_quarks,
    quarks_to_heavy_quarks,
)
from crosshook.adapters.processes.top_pair_checkpoints import checkpoints
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import (
    CheckPoint,
    SquaredAmplitude,
    Subprocess,
)
from crosshook.core.interfaces.process import (
    BeamSetup,
    ProcessDefaults,
    Resonance,
)
from crosshook.core.phase_space.angle import BackwardPole, FlatAngle, ForwardPole
from crosshook.core.phase_space.channel import TwoBodyChannel
from crosshook.core.phase_space.hadronic_two_body import HadronicTwoBody
from crosshook.core.phase_space.narrowing import invariant_range
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.rapidity import PlateauRapidity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext

_GLUONS, _QUARKS = 0, 1

_FALL = 2.5
"""Power ν of the ŝ maps: of 1.5 to 3.5 that with the smallest variance of untrained weights."""

_RAPIDITY = PlateauRapidity(margin=2.0, width=0.45)
"""Edges where the parton densities fall; chosen by the same scan."""


def _subprocesses(light_flavours: int) -> tuple[Subprocess, ...]:
    gluon_flows = (
        ((501, 502), (502, 503), (501, 0), (0, 503)),
        ((502, 503), (501, 502), (501, 0), (0, 503)),
    )
    gluons = Subprocess(
        pdg=(21, 21, 6, -6),
        amplitude=_GLUONS,
        process_id=1,
        label="g g > t t~",
        colour_flows=gluon_flows,
        mirror_symmetric=True,
        qcd_order=2,
    )
    quarks = (
        Subprocess(
            pdg=(pdg, -pdg, 6, -6),
            amplitude=_QUARKS,
            process_id=2,
            label=f"{quark_name(pdg)} {quark_name(pdg)}~ > t t~",
            colour_flows=(((501, 0), (0, 502), (501, 0), (0, 502)),),
            mirror=True,
            mirror_symmetric=True,
            qcd_order=2,
        )
        for pdg in light_quarks(light_flavours)
    )
    return (gluons, *quarks)


@dataclass
class TopPairAmplitudes:
    """MatrixElement of pp -> tt̄.

    Attributes:
        mass_t: top mass in GeV.
        light_flavours: number of light quark flavours in the initial state.
        subprocesses: gg, then qq̄ by PDG id.
        masses: mass of each leg in GeV.
        parameters: `mass_t`.
        alpha_qed: α(G_μ) = 1/132.183, written with the events; it does not enter |M|².
    """

    mass_t: float
    light_flavours: int
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    parameters: Mapping[str, float] = field(init=False)
    alpha_qed: float = 1 / 132.183

    def __post_init__(self) -> None:
        self.subprocesses = _subprocesses(self.light_flavours)
        self.masses = (0.0, 0.0, self.mass_t, self.mass_t)
        self.parameters = {"mass_t": self.mass_t}

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, 4, 4)`, and `colour` if wanted."""
        mass = current(self.parameters, theta)["mass_t"]
        kind = self.subprocesses[subprocess].amplitude
        if kind == _GLUONS:
            value = gluons_to_heavy_quarks(momenta, alpha_s, mass)
            flows = gluon_colour_flows(momenta) if "colour" in want else None
        else:
            value = quarks_to_heavy_quarks(momenta, alpha_s, mass)
            flows = value.new_ones(len(value), 1) if "colour" in want else None
        return SquaredAmplitude(value, flows)


@dataclass
class TopPair:
    """Process pp -> tt̄.

    Attributes:
        mass_t: top mass in GeV.
        light_flavours: number of light quark flavours in the initial state.
        name: for people.
        defaults: 13 TeV, μ = Σ pT.
        resonances: none; tops are final.
        checkpoints: MadGraph's values.
    """

    mass_t: float
    light_flavours: int
    name: str = "p p > t t~"
    defaults: ProcessDefaults = field(default_factory=ProcessDefaults)
    resonances: tuple[Resonance, ...] = ()
    checkpoints: tuple[CheckPoint, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.checkpoints = checkpoints(self.light_flavours)

    def matrix_element(self) -> TopPairAmplitudes:
        """The amplitudes."""
        return TopPairAmplitudes(self.mass_t, self.light_flavours)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> HadronicTwoBody:
        """Channels `flat`, `t-pole` and `u-pole`, all falling as a power of ŝ."""
        if not beams.hadronic:
            message = f"{self.name}: beams {beams.pdg} are not hadrons; allowed are protons (2212)"
            raise ConfigurationError(message)
        masses = (self.mass_t, self.mass_t)
        invariant = PowerLawMap(*invariant_range(beams.energy, masses, cuts), _FALL)
        channels = (
            TwoBodyChannel("flat", invariant, FlatAngle()),
            TwoBodyChannel("t-pole", invariant, ForwardPole()),
            TwoBodyChannel("u-pole", invariant, BackwardPole()),
        )
        return HadronicTwoBody(beams.energy, masses, channels, _RAPIDITY)


def make_pp_ttbar(context: BuildContext, *, mass_t: float, light_flavours: int) -> TopPair:
    """Builds pp -> tt̄.

    Args:
        context: unused: tensors live where the momenta do.
        mass_t: top mass in GeV.
        light_flavours: number of light quark flavours in the initial state, 0 to 5.
    """
    return TopPair(float(mass_t), light_flavours)
