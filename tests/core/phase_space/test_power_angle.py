"""The polar-angle map (1 + κ cosθ)^p."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.phase_space.power_angle import PowerAngle

MAPS = [PowerAngle(k, p) for k in (-1.0, -0.7, 1e-3, 0.4, 1.0) for p in (1.0, 2.0, 0.5)]


@pytest.mark.parametrize("each", MAPS, ids=str)
def test_round_trip_and_density(each: PowerAngle) -> None:
    u = torch.linspace(0, 1, 1001, dtype=torch.float64).requires_grad_(True)
    beta = torch.full_like(u, 0.5)
    cosine = each.forward(u, beta, beta)
    (slope,) = torch.autograd.grad(cosine.sum(), u)
    inner = slice(1, -1)
    assert (cosine[1:] > cosine[:-1]).all()
    assert cosine[0].item() == pytest.approx(-1, abs=1e-9)
    assert cosine[-1].item() == pytest.approx(1, abs=1e-9)
    # 2⁻⁵² over κ = 1e-3, and the root of it where the density vanishes at an end
    assert torch.allclose(each.inverse(cosine, beta, beta), u, atol=1e-9, rtol=0)
    density = each.log_density(cosine, beta, beta)
    assert torch.allclose(torch.log(slope)[inner], -density[inner], atol=1e-8, rtol=0)


def test_density_follows_the_power() -> None:
    cosine = torch.tensor([-0.5, 0.5], dtype=torch.float64)
    density = torch.exp(PowerAngle(0.6, 2.0).log_density(cosine, cosine, cosine))
    assert (density[1] / density[0]).item() == pytest.approx((1.3 / 0.7) ** 2)


@pytest.mark.parametrize(("slope", "power"), [(0.0, 1.0), (1.1, 1.0), (0.5, -1.0)])
def test_limits(slope: float, power: float) -> None:
    with pytest.raises(ValueError, match="slope"):
        PowerAngle(slope, power)
