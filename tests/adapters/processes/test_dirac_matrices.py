"""|M|² of top decays and e+e- -> tt̄ by explicit Dirac matrices: every spin, no identity used.

In numpy, in the Dirac representation with spins along z, one point at a time: nothing is shared with
the amplitudes, which were simplified by hand.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.adapters.processes.ee_ttbar_amplitude import top_pairs_with_decays
from crosshook.adapters.processes.top_decay_amplitude import top_decay as own_top_decay
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.decay import Decay
from crosshook.core.phase_space.fixed_trees import FixedTrees
from crosshook.core.phase_space.propagator import Resonance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ONE, ZERO = np.eye(2), np.zeros((2, 2))
GAMMA = [np.block([[ONE, ZERO], [ZERO, -ONE]]).astype(complex)]
GAMMA += [np.block([[ZERO, s], [-s, ZERO]]) for s in PAULI]
GAMMA_5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
LEFT, RIGHT = 0.5 * (np.eye(4) - GAMMA_5), 0.5 * (np.eye(4) + GAMMA_5)
METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def slash(p: NDArray[np.float64]) -> NDArray[np.complex128]:
    """γ·p."""
    return sum((METRIC[i] * p[i] * GAMMA[i] for i in range(4)), np.zeros((4, 4), complex))


def spinors(p: NDArray[np.float64], mass: float, sign: int) -> Iterator[NDArray[np.complex128]]:
    """Both u (sign +1) or both v (sign -1), normalised to 2E."""
    across = sum((p[i + 1] * PAULI[i] for i in range(3)), np.zeros((2, 2), complex))
    for base in np.eye(2):
        large = math.sqrt(p[0] + mass) * base
        small = across @ base / math.sqrt(p[0] + mass)
        yield np.concatenate((large, small) if sign > 0 else (small, large))


def bar(u: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """ū = u† γ⁰."""
    return np.asarray(u.conj() @ GAMMA[0])


def top_decay(p: NDArray[np.float64], mass_b: float, model: Mapping[str, float]) -> float:
    """t -> b ℓ+ ν, averaged over the top's spin; momenta `(4, 4)` of t, b, ℓ+, ν."""
    top, bottom, lepton, neutrino = p
    q = lepton + neutrino
    g2 = 8 / math.sqrt(2) * model["fermi_constant"] * model["mass_w"] ** 2
    mass = model["mass_w"]
    pole = 1 / (q @ (METRIC * q) - mass**2 + 1j * mass * model["width_w"])
    total = 0.0
    for t, b, v, n in product(
        spinors(top, model["mass_t"], 1),
        spinors(bottom, mass_b, 1),
        spinors(lepton, 0.0, -1),
        spinors(neutrino, 0.0, 1),
    ):
        current = sum(
            METRIC[i] * (bar(b) @ GAMMA[i] @ LEFT @ t) * (bar(n) @ GAMMA[i] @ LEFT @ v)
            for i in range(4)
        )
        total += abs(g2 / 2 * pole * current) ** 2
    return total / 2


def ee_top_pair(p: NDArray[np.float64], mass_b: float, model: Mapping[str, float]) -> float:
    """e+ e- -> b ℓ+ ν b̄ ℓ- ν̄ through γ*/Z and tt̄; momenta `(8, 4)` in this order."""
    positron, electron, bottom, plus, nu, bottom_bar, minus, nu_bar = p
    charge = math.sqrt(4 * math.pi / model["alpha_qed_inverse"])
    sine2 = model["sin2_theta_w"]
    weak2 = charge**2 / sine2
    z = 1 / math.sqrt(sine2 * (1 - sine2))

    def vertex(q: float, isospin: float) -> NDArray[np.complex128]:
        return z * ((isospin - q * sine2) * LEFT - q * sine2 * RIGHT)

    def propagator(k: NDArray[np.float64], mass: float, width: float) -> complex:
        return complex(1 / (k @ (METRIC * k) - mass**2 + 1j * mass * width))

    total_p = positron + electron
    photon, boson = (
        propagator(total_p, 0.0, 0.0),
        propagator(total_p, model["mass_z"], model["width_z"]),
    )
    top, antitop = bottom + plus + nu, bottom_bar + minus + nu_bar
    mass, width = model["mass_t"], model["width_t"]
    one = np.eye(4)
    line = (slash(top) + mass * one) * propagator(top, mass, width)
    line_bar = (mass * one - slash(antitop)) * propagator(antitop, mass, width)
    w_plus = propagator(plus + nu, model["mass_w"], model["width_w"])
    w_minus = propagator(minus + nu_bar, model["mass_w"], model["width_w"])

    def currents(a: NDArray[np.float64], b: NDArray[np.float64]) -> list[NDArray[np.complex128]]:
        """Σ_β γ_β P_L [ū(a) γ^β P_L v(b)] for every spin."""
        return [
            sum(METRIC[i] * (bar(u) @ GAMMA[i] @ LEFT @ v) * (GAMMA[i] @ LEFT) for i in range(4))
            for u, v in product(spinors(a, 0.0, 1), spinors(b, 0.0, -1))
        ]

    ends = [
        bar(b) @ current @ line
        for b in spinors(bottom, mass_b, 1)
        for current in currents(nu, plus)
    ]
    ends_bar = [
        line_bar @ current @ v
        for v in spinors(bottom_bar, mass_b, -1)
        for current in currents(minus, nu_bar)
    ]
    total = 0.0
    for v, u in product(spinors(positron, 0.0, -1), spinors(electron, 0.0, 1)):
        exchange = np.zeros((4, 4), complex)
        for i in range(4):
            for q_e, q_t, pole in (
                (-one, 2 / 3 * one, photon),
                (vertex(-1.0, -0.5), vertex(2 / 3, 0.5), boson),
            ):
                current = bar(v) @ GAMMA[i] @ q_e @ u
                exchange += METRIC[i] * charge**2 * pole * current * (GAMMA[i] @ q_t)
        for a, b in product(ends, ends_bar):
            total += abs((weak2 / 2) ** 2 * w_plus * w_minus * (a @ exchange @ b)) ** 2
    return total * 3 / 4


STANDARD = {
    "alpha_qed_inverse": 132.507,
    "sin2_theta_w": 0.222246486,
    "mass_z": 91.188,
    "width_z": 2.441404,
    "mass_w": 80.419,
    "width_w": 2.0476,
    "mass_t": 173.0,
    "width_t": 1.4915,
    "fermi_constant": 1.16639e-5,
}
ODD = {
    **STANDARD,
    "alpha_qed_inverse": 20.0,
    "sin2_theta_w": 0.4,
    "width_z": 60.0,
    "mass_w": 60.0,
    "width_w": 30.0,
    "width_t": 50.0,
}
"""Large widths and couplings: every term counts, whatever its phase."""


def top(bottom: Leg, lepton: Leg, neutrino: Leg) -> Decay:
    """The resonant chain."""
    return Decay(Decay(lepton, neutrino, Resonance(80.4, 2.1)), bottom, Resonance(173.0, 1.5))


def points(space: FixedTrees, n: int) -> torch.Tensor:
    """Points of all channels in turn."""
    generator = torch.Generator().manual_seed(20261122)
    u = torch.rand(n, space.n_dim, generator=generator, dtype=torch.float64)
    return space.forward(u, torch.arange(n) % len(space.channels)).momenta


models = pytest.mark.parametrize("model", [STANDARD, ODD], ids=["standard", "odd"])
bottoms = pytest.mark.parametrize("mass_b", [0.0, 4.7, 40.0])
ROUNDING = 1e-10
"""2⁻⁵³ times M/Γ for each of four denominators, and sums of 2¹² amplitudes."""


@models
@bottoms
def test_top_decay(model: Mapping[str, float], mass_b: float) -> None:
    b, lepton, neutrino = Leg(0, mass_b), Leg(1), Leg(2)
    trees = {"w": top(b, lepton, neutrino), "other": Decay(Decay(b, lepton), neutrino)}
    momenta = points(FixedTrees(model["mass_t"], trees, n_incoming=1), 12)
    value = own_top_decay(momenta, model)
    expected = [top_decay(p, mass_b, model) for p in momenta.numpy()]
    assert value.tolist() == pytest.approx(expected, rel=ROUNDING)


@models
@bottoms
@pytest.mark.parametrize("energy", [360.0, 500.0, 3000.0])
def test_top_pairs(model: Mapping[str, float], mass_b: float, energy: float) -> None:
    legs = [Leg(i, mass_b if i in (0, 3) else 0.0) for i in range(6)]
    flat = Decay(Decay(Decay(legs[0], legs[4]), legs[2]), Decay(legs[3], Decay(legs[1], legs[5])))
    trees = {"tops": Decay(top(*legs[:3]), top(*legs[3:])), "flat": flat}
    momenta = points(FixedTrees(energy, trees), 6)
    value = top_pairs_with_decays(momenta, model)
    expected = [ee_top_pair(p, mass_b, model) for p in momenta.numpy()]
    assert value.tolist() == pytest.approx(expected, rel=ROUNDING)
