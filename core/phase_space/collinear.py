"""Maps peaked where two massless particles become parallel: 1/m² = 1/(2 p q (cosh Δy - cos Δφ)).

For a given rapidity gap the angle has the density 1/(A - cosφ); integrated over the angle, a gap g
has 1/g. Both are cut off where the pair fails its cut, so that neither is steeper than |M|².
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.falling import Falling

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST = 1e-12
"""Floor of ranges and of A - 1, under which they are rounding."""

_GAP = Falling(0.4)


def angle(u: Tensor, peak: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """φ between near and far in [0, π], density ∝ 1/(1 + peak - cosφ), peak > 0."""
    stretch = _stretch(peak)
    low, high = _phase(near, stretch), _phase(far, stretch)
    phase = low + u * (high - low)
    found = 2 * torch.atan2(torch.sin(phase), stretch * torch.cos(phase))
    return torch.minimum(torch.maximum(found, near), far)


def angle_inverse(phi: Tensor, peak: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """u of an angle."""
    stretch = _stretch(peak)
    low, high = _phase(near, stretch), _phase(far, stretch)
    return (_phase(phi, stretch) - low) / (high - low).clamp_min(_SMALLEST)


def angle_log_density(phi: Tensor, peak: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """log|du/dφ|."""
    stretch = _stretch(peak)
    range_ = (_phase(far, stretch) - _phase(near, stretch)).clamp_min(_SMALLEST)
    # 1 - cosφ without cancellation
    below = peak + 2 * torch.sin(0.5 * phi).square()
    return 0.5 * torch.log(peak * (peak + 2)) - torch.log(2 * range_ * below)


def _stretch(peak: Tensor) -> Tensor:
    return torch.sqrt((peak + 2) / peak.clamp_min(_SMALLEST))


def _phase(phi: Tensor, stretch: Tensor) -> Tensor:
    """∫ dφ/(A - cosφ) from 0, up to its factor."""
    half = 0.5 * phi
    return torch.atan2(stretch * torch.sin(half), torch.cos(half))


def gap(u: Tensor, cutoff: Tensor, power: int) -> Tensor:
    """A share w of an interval cut at `power` random places, falling from `cutoff` on.

    Without the fall w has the density power·(1 - w)^(power-1) of the first of power + 1 pieces.
    """
    q = _GAP.forward(u, cutoff, 1 + cutoff) - cutoff
    q = q.clamp(0, 1)
    return q if power == 1 else 1 - (1 - q).clamp_min(1e-300) ** (1 / power)


def gap_inverse(share: Tensor, cutoff: Tensor, power: int) -> Tensor:
    """u of a share."""
    q = 1 - (1 - share) ** power
    return _GAP.inverse(q + cutoff, cutoff, 1 + cutoff)


def gap_log_density(share: Tensor, cutoff: Tensor, power: int) -> Tensor:
    """log|du/dq| of a share: its density relative to that without the fall."""
    q = 1 - (1 - share) ** power
    return _GAP.log_density(q + cutoff, cutoff, 1 + cutoff)
