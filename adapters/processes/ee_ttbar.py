"""e+e- -> γ*/Z -> tt̄ -> b ℓ+ ν b̄ ℓ- ν̄ at leading order, doubly resonant, beams of fixed energy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.adapters.processes.ee_ttbar_amplitude import top_pairs_with_decays
from crosshook.adapters.processes.ee_ttbar_checkpoints import CHECKPOINTS
from crosshook.adapters.processes.electroweak import electroweak_parameters
from crosshook.adapters.processes.leptons import w_decay_name, w_products
from crosshook.adapters.processes.parameters import current
from crosshook.adapters.processes.top_chain import top_tree, written
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
from crosshook.core.interfaces.process import BeamSetup, ProcessDefaults, Resonance
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.decay import Decay
from crosshook.core.phase_space.fixed_trees import FixedTrees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext

_BEAMS = (-11, 11)
_NO_COLOUR = (0, 0)


@dataclass
class EETopPairAmplitudes:
    """MatrixElement of e+e- -> tt̄ with leptonic decays.

    Attributes:
        leptons: that of the W+ and that of the W-: `e`, `mu` or `tau`, without mass.
        mass_b: of the bottom quark in GeV; |M|² depends on it through the momenta only.
        parameters: electroweak inputs, masses and widths by name.
        subprocesses: the one there is.
        masses: mass of each leg in GeV.
        alpha_qed: α.
    """

    leptons: tuple[str, str]
    mass_b: float
    parameters: Mapping[str, float]
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    alpha_qed: float = field(init=False)

    def __post_init__(self) -> None:
        plus, minus = self.leptons
        half = (self.mass_b, 0.0, 0.0)
        self.masses = (0.0, 0.0, *half, *half)
        self.alpha_qed = 1 / self.parameters["alpha_qed_inverse"]
        flow = (
            *(_NO_COLOUR, _NO_COLOUR),
            *((501, 0), _NO_COLOUR, _NO_COLOUR),
            *((0, 501), _NO_COLOUR, _NO_COLOUR),
        )
        self.subprocesses = (
            Subprocess(
                pdg=(*_BEAMS, 5, *w_products(plus, 1), -5, *w_products(minus, -1)),
                amplitude=0,
                process_id=1,
                label=f"e+ e- > b {w_decay_name(plus, 1)} b~ {w_decay_name(minus, -1)}",
                colour_flows=(flow,),
                qed_order=6,
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
        """|M|² of points `(n, 8, 4)`, and `colour` if wanted; α_s does not enter."""
        value = top_pairs_with_decays(momenta, current(self.parameters, theta))
        flows = value.new_ones(len(value), 1) if "colour" in want else None
        return SquaredAmplitude(value, flows)


@dataclass
class EETopPair:
    """Process e+e- -> tt̄ with leptonic decays.

    Attributes:
        leptons: that of the W+ and that of the W-.
        mass_b: of the bottom quark in GeV.
        parameters: electroweak inputs, masses and widths by name.
        name: for people.
        defaults: 500 GeV, μ = √s.
        resonances: tops and Ws.
        checkpoints: explicit Dirac matrices.
    """

    leptons: tuple[str, str]
    mass_b: float
    parameters: Mapping[str, float]
    name: str = field(init=False)
    defaults: ProcessDefaults = field(
        default_factory=lambda: ProcessDefaults(
            beams=_BEAMS, hadronic=False, energy=500.0, renormalisation="m", factorisation="m"
        )
    )
    resonances: tuple[Resonance, ...] = (*written(2, 1), *written(5, -1))
    checkpoints: tuple[CheckPoint, ...] = CHECKPOINTS

    def __post_init__(self) -> None:
        plus, minus = self.leptons
        self.name = (
            f"e+ e- > t t~, t > b {w_decay_name(plus, 1)}, t~ > b~ {w_decay_name(minus, -1)}"
        )

    def matrix_element(self) -> EETopPairAmplitudes:
        """The amplitudes."""
        return EETopPairAmplitudes(self.leptons, self.mass_b, self.parameters)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> FixedTrees:
        """One channel of fourteen variables with a Breit-Wigner for each top and W."""
        if beams.hadronic or beams.pdg != _BEAMS:
            message = (
                f"{self.name}: beams {beams.pdg}; allowed are {_BEAMS}, the positron along +z"
            )
            raise ConfigurationError(message)
        if beams.energy <= 2 * self.mass_b:
            message = (
                f"{self.name}: beams.energy = {beams.energy:g} GeV; must exceed twice mass_b = "
                f"{self.mass_b:g} GeV"
            )
            raise ConfigurationError(message)
        top = self.parameters["mass_t"], self.parameters["width_t"]
        w_boson = self.parameters["mass_w"], self.parameters["width_w"]
        first, second = (
            top_tree((Leg(leg, self.mass_b), Leg(leg + 1), Leg(leg + 2)), w_boson, top)
            for leg in (0, 3)
        )
        return FixedTrees(beams.energy, {"tops": Decay(first, second, beam_axes=True)})


def make_ee_ttbar(
    context: BuildContext,
    *,
    lepton_plus: str,
    lepton_minus: str,
    alpha_qed_inverse: float,
    sin2_theta_w: float,
    mass_z: float,
    width_z: float,
    mass_w: float,
    width_w: float,
    mass_t: float,
    width_t: float,
    mass_b: float,
) -> EETopPair:
    """Builds e+e- -> tt̄ -> b ℓ+ ν b̄ ℓ- ν̄.

    Args:
        context: unused: tensors live where the momenta do.
        lepton_plus: lepton of the W+: `e`, `mu` or `tau`.
        lepton_minus: lepton of the W-.
        alpha_qed_inverse: 1/α.
        sin2_theta_w: sin²θ_W, also in the coupling of the W, g² = 4πα/sin²θ_W.
        mass_z: mass of the Z in GeV.
        width_z: its fixed width in GeV.
        mass_w: mass of the W in GeV.
        width_w: its fixed width in GeV.
        mass_t: mass of the top quark in GeV.
        width_t: its fixed width in GeV.
        mass_b: mass of the bottom quark in GeV.
    """
    parameters = {
        **electroweak_parameters(alpha_qed_inverse, sin2_theta_w, mass_z, width_z),
        "mass_w": float(mass_w),
        "width_w": float(width_w),
        "mass_t": float(mass_t),
        "width_t": float(width_t),
    }
    return EETopPair((lepton_plus, lepton_minus), float(mass_b), parameters)
