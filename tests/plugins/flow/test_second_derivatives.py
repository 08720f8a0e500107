"""Splines of the CPU's kernel can be differentiated twice, as those of the formula in torch."""

from __future__ import annotations

import torch

from crosshook.plugins.flow import spline, spline_kernel

BINS = 5


def given() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(7)
    x = torch.rand((4, 3), generator=rng, dtype=torch.float64)
    raw = torch.randn((4, 3, spline.raw_size(BINS)), generator=rng, dtype=torch.float64)
    return x.requires_grad_(), raw.requires_grad_()


def by_kernel(x: torch.Tensor, raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    y, log_slope = spline_kernel.ToUniform.apply(x, raw, BINS)  # type: ignore[no-untyped-call]
    return y, log_slope


def test_second_derivatives_against_differences() -> None:
    assert torch.autograd.gradgradcheck(by_kernel, given())


def test_gradients_that_are_differentiated_again_are_the_same() -> None:
    """The kernel's own gradients, and the formula's where a graph is made of them."""
    x, raw = given()
    once = torch.autograd.grad(sum(t.sum() for t in by_kernel(x, raw)), (x, raw))
    twice = torch.autograd.grad(
        sum(t.sum() for t in by_kernel(x, raw)), (x, raw), create_graph=True
    )
    for a, b in zip(once, twice, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)
        assert b.requires_grad
        assert not a.requires_grad


def test_points_without_gradient() -> None:
    """Data as x: only the raw numbers get gradients."""
    x, raw = given()
    _, log_slope = by_kernel(x.detach(), raw)
    (found,) = torch.autograd.grad(log_slope.sum(), raw, create_graph=True)
    _, expected = spline.to_uniform(x.detach(), raw, BINS)
    (wanted,) = torch.autograd.grad(expected.sum(), raw)
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
