"""Jacobians of a map by autograd or by finite differences, with an error estimate for each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

STEPS = (0.3, 0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""In units of the distance to the nearest face of the cube."""


@dataclass(frozen=True)
class LogDeterminant:
    """log|det| of n Jacobians.

    Attributes:
        value: `(n,)`.
        uncertainty: numerical error of each, `(n,)`.
        certain: rows in which the method settled, `(n,)` bool.
        method: `autograd` or `finite differences`.
    """

    value: Tensor
    uncertainty: Tensor
    certain: Tensor
    method: str


def log_determinant(
    function: Callable[[Tensor], Tensor], x: Tensor, analytic: bool
) -> LogDeterminant:
    """log|det ∂f/∂x| of every row.

    Args:
        function: maps `(n, d)` to `(n, d)`, row by row.
        x: where, `(n, d)`, inside (0, 1).
        analytic: use autograd.
    """
    if analytic:
        value = _by_autograd(function, x)
        certain = torch.ones_like(value, dtype=torch.bool)
        return LogDeterminant(value, torch.zeros_like(value), certain, "autograd")
    return _by_differences(function, x)


def _by_autograd(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_(True)
        out = function(leaf)
        if not out.requires_grad:
            return torch.full_like(x[:, 0], torch.nan)
        columns = out.shape[1]
        rows = [
            torch.autograd.grad(out[:, i].sum(), leaf, retain_graph=i + 1 < columns)[0]
            for i in range(columns)
        ]
    return torch.stack(rows, dim=1).slogdet().logabsdet


def _by_differences(function: Callable[[Tensor], Tensor], x: Tensor) -> LogDeterminant:
    """Central differences with many steps; each row takes the three steps that agree best.

    A piecewise function is smooth at small steps only, a network in float32 at large ones only:
    no single step suits both.
    """
    room = torch.minimum(x, 1.0 - x).amin(dim=1)
    trials, kinks = [], []
    with torch.no_grad():
        centre = function(x)
        for step in STEPS:
            value, kink = _difference(function, x, centre, step * room)
            trials.append(value)
            kinks.append(kink)
    values, kink = torch.stack(trials), torch.stack(kinks)
    # Left and right slopes approach each other where f is smooth. At a kink they do not, however
    # well the central differences agree: they all give the mean of the two slopes.
    apart = torch.where(kink[1:] <= 0.5 * kink[:-1], torch.zeros_like(kink[1:]), kink[1:])
    doubt = (values[1:] - values[:-1]).abs() + apart
    doubt = torch.where(doubt.isfinite(), doubt, torch.full_like(doubt, torch.inf))
    uncertainty, best = torch.maximum(doubt[1:], doubt[:-1]).min(dim=0)
    value = values[1:-1].gather(0, best[None])[0]
    # Three steps may agree by accident.
    return LogDeterminant(value, 5.0 * uncertainty, uncertainty < 1e-3, "finite differences")


def _difference(
    function: Callable[[Tensor], Tensor], x: Tensor, centre: Tensor, h: Tensor
) -> tuple[Tensor, Tensor]:
    """log|det| by five-point differences of step h `(n,)`, and the largest relative difference of
    left and right slopes, `(n,)`.
    """
    columns, kinks = [], []
    for i in range(x.shape[1]):
        shift = torch.zeros_like(x)
        shift[:, i] = h
        up, down = function(x + shift), function(x - shift)
        wide = function(x + 2.0 * shift) - function(x - 2.0 * shift)
        columns.append((8.0 * (up - down) - wide) / (12.0 * h)[:, None])
        size = ((up - centre).abs() + (centre - down).abs()).amax(dim=1).clamp(min=1e-300)
        kinks.append((up - 2.0 * centre + down).abs().amax(dim=1) / size)
    return torch.stack(columns, dim=2).slogdet().logabsdet, torch.stack(kinks).amax(dim=0)
