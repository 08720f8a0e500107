"""|M|² of gg -> QQ̄ and qq̄ -> QQ̄ at leading order (Combridge, Nucl. Phys. B151 (1979) 429).

Averaged over colours and spins of the incoming partons, summed over those of the heavy quarks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.invariants import reduced_invariants

if TYPE_CHECKING:
    from torch import Tensor


def gluons_to_heavy_quarks(momenta: Tensor, alpha_s: Tensor, mass: float | Tensor) -> Tensor:
    """gg -> QQ̄, `(n,)`.

    Args:
        momenta: `(n, 4, 4)` of g, g, Q, Q̄ in GeV.
        alpha_s: strong coupling, `(n,)`.
        mass: mass of Q in GeV.
    """
    s, tau1, tau2 = reduced_invariants(momenta)
    rho = 4 * mass**2 / s
    product = tau1 * tau2
    colour = 1 / (6 * product) - 3 / 8
    kinematics = tau1.square() + tau2.square() + rho - rho.square() / (4 * product)
    return (4 * math.pi * alpha_s).square() * colour * kinematics


def gluon_colour_flows(momenta: Tensor) -> Tensor:
    """Relative weights of the flows with Q's colour from gluon 1, and from gluon 2, `(n, 2)`.

    The colour-ordered amplitudes obey (t - m²) A(Q,1,2,Q̄) = (u - m²) A(Q,2,1,Q̄) (0805.3993, massive
    in 1507.00332), helicity by helicity: the ratio of their squares is τ2² : τ1². The first has
    the t-channel pole: gluon 1 couples next to Q.
    """
    _, tau1, tau2 = reduced_invariants(momenta)
    return torch.stack((tau2.square(), tau1.square()), -1)


def quarks_to_heavy_quarks(momenta: Tensor, alpha_s: Tensor, mass: float | Tensor) -> Tensor:
    """qq̄ -> QQ̄ for massless q ≠ Q, `(n,)`; arguments as for gluons."""
    s, tau1, tau2 = reduced_invariants(momenta)
    rho = 4 * mass**2 / s
    kinematics = tau1.square() + tau2.square() + 0.5 * rho
    return (4 * math.pi * alpha_s).square() * (4 / 9) * kinematics
