"""Gradients of the integrand at drawn points: by torch, and checked against differences once.

A point with its gradient counts as three evaluations: one for the value, and two for the way back
through everything that was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import IntegrandError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from crosshook.core.sampling.sampler import Sample, Sampler

COST = 3
"""Evaluations that a point with its gradient counts as."""
PROBES = 32
"""Points at which gradients are compared with differences."""
STEP = 1e-5
"""Of the differences: rounding leaves them ten digits, curvature as many for widths above 10⁻³."""
TOLERANCE = 0.05
"""Relative difference that half of the probes may have before gradients count as wrong."""
WAY_OUT = (
    "set sampling.training.gradients to 0, or compute value and prior from u by differentiable "
    "torch operations alone"
)


def log_gradients(sample: Sample) -> Tensor:
    """∇_u log|α_c f| of a sample that was drawn to be differentiable.

    Returns:
        `(n, d)`; NaN where a is 0, or the gradient is not finite.

    Raises:
        IntegrandError: if nothing leads from the value back to u.
    """
    value = sample.evaluation.value
    if not value.requires_grad:
        message = f"integrand: its value has no gradient with respect to u; {WAY_OUT}"
        raise IntegrandError(message)
    log_a = _log_target(sample.evaluation, sample.log_alpha, sample.channel)
    try:
        (gradient,) = torch.autograd.grad(log_a.sum(), sample.u)
    except RuntimeError as error:
        message = f"integrand: its gradient cannot be computed: {error}; {WAY_OUT}"
        raise IntegrandError(message) from error
    usable = (value != 0) & gradient.isfinite().all(dim=1)
    return torch.where(usable[:, None], gradient, torch.full_like(gradient, torch.nan))


def _log_target(evaluation: Evaluation, log_alpha: Tensor, channel: Tensor) -> Tensor:
    """log|α_c f|, `(n,)`; 0 where f is 0, so that no gradient comes from there."""
    value = evaluation.value
    size = torch.where(value == 0, torch.ones_like(value), value.abs())
    return torch.log(size) + log_alpha.gather(1, channel[:, None])[:, 0]


@torch.no_grad()
def check_gradients(sampler: Sampler, sample: Sample, gradient: Tensor) -> int:
    """Compares gradients with differences along the diagonal directions of the cube.

    Code that leaves torch half-way gives gradients without a part of them, and no error.

    Args:
        sampler: whose integrand it is.
        sample: points with gradients.
        gradient: `(n, d)`.

    Returns:
        Evaluations spent.

    Raises:
        IntegrandError: if most gradients are wrong.
    """
    u = sample.u.detach()
    inside = ((u > STEP) & (u < 1 - STEP)).all(dim=1) & gradient.isfinite().all(dim=1)
    rows = torch.nonzero(inside)[:PROBES, 0]
    if not rows.numel():
        return 0
    number = torch.arange(rows.numel(), device=u.device)
    # Signs that differ from dimension to dimension, so that no two parts cancel everywhere.
    bits = (number[:, None] + 1) * (2 * torch.arange(u.shape[1], device=u.device) + 1)
    direction = torch.where((bits // 2) % 2 == 0, 1.0, -1.0).to(u)
    ends = [_at(sampler, u[rows] + s * STEP * direction, sample.channel[rows]) for s in (1, -1)]
    differences = (ends[0] - ends[1]) / (2 * STEP)
    told = (gradient[rows] * direction).sum(dim=1)
    scale = gradient[rows].abs().sum(dim=1) + differences.abs() + 1e-6
    off = ((told - differences).abs() / scale).nanmedian()
    if float(off) > TOLERANCE:
        message = (
            f"integrand: its gradient differs from differences of its values by {float(off):.0%} "
            f"(median of {rows.numel()} points): a part of it leaves torch's graph; {WAY_OUT}"
        )
        raise IntegrandError(message)
    return 2 * int(rows.numel())


def _at(sampler: Sampler, u: Tensor, channel: Tensor) -> Tensor:
    evaluation = sampler.integrand.evaluate(u, channel)
    return _log_target(evaluation, sampler.log_alpha(evaluation), channel)
