"""t -> b ℓ+ ν: its width by quadrature, the W's helicities, gradients, what it refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.adapters.processes import make_top_decay
from crosshook.core import kinematics
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import resolve_options
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.self_test import check_amplitudes

if TYPE_CHECKING:
    from crosshook.adapters.processes.top_decay import TopDecay

SCALES = {"renormalisation": "m", "factorisation": "m"}


def build(**given: object) -> TopDecay:
    """The process with its schema's defaults and these options."""
    schema = "crosshook.schemas:v1/components/top-decay.json"
    options: dict[str, Any] = resolve_options(schema, given, "run.yaml")
    return make_top_decay(BuildContext(), **options)


def compose(process: TopDecay) -> ScatteringProcess:
    """With its own defaults."""
    own = process.defaults
    beams = BeamSetup(own.energy, own.beams, own.hadronic)
    return ScatteringProcess(process, beams, None, SCALES, {}, 0.118, torch.device("cpu"))


def sobol(process: ScatteringProcess, n: int) -> torch.Tensor:
    """Scrambled points: the error of a smooth integral falls nearly as 1/n."""
    engine = torch.quasirandom.SobolEngine(process.n_dim, scramble=True, seed=20261122)
    return engine.draw(n, dtype=torch.float64)


def width(process: TopDecay, nodes: int = 400) -> float:
    """Γ = G_F² m_t⁵/(192π³) ∫ dy 2 λ^½ [(1-r)² + (1+r) y - 2y²] m_W⁴/((q² - m_W²)² + m_W²Γ_W²).

    r = m_b²/m_t², y = q²/m_t², λ = λ(1, y, r) (Jezabek and Kühn, Nucl. Phys. B314 (1989) 1); by
    Gauss-Legendre in the W's phase.
    """
    p = process.parameters
    m, mw, gw = p["mass_t"], p["mass_w"], p["width_w"]
    r = (process.mass_b / m) ** 2
    x, weight = np.polynomial.legendre.leggauss(nodes)
    low, high = (math.atan((q2 - mw**2) / (mw * gw)) for q2 in (0.0, (m - process.mass_b) ** 2))
    phase = 0.5 * (low + high) + 0.5 * (high - low) * x
    y = (mw**2 + mw * gw * np.tan(phase)) / m**2
    # dq² m_W⁴/(pole) = m_W³/Γ_W dphase
    measure = 0.5 * (high - low) * weight * mw**3 / gw / m**2
    kallen = np.sqrt(np.maximum((1 - y - r) ** 2 - 4 * y * r, 0))
    integrand = 2 * kallen * ((1 - r) ** 2 + (1 + r) * y - 2 * y**2)
    return float(p["fermi_constant"] ** 2 * m**5 / (192 * math.pi**3) * (measure @ integrand))


@pytest.mark.parametrize(
    "options",
    [{}, {"mass_b": 0.0}, {"mass_b": 60.0, "width_w": 20.0}, {"mass_t": 60.0, "mass_b": 5.0}],
    ids=str,
)
def test_width_by_quadrature(options: dict[str, object]) -> None:
    """Flat angles and a Breit-Wigner leave a smooth integrand of two variables."""
    process = build(**options)
    composed = compose(process)
    u = sobol(composed, 2**16)
    value = composed.evaluate(u, torch.zeros(len(u), dtype=torch.int64)).value
    blocks = value.reshape(16, -1).mean(1)
    error = float(blocks.std()) / 4
    assert error < 2e-4 * width(process)
    assert abs(float(value.mean()) - width(process)) < 5 * error


def test_narrow_w_in_closed_form() -> None:
    """G_F m_t³/(8π√2) (1 - x)² (1 + 2x) times Γ(W -> ℓν)/Γ_W: two formulas of their own."""
    process = build(mass_b=0.0, width_w=1e-4)
    p = process.parameters
    x = (p["mass_w"] / p["mass_t"]) ** 2
    two_body = p["fermi_constant"] * p["mass_t"] ** 3 / (8 * math.pi * math.sqrt(2))
    two_body *= (1 - x) ** 2 * (1 + 2 * x)
    leptonic = p["fermi_constant"] * p["mass_w"] ** 3 / (6 * math.pi * math.sqrt(2))
    assert width(process) == pytest.approx(two_body * leptonic / p["width_w"], rel=1e-5)


def test_helicities_of_the_w() -> None:
    """F_0 : F_L = 1 : 2x for a massless b, so that ⟨cosθ*⟩ = -F_L/2 of the lepton."""
    process = build(mass_b=0.0, width_w=1e-3)
    composed = compose(process)
    u = sobol(composed, 2**15)
    found = composed.evaluate_points(u, torch.zeros(len(u), dtype=torch.int64))
    top, b, lepton, neutrino = found.points.momenta.unbind(1)
    w2 = kinematics.mass_squared(lepton + neutrino)
    # θ* is the angle to the W's direction, against the b: 2 p_b·p_ℓ = (m_t² - q²)(1 + cosθ*)/2
    cosine = 4 * kinematics.dot(b, lepton) / (kinematics.mass_squared(top) - w2) - 1
    weight = found.evaluation.value
    mean = float((weight * cosine).sum() / weight.sum())
    x = (process.parameters["mass_w"] / process.parameters["mass_t"]) ** 2
    # Sobol points: the error of a smooth integral is far below 1/n^½ = 6e-3
    assert mean == pytest.approx(-x / (1 + 2 * x), abs=1e-4)


def test_check_points() -> None:
    check_amplitudes(build(), torch.device("cpu"))


def test_gradients() -> None:
    """In momenta and in the model's parameters; the top's mass enters by the momenta alone."""
    process = build(width_w=20.0)
    element = process.matrix_element()
    composed = compose(process)
    found = composed.evaluate_points(sobol(composed, 4), torch.zeros(4, dtype=torch.int64))
    momenta = (found.points.momenta / 173.0).requires_grad_(True)
    norm = float(element.squared(found.points.momenta, 0, found.points.alpha_s).value.max())
    central = torch.tensor(list(element.parameters.values()), dtype=torch.float64)
    relative = torch.ones(4, len(central), dtype=torch.float64, requires_grad=True)

    def value(p: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        return element.squared(p * 173.0, 0, p[:, 0, 0], theta=r * central).value / norm

    assert torch.autograd.gradcheck(value, (momenta, relative), eps=1e-7, atol=1e-4, rtol=1e-4)


def test_only_the_top_decays() -> None:
    process = build()
    for beams in (BeamSetup(200.0, (6, 0), False), BeamSetup(173.0, (6, 6), False)):
        with pytest.raises(
            ConfigurationError, match=r"its mass, 173 GeV, set by the option mass_t"
        ):
            process.phase_space(beams, {})
    with pytest.raises(ConfigurationError, match="must stay below mass_t"):
        build(mass_b=180.0)


def test_resonance_and_flavours() -> None:
    process = build(lepton="tau")
    assert process.name == "t > b tau+ vt"
    (sub,) = process.matrix_element().subprocesses
    assert sub.pdg == (6, 5, -15, 16)
    assert [(r.pdg, r.children) for r in process.resonances] == [(24, (2, 3))]
