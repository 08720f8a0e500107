"""e+e- -> tt̄ with decays: the narrow-width limit in closed form, symmetries, gradients, options."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.adapters.processes import make_ee_ttbar
from crosshook.adapters.processes.electroweak import CHARGED_LEPTON, UP, z_couplings
from crosshook.core.context import BuildContext
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import resolve_options
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.self_test import check_amplitudes

if TYPE_CHECKING:
    from crosshook.adapters.processes.ee_ttbar import EETopPair
    from crosshook.adapters.processes.electroweak import Fermion

SCALES = {"renormalisation": "m", "factorisation": "m"}


def build(**given: object) -> EETopPair:
    """The process with its schema's defaults and these options."""
    schema = "crosshook.schemas:v1/components/ee-ttbar.json"
    options: dict[str, Any] = resolve_options(schema, given, "run.yaml")
    return make_ee_ttbar(BuildContext(), **options)


def compose(process: EETopPair, energy: float) -> ScatteringProcess:
    """At this energy, without cuts."""
    beams = BeamSetup(energy, process.defaults.beams, hadronic=False)
    return ScatteringProcess(process, beams, None, SCALES, {}, 0.118, torch.device("cpu"))


def cube(n: int, seed: int = 20261122) -> tuple[torch.Tensor, torch.Tensor]:
    """Random points."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, 14, generator=generator, dtype=torch.float64)
    return u, torch.zeros(n, dtype=torch.int64)


def pair_production(process: EETopPair, energy: float) -> float:
    """σ(e+e- -> tt̄) in pb at leading order for tops on their shell.

    (4πα²/3s) N_c β [(3 - β²)/2 S_VV + β² S_AA], e.g. Kühn in hep-ph/9503206.
    """
    p = process.parameters
    s = energy**2
    beta2 = 1 - 4 * p["mass_t"] ** 2 / s
    z = s / complex(s - p["mass_z"] ** 2, p["mass_z"] * p["width_z"])

    def vector_axial(fermion: Fermion) -> tuple[float, float]:
        left, right = z_couplings(fermion, p["sin2_theta_w"])
        return float(left + right) / 2, float(left - right) / 2

    (ve, ae), (vt, at) = vector_axial(CHARGED_LEPTON), vector_axial(UP)
    charges = CHARGED_LEPTON.charge * UP.charge
    both = (ve**2 + ae**2) * abs(z) ** 2
    vv = charges**2 + 2 * charges * ve * vt * z.real + both * vt**2
    aa = both * at**2
    alpha = 1 / p["alpha_qed_inverse"]
    bracket = (3 - beta2) / 2 * vv + beta2 * aa
    return 4 * math.pi * alpha**2 / s * math.sqrt(beta2) * bracket * PICOBARN_GEV2


def branching(process: EETopPair) -> float:
    """Γ(t -> bW) Γ(W -> ℓν)/(Γ_W Γ_t) with the widths of the options, for a massless b."""
    p = process.parameters
    g2 = 4 * math.pi / (p["alpha_qed_inverse"] * p["sin2_theta_w"])
    x = (p["mass_w"] / p["mass_t"]) ** 2
    top = g2 * p["mass_t"] ** 3 / (64 * math.pi * p["mass_w"] ** 2) * (1 - x) ** 2 * (1 + 2 * x)
    w_boson = g2 * p["mass_w"] / (48 * math.pi)
    return top * w_boson / (p["width_w"] * p["width_t"])


@pytest.mark.parametrize("energy", [360.0, 500.0, 1500.0])
def test_narrow_width_limit(energy: float) -> None:
    """σ -> σ(tt̄)·BR², within 5σ; corrections of order Γ/(√s - 2m) = 1e-5 are far below."""
    process = build(mass_b=0.0, width_t=1e-4, width_w=1e-4)
    value = compose(process, energy).evaluate(*cube(200_000)).value
    error = float(value.std()) / math.sqrt(len(value))
    expected = pair_production(process, energy) * branching(process) ** 2
    assert error < 5e-3 * expected
    assert abs(float(value.mean()) - expected) < 5 * error


def test_check_points() -> None:
    check_amplitudes(build(), torch.device("cpu"))


def test_charge_conjugation_and_parity() -> None:
    """CP: particles for antiparticles and p⃗ for -p⃗ at each leg leave |M|² as it is."""
    process = build()
    element = process.matrix_element()
    momenta = compose(process, 500.0).phase_space.forward(*cube(200)).momenta
    mirrored = momenta[:, [1, 0, 5, 6, 7, 2, 3, 4]] * momenta.new_tensor([1.0, -1, -1, -1])
    one = torch.ones(200, dtype=torch.float64)
    here, there = (element.squared(p, 0, one).value for p in (momenta, mirrored))
    assert torch.allclose(here, there, rtol=1e-9)


def test_phases_of_spinors_cancel_everywhere() -> None:
    """|M|² turns smoothly where a lepton crosses the equator, at which its spinor is rewritten."""
    process = build()
    element = process.matrix_element()
    momenta = compose(process, 500.0).phase_space.forward(*cube(50)).momenta
    one = torch.ones(50, dtype=torch.float64)
    plain = element.squared(momenta, 0, one).value
    for order in ([0, 2, 3, 1], [0, 3, 1, 2]):  # cyclic turns of the axes
        assert torch.allclose(element.squared(momenta[..., order], 0, one).value, plain, rtol=1e-9)
    flipped = momenta * momenta.new_tensor([1.0, 1, -1, -1])  # half a turn about x
    assert torch.allclose(element.squared(flipped, 0, one).value, plain, rtol=1e-9)


def test_gradients() -> None:
    """In momenta and in the model's parameters."""
    process = build(width_t=40.0, width_w=30.0)
    element = process.matrix_element()
    momenta = compose(process, 500.0).phase_space.forward(*cube(3, seed=4)).momenta
    norm = float(element.squared(momenta, 0, momenta[:, 0, 0]).value.max())
    central = torch.tensor(list(element.parameters.values()), dtype=torch.float64)
    relative = torch.ones(3, len(central), dtype=torch.float64, requires_grad=True)

    def value(p: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        return element.squared(p * 250.0, 0, p[:, 0, 0], theta=r * central).value / norm

    scaled = (momenta / 250.0).requires_grad_(True)
    assert torch.autograd.gradcheck(value, (scaled, relative), eps=1e-7, atol=1e-4, rtol=1e-4)


def test_nothing_lands_on_the_default_device() -> None:
    element = build().matrix_element()
    momenta = compose(build(), 500.0).phase_space.forward(*cube(5)).momenta
    one = torch.ones(5, dtype=torch.float64)
    torch.set_default_device("meta")
    try:
        found = element.squared(momenta, 0, one, want=("colour",))
    finally:
        torch.set_default_device(None)
    assert found.value.device.type == "cpu"
    assert found.colour is not None
    assert found.colour.device.type == "cpu"


def test_other_beams_are_refused() -> None:
    process = build()
    with pytest.raises(ConfigurationError, match="the positron along"):
        process.phase_space(BeamSetup(500.0, (11, -11), hadronic=False), {})
    with pytest.raises(ConfigurationError, match="must exceed twice mass_b"):
        process.phase_space(BeamSetup(9.0, (-11, 11), hadronic=False), {})


def test_flavours_and_resonances() -> None:
    process = build(lepton_plus="e", lepton_minus="tau")
    (sub,) = process.matrix_element().subprocesses
    assert sub.pdg == (-11, 11, 5, -11, 12, -5, 15, -16)
    assert [(r.pdg, r.children) for r in process.resonances] == [
        (6, (2, 3, 4)),
        (24, (3, 4)),
        (-6, (5, 6, 7)),
        (-24, (6, 7)),
    ]
