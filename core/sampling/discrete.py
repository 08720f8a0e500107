"""Discrete dimensions of the unit cube: helicities, colours, flavours as bins of equal width.

Discrete dimensions follow the continuous ones. Value i of v is the bin [i/v, (i + 1)/v), told by
⌊u·v⌋ in float64. That product rounds, so that i/v itself may fall into bin i − 1 (1/49 · 49 < 1);
`place` keeps clear of this, and what it puts into a bin is found there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def locate(u: Tensor, count: int) -> Tensor:
    """Which value a coordinate stands for.

    Args:
        u: in [0, 1], any shape, float64; 1 counts to the last bin.
        count: number of values v.

    Returns:
        ⌊u·v⌋, the same shape, int64 in 0..v-1.
    """
    return (u.detach() * count).floor().clamp(0, count - 1).to(torch.int64)


def place(value: Tensor, fraction: Tensor, count: int) -> Tensor:
    """The coordinate at a fraction of a value's bin.

    Args:
        value: int64 in 0..v-1, any shape.
        fraction: in [0, 1], the same shape, float64.
        count: number of values v.

    Returns:
        u = (value + fraction)/v, moved by rounding errors where `locate` would not find `value`;
        differentiable to `fraction`.
    """
    u = (value + fraction) / count
    exact = u.detach()
    first, last = (bound.to(u.device)[value] for bound in _bounds(count))
    # Where u moves, it moves by a few units in the last place: difference and sum are exact.
    return u + (torch.minimum(torch.maximum(exact, first), last) - exact)


def split(u: Tensor, discrete: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Separates continuous coordinates and discrete values.

    Args:
        u: points of the cube, `(n, d + m)`, the m discrete dimensions last.
        discrete: number of values of each discrete dimension, m of them.

    Returns:
        Continuous coordinates `(n, d)`, and values `(n, m)` int64.
    """
    d = u.shape[1] - len(discrete)
    columns = [locate(u[:, d + j], count) for j, count in enumerate(discrete)]
    none = torch.empty((u.shape[0], 0), dtype=torch.int64, device=u.device)
    return u[:, :d], torch.stack(columns, dim=1) if columns else none


def join(
    continuous: Tensor,
    values: Tensor,
    discrete: Sequence[int],
    fractions: Tensor | None = None,
) -> Tensor:
    """Puts continuous coordinates and discrete values together; `split` takes them apart again.

    Args:
        continuous: `(n, d)` float64.
        values: `(n, m)` int64.
        discrete: number of values of each discrete dimension, m of them.
        fractions: where in their bins the points lie, `(n, m)`; in the middle if None.

    Returns:
        Points of the cube, `(n, d + m)`.
    """
    if fractions is None:
        fractions = torch.full_like(values, 0.5, dtype=continuous.dtype)
    columns = [
        place(values[:, j], fractions[:, j], count)[:, None] for j, count in enumerate(discrete)
    ]
    return torch.cat([continuous, *columns], dim=1)


def to_values(r: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """One discrete coordinate of n points, value i drawn with its own probability p_i.

    The interval of r from Σ_{j<i} p_j on, of length p_i, is stretched linearly over the bin
    [i/v, (i + 1)/v) of u, so that log|∂u/∂r| = −log(v p_i). Differentiable to r and to the knots.

    Args:
        r: in [0, 1], `(n,)`.
        knots: cumulated probabilities for each point, from 0 to 1, `(n, v + 1)`.

    Returns:
        u and log|∂u/∂r|, `(n,)` each.
    """
    count = knots.shape[1] - 1
    inner = knots.detach()[:, 1:-1].contiguous()
    value = torch.searchsorted(inner, r.detach()[:, None].contiguous(), right=True)[:, 0]
    low, high = _interval(knots, value)
    fraction = torch.clamp((r - low) / (high - low), 0.0, 1.0)
    return place(value, fraction, count), -torch.log(count * (high - low))


def from_values(u: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """The other way: the inverse of `to_values`.

    Args:
        u: in [0, 1], `(n,)`.
        knots: cumulated probabilities for each point, from 0 to 1, `(n, v + 1)`.

    Returns:
        r and log|∂r/∂u|, `(n,)` each.
    """
    count = knots.shape[1] - 1
    value = locate(u, count)
    low, high = _interval(knots, value)
    r = low + (high - low) * torch.clamp(u * count - value, 0.0, 1.0)
    # Rounding must not carry r to the next interval; only the last one holds its end.
    above, below = high.detach(), low.detach()
    end = torch.where(value < count - 1, torch.nextafter(above, below), above)
    return torch.minimum(r, end), torch.log(count * (high - low))


def _interval(knots: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    ends = knots.gather(1, torch.stack([value, value + 1], dim=1))
    return ends[:, 0], ends[:, 1]


@lru_cache(maxsize=64)
def _bounds(count: int) -> tuple[Tensor, Tensor]:
    """The first and the last float64 of every bin, `(v,)` each, on the CPU."""
    value = torch.arange(count, dtype=torch.float64, device="cpu")
    first = value / count
    up, down = torch.full_like(first, 2.0), torch.full_like(first, -1.0)
    # u·v has a relative error of half a unit in the last place, so the edge is a few floats away.
    while bool((low := locate(first, count) < value).any()):
        first = torch.where(low, torch.nextafter(first, up), first)
    while bool((same := locate(torch.nextafter(first, down), count) == value)[1:].any()):
        same[0] = False
        first = torch.where(same, torch.nextafter(first, down), first)
    last = torch.nextafter(first.roll(-1), down)
    last[-1] = 1.0
    return first, last
