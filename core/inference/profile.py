"""Profiles: −2 Δlog L of one parameter, the others at their best, between the points of the grid.

Between grid points the log-likelihood is a cubic (Catmull-Rom) in one axis after the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.grid import Axis, ParameterGrid

FINE = 20
"""Points between grid points along the parameter of a profile."""
FINE_OTHERS = 8
"""Likewise along the others."""
LOWEST = -1e6
"""log L below its maximum that counts as this low: a cubic cannot go through -inf."""


@dataclass(frozen=True)
class Profile:
    """−2 Δlog L along one parameter.

    Attributes:
        axis: of the parameter.
        values: of the parameter, `(v,)`; those of the axis with further ones between.
        statistic: −2 (log L − max log L) ≥ 0, `(v,)`.
        best: value of the parameter where it is smallest, between its points too.
    """

    axis: Axis
    values: Tensor
    statistic: Tensor
    best: float


def refined(values: Tensor, factor: int, *, closed: bool) -> Tensor:
    """Values `(..., m)` on evenly spaced points, with `factor` − 1 more between two neighbours.

    Args:
        values: at least 2.
        factor: at least 1.
        closed: the last point is followed by the first.

    Returns:
        `(..., m · factor)` if closed, else `(..., (m − 1) · factor + 1)`.
    """
    if closed:
        padded = torch.cat([values[..., -1:], values, values[..., :2]], dim=-1)
    else:
        first = 2 * values[..., :1] - values[..., 1:2]
        last = 2 * values[..., -1:] - values[..., -2:-1]
        if values.shape[-1] > 2:  # a parabola goes on beyond the ends
            first = 3 * values[..., :1] - 3 * values[..., 1:2] + values[..., 2:3]
            last = 3 * values[..., -1:] - 3 * values[..., -2:-1] + values[..., -3:-2]
        padded = torch.cat([first, values, last], dim=-1)
    before, low = padded[..., :-3], padded[..., 1:-2]
    high, after = padded[..., 2:-1], padded[..., 3:]
    x = torch.arange(factor, dtype=values.dtype, device=values.device) / factor
    low, high = low[..., None], high[..., None]
    left, right = (high - before[..., None]) / 2, (after[..., None] - low) / 2
    curve = (
        low
        + left * x
        + (3 * (high - low) - 2 * left - right) * x**2
        + (2 * (low - high) + left + right) * x**3
    ).flatten(-2)
    return curve if closed else torch.cat([curve, values[..., -1:]], dim=-1)


def maximum_over(log_l: Tensor, grid: ParameterGrid, keep: str | None) -> Tensor:
    """The maximum over all axes but one.

    Args:
        log_l: on the grid, `(..., t)`.
        grid: of the parameters.
        keep: the axis that stays; None for the maximum over all.

    Returns:
        `(..., m)`, or `(...)`.
    """
    shaped = log_l.reshape(*log_l.shape[:-1], *grid.shape)
    lead = log_l.dim() - 1
    for position in reversed(range(len(grid.axes))):
        axis = grid.axes[position]
        if axis.name == keep:
            continue
        last = shaped.movedim(lead + position, -1)
        shaped = refined(last, FINE_OTHERS, closed=axis.closed).max(dim=-1).values
    return shaped


def floored(log_l: Tensor) -> Tensor:
    """log L `(..., t)` without -inf."""
    return torch.maximum(log_l, log_l.max(dim=-1, keepdim=True).values + LOWEST)


def profile(log_l: Tensor, grid: ParameterGrid, name: str) -> Profile:
    """The profile of one parameter.

    Args:
        log_l: on the grid, `(t,)`.
        grid: of the parameters.
        name: of the axis.
    """
    axis = next(axis for axis in grid.axes if axis.name == name)
    along = maximum_over(floored(log_l), grid, name)
    fine = refined(along, FINE, closed=axis.closed)
    values = float(axis.values[0]) + axis.step / FINE * torch.arange(
        len(fine), dtype=torch.float64, device="cpu"
    )
    top = int(fine.argmax())
    best = float(values[top]) + axis.step / FINE * _vertex(fine, top, closed=axis.closed)
    if axis.period is not None and best < float(values[0]):
        best += axis.period
    return Profile(axis, values, 2 * (fine[top] - fine), best)


def _vertex(fine: Tensor, top: int, *, closed: bool) -> float:
    """Where the parabola through the largest value and its neighbours is largest, in steps from it.

    Args:
        fine: values, `(v,)`.
        top: place of the largest one.
        closed: the last point is followed by the first.
    """
    if not closed and top in (0, len(fine) - 1):
        return 0.0
    before, after = float(fine[top - 1]), float(fine[(top + 1) % len(fine)])
    bent = before - 2 * float(fine[top]) + after
    return 0.0 if bent >= 0 else 0.5 * (before - after) / bent


def threshold(level: float) -> float:
    """−2 Δlog L of one parameter that is exceeded with probability 1 − level (Wilks)."""
    half = torch.special.erfinv(torch.tensor(level, dtype=torch.float64, device="cpu"))
    return 2 * float(half) ** 2


def segments(profiled: Profile, limit: Tensor | float) -> tuple[tuple[float, float], ...]:
    """The parts of the axis where the statistic is at most the limit.

    Args:
        profiled: the profile.
        limit: one value, or one for each of the profile's, `(v,)`.

    Returns:
        Lower and upper end of each, increasing. One that crosses the end of a closed axis goes
        beyond it, with its middle inside.
    """
    above = (profiled.statistic - limit).tolist()
    values = profiled.values.tolist()
    step = values[1] - values[0]
    if profiled.axis.closed:
        start = next((i for i, a in enumerate(above) if a > 0), None)
        if start is None:
            return ((values[0], values[0] + step * len(values)),)
        above = above[start:] + above[: start + 1]
        values = [values[0] + step * (start + i) for i in range(len(above))]
    found: list[tuple[float, float]] = []
    begin = values[0] if above[0] <= 0 else math.nan
    for i in range(len(above) - 1):
        if (above[i] <= 0) != (above[i + 1] <= 0):
            cross = values[i] + step * above[i] / (above[i] - above[i + 1])
            if above[i] > 0:
                begin = cross
            else:
                found.append((begin, cross))
                begin = math.nan
    if not math.isnan(begin):
        found.append((begin, values[-1]))
    period = profiled.axis.period
    if profiled.axis.closed and period is not None:
        end = float(profiled.axis.values[0]) + period
        found = [(a - period, b - period) if a + b >= 2 * end else (a, b) for a, b in found]
    return tuple(sorted(found))
