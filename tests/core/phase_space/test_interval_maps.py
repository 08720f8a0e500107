"""Every one-dimensional map: range, inverse, density, normalisation, gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.phase_space.breit_wigner import BreitWignerMap
from crosshook.core.phase_space.flat import FlatMap
from crosshook.core.phase_space.power_law import PowerLawMap

if TYPE_CHECKING:
    from crosshook.core.phase_space.interval_map import IntervalMap

MAPS = [
    FlatMap(0.0, 4.0),
    FlatMap(-3.0, 2.0),
    *(PowerLawMap(66.0**2, 13000.0**2, nu) for nu in (0.0, 0.5, 1.0, 1.0 + 1e-9, 1.5, 2.0, 3.0)),
    BreitWignerMap(66.0**2, 116.0**2, 91.1876, 2.4952),
    BreitWignerMap(1.0, 13000.0**2, 91.1876, 2.4952),
    BreitWignerMap(200.0**2, 300.0**2, 91.1876, 2.4952),
]

every_map = pytest.mark.parametrize("each", MAPS, ids=str)


def unit(n: int = 2001) -> torch.Tensor:
    return torch.linspace(0, 1, n, dtype=torch.float64)


@every_map
def test_forward_is_increasing_and_stays_inside(each: IntervalMap) -> None:
    x = each.forward(unit())
    assert (x[1:] >= x[:-1]).all()
    assert x.min() >= each.low
    assert x.max() <= each.high
    scale = max(abs(each.low), abs(each.high))
    assert x[0] == pytest.approx(each.low, abs=1e-9 * scale)
    assert x[-1] == pytest.approx(each.high, abs=1e-9 * scale)


@every_map
def test_inverse_undoes_forward(each: IntervalMap) -> None:
    u = unit()
    x = each.forward(u)
    # one rounding of x is worth density·x·2⁻⁵² in u
    rounding = 8 * torch.exp(each.log_density(x)) * x.abs().clamp_min(1) * 2.0**-52
    assert ((each.inverse(x) - u).abs() <= 1e-10 + rounding).all()


@every_map
def test_density_is_the_derivative(each: IntervalMap) -> None:
    u = unit()[1:-1].clone().requires_grad_(True)
    x = each.forward(u)
    (slope,) = torch.autograd.grad(x.sum(), u)
    assert torch.allclose(torch.log(slope), -each.log_density(x), atol=1e-6, rtol=0)


@every_map
def test_density_integrates_to_one(each: IntervalMap) -> None:
    # u is uniform by construction: integrate 1 = ∫ density dx on a grid that another map makes
    grid = each.low + (each.high - each.low) * unit(400_001) ** 4
    density = torch.exp(each.log_density(grid))
    assert torch.trapezoid(density, grid).item() == pytest.approx(1, rel=1e-4)


@every_map
def test_outside_is_closed(each: IntervalMap) -> None:
    width = each.high - each.low
    outside = torch.tensor(
        [each.low - 0.01 * width, each.high + 0.01 * width], dtype=torch.float64
    )
    if isinstance(each, PowerLawMap):
        outside = outside[1:]
    assert (each.log_density(outside) == -math.inf).all()


@every_map
def test_gradients_of_inverse_and_density(each: IntervalMap) -> None:
    x = each.forward(torch.tensor([0.2, 0.5, 0.8], dtype=torch.float64)).requires_grad_(True)
    step = 1e-6 * float(x.detach().abs().min().clamp_min(0.1))
    (slope,) = torch.autograd.grad(each.inverse(x).sum(), x)
    numeric = (each.inverse(x + step) - each.inverse(x - step)) / (2 * step)
    assert torch.allclose(slope, numeric, rtol=1e-5)
    # a constant density carries no gradient: 0·x gives it one
    (slope,) = torch.autograd.grad((each.log_density(x) + 0 * x).sum(), x)
    numeric = (each.log_density(x + step) - each.log_density(x - step)) / (2 * step)
    assert torch.allclose(slope, numeric, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_power_law_needs_a_positive_range(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="0 < low < high"):
        PowerLawMap(low, high, 2.0)
