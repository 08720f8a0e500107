"""Rational-quadratic splines: formula and kernel agree, exact ends, gradients, and inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.plugins.flow import spline, spline_kernel
from crosshook.plugins.flow.layer import from_uniform, to_uniform

if TYPE_CHECKING:
    from torch import Tensor

BINS = 5
ROUNDING = 1e-12
"""Slopes of these splines lie between 10⁻³ and 10³: what they make of float64's 10⁻¹⁶."""


def _spline(n: int, scale: float = 1.0, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Places and raw numbers."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.rand(n, dtype=torch.float64, generator=rng)
    return x, scale * torch.randn((n, spline.raw_size(BINS)), dtype=torch.float64, generator=rng)


def test_raw_zero_is_the_identity() -> None:
    x, raw = _spline(200, 0.0)
    for way in (spline.to_uniform, spline.from_uniform):
        y, log_slope = way(x, raw, BINS)
        torch.testing.assert_close(y, x, rtol=0, atol=ROUNDING)
        torch.testing.assert_close(log_slope, torch.zeros_like(x), rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0, 30.0])
def test_ends_are_exact(scale: float) -> None:
    _, raw = _spline(300, scale)
    for end in (0.0, 1.0):
        place = torch.full((300,), end, dtype=torch.float64)
        for way in (spline.to_uniform, spline.from_uniform, to_uniform, from_uniform):
            other, log_slope = way(place, raw, BINS)
            torch.testing.assert_close(other, place, rtol=0, atol=1e-15)
            assert bool(((other >= 0) & (other <= 1)).all())
            assert bool(log_slope.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_kernel_is_the_formula(dtype: torch.dtype) -> None:
    """Shares in float32 enter the formula and the kernel alike."""
    x, raw = _spline(2000)
    raw = raw.to(dtype)
    found = spline_kernel.ToUniform.apply(x, raw, BINS)  # type: ignore[no-untyped-call]
    slack = ROUNDING if dtype == torch.float64 else 1e-5
    for got, wanted in zip(found, spline.to_uniform(x, raw, BINS), strict=True):
        assert got.dtype == torch.float64
        torch.testing.assert_close(got, wanted, rtol=0, atol=slack)
    back = spline_kernel.from_uniform(x, raw, BINS)
    for got, wanted in zip(back, spline.from_uniform(x, raw, BINS), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=slack)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_inverse(dtype: torch.dtype) -> None:
    """Exact at the precision of the positions, whatever that of the networks."""
    x, raw = _spline(2000)
    raw = raw.to(dtype)
    for there, back in (
        (spline.to_uniform, spline.from_uniform),
        (spline.from_uniform, spline.to_uniform),
        (to_uniform, from_uniform),
    ):
        y, log_slope = there(x, raw, BINS)
        again, log_back = back(y, raw, BINS)
        torch.testing.assert_close(again, x, rtol=0, atol=1e-10)
        torch.testing.assert_close(log_back, log_slope, rtol=0, atol=1e-8)


def test_slope_is_the_derivative() -> None:
    x, raw = _spline(500)
    x.requires_grad_()
    y, log_slope = spline.to_uniform(x, raw, BINS)
    (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(torch.log(slope), log_slope, rtol=0, atol=1e-10)


def test_gradients_of_the_kernel() -> None:
    """By hand against autograd of the formula, for every input and a random weighting."""
    x, raw = _spline(1000, 1.5)
    rng = torch.Generator().manual_seed(2)
    of_y, of_log = (torch.randn(1000, dtype=torch.float64, generator=rng) for _ in range(2))
    found = []
    for way in (spline.to_uniform, spline_kernel.ToUniform.apply):
        a, b = x.clone().requires_grad_(), raw.clone().requires_grad_()
        y, log_slope = way(a, b, BINS)
        found.append(torch.autograd.grad((y * of_y + log_slope * of_log).sum(), (a, b)))
    for got, wanted in zip(found[1], found[0], strict=True):
        # Relative to the steepest, which divide by the narrowest of the bins.
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9 * float(wanted.abs().max()))


def test_gradients_by_differences() -> None:
    """torch's gradcheck of both directions in float64, away from the knots."""
    x, raw = _spline(20, 0.5)
    a, b = x.requires_grad_(), raw.requires_grad_()
    for way in (spline_kernel.ToUniform.apply, spline.to_uniform, spline.from_uniform):
        assert torch.autograd.gradcheck(lambda p, q, way=way: way(p, q, BINS), (a, b))


def test_shapes_go_through() -> None:
    _, raw = _spline(24)
    x = torch.linspace(0, 1, 24, dtype=torch.float64).view(2, 3, 4)
    for way in (to_uniform, from_uniform):
        y, log_slope = way(x, raw.view(2, 3, 4, -1), BINS)
        assert y.shape == log_slope.shape == x.shape
        flat, _ = way(x.reshape(-1), raw, BINS)
        assert torch.equal(y.reshape(-1), flat)


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_extreme_raw_numbers(scale: float, dtype: torch.dtype) -> None:
    """No NaN, no point outside, no gradient that is not finite; monotonous all the same."""
    x, raw = _spline(500, scale)
    raw = raw.to(dtype).requires_grad_()
    for way in (spline.to_uniform, to_uniform):
        y, log_slope = way(x, raw, BINS)
        assert bool(((y >= 0) & (y <= 1)).all())
        assert bool(log_slope.isfinite().all())
        (gradient,) = torch.autograd.grad((y + log_slope).sum(), raw)
        assert bool(gradient.isfinite().all())
    with torch.no_grad():
        back, log_slope = from_uniform(x, raw, BINS)
    assert bool(((back >= 0) & (back <= 1) & log_slope.isfinite()).all())
    one = raw[:1].detach().expand(1000, -1)
    y, _ = to_uniform(torch.linspace(0, 1, 1000, dtype=torch.float64), one, BINS)
    assert bool((y.diff() >= -1e-12).all())
