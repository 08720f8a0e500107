"""e+e- -> γ*/Z -> μ+μ- at leading order with full interference, beams of fixed energy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.electron_muon_checkpoints import CHECKPOINTS
from crosshook.adapters.processes.electroweak import CHARGED_LEPTON, electroweak_parameters
from crosshook.adapters.processes.neutral_current import neutral_current
from crosshook.adapters.processes.parameters import current
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
from crosshook.core.phase_space.angle import FlatAngle
from crosshook.core.phase_space.fixed_two_body import FixedTwoBody

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext

_BEAMS = (-11, 11)

_SUBPROCESS = Subprocess(
    pdg=(-11, 11, -13, 13),
    amplitude=0,
    process_id=1,
    label="e+ e- > mu+ mu-",
    colour_flows=(((0, 0), (0, 0), (0, 0), (0, 0)),),
    qed_order=2,
)


@dataclass
class ElectronMuonAmplitudes:
    """MatrixElement of e+e- -> μ+μ-.

    Attributes:
        parameters: electroweak inputs by name.
        subprocesses: the one there is.
        masses: mass of each leg in GeV.
        alpha_qed: α.
    """

    parameters: Mapping[str, float]
    subprocesses: tuple[Subprocess, ...] = (_SUBPROCESS,)
    masses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    alpha_qed: float = field(init=False)

    def __post_init__(self) -> None:
        self.alpha_qed = 1 / self.parameters["alpha_qed_inverse"]

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, 4, 4)`, and `colour` if wanted; α_s does not enter."""
        value = neutral_current(momenta, CHARGED_LEPTON, current(self.parameters, theta))
        flows = value.new_ones(len(value), 1) if "colour" in want else None
        return SquaredAmplitude(value, flows)


@dataclass
class ElectronMuon:
    """Process e+e- -> μ+μ-.

    Attributes:
        parameters: electroweak inputs by name.
        name: for people.
        defaults: 1 TeV, the cuts of MadGraph's reference file, in which ΔR > 0.4 never cuts.
        resonances: the pair is written as a Z, as generators do for γ*/Z.
        checkpoints: MadGraph's own values.
    """

    parameters: Mapping[str, float]
    name: str = "e+ e- > mu+ mu-"
    defaults: ProcessDefaults = field(
        default_factory=lambda: ProcessDefaults(
            beams=_BEAMS,
            hadronic=False,
            energy=1000.0,
            renormalisation="mll",
            factorisation="mll",
            cuts={"pt_min": 10.0, "eta_max": 2.5},
        )
    )
    resonances: tuple[Resonance, ...] = (Resonance(23, (2, 3)),)
    checkpoints: tuple[CheckPoint, ...] = CHECKPOINTS

    def matrix_element(self) -> ElectronMuonAmplitudes:
        """The amplitudes."""
        return ElectronMuonAmplitudes(self.parameters)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> FixedTwoBody:
        """One channel, flat in cosθ: |M|² varies by a factor of a few only."""
        if beams.hadronic or beams.pdg != _BEAMS:
            message = (
                f"{self.name}: beams {beams.pdg}; allowed are {_BEAMS}, the positron along +z"
            )
            raise ConfigurationError(message)
        return FixedTwoBody(beams.energy, (0.0, 0.0), ("flat",), (FlatAngle(),))


def make_ee_mumu(
    context: BuildContext,
    *,
    alpha_qed_inverse: float,
    sin2_theta_w: float,
    mass_z: float,
    width_z: float,
) -> ElectronMuon:
    """Builds e+e- -> μ+μ-.

    Args:
        context: unused: tensors live where the momenta do.
        alpha_qed_inverse: 1/α.
        sin2_theta_w: sin²θ_W.
        mass_z: mass of the Z in GeV.
        width_z: its fixed width in GeV.
    """
    inputs = electroweak_parameters(alpha_qed_inverse, sin2_theta_w, mass_z, width_z)
    return ElectronMuon(inputs)
