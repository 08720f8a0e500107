"""The measure of phase space in variables of the final momenta, for any number of bodies.

dΦ_n = Π_(i<=n-2) d³p_i/((2π)³ 2E_i) · p*/(16π² m) dcosθ* dφ*, the last two bodies by their angles in
the rest frame of the pair of mass m, in which they have momentum p*.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics

if TYPE_CHECKING:
    from torch import Tensor

TWO_PI_CUBED = (2.0 * math.pi) ** 3


def final_variables(momenta: Tensor, n_incoming: int, unit: float) -> tuple[list[Tensor], Tensor]:
    """The variables, and the log of what their differentials are multiplied by in dΦ_n.

    Args:
        momenta: of all legs, `(n, m, 4)` in GeV.
        n_incoming: how many of them come in.
        unit: p_i are in multiples of it, GeV.

    Returns:
        3(m - n_incoming) - 4 columns `(n,)` and a column `(n,)`.
    """
    whole = momenta[:, :n_incoming].sum(dim=1)
    final = kinematics.boost_z(momenta[:, n_incoming:], -kinematics.rapidity(whole)[:, None])
    columns: list[Tensor] = []
    log_element = torch.zeros_like(final[:, 0, 0])
    for body in final[:, :-2].unbind(1):
        columns += (body[:, 1:] / unit).unbind(1)
        log_element = log_element + torch.log(unit**3 / (TWO_PI_CUBED * 2.0 * body[:, 0]))
    pair = final[:, -2] + final[:, -1]
    mass = kinematics.mass(pair)
    still = _into_rest_frame(final[:, -2], pair, mass)
    size = still.norm(dim=1)
    columns += [still[:, 2] / size, torch.atan2(still[:, 1], still[:, 0])]
    return columns, log_element + torch.log(size / (16.0 * math.pi**2 * mass))


def _into_rest_frame(p: Tensor, frame: Tensor, mass: Tensor) -> Tensor:
    """The vector of p `(n, 4)` in the rest frame of a system, `(n, 3)`."""
    energy = kinematics.dot(p, frame) / mass
    factor = (p[:, 0] + energy) / (frame[:, 0] + mass)
    return p[:, 1:] - factor[:, None] * frame[:, 1:]
