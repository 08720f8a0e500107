"""Polar-angle and rapidity maps: the same five properties, at small and large β and Y."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.phase_space.angle import AngleMap, BackwardPole, FlatAngle, ForwardPole
from crosshook.core.phase_space.rapidity import PlateauRapidity, RapidityMap, UniformRapidity

ANGLES = [FlatAngle(), ForwardPole(), BackwardPole()]
BETAS = [0.0, 1e-6, 0.3, 0.9, 0.9999]
RAPIDITIES = [UniformRapidity(), PlateauRapidity(1.4, 0.28), PlateauRapidity(2.0, 0.45)]
HALF_RANGES = [1e-3, 0.5, 2.0, 5.0, 9.0]

angle_cases = pytest.mark.parametrize("beta", BETAS)
every_angle = pytest.mark.parametrize("each", ANGLES, ids=str)
range_cases = pytest.mark.parametrize("half", HALF_RANGES)
every_rapidity = pytest.mark.parametrize("each", RAPIDITIES, ids=str)


def unit(n: int = 1001) -> torch.Tensor:
    return torch.linspace(0, 1, n, dtype=torch.float64)


@every_angle
@angle_cases
def test_angle_round_trip_and_density(each: AngleMap, beta: float) -> None:
    u = unit().requires_grad_(True)
    b3 = torch.full_like(u, beta)
    b4 = torch.full_like(u, 0.7 * beta)
    cosine = each.forward(u, b3, b4)
    (slope,) = torch.autograd.grad(cosine.sum(), u)
    inner = slice(1, -1)
    assert (cosine[1:] > cosine[:-1]).all()
    assert cosine[0].item() == pytest.approx(-1, abs=1e-9)
    assert cosine[-1].item() == pytest.approx(1, abs=1e-9)
    assert torch.allclose(each.inverse(cosine, b3, b4), u, atol=1e-9, rtol=0)
    density = each.log_density(cosine, b3, b4)
    # β = 1e-9 is the floor of the pole maps: rounding/β = 1e-7
    assert torch.allclose(torch.log(slope)[inner], -density[inner], atol=1e-6, rtol=0)


@pytest.mark.parametrize("beta", [0.3, 0.9])
def test_pole_follows_the_propagator_of_its_leg(beta: float) -> None:
    cosine = torch.tensor([-0.5, 0.5], dtype=torch.float64)
    b3, b4 = torch.full_like(cosine, beta), torch.full_like(cosine, 0.5 * beta)
    forward = torch.exp(ForwardPole().log_density(cosine, b3, b4))
    backward = torch.exp(BackwardPole().log_density(cosine, b3, b4))
    assert (forward[1] / forward[0]).item() == pytest.approx((1 + beta / 2) / (1 - beta / 2))
    assert (backward[0] / backward[1]).item() == pytest.approx((1 + beta / 4) / (1 - beta / 4))


@every_rapidity
@range_cases
def test_rapidity_round_trip_and_density(each: RapidityMap, half: float) -> None:
    u = unit().requires_grad_(True)
    half_range = torch.full_like(u, half)
    y = each.forward(u, half_range)
    (slope,) = torch.autograd.grad(y.sum(), u)
    assert (y.abs() <= half).all()
    assert (y[1:] > y[:-1]).all()
    assert y[-1].item() == pytest.approx(half, rel=1e-9)
    assert torch.allclose(each.inverse(y, half_range), u, atol=1e-10, rtol=0)
    density = each.log_density(y, half_range)
    inner = slice(1, -1)
    assert torch.allclose(torch.log(slope)[inner], -density[inner], atol=1e-8, rtol=0)
    assert torch.allclose(y, -y.flip(0), atol=1e-10)


@every_rapidity
def test_rapidity_gradient_in_the_range(each: RapidityMap) -> None:
    u = torch.tensor([0.1, 0.5, 0.7, 0.95], dtype=torch.float64, requires_grad=True)
    half_range = torch.tensor([0.8, 2.0, 3.0, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(each.forward, (u, half_range))
