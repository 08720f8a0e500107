"""Boosts without rotation into and out of the rest frame of a system."""

from __future__ import annotations

import torch
from torch import Tensor


def boosted(p: Tensor, frame: Tensor, mass: Tensor, direction: float) -> Tensor:
    """Boosts momenta.

    Args:
        p: `(n, 4)` in GeV.
        frame: momentum of the system, `(n, 4)`.
        mass: its mass, `(n,)`.
        direction: 1 for what is known in the rest frame and wanted outside, -1 for the reverse.
    """
    along = direction * (p[:, 1:] * frame[:, 1:]).sum(1)
    energy = (p[:, 0] * frame[:, 0] + along) / mass
    factor = direction * (p[:, 0] + energy) / (frame[:, 0] + mass)
    return torch.cat((energy[:, None], p[:, 1:] + factor[:, None] * frame[:, 1:]), 1)
