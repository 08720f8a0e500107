"""|M|² of f f̄ -> γ*/Z -> ℓ-ℓ+ for massless fermions, with full interference, at leading order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.adapters.processes.electroweak import CHARGED_LEPTON, Fermion, z_couplings
from crosshook.adapters.processes.invariants import reduced_invariants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def neutral_current(
    momenta: Tensor, fermion: Fermion, parameters: Mapping[str, float | Tensor]
) -> Tensor:
    """f f̄ -> ℓ-ℓ+ without colour: averaged over incoming, summed over outgoing spins, `(n,)`.

    u²(|A_LL|² + |A_RR|²) + t²(|A_LR|² + |A_RL|²) with A_ab = e²[QQ'/s + g_a g'_b/(s - M² + iMΓ)],
    fixed width. The order f̄ f -> ℓ+ℓ- gives the same: t is between like-sign fermion numbers.

    Args:
        momenta: `(n, 4, 4)` of f, f̄, ℓ-, ℓ+ in GeV.
        fermion: the incoming one.
        parameters: electroweak inputs by name.
    """
    s, tau1, tau2 = reduced_invariants(momenta)
    mass_z, width_z = parameters["mass_z"], parameters["width_z"]
    off_shell, absorptive = s - mass_z**2, mass_z * width_z
    # s times the Z propagator: real part, and the square of its modulus
    squared = s.square() / (off_shell.square() + absorptive**2)
    real = squared * off_shell / s
    photon = fermion.charge * CHARGED_LEPTON.charge
    incoming = z_couplings(fermion, parameters["sin2_theta_w"])
    outgoing = z_couplings(CHARGED_LEPTON, parameters["sin2_theta_w"])

    def chirality(a: int, b: int) -> Tensor:
        z = incoming[a] * outgoing[b]
        return photon**2 + 2 * photon * z * real + z**2 * squared

    like = tau2.square() * (chirality(0, 0) + chirality(1, 1))
    unlike = tau1.square() * (chirality(0, 1) + chirality(1, 0))
    e_squared = 4 * math.pi / parameters["alpha_qed_inverse"]
    return e_squared**2 * (like + unlike)
