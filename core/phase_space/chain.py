"""Momenta of a decay chain from its masses and helicity angles, and the angles from the momenta."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space import frames
from crosshook.core.phase_space.decay import Decay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.phase_space.branching import Leg
    from crosshook.core.phase_space.decay import Breakup


@dataclass(frozen=True)
class Angles:
    """Variables of a decay besides the mass: cosθ and φ, `(n,)` each; see `Decay.aligned`."""

    cosine: Tensor
    azimuth: Tensor


def assemble(
    decay: Decay, breakups: Mapping[Decay, Breakup], angles: Mapping[Decay, Angles]
) -> Tensor:
    """Momenta of a decay's legs in its helicity frame, `(n, j, 4)`, the first child's first."""
    own = angles[decay]
    if not isinstance(decay.first, Decay) or decay.aligned is None:
        return _place(decay, breakups, angles, own.cosine, own.azimuth)
    about = angles[decay.first].azimuth
    zero, one = torch.zeros_like(about), torch.ones_like(about)
    inner = {**angles, decay.first: Angles(angles[decay.first].cosine, zero)}
    p = _place(decay, breakups, inner, one, zero)
    # the first child flies along +z and its decay lies in the xz plane: turn the leg to +z
    leg = p[:, _columns(decay, decay.aligned)].sum(1)
    p = frames.tilt(p, *_undo(leg))
    return frames.rotate(frames.turn(p, about), own.cosine, own.azimuth)


def dissect(
    decay: Decay,
    p: Tensor,
    breakups: Mapping[Decay, Breakup],
    angles: dict[Decay, Angles],
) -> None:
    """Fills in the angles of a decay and of all below it.

    Args:
        decay: the decay.
        p: momenta of its legs in its helicity frame, `(n, j, 4)`, the first child's first.
        breakups: kinematics of every decay.
        angles: where they go.
    """
    firsts = len(decay.first.legs)
    if not isinstance(decay.first, Decay) or decay.aligned is None:
        own = Angles(*frames.direction(p[:, :firsts].sum(1)))
        angles[decay] = own
        _descend(decay, p, breakups, angles, own.cosine, own.azimuth)
        return
    angles[decay] = Angles(*frames.direction(p[:, _columns(decay, decay.aligned)].sum(1)))
    p = frames.rotate_back(p, angles[decay].cosine, angles[decay].azimuth)
    _, azimuth = frames.direction(p[:, :firsts].sum(1))
    # with the leg along +z its parent lies towards -x, the sibling's parent towards +x
    behind = math.pi if decay.aligned == decay.first.first else 0.0
    about = torch.remainder(azimuth - behind, 2 * math.pi)
    p = frames.turn(p, -about)
    p = frames.tilt(p, *_undo(p[:, :firsts].sum(1)))
    zero, one = torch.zeros_like(about), torch.ones_like(about)
    _descend(decay, p, breakups, angles, one, zero)
    angles[decay.first] = Angles(angles[decay.first].cosine, about)


def _place(
    decay: Decay,
    breakups: Mapping[Decay, Breakup],
    angles: Mapping[Decay, Angles],
    cosine: Tensor,
    azimuth: Tensor,
) -> Tensor:
    """Both children, the first in this direction."""
    system = breakups[decay]
    parts = []
    for child, energy in ((decay.first, system.energy1), (decay.second, system.energy2)):
        if isinstance(child, Decay):
            still = assemble(child, breakups, angles)
            if decay.beam_axes:
                beta = system.momentum / energy
                still = frames.tilt(still, *_beam(cosine, beta, child is decay.first))
            parts.append(frames.boost(still, (energy + system.momentum) / breakups[child].mass))
        else:
            zero = torch.zeros_like(energy)
            parts.append(torch.stack((energy, zero, zero, system.momentum), -1)[:, None])
    first = frames.rotate(parts[0], cosine, azimuth)
    return torch.cat((first, frames.rotate(parts[1], -cosine, azimuth + math.pi)), 1)


def _descend(
    decay: Decay,
    p: Tensor,
    breakups: Mapping[Decay, Breakup],
    angles: dict[Decay, Angles],
    cosine: Tensor,
    azimuth: Tensor,
) -> None:
    """Goes to the helicity frames of the children."""
    system, firsts = breakups[decay], len(decay.first.legs)
    for child, energy, part, c, a in (
        (decay.first, system.energy1, p[:, :firsts], cosine, azimuth),
        (decay.second, system.energy2, p[:, firsts:], -cosine, azimuth + math.pi),
    ):
        if isinstance(child, Decay):
            stretch = breakups[child].mass / (energy + system.momentum)
            still = frames.boost(frames.rotate_back(part, c, a), stretch)
            if decay.beam_axes:
                along, across = _beam(cosine, system.momentum / energy, child is decay.first)
                still = frames.tilt(still, along, -across)
            dissect(child, still, breakups, angles)


def _beam(cosine: Tensor, beta: Tensor, first: bool) -> tuple[Tensor, Tensor]:
    """Cosine and sine, from z towards x, of the child's own beam in the child's helicity frame.

    Beam 1 and the first child enclose θ, and so do beam 2 and the second; aberration with the
    child's velocity β gives the angle in its rest frame.
    """
    norm = (1 - beta * cosine).clamp_min(1e-15)
    sine = frames.sine_of(cosine) * torch.sqrt(((1 - beta) * (1 + beta)).clamp_min(1e-30)) / norm
    return (cosine - beta) / norm, -sine if first else sine


def _columns(decay: Decay, child: Decay | Leg) -> list[int]:
    """Where the legs of a descendant are among those of a decay."""
    return [decay.legs.index(leg) for leg in child.legs]


def _undo(p: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the tilt that turns momenta `(n, 4)` in the xz plane to +z."""
    length = torch.sqrt((p[:, 1].square() + p[:, 3].square()).clamp_min(1e-30))
    return p[:, 3] / length, -p[:, 1] / length
