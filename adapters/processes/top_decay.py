"""t -> b W -> b ℓ+ ν at leading order: the partial width of an unpolarised top at rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.leptons import w_decay_name, w_products
from crosshook.adapters.processes.parameters import current
from crosshook.adapters.processes.top_chain import TOP, top_tree, written
from crosshook.adapters.processes.top_decay_amplitude import top_decay
from crosshook.adapters.processes.top_decay_checkpoints import CHECKPOINTS
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
from crosshook.core.interfaces.process import BeamSetup, ProcessDefaults, Resonance
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.fixed_trees import FixedTrees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext

_BEAMS = (TOP, 0)
"""The decaying particle, and no second one."""


@dataclass
class TopDecayAmplitudes:
    """MatrixElement of t -> b ℓ+ ν.

    Attributes:
        lepton: `e`, `mu` or `tau`, without mass.
        mass_b: of the bottom quark in GeV; |M|² depends on it through the momenta only.
        parameters: `fermi_constant` in GeV⁻², `mass_t`, `mass_w`, `width_w` in GeV.
        subprocesses: the one there is.
        masses: mass of each leg in GeV.
        alpha_qed: -1: G_F is the input, and α is not known.
    """

    lepton: str
    mass_b: float
    parameters: Mapping[str, float]
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    alpha_qed: float = -1.0

    def __post_init__(self) -> None:
        self.masses = (self.parameters["mass_t"], self.mass_b, 0.0, 0.0)
        self.subprocesses = (
            Subprocess(
                pdg=(TOP, 5, *w_products(self.lepton, 1)),
                amplitude=0,
                process_id=1,
                label=f"t > b {w_decay_name(self.lepton, 1)}",
                colour_flows=(((501, 0), (501, 0), (0, 0), (0, 0)),),
                qed_order=2,
            ),
        )

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, 4, 4)`, and `colour` if wanted; α_s does not enter."""
        value = top_decay(momenta, current(self.parameters, theta))
        flows = value.new_ones(len(value), 1) if "colour" in want else None
        return SquaredAmplitude(value, flows)


@dataclass
class TopDecay:
    """Process t -> b ℓ+ ν.

    Attributes:
        lepton: `e`, `mu` or `tau`.
        mass_b: of the bottom quark in GeV.
        parameters: as in `TopDecayAmplitudes`.
        name: for people.
        defaults: a top at rest, μ = m_t.
        resonances: the W. The top is the incoming particle.
        checkpoints: explicit Dirac matrices.
    """

    lepton: str
    mass_b: float
    parameters: Mapping[str, float]
    name: str = field(init=False)
    defaults: ProcessDefaults = field(init=False)
    resonances: tuple[Resonance, ...] = written(1, 1)[1:]
    checkpoints: tuple[CheckPoint, ...] = CHECKPOINTS

    def __post_init__(self) -> None:
        self.name = f"t > b {w_decay_name(self.lepton, 1)}"
        self.defaults = ProcessDefaults(
            beams=_BEAMS,
            hadronic=False,
            energy=self.parameters["mass_t"],
            renormalisation="m",
            factorisation="m",
        )

    def matrix_element(self) -> TopDecayAmplitudes:
        """The amplitudes."""
        return TopDecayAmplitudes(self.lepton, self.mass_b, self.parameters)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> FixedTrees:
        """One channel of five variables: m²(ℓν), the W's helicity angle and three rotations."""
        mass = self.parameters["mass_t"]
        if beams.pdg != _BEAMS or not math.isclose(beams.energy, mass):
            message = (
                f"{self.name}: beams {beams.pdg} of {beams.energy:g} GeV; a decay at rest has the "
                f"top alone, {_BEAMS}, and its mass, {mass:g} GeV, set by the option mass_t"
            )
            raise ConfigurationError(message)
        w_boson = self.parameters["mass_w"], self.parameters["width_w"]
        tree = top_tree((Leg(0, self.mass_b), Leg(1), Leg(2)), w_boson)
        return FixedTrees(mass, {"w": tree}, n_incoming=1)


def make_top_decay(
    context: BuildContext,
    *,
    lepton: str,
    fermi_constant: float,
    mass_t: float,
    mass_b: float,
    mass_w: float,
    width_w: float,
) -> TopDecay:
    """Builds t -> b ℓ+ ν.

    Args:
        context: unused: tensors live where the momenta do.
        lepton: `e`, `mu` or `tau`.
        fermi_constant: G_F in GeV⁻².
        mass_t: mass of the top quark in GeV.
        mass_b: mass of the bottom quark in GeV.
        mass_w: mass of the W in GeV.
        width_w: its fixed width in GeV.
    """
    if mass_b >= mass_t:
        message = f"top-decay: mass_b = {mass_b} GeV; must stay below mass_t = {mass_t} GeV"
        raise ConfigurationError(message)
    parameters = {
        "fermi_constant": float(fermi_constant),
        "mass_t": float(mass_t),
        "mass_w": float(mass_w),
        "width_w": float(width_w),
    }
    return TopDecay(lepton, float(mass_b), parameters)
