"""σ, dσ/dm, flavours and asymmetries against a deterministic quadrature in plain numpy.

The quadrature shares only the parton densities and α_s with the package. Amplitudes are written
down here in closed form; phase space is (m, y, θ*), integrated by Gauss-Legendre panels:

    σ = Σ_ab ∫ dτ dy f_a f_b ∫ dcosθ β |M|²/(32π ŝ),   τ = m²/S
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.adapters.lhapdf.grid import LhapdfGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.physics.conftest import Chance, Finished

    Floats = NDArray[np.float64]

pytestmark = pytest.mark.physics

ENERGY = 13000.0
PICOBARN = 0.3893793721e9
MASS_T = 172.5
EDGES_T = [*np.linspace(345.0, 1345.0, 21), 1700.0, 2300.0, 3500.0, 6000.0, ENERGY]
EDGES_Z = list(np.linspace(66.0, 116.0, 26))
SIGMAS = 3.0
P_VALUE = 1e-4
"""Chance that a right program fails one of the χ² tests; seeds are fixed."""


@dataclass(frozen=True)
class Quadrature:
    """Points of the quadrature and what each adds to σ.

    Attributes:
        mass: of the final state in GeV, `(n,)`.
        rapidity: of the final state, `(n,)`.
        cosine: of leg 3 to beam 1 in the rest frame, `(n,)`.
        sigma: pb by PDG ids of the partons out of beam 1 and 2, `(n,)` each.
    """

    mass: Floats
    rapidity: Floats
    cosine: Floats
    sigma: dict[tuple[int, int], Floats]

    def total(self, *pairs: tuple[int, int]) -> float:
        """σ in pb of these flavours, or of all."""
        return float(sum(self.sigma[p].sum() for p in (pairs or self.sigma)))

    def summed(self) -> Floats:
        """All flavours of each point, `(n,)` in pb."""
        total: Floats = np.sum(list(self.sigma.values()), axis=0)
        return total


def panels(edges: list[float], order: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre rules between neighbouring edges."""
    node, weight = np.polynomial.legendre.leggauss(order)
    low, high = np.array(edges[:-1])[:, None], np.array(edges[1:])[:, None]
    half = (high - low) / 2
    return (low + half * (node + 1)).ravel(), (half * weight).ravel()


def top_pair(s: Floats, cosine: Floats, alpha_s: Floats) -> tuple[Floats, Floats]:
    """|M|² of gg -> tt̄ and qq̄ -> tt̄, averaged and summed."""
    rho = 4 * MASS_T**2 / s
    beta = np.sqrt(1 - rho)
    one, two = (1 - beta * cosine) / 2, (1 + beta * cosine) / 2
    g4 = (4 * math.pi * alpha_s) ** 2
    squares = one**2 + two**2
    gluons = (1 / (6 * one * two) - 3 / 8) * (squares + rho - rho**2 / (4 * one * two))
    return g4 * gluons, g4 * 4 / 9 * (squares + rho / 2)


def lepton_pair(
    s: Floats,
    cosine: Floats,
    charge: float,
    isospin: float,
    alpha: float = 1 / 132.183,
    sin2: float = 0.223013,
    mass: float = 91.1876,
    width: float = 2.4952,
) -> Floats:
    """|M|² of f f̄ -> ℓ-ℓ+ without colour; cosθ is that of ℓ- to f."""
    norm = 1 / math.sqrt(sin2 * (1 - sin2))
    own = ((isospin - charge * sin2) * norm, -charge * sin2 * norm)
    lepton = ((-0.5 + sin2) * norm, sin2 * norm)
    propagator = 1 / (s - mass**2 + 1j * mass * width)
    t, u = -s * (1 - cosine) / 2, -s * (1 + cosine) / 2
    total = np.zeros_like(cosine * s)
    for a in (0, 1):
        for b in (0, 1):
            amplitude = -charge / s + own[a] * lepton[b] * propagator
            total += (u if a == b else t) ** 2 * np.abs(amplitude) ** 2
    result: Floats = (4 * math.pi * alpha) ** 2 * total
    return result


def density(name: str, x: Floats, q: Floats) -> tuple[dict[int, Floats], Floats]:
    """f(x, Q) by flavour, and α_s(Q)."""
    grid = LhapdfGrid.load(name)
    scale = torch.from_numpy(q)
    values = grid.xf(torch.from_numpy(x), scale).numpy() / x[:, None]
    return {pdg: values[:, i] for i, pdg in enumerate(grid.flavours)}, grid.alpha_s(scale).numpy()


def mesh(process: str, order: int) -> tuple[Floats, Floats, Floats, Floats]:
    """m, y, cosθ and the weight of dm dy dcosθ of every point."""
    if process == "ttbar":
        # m = 2 m_t + ζ² takes the square root out of the threshold.
        zeta, weight = panels([math.sqrt(max(e - 2 * MASS_T, 0.0)) for e in EDGES_T], order)
        mass, weight = 2 * MASS_T + zeta**2, weight * 2 * zeta
    else:
        mass, weight = panels(EDGES_Z, order)
    share, share_weight = panels([-1.0, -0.5, 0.0, 0.5, 1.0], 2 * order)
    # θ rather than cosθ: p_T, and with it the scale, is smooth in θ.
    # The scale of tt̄ follows p_T down through thresholds; that of Drell-Yan does not know θ.
    quarter = [0.0, 0.03, 0.1, 0.4, math.pi / 2] if process == "ttbar" else [0.0, math.pi / 2]
    theta, theta_weight = panels(quarter + [math.pi - e for e in quarter[-2::-1]], order)
    half = np.log(ENERGY / mass)
    m, eta, angle = np.meshgrid(mass, share, theta, indexing="ij")
    w = (weight * half)[:, None, None] * share_weight[:, None] * (theta_weight * np.sin(theta))
    y = half[:, None, None] * eta
    return m.ravel(), y.ravel(), np.cos(angle).ravel(), w.ravel()


@cache
def quadrature(process: str, pdf: str = "ToyLH_LO", order: int = 6) -> Quadrature:
    """The whole integral, flavour by flavour."""
    mass, y, cosine, weight = mesh(process, order)
    s = mass**2
    x1, x2 = mass / ENERGY * np.exp(y), mass / ENERGY * np.exp(-y)
    beta = np.sqrt(1 - 4 * MASS_T**2 / s) if process == "ttbar" else np.ones_like(s)
    scale = mass * beta * np.sqrt(1 - cosine**2) if process == "ttbar" else mass
    one, alpha_s = density(pdf, np.minimum(x1, 1.0), scale)
    two, _ = density(pdf, np.minimum(x2, 1.0), scale)
    common = weight * 2 * mass / ENERGY**2 * PICOBARN * beta / (32 * math.pi * s)
    sigma: dict[tuple[int, int], Floats] = {}
    if process == "ttbar":
        gluons, quarks = top_pair(s, cosine, alpha_s)
        sigma[21, 21] = common * gluons * one[21] * two[21]
    for q in range(1, 6):
        charge, isospin = (2 / 3, 0.5) if q % 2 == 0 else (-1 / 3, -0.5)
        for a, b, sign in ((q, -q, 1), (-q, q, -1)):
            if process == "drell-yan":
                quarks = lepton_pair(s, sign * cosine, charge, isospin) / 3
            sigma[a, b] = common * quarks * one[a] * two[b]
    return Quadrature(mass, y, cosine, sigma)


def of(run: Finished, order: int = 6) -> Quadrature:
    """The quadrature of a run's process."""
    return quadrature("ttbar" if "t t~" in run.result.process else "drell-yan", order=order)


def test_amplitudes_of_the_quadrature() -> None:
    """ee -> μμ at 200 GeV, and the first event of MadGraph's gg -> tt̄ in its own formula."""
    cosine = np.linspace(-0.9, 0.9, 7)
    given = [0.00499279, 0.00501754, 0.00702506, 0.01101533, 0.01698837, 0.02494417, 0.03488273]
    found = lepton_pair(
        np.full(7, 200.0**2), cosine, -1.0, -0.5, 1 / 132.507, 0.222246486, 91.188, 2.441404
    )
    assert found == pytest.approx(given, abs=5e-9)  # their last digit


def test_quadrature_has_converged(hadronic: Finished) -> None:
    """A finer rule moves σ by less than a tenth of the Monte Carlo error."""
    coarse, fine = of(hadronic), of(hadronic, order=8)
    assert abs(coarse.total() - fine.total()) < 0.1 * hadronic.generation.error


def test_cross_section(hadronic: Finished) -> None:
    """σ of the integration, and of all points together, at a statistical error below 0.05 %."""
    expected = of(hadronic).total()
    for found in (hadronic.result.integration, hadronic.generation):
        assert found.error < 5e-4 * found.cross_section
        assert abs(found.cross_section - expected) < SIGMAS * found.error


def test_cross_section_with_the_reference_densities(reference: Finished) -> None:
    """The same with NNPDF3.1, as a second set with other thresholds and knots."""
    found = reference.result.integration
    kind = "ttbar" if "t t~" in reference.result.process else "drell-yan"
    expected = quadrature(kind, "NNPDF31_nnlo_as_0118_mc").total()
    assert abs(found.cross_section - expected) < SIGMAS * found.error


def test_processes(hadronic: Finished) -> None:
    """gg and qq̄ of tt̄, up-type and down-type quarks of Drell-Yan, each within its own error."""
    integral = of(hadronic)
    groups: dict[str, list[tuple[int, int]]] = {}
    for process in hadronic.generation.processes:
        first = process.label.split(",")[0].split()[0]
        kinds = {"g": (21,), "u": (2, 4), "d": (1, 3, 5)}[first]
        if "t t~" in process.label and first != "g":
            kinds = (1, 2, 3, 4, 5)
        groups[process.label] = [p for p in integral.sigma if abs(p[0]) in kinds]
        expected = integral.total(*groups[process.label])
        assert abs(process.cross_section - expected) < SIGMAS * process.error
        assert process.error < 1e-3 * expected
    assert sorted(p for g in groups.values() for p in g) == sorted(integral.sigma)


def test_mass_spectrum(hadronic: Finished, chance: Chance) -> None:
    """dσ/dm bin by bin."""
    integral = of(hadronic)
    (histogram,) = (h for h in hadronic.result.integration.histograms if h.name == "m")
    expected, _ = np.histogram(integral.mass, histogram.edges, weights=integral.summed())
    pulls = (np.array(histogram.values) - expected) / np.array(histogram.errors)
    assert chance(np.sum(pulls**2), pulls.size) > P_VALUE


def test_flavours_of_events(hadronic: Finished, chance: Chance) -> None:
    """How often each pair of partons comes out of the two beams."""
    integral, events = of(hadronic), hadronic.events()
    counts = events.counts[0]
    pdg = np.asarray(events.particle_columns["pdg_id"]).reshape(-1, counts)[:, :2]
    seen = np.array([np.sum((pdg == pair).all(axis=1)) for pair in integral.sigma])
    assert seen.sum() == len(events)
    expected = np.array([integral.total(pair) for pair in integral.sigma])
    expected *= len(events) / expected.sum()
    assert chance(np.sum((seen - expected) ** 2 / expected), seen.size - 1) > P_VALUE


def angles(events: Finished) -> tuple[Floats, Floats, Floats]:
    """m, y and cosθ* of the first final leg to beam 1, from the momenta of 2 -> 2 events."""
    (group,) = events.events().to_torch()
    momenta = group.momenta.numpy()
    first, total = momenta[:, -2], momenta[:, -2] + momenta[:, -1]
    mass = np.sqrt(total[:, 0] ** 2 - np.sum(total[:, 1:] ** 2, axis=1))
    y = np.arctanh(total[:, 3] / total[:, 0])
    energy = np.cosh(y) * first[:, 0] - np.sinh(y) * first[:, 3]
    along = np.cosh(y) * first[:, 3] - np.sinh(y) * first[:, 0]
    return mass, y, along / np.sqrt(np.maximum(energy**2 - _rest(first), 1e-300))


def _rest(p: Floats) -> Floats:
    square: Floats = np.maximum(p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1), 0.0)
    massless: Floats = np.where(square < 1e-6 * p[:, 0] ** 2, 0.0, square)
    return massless


def test_forward_backward_asymmetry(drell_yan: Finished) -> None:
    """ℓ- along the boost: negative below the Z, positive above; none to a fixed beam."""
    integral = of(drell_yan)
    mass, y, cosine = angles(drell_yan)
    direction = np.sign(cosine * y)
    expected_sign = np.sign(integral.cosine * integral.rapidity)
    sigma = integral.summed()
    expected_values = []
    for low, high in ((66.0, 86.0), (86.0, 96.0), (96.0, 116.0)):
        here = (mass >= low) & (mass < high)
        there = (integral.mass >= low) & (integral.mass < high)
        expected = float(np.sum((sigma * expected_sign)[there]) / sigma[there].sum())
        error = math.sqrt((1 - expected**2) / here.sum())
        assert abs(direction[here].mean() - expected) < SIGMAS * error
        expected_values.append(expected)
    assert expected_values[0] < 0 < expected_values[2]
    assert abs(np.sign(cosine).mean()) < SIGMAS / math.sqrt(cosine.size)
    assert abs(np.sign(y).mean()) < SIGMAS / math.sqrt(y.size)


def test_colour_flow_of_gluon_fusion(ttbar: Finished, chance: Chance) -> None:
    """The gluon that shares the top's colour, by |A₁|² : |A₂|² = τ₂² : τ₁².

    The colour-ordered amplitudes obey τ₁ A₁ = ± τ₂ A₂ for every helicity (0805.3993).
    """
    events = ttbar.events()
    pdg = np.asarray(events.particle_columns["pdg_id"]).reshape(-1, 4)
    colour = np.asarray(events.particle_columns["colour1"]).reshape(-1, 4)
    mass, _, cosine = angles(ttbar)
    gluons = pdg[:, 0] == 21
    from_first = (colour[:, 0] == colour[:, 2])[gluons]
    assert np.all(from_first | (colour[:, 1] == colour[:, 2])[gluons])
    beta = np.sqrt(1 - (2 * MASS_T / mass[gluons]) ** 2)
    one, two = 1 - beta * cosine[gluons], 1 + beta * cosine[gluons]
    share = two**2 / (one**2 + two**2)
    bins = np.digitize(share, np.linspace(0, 1, 11)[1:-1])
    pulls = []
    for b in range(10):
        here = bins == b
        spread = math.sqrt(np.sum((share * (1 - share))[here]))
        if here.sum() >= 50:
            pulls.append((from_first[here].sum() - share[here].sum()) / spread)
    assert len(pulls) >= 8
    assert chance(np.sum(np.square(pulls)), len(pulls)) > P_VALUE
