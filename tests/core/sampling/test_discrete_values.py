"""Discrete values drawn with their own probabilities: exact intervals, exact bins, gradients."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.sampling.discrete import from_values, locate, to_values

SMALLEST = 0.01
"""Probability of a value in units of the even share."""


def _knots(count: int, seed: int = 5) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    share = torch.rand(count, generator=rng, dtype=torch.float64) ** 3
    share = torch.clamp(share / share.sum(), min=SMALLEST / count)
    inner = torch.cumsum(share / share.sum(), 0)[:-1]
    return torch.cat([inner.new_zeros(1), inner, inner.new_ones(1)])


def _edge_numbers(knots: torch.Tensor) -> torch.Tensor:
    """Random numbers, and both neighbours of every knot."""
    rng = torch.Generator().manual_seed(6)
    r = torch.rand(500, generator=rng, dtype=torch.float64)
    below = torch.nextafter(knots[1:], torch.zeros_like(knots[1:]))
    return torch.cat([r, knots[:-1], below])


@pytest.mark.parametrize("count", [1, 2, 3, 49, 98])
def test_intervals_fill_their_bins(count: int) -> None:
    knots = _knots(count)
    r = _edge_numbers(knots)
    u, log_det = to_values(r, knots.expand(len(r), -1))
    for i in range(len(r)):
        x = float(r[i])
        value = max(j for j in range(count) if float(knots[j]) <= x)
        probability = float(knots[value + 1] - knots[value])
        assert int(locate(u[i], count)) == value
        expected = (value + (x - float(knots[value])) / probability) / count
        assert float(u[i]) == pytest.approx(expected, abs=1e-15)
        assert float(log_det[i]) == pytest.approx(-math.log(count * probability), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 49, 98])
def test_there_and_back(count: int) -> None:
    """Between the methods the value never changes, also where u or r is next to an edge."""
    knots = _knots(count)
    r = _edge_numbers(knots)
    rows = knots.expand(len(r), -1)
    u, log_det = to_values(r, rows)
    back, inverse_log_det = from_values(u, rows)
    torch.testing.assert_close(back, r, rtol=0, atol=1e-14)
    assert torch.equal(inverse_log_det, -log_det)
    again, same = to_values(back, rows)
    assert torch.equal(same, log_det)
    # r carries errors of 2⁻⁵³, an interval of the smallest probability stretches them by 1/v p.
    torch.testing.assert_close(again, u, rtol=0, atol=4 * 2.0**-53 / SMALLEST)
    ends, _ = from_values(torch.tensor([0.0, 1.0]).double(), knots.expand(2, -1))
    assert ends.tolist() == [0.0, 1.0]


def test_gradients() -> None:
    """To the coordinate and to the probabilities, both ways."""
    knots = _knots(3).expand(20, -1).clone().requires_grad_()
    rng = torch.Generator().manual_seed(8)
    r = torch.rand(20, generator=rng, dtype=torch.float64)
    r.requires_grad_()
    assert torch.autograd.gradcheck(to_values, (r, knots))
    u = to_values(r, knots)[0].detach().requires_grad_()
    assert torch.autograd.gradcheck(from_values, (u, knots))
