"""Two-body final state: momentum, velocities, four-momenta and the element of its phase space.

dΦ₂ = (2π)^-2 p*/(4√ŝ) dcosθ dφ, with p* the momentum in the partonic frame; its volume is
β/(8π) with β = 2p*/√ŝ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_SMALLEST = 1e-30
"""Floor, relative to ŝ or 1, under which p*² and sin²θ are rounding: keeps logarithms finite."""


@dataclass(frozen=True)
class TwoBody:
    """Quantities of a two-body system that depend on ŝ alone, each `(n,)`.

    Attributes:
        root_s: √ŝ in GeV.
        momentum: p* in GeV.
        energy3: energy of leg 3 in the partonic frame, in GeV.
        energy4: likewise of leg 4.
        log_element: log of dΦ₂/(dcosθ dφ).
    """

    root_s: Tensor
    momentum: Tensor
    energy3: Tensor
    energy4: Tensor
    log_element: Tensor

    @property
    def beta3(self) -> Tensor:
        """Velocity of leg 3."""
        return self.momentum / self.energy3

    @property
    def beta4(self) -> Tensor:
        """Velocity of leg 4."""
        return self.momentum / self.energy4


def two_body(s: Tensor, mass3: float, mass4: float) -> TwoBody:
    """Decay of a system of invariant mass squared ŝ `(n,)` into masses in GeV."""
    root_s = torch.sqrt(s)
    if mass3 == mass4:
        energy3 = energy4 = 0.5 * root_s
        square = 0.25 * (root_s - 2 * mass3) * (root_s + 2 * mass3)
    else:
        energy3 = 0.5 * (root_s + (mass3 - mass4) * (mass3 + mass4) / root_s)
        energy4 = root_s - energy3
        threshold = (root_s - mass3 - mass4) * (root_s + mass3 + mass4)
        square = threshold * (s - (mass3 - mass4) ** 2) / (4 * s)
    momentum = torch.sqrt(torch.maximum(square, _SMALLEST * s))
    log_element = torch.log(momentum / root_s) - math.log(16 * math.pi**2)
    return TwoBody(root_s, momentum, energy3, energy4, log_element)


def lab_momenta(
    system: TwoBody, cosine: Tensor, azimuth: Tensor, energy1: Tensor, energy2: Tensor
) -> Tensor:
    """Four-momenta of 2 -> 2 with massless incoming legs along the beam.

    Args:
        system: the two-body system of ŝ = 4·energy1·energy2.
        cosine: cosθ of leg 3 to beam 1 in the partonic frame, `(n,)`.
        azimuth: its φ, `(n,)`.
        energy1: energy of the incoming leg along +z in the lab, `(n,)`, GeV.
        energy2: likewise along -z.

    Returns:
        `(n, 4, 4)`.
    """
    # light-cone components: the boost multiplies them, and nothing cancels
    stretch = torch.sqrt(energy1 / energy2)
    along = system.momentum * cosine
    sine = torch.sqrt(((1 - cosine) * (1 + cosine)).clamp_min(_SMALLEST))
    across = system.momentum * sine
    px, py = across * torch.cos(azimuth), across * torch.sin(azimuth)
    plus3, minus3 = (system.energy3 + along) * stretch, (system.energy3 - along) / stretch
    plus4, minus4 = (system.energy4 - along) * stretch, (system.energy4 + along) / stretch
    zero = torch.zeros_like(energy1)
    columns = (
        *(energy1, zero, zero, energy1),
        *(energy2, zero, zero, -energy2),
        *(0.5 * (plus3 + minus3), px, py, 0.5 * (plus3 - minus3)),
        *(0.5 * (plus4 + minus4), -px, -py, 0.5 * (plus4 - minus4)),
    )
    return torch.stack(columns, -1).reshape(-1, 4, 4)


def angles(system: TwoBody, momenta: Tensor, mass3: float) -> tuple[Tensor, Tensor]:
    """cosθ and φ in [0, 2π) of leg 3 in the partonic frame, from lab momenta `(n, 4, 4)`."""
    energy, px, py, pz = momenta[:, 2].unbind(-1)
    stretch = torch.sqrt(momenta[:, 0, 0] / momenta[:, 1, 0])
    larger = energy + pz.abs()
    smaller = (mass3**2 + px.square() + py.square()) / larger
    plus = torch.where(pz >= 0, larger, smaller)
    minus = torch.where(pz >= 0, smaller, larger)
    along = 0.5 * (plus / stretch - minus * stretch)
    cosine = (along / system.momentum).clamp(-1, 1)
    return cosine, torch.remainder(torch.atan2(py, px), 2 * math.pi)
