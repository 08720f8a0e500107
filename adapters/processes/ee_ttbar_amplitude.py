"""|M|² of e+e- -> γ*/Z -> tt̄ -> b ℓ+ ν b̄ ℓ- ν̄: the two diagrams with both tops and both Ws.

Full spin correlations, tops and Ws off their mass shells, fixed widths in the denominators, massless
leptons, any mass of the b. With massless leptons the W vertices collapse by Fierz identities: the b
and the neutrino enter as 2 p_b·p_ν alone, and the top's spin is analysed by its lepton alone. Two
helicity amplitudes are left, one for each helicity of the electron.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.electroweak import CHARGED_LEPTON, UP, z_couplings
from crosshook.adapters.processes.propagators import breit_wigner
from crosshook.adapters.processes.spinors import left, product, right, sandwich, sigma
from crosshook.core.kinematics import dot, mass_squared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_COLOURS = 3
_SPIN_AVERAGE = 1 / 4


def top_pairs_with_decays(momenta: Tensor, parameters: Mapping[str, float | Tensor]) -> Tensor:
    """|M|², averaged over the spins of e+e-, summed over those of the products, `(n,)`, GeV⁻⁸.

    M = (g/√2)⁴ Σ_V [v̄ γ_μ g_e u] [χ† (p̸_t + m) γ^μ g_t (m - p̸_t̄) ω] · 2⟨bν⟩ · 2⟨b̄ν̄⟩ over the
    denominators, with χ and ω the spinors of ℓ+ and ℓ-. Chirality leaves two terms,
    m² g_R σ^μ - g_L (p_t·σ) σ̄^μ (p_t̄·σ), and the sum over μ is one more Fierz identity.

    Args:
        momenta: `(n, 8, 4)` of e+, e-, b, ℓ+, ν, b̄, ℓ-, ν̄ in GeV.
        parameters: by name, as in `EETopPair`.
    """
    positron, electron, b, plus, nu, b_bar, minus, nu_bar = momenta.unbind(1)
    w_plus, w_minus = plus + nu, minus + nu_bar
    top, antitop = b + w_plus, b_bar + w_minus
    like, unlike = _couplings(mass_squared(positron + electron), parameters)
    chi, omega = right(plus), right(minus)
    matrix, matrix_bar = sigma(top), sigma(antitop)
    mass = parameters["mass_t"]
    mass2 = mass**2
    # left-handed electrons, then right-handed ones; the pair (g_L, g_R) is that of the top
    first = 2 * (
        mass2 * unlike[0] * product(chi, left(electron)) * product(left(positron), omega)
        - like[0]
        * sandwich(chi, matrix, right(positron))
        * sandwich(right(electron), matrix_bar, omega)
    )
    second = 2 * (
        mass2 * like[1] * product(chi, left(positron)) * product(left(electron), omega)
        - unlike[1]
        * sandwich(chi, matrix, right(electron))
        * sandwich(right(positron), matrix_bar, omega)
    )
    helicities = _square(first) + _square(second)
    weak = 4 * math.pi / (parameters["alpha_qed_inverse"] * parameters["sin2_theta_w"])
    spectators = 4 * dot(b, nu) * dot(b_bar, nu_bar)
    poles = math.prod(
        (
            breit_wigner(mass_squared(top), mass, parameters["width_t"]),
            breit_wigner(mass_squared(antitop), mass, parameters["width_t"]),
            breit_wigner(mass_squared(w_plus), parameters["mass_w"], parameters["width_w"]),
            breit_wigner(mass_squared(w_minus), parameters["mass_w"], parameters["width_w"]),
        ),
        start=torch.ones_like(spectators),
    )
    return _SPIN_AVERAGE * _COLOURS * weak**4 * spectators * poles * helicities


def _couplings(
    s: Tensor, parameters: Mapping[str, float | Tensor]
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """e² [Q Q'/s + g g'/(s - M² + iMΓ)]: (LL, RR) and (LR, RL), electron's chirality first."""
    mass, width = parameters["mass_z"], parameters["width_z"]
    pole = 1 / torch.complex(s - mass**2, torch.zeros_like(s) + mass * width)
    sine2 = parameters["sin2_theta_w"]
    electron, top = z_couplings(CHARGED_LEPTON, sine2), z_couplings(UP, sine2)
    charge2 = 4 * math.pi / parameters["alpha_qed_inverse"]
    photon = CHARGED_LEPTON.charge * UP.charge / s

    def coupling(a: int, b: int) -> Tensor:
        return charge2 * (photon + electron[a] * top[b] * pole)

    return (coupling(0, 0), coupling(1, 1)), (coupling(0, 1), coupling(1, 0))


def _square(amplitude: Tensor) -> Tensor:
    """|A|², `(n,)`."""
    return amplitude.real.square() + amplitude.imag.square()
