"""Rational-quadratic splines of the unit interval (J. Gregory, R. Delbourgo 1982; 1906.04032).

K bins with widths in x and heights in y, and K + 1 slopes at their edges, all from one vector of
raw numbers; x → y is the direction of the density. Raw numbers 0 give the identity. This file is
the formula in torch, for every device; `spline_kernel` is the same for the CPU.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

NARROWEST = 1e-4
"""Smallest width and height of a bin."""
FLATTEST = 1e-3
"""Smallest slope at an edge."""
SHIFT = math.log(math.expm1(1.0 - FLATTEST))
"""Raw slopes are shifted by this, so that 0 gives slope 1."""


def raw_size(bins: int) -> int:
    """Raw numbers of a spline: K widths, K heights, K + 1 slopes."""
    return 3 * bins + 1


class Bin(NamedTuple):
    """The bin a point falls into: left and lower end, width, height, slopes at both ends."""

    left: Tensor
    lower: Tensor
    width: Tensor
    height: Tensor
    slope0: Tensor
    slope1: Tensor


def shares(raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Softmax of the raw widths and heights, `(..., K)` each, in the precision of `raw`."""
    return torch.softmax(raw[..., :bins], -1), torch.softmax(raw[..., bins : 2 * bins], -1)


def _edges(share: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Sizes of the bins and their upper ends, the last one exactly 1."""
    bins = share.shape[-1]
    size = share.to(dtype) * (1.0 - bins * NARROWEST) + NARROWEST
    upper = torch.cumsum(size, -1)
    last = torch.ones_like(upper[..., -1:])
    upper = torch.cat([upper[..., :-1], last], -1)
    first = torch.zeros_like(last)
    return torch.diff(upper, dim=-1, prepend=first), upper


def _bin(position: Tensor, raw: Tensor, bins: int, by_height: bool) -> Bin:
    width_share, height_share = shares(raw, bins)
    widths, right = _edges(width_share, position.dtype)
    heights, top = _edges(height_share, position.dtype)
    ends = top if by_height else right
    index = (position.unsqueeze(-1) >= ends[..., :-1]).sum(-1, keepdim=True)
    slopes = raw[..., 2 * bins :].to(position.dtype)

    def at(columns: Tensor, shift: int = 0) -> Tensor:
        return columns.gather(-1, index + shift).squeeze(-1)

    width, height = at(widths), at(heights)
    return Bin(
        at(right) - width,
        at(top) - height,
        width,
        height,
        functional.softplus(at(slopes) + SHIFT) + FLATTEST,
        functional.softplus(at(slopes, 1) + SHIFT) + FLATTEST,
    )


def _log_slope(inside: Tensor, b: Bin) -> tuple[Tensor, Tensor, Tensor]:
    """log dy/dx at the place `inside` the bin, the mean slope, and the denominator."""
    mean = b.height / b.width
    product = inside * (1 - inside)
    below = mean + (b.slope0 + b.slope1 - 2 * mean) * product
    above = b.slope1 * inside**2 + 2 * mean * product + b.slope0 * (1 - inside) ** 2
    return 2 * torch.log(mean) + torch.log(above) - 2 * torch.log(below), mean, below


def to_uniform(x: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """y(x) and log dy/dx.

    Args:
        x: in [0, 1], any shape.
        raw: its shape and `raw_size(bins)` numbers more.
        bins: K.
    """
    b = _bin(x, raw, bins, by_height=False)
    inside = ((x - b.left) / b.width).clamp(0, 1)
    log_slope, mean, below = _log_slope(inside, b)
    product = inside * (1 - inside)
    y = b.lower + b.height * (mean * inside**2 + b.slope0 * product) / below
    return y.clamp(max=1.0), log_slope


def from_uniform(y: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """x(y), the inverse of `to_uniform`, and log dy/dx at x."""
    b = _bin(y, raw, bins, by_height=True)
    mean = b.height / b.width
    bend = b.slope0 + b.slope1 - 2 * mean
    rest = y - b.lower
    quadratic = b.height * (mean - b.slope0) + rest * bend
    linear = b.height * b.slope0 - rest * bend
    constant = -mean * rest
    root = torch.sqrt((linear**2 - 4 * quadratic * constant).clamp(min=0))
    inside = (2 * constant / (-linear - root)).clamp(0, 1)
    # The end belongs to the end, however steep the spline is there.
    inside = torch.where(y >= 1.0, torch.ones_like(inside), inside)
    return (b.left + inside * b.width).clamp(max=1.0), _log_slope(inside, b)[0]
