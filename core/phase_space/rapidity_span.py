"""Rapidities of massless particles of given p_T whose light-cone momenta add up to those of the beams.

y_i = Y + L t_i with 1 = t_1 > t_2 > ... > t_j = 0. With a = Σ p_i e^{L t_i} and b = Σ p_i e^{-L t_i}
energy and longitudinal momentum are conserved if ab = s, which fixes the span L, and e^{2Y} = b/a:

    Π dy_i δ(ΣE - √s) δ(Σp_z) = 2/(s h') L^{j-2} Π dt,    h = log(ab), h' = dh/dL.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 14
"""Newton steps. h is convex and the start lies above the solution: they cannot overshoot; far from
the limit Σp = √s the sixth is exact already."""

SMALLEST = 1e-9
"""Floor of L, at the limit."""


class Span(NamedTuple):
    """Rapidities with their measure.

    Attributes:
        rapidities: `(n, j)`, falling.
        log_element: log of Π dy δ δ / Π dt, `(n,)`.
    """

    rapidities: Tensor
    log_element: Tensor


def solve(s: Tensor, sizes: Tensor, places: Tensor) -> Span:
    """Solves for L and Y.

    Args:
        s: invariant mass squared in GeV², `(n,)`.
        sizes: transverse momenta in GeV, `(n, j)`, with a sum of at most √s.
        places: t, `(n, j)`, from 1 to 0.
    """
    log_s = torch.log(s)
    with torch.no_grad():
        fixed, at = sizes.detach(), places.detach()
        span = log_s - torch.log(fixed[:, 0] * fixed[:, -1])
        for _ in range(_STEPS):
            value, slope, _, _ = _balance(span, fixed, at)
            span = (span - (value - log_s) / slope).clamp_min(SMALLEST)
    # one more step carries the gradient
    value, slope, upper, lower = _balance(span, sizes, places)
    span = (span - (value - log_s) / slope.detach()).clamp_min(SMALLEST)
    value, slope, upper, lower = _balance(span, sizes, places)
    base = 0.5 * (torch.log(lower / upper) - span)
    power = sizes.shape[1] - 2
    element = math.log(2) - log_s - torch.log(slope) + power * torch.log(span)
    return Span(base[:, None] + span[:, None] * places, element)


def _balance(span: Tensor, sizes: Tensor, places: Tensor) -> tuple[Tensor, ...]:
    """h, h', a e^{-L} and b: exponents are never positive."""
    span = span[:, None]
    above = sizes * torch.exp(-span * (1 - places))
    below = sizes * torch.exp(-span * places)
    upper, lower = above.sum(1), below.sum(1)
    mean_above = (above * (1 - places)).sum(1) / upper
    mean_below = (below * places).sum(1) / lower
    value = span[:, 0] + torch.log(upper * lower)
    return value, (1 - mean_above - mean_below).clamp_min(SMALLEST**2), upper, lower
