"""Maps of invariants between limits that vary by point: the properties every one of them has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.phase_space.propagator import FlatPropagator, PowerPropagator, Resonance
from crosshook.core.phase_space.widening_resonance import WideningResonance

if TYPE_CHECKING:
    from crosshook.core.phase_space.propagator import Propagator

MAPS = [
    FlatPropagator(),
    Resonance(173.0, 1.5),
    Resonance(91.2, 1e-4),
    WideningResonance(173.0, 1.5),
    WideningResonance(173.0, 1e-3),
    WideningResonance(80.0, 40.0),
    *(PowerPropagator(nu, 25.0) for nu in (-0.5, 0.0, 0.8, 1.0, 1.0 + 1e-9, 2.0)),
]
LIMITS = [(0.0, 500.0), (30.0, 170.0), (170.0, 176.0), (200.0, 201.0), (5.0, 10000.0)]
"""Of √s in GeV."""

every_map = pytest.mark.parametrize("each", MAPS, ids=str)


def points(n: int = 401) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """u with all limits in turn."""
    u = torch.linspace(0, 1, n, dtype=torch.float64).repeat(len(LIMITS))
    limits = torch.tensor(LIMITS, dtype=torch.float64).square().repeat_interleave(n, 0)
    return u, limits[:, 0], limits[:, 1]


@every_map
def test_forward_is_increasing_and_covers_its_limits(each: Propagator) -> None:
    u, low, high = points()
    s = each.forward(u, low, high)
    assert ((s >= low) & (s <= high)).all()
    rows, ends = s.reshape(len(LIMITS), -1), torch.stack((low, high), -1)[:: s.numel() // 5]
    assert (rows[:, 1:] >= rows[:, :-1]).all()
    assert torch.allclose(rows[:, [0, -1]], ends, rtol=0, atol=1e-6 * float(high.max()))


@every_map
def test_inverse_undoes_forward(each: Propagator) -> None:
    u, low, high = points()
    s = each.forward(u, low, high)
    # one rounding of s, or of the pole's distance, is worth density·s·2⁻⁵² in u
    density = torch.exp(each.log_density(s, low, high))
    rounding = 64 * density * torch.maximum(s, torch.full_like(s, 173.0**2)) * 2.0**-52
    assert ((each.inverse(s, low, high) - u).abs() <= 1e-9 + rounding).all()


@every_map
def test_density_is_the_derivative(each: Propagator) -> None:
    u, low, high = points()
    u.requires_grad_(True)
    s = each.forward(u, low, high)
    (slope,) = torch.autograd.grad(s.sum(), u)
    inside = (u > 0) & (u < 1)
    found = torch.log(slope) + each.log_density(s, low, high)
    # far from a narrow pole the phase is within 1e-7 of π/2, where its rounding shows
    assert found[inside].abs().max() < 1e-6


@every_map
def test_drawing_gives_the_same_as_map_and_density(each: Propagator) -> None:
    u, low, high = points()
    s, density = each.drawn(u, low, high)
    assert torch.allclose(s, each.forward(u, low, high), rtol=1e-14, atol=0)
    # the limits of a narrow range are rounded: relative to it by 2⁻⁵² s/(high - low)
    assert torch.allclose(density, each.log_density(s, low, high), rtol=0, atol=1e-9)


@every_map
def test_density_integrates_to_one(each: Propagator) -> None:
    """By Gauss-Legendre in the variable of another map, for limits without a narrow peak."""
    import numpy as np

    x, weight = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(400))
    low = torch.full_like(x, 200.0**2)
    high = torch.full_like(x, 600.0**2)
    s = 0.5 * (low + high) + 0.5 * (high - low) * x
    total = (0.5 * (high - low) * weight * torch.exp(each.log_density(s, low, high))).sum()
    assert total.item() == pytest.approx(1, rel=1e-9)


@every_map
def test_outside_is_closed(each: Propagator) -> None:
    one = torch.ones(1, dtype=torch.float64)
    for s in (0.9, 4.1):
        assert each.log_density(s * one, one, 4 * one).item() == -math.inf


@every_map
def test_gradients_reach_the_limits(each: Propagator) -> None:
    u = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64, requires_grad=True)
    low = torch.tensor([30.0, 60.0, 200.0], dtype=torch.float64) ** 2
    high = torch.tensor([190.0, 300.0, 400.0], dtype=torch.float64) ** 2
    scale = 1e-4  # steps of 1e-6·10⁴ GeV²

    def scaled(u: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        return scale * each.forward(u, low / scale, high / scale)

    inputs = (u, (scale * low).requires_grad_(True), (scale * high).requires_grad_(True))
    # a narrow peak makes s(u) a step: finite differences resolve it for wide ones only
    if getattr(each, "width", 1.0) >= 1.0:
        assert torch.autograd.gradcheck(scaled, inputs, eps=1e-7, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", [Resonance, WideningResonance])
@pytest.mark.parametrize(("mass", "width"), [(0.0, 1.0), (80.0, 0.0), (-80.0, 2.0)])
def test_resonances_need_mass_and_width(kind: type, mass: float, width: float) -> None:
    with pytest.raises(ValueError, match="both must be > 0"):
        kind(mass, width)
