"""|M|² of t -> b ℓ+ ν with an off-shell W of fixed width, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.adapters.processes.propagators import breit_wigner
from crosshook.core.kinematics import dot, mass_squared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def top_decay(momenta: Tensor, parameters: Mapping[str, float | Tensor]) -> Tensor:
    """64 G_F² m_W⁴ (p_t·p_ℓ)(p_b·p_ν)/((q² - m_W²)² + m_W²Γ_W²), `(n,)`, without unit.

    That of muon decay (64 G_F² for W at rest) with the W's propagator; exact for massless leptons
    and any mass of the b. Averaged over the top's spin and colour.

    Args:
        momenta: `(n, 4, 4)` of t, b, ℓ+, ν in GeV.
        parameters: `fermi_constant`, `mass_w`, `width_w`.
    """
    top, bottom, lepton, neutrino = momenta.unbind(1)
    mass, width = parameters["mass_w"], parameters["width_w"]
    strength = 64 * (parameters["fermi_constant"] * mass**2) ** 2
    pole = breit_wigner(mass_squared(lepton + neutrino), mass, width)
    return strength * dot(top, lepton) * dot(bottom, neutrino) * pole
