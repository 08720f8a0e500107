"""A discrete dimension of the mapping: exact probabilities, exact bins, and the floor."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.sampling.discrete import locate
from crosshook.plugins.vegas.values import (
    FLOOR,
    even_knots,
    knots_of,
    values_forward,
    values_inverse,
)


def _knots(count: int, seed: int = 5) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return knots_of(torch.rand(count, generator=rng, dtype=torch.float64) ** 3)


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
    u, log_det = values_forward(r, knots.expand(len(r), -1))
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
    u, log_det = values_forward(r, rows)
    back, inverse_log_det = values_inverse(u, rows)
    torch.testing.assert_close(back, r, rtol=0, atol=1e-14)
    assert torch.equal(inverse_log_det, -log_det)
    again, same = values_forward(back, rows)
    assert torch.equal(same, log_det)
    # r carries errors of 2⁻⁵³, an interval of the smallest probability stretches them by 1/v p.
    torch.testing.assert_close(again, u, rtol=0, atol=4 * 2.0**-53 / FLOOR)
    ends, _ = values_inverse(torch.tensor([0.0, 1.0]).double(), knots.expand(2, -1))
    assert ends.tolist() == [0.0, 1.0]


def test_no_value_is_closed() -> None:
    knots = knots_of(torch.tensor([0.0, 1.0, 3.0, 0.0], dtype=torch.float64))
    probability = knots.diff()
    assert float(probability.sum()) == pytest.approx(1.0, abs=1e-15)
    floor = FLOOR / 4
    expected = torch.tensor([floor, 0.25, 0.75, floor]).double() / (1 + 2 * floor)
    torch.testing.assert_close(probability, expected, rtol=1e-6, atol=0)


def test_untrained_values_are_equally_probable() -> None:
    knots = even_knots(2, 4, torch.zeros(0, dtype=torch.float64))
    assert knots.tolist() == [[0.0, 0.25, 0.5, 0.75, 1.0]] * 2
