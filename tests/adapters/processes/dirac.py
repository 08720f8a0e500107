"""|M|² by explicit Dirac matrices in numpy: every spin of every leg, no identity used.

In the Dirac representation with spins along z, for comparison with amplitudes that were simplified
by hand. One point at a time.
"""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

Matrix = "NDArray[np.complex128]"

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
