"""The integrand's own gradients in the loss (Sobolev training, 1706.04859; score matching).

Beside a loss that compares values, q is asked to change where |a| changes: the term

    Σ_c A_c/A · E_a[ 1/d Σ_i λ_i² (∂_i log|a| - ∂_i log q)² ]

is the Fisher divergence between |a|/A_c and q, with the width λ_i = E_a[(∂_i log|a|)²]^(-1/2) of
the structures along dimension i as the unit of length, at most 1, the side of the cube. It is near
1 for a q that knows nothing and 0 at the goal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.losses import channel_means

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.interfaces.channel_mapping import ChannelMapping

    Points = dict[str, Tensor]

SHARE = 0.25
"""Of a batch that enters the term: second derivatives cost several times as much as first ones."""
LARGEST = 20.0
"""Largest weight |a|/(A ρ) of a point, and largest λ·∂ log|a| that is compared: gradients have
longer tails than values."""


def inside_layer(
    gradient: Tensor, x: Tensor, layer: ChannelMapping, channel: Tensor, condition: Tensor | None
) -> Tensor:
    """∇_x log(|a| |∂u/∂x|) from ∇_u log|a|, for u = layer(x), `(n, d)`."""
    with torch.enable_grad():
        there = x.detach().requires_grad_()
        u, log_det = layer.forward(there, channel, condition)
        told = gradient.isfinite().all(dim=1)
        usable = torch.where(told[:, None], gradient, torch.zeros_like(gradient))
        (found,) = torch.autograd.grad((u * usable).sum() + log_det.sum(), there)
    return torch.where(told[:, None], found, torch.full_like(found, torch.nan))


@torch.no_grad()
def squared_widths(points: Points, log_target: Tensor, size: Tensor) -> Tensor:
    """λ² of every channel and dimension, `(k, d)`.

    Args:
        points: with `log_gradient`, `channel` and `log_rho`.
        log_target: log|a|, `(n,)`.
        size: A_c, `(k,)`.
    """
    rows, weight = _weighed(points, log_target, size)
    k, gradient, channel = size.shape[0], points["log_gradient"][rows], points["channel"][rows]
    total = channel_means(weight, channel, k)
    columns = [channel_means(weight * g**2, channel, k) for g in gradient.unbind(dim=1)]
    mean = torch.stack(columns, dim=1) / torch.where(total > 0, total, 1.0)[:, None]
    return 1.0 / mean.clamp(min=1.0)


def mismatch(
    points: Points,
    log_target: Tensor,
    log_q: Callable[[Points], Tensor],
    size: Tensor,
    width2: Tensor,
) -> Tensor:
    """The term on some points; 0 if none of them has a gradient.

    Args:
        points: as above, with `x`.
        log_target: log|a|, `(n,)`.
        log_q: log density at points like these, through which gradients go to x and further.
        size: A_c, `(k,)`.
        width2: λ², `(k, d)`.
    """
    rows, weight = _weighed(points, log_target.detach(), size)
    some = {name: column[rows] for name, column in points.items()}
    if not rows.numel():
        return size.new_zeros(())
    some["x"] = some["x"].detach().requires_grad_()
    d, k = width2.shape[1], size.shape[0]
    (slope,) = torch.autograd.grad(log_q(some).sum(), some["x"], create_graph=True)
    unit = width2[some["channel"]].sqrt()
    wanted = (some["log_gradient"][:, :d] * unit).clamp(-LARGEST, LARGEST)
    off = ((wanted - slope[:, :d] * unit) ** 2).mean(dim=1)
    return (size / size.sum() * channel_means(weight * off, some["channel"], k)).sum()


def _weighed(points: Points, log_target: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """Rows that have a gradient, and |a|/(A ρ) of each."""
    told = points["log_gradient"].isfinite().all(dim=1) & (log_target > -torch.inf)
    rows = torch.nonzero(told)[:, 0]
    log_size = torch.log(size)[points["channel"][rows]]
    weight = torch.exp(log_target[rows] - points["log_rho"][rows] - log_size)
    return rows, weight.clamp(max=LARGEST)
