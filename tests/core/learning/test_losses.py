"""Losses: nothing to gain at the goal, textbook gradients in expectation, caps of what is missed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast, get_args

import pytest
import torch

from crosshook.core.learning.losses import LARGEST_LOG, Batch, channel_means, loss, spreads
from crosshook.core.learning.settings import Loss

if TYPE_CHECKING:
    from torch import Tensor

KINDS = cast("tuple[Loss, ...]", get_args(Loss))
POWER = 4.0
GRID = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
"""Midpoints: quadrature of smooth functions to 10⁻⁹ of their size."""


def _target(x: Tensor) -> Tensor:
    """|a|, with the integral 3/2."""
    return 1.0 + x


def _density(x: Tensor, theta: Tensor) -> Tensor:
    """1 + θ(x - ½), normalised for every θ."""
    return 1.0 + theta * (x - 0.5)


def _batch(theta: Tensor, rho: Tensor, size: float = 1.5, spread: float = 1.0) -> Batch:
    """The grid as points of density ρ: with ρ = 1 batch means are integrals."""
    return Batch(
        torch.zeros(len(GRID), dtype=torch.int64),
        torch.log(_target(GRID)),
        torch.log(_density(GRID, theta)),
        torch.log(rho),
        torch.tensor([size], dtype=torch.float64),
        torch.tensor([spread], dtype=torch.float64),
    )


FLAT = torch.ones_like(GRID)


@pytest.mark.parametrize("kind", KINDS)
def test_goal(kind: Loss) -> None:
    """At q = |a|/A no point pulls: loss and gradient vanish for any density of the points.

    The loss `unweighting` is a maximum over its minimum there, 1, and its gradient vanishes in
    expectation only.
    """
    theta = torch.tensor(2.0 / 3.0, dtype=torch.float64, requires_grad=True)
    rho = FLAT if kind == "unweighting" else 0.2 + 1.6 * GRID**2
    value = loss(kind, _batch(theta, rho), POWER)
    (gradient,) = torch.autograd.grad(value, theta)
    assert float(value.detach()) == pytest.approx(1.0 if kind == "unweighting" else 0.0, abs=1e-8)
    assert float(gradient) == pytest.approx(0.0, abs=1e-8)


def _textbook(kind: Loss, theta: Tensor) -> Tensor:
    """Losses without what cancels their noise, by quadrature; A = 3/2."""
    a, q = _target(GRID), _density(GRID, theta)
    w = a / (1.5 * q)
    if kind == "variance":
        # Σ_c s_c with the square taken apart: s² = ∫ a²/q - A²; relative to A², spread 1.
        return ((a**2 / q).mean() - 1.5**2) / 1.5**2
    if kind == "kl":
        return (q * w * torch.log(w)).mean()
    if kind == "reverse-kl":
        return -(q * torch.log(w)).mean()
    return ((q * w**POWER).mean()) ** (1 / POWER)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", [-0.8, 0.1, 1.5])
def test_textbook(kind: Loss, start: float) -> None:
    """Value and gradient in expectation, by quadrature."""
    theta = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    value, wanted = loss(kind, _batch(theta, FLAT), POWER), _textbook(kind, theta)
    (gradient,), (right,) = (torch.autograd.grad(t, theta) for t in (value, wanted))
    assert float(value.detach()) == pytest.approx(float(wanted.detach()), rel=1e-7, abs=1e-8)
    assert float(gradient) == pytest.approx(float(right), rel=1e-7, abs=1e-8)


def test_points_of_any_density_say_the_same() -> None:
    """Means over points x(t) of density ρ = dt/dx are the same integrals: x = √t, ρ = 2x."""
    theta = torch.tensor(0.3, dtype=torch.float64)
    x = torch.sqrt(GRID)
    batch = Batch(
        torch.zeros(len(GRID), dtype=torch.int64),
        torch.log(_target(x)),
        torch.log(_density(x, theta)),
        torch.log(2 * x),
        torch.tensor([1.5], dtype=torch.float64),
        torch.tensor([1.0], dtype=torch.float64),
    )
    for kind in KINDS:
        flat = loss(kind, _batch(theta, FLAT), POWER)
        # 1/√t at the lower end costs midpoints half their order.
        assert float(loss(kind, batch, POWER)) == pytest.approx(float(flat), rel=1e-2)


def test_channels_enter_by_their_spread() -> None:
    """With Σ_c s_c as the goal, ∂L/∂s_c² ∝ 1/s_c."""
    n = 1000
    channel = torch.arange(n) % 2
    w = torch.exp(torch.sin(torch.arange(n, dtype=torch.float64)))
    size = torch.tensor([2.0, 1.0], dtype=torch.float64)
    log_q = torch.zeros(n, dtype=torch.float64)
    spread = torch.tensor([0.5, 0.1], dtype=torch.float64)
    batch = Batch(channel, torch.log(w * size[channel]), log_q, log_q, size, spread)
    squares = size**2 * channel_means((w - 1) ** 2, channel, 2)
    torch.testing.assert_close(spreads(batch), squares, rtol=1e-12, atol=0)
    wanted = float((squares / spread).sum() * spread.sum() / size.sum() ** 2)
    assert float(loss("variance", batch, POWER)) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_and_missed_points(kind: Loss) -> None:
    """Where a = 0 or q misses a by e⁵⁰⁰ everything stays finite; a missed point still pulls."""
    log_target = torch.tensor([-math.inf, 0.0, 500.0], dtype=torch.float64)
    log_q = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, dtype=torch.float64)
    channel = torch.zeros(3, dtype=torch.int64)
    # The missed point comes from where it is not missed.
    log_rho = torch.tensor([0.0, 0.0, 500.0], dtype=torch.float64)
    batch = Batch(channel, log_target, log_q, log_rho, one, one)
    value = loss(kind, batch, POWER)
    (gradient,) = torch.autograd.grad(value, log_q)
    assert bool(value.isfinite())
    assert bool(gradient.isfinite().all())
    assert float(gradient[2]) < 0  # more density where it is missing
    assert float(gradient[0]) >= 0  # less where nothing is
    if kind == "variance":
        assert float(value.detach()) < 500 * math.exp(LARGEST_LOG)


def test_channel_without_points() -> None:
    values = torch.tensor([1.0, 3.0], dtype=torch.float64)
    means = channel_means(values, torch.tensor([2, 2]), 4)
    assert means.tolist() == [0.0, 0.0, 2.0, 0.0]
