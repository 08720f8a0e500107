"""|M|² of q b -> q' t h by W exchange, with a CP phase α in the top's Yukawa coupling.

    L = -(m_t/v) h t̄ (cos α + i κ γ5 sin α) t,   v = 2 m_W / g

Two diagrams: the Higgs boson off the top, and off the W with its Standard Model coupling; the Yukawa
coupling of the b and all quark masses but the top's are 0, the CKM matrix is one. Only left-handed
light quarks take part, so that one amplitude for each spin of the top is left.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.spinors import left, product, right, sandwich, sigma
from crosshook.core.kinematics import mass_squared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_SPIN_AVERAGE = 1 / 4
"""The colours of both quark lines are summed and averaged to 1."""


def single_top_higgs(
    light: tuple[Tensor, Tensor],
    bottom: Tensor,
    top: Tensor,
    higgs: Tensor,
    parameters: Mapping[str, float | Tensor],
) -> Tensor:
    """|M|², averaged over incoming, summed over outgoing spins and colours, `(n,)`, GeV⁻².

    With χ = χ_d, J^μ = λ_d† σ̄^μ λ_u and the Fierz identity J·σ̄ λ_b = 2(χ_u† λ_b) χ_d both
    diagrams become a t̄ of two two-component spinors, a for its right- and b for its left-handed
    part, whose spin sum is a† (k_t·σ̄) a + b† (k_t·σ) b + 2 m_t Re a† b.

    Args:
        light: momenta of the light quarks `(n, 4)` in GeV: the incoming u and the outgoing d, or of
            the antiquarks the outgoing ū and the incoming d̄.
        bottom: of the incoming b.
        top: of the top.
        higgs: of the Higgs boson.
        parameters: by name, as in `SingleTopHiggs`.
    """
    up, down = light
    mass_t, mass_w = parameters["mass_t"], parameters["mass_w"]
    g2 = 4 * math.pi / (parameters["alpha_qed_inverse"] * parameters["sin2_theta_w"])
    exchanged = -2 * _dot(up, down) - mass_w**2
    second = mass_squared(top - bottom) - mass_w**2
    pair = top + higgs
    yukawa = 0.5 * mass_t / mass_w / ((mass_squared(pair) - mass_t**2) * exchanged)
    gauge = mass_w / (second * exchanged)
    minus, plus = _chiral_phases(parameters, yukawa)
    chi, bare = right(down), left(bottom)
    contraction = (2 * product(right(up), bare))[:, None]
    recoil = sandwich(left(down), _sigma_bar(higgs), left(up))
    a = (yukawa * minus)[:, None] * contraction * _times(sigma(pair), chi)
    a = a + (gauge * mass_t / mass_w**2 * recoil)[:, None] * bare
    b = (yukawa * plus * mass_t + gauge)[:, None] * contraction * chi
    spins = sandwich(a, _sigma_bar(top), a) + sandwich(b, sigma(top), b)
    helicities = spins.real + 2 * mass_t * product(a, b).real
    return _SPIN_AVERAGE * (g2 / 2) ** 2 * g2 * helicities


def _chiral_phases(
    parameters: Mapping[str, float | Tensor], like: Tensor
) -> tuple[Tensor, Tensor]:
    """cos α ∓ i κ sin α: what the left- and the right-handed part of a spinor are multiplied by."""
    phase = torch.as_tensor(parameters["cp_phase"], dtype=like.dtype, device=like.device)
    odd = parameters["cp_odd_factor"] * torch.sin(phase)
    return torch.complex(torch.cos(phase), -odd), torch.complex(torch.cos(phase), odd)


def _dot(p: Tensor, q: Tensor) -> Tensor:
    """p·q of massless momenta from their spinors: no cancellation for small angles, `(n,)`."""
    amplitude = product(right(p), left(q))
    return 0.5 * (amplitude.real.square() + amplitude.imag.square())


def _sigma_bar(p: Tensor) -> Tensor:
    """p·σ̄ = E + p⃗·σ⃗ of momenta `(n, 4)`, `(n, 2, 2)`."""
    return sigma(p * p.new_tensor([1.0, -1.0, -1.0, -1.0]))


def _times(matrix: Tensor, spinor: Tensor) -> Tensor:
    """M a, `(n, 2)`."""
    return (matrix * spinor[:, None, :]).sum(-1)
