"""Gradients of the integrand in a training: right ones, wrong ones, what they cost, the term."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import crosshook
from crosshook.core.errors import ConfigurationError, IntegrandError
from crosshook.core.learning.gradients import inside_layer, mismatch, squared_widths
from crosshook.core.sampling.function_integrand import FunctionIntegrand
from crosshook.core.sampling.gradient import COST, PROBES
from crosshook.core.sampling.proposal import Stack
from crosshook.core.sampling.sampler import Sampler
from crosshook.core.sampling.source import SamplerSource
from crosshook.plugins.multichannel.prior import PriorWeights

WIDTH = torch.tensor([0.1, 0.3], dtype=torch.float64)
CENTRE = torch.tensor([0.4, 0.6], dtype=torch.float64)
SMALL = {"use": "flow", "options": {"hidden": 8, "bins": 6}}


def gauss(u: torch.Tensor) -> torch.Tensor:
    return torch.exp(-0.5 * (((u - CENTRE) / WIDTH) ** 2).sum(dim=1))


def source_of(function: Any, **announced: Any) -> SamplerSource:
    integrand = FunctionIntegrand(function, dimensions=2, **announced)
    identity = Stack([])
    sampler = Sampler(integrand, identity, PriorWeights(), torch.device("cpu"))
    return SamplerSource(sampler, seed=3)


def test_gradients_of_a_gaussian() -> None:
    """log|f| has the gradient -(u - c)/σ²; a point costs three evaluations, the check its own."""
    source = source_of(gauss)
    draw = source.draw_with_gradients(500, check=True)
    assert draw.log_gradient is not None
    expected = -(draw.u - CENTRE) / WIDTH**2
    torch.testing.assert_close(draw.log_gradient, expected, rtol=1e-12, atol=1e-12)
    assert source.evaluations == COST * 500 + 2 * PROBES
    assert not any(t.requires_grad for t in (draw.u, draw.value, draw.weight, draw.log_alpha))
    assert source.draw(100).log_gradient is None
    assert source.evaluations == COST * 500 + 2 * PROBES + 100


def test_channel_weights_belong_to_the_gradient() -> None:
    """a = α f with α_0 = u_0 and α_1 = 1 - u_0, and a closed third channel, which leaves no NaN."""

    def function(u: torch.Tensor, channel: torch.Tensor) -> Any:
        x = u[:, 0]
        return gauss(u), torch.stack([x, 1 - x, torch.zeros_like(x)], dim=1)

    draw = source_of(function, channels=("up", "down", "closed")).draw_with_gradients(
        900, check=True
    )
    assert draw.log_gradient is not None
    expected = -(draw.u - CENTRE) / WIDTH**2
    x = draw.u[:, 0]
    expected[:, 0] += torch.where(draw.channel == 0, 1 / x, -1 / (1 - x))
    for c in (0, 1):
        rows = draw.channel == c
        torch.testing.assert_close(draw.log_gradient[rows], expected[rows], rtol=1e-9, atol=1e-9)


def test_no_gradient_where_the_integrand_is_cut() -> None:
    draw = source_of(lambda u: gauss(u) * (u[:, 0] > 0.5)).draw_with_gradients(300, check=True)
    assert draw.log_gradient is not None
    cut = draw.value == 0
    assert bool(cut.any())
    assert bool(draw.log_gradient[cut].isnan().all())
    assert bool(draw.log_gradient[~cut].isfinite().all())


def test_integrands_without_gradients_are_refused() -> None:
    def by_numpy(u: np.ndarray) -> np.ndarray:
        return np.exp(-u.sum(axis=1))

    with pytest.raises(IntegrandError, match=r"no gradient with respect to u; set .*gradients to"):
        source_of(by_numpy, backend="numpy").draw_with_gradients(100, check=True)


def test_gradients_that_lack_a_part_are_refused() -> None:
    """Half of the integrand leaves torch's graph: torch notices nothing, differences do."""

    def half(u: torch.Tensor) -> torch.Tensor:
        return gauss(torch.stack([u[:, 0], u[:, 1].detach()], dim=1))

    with pytest.raises(IntegrandError, match=r"differs from differences of its values"):
        source_of(half).draw_with_gradients(400, check=True)
    source_of(half).draw_with_gradients(400, check=False)


def points(n: int = 4000) -> dict[str, torch.Tensor]:
    x = torch.rand((n, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return {
        "x": x,
        "channel": torch.zeros(n, dtype=torch.int64),
        "log_rho": torch.zeros(n, dtype=torch.float64),
        "log_gradient": -(x - CENTRE) / WIDTH**2,
    }


def test_term_is_one_for_a_flat_density_and_zero_at_the_goal() -> None:
    given = points()
    log_target = torch.log(gauss(given["x"]))
    size = gauss(given["x"]).mean()[None]
    widths = squared_widths(given, log_target, size)

    def flat(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        return 0.0 * rows["x"].sum(dim=1)

    def goal(rows: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.log(gauss(rows["x"]))

    assert mismatch(given, log_target, goal, size, widths).item() == pytest.approx(0, abs=1e-20)
    # The widths are normalised by the same points, whose mean weight is 1.
    assert mismatch(given, log_target, flat, size, widths).item() == pytest.approx(1, rel=1e-9)
    # E[((u - c)/σ²)²] = 1/σ², walls of the cube 4σ away: an error of about √(2/N) from the
    # N ≈ 4000·0.25 points that are inside; five of these.
    assert widths[0, 0].item() == pytest.approx(WIDTH[0].item() ** 2, rel=5 * math.sqrt(2 / 1000))


def test_points_without_gradients_do_not_count() -> None:
    given = points(1000)
    log_target = torch.log(gauss(given["x"]))
    size = gauss(given["x"]).mean()[None]
    widths = squared_widths(given, log_target, size)
    given["log_gradient"] = torch.full_like(given["log_gradient"], torch.nan)
    assert mismatch(given, log_target, lambda p: p["x"].sum(1), size, widths).item() == 0


def test_gradients_inside_a_layer() -> None:
    """u = x²: ∇_x log(f(u)·2x) = 2x·∂_u log f + 1/x."""

    class Square:
        def forward(
            self, r: torch.Tensor, channel: torch.Tensor, condition: torch.Tensor | None = None
        ) -> tuple[torch.Tensor, torch.Tensor]:
            return r**2, torch.log(2 * r).sum(dim=1)

        def inverse(
            self, u: torch.Tensor, channel: torch.Tensor, condition: torch.Tensor | None = None
        ) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.sqrt(u), -torch.log(2 * torch.sqrt(u)).sum(dim=1)

    given = points(50)
    x, channel = given["x"], given["channel"]
    gradient = -(x**2 - CENTRE) / WIDTH**2
    gradient[0] = torch.nan
    found = inside_layer(gradient, x, Square(), channel, None)
    assert bool(found[0].isnan().all())
    torch.testing.assert_close(found[1:], (2 * x * gradient + 1 / x)[1:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("around", [False, True])
def test_training_with_gradients(around: bool) -> None:
    """The integral is the closed form's within five errors, and the budget is kept to."""
    found = crosshook.integrate(
        gauss,
        dimensions=2,
        mapping=SMALL,
        training={"gradients": 0.1, "rounds": 3, "passes": 10, "warm_layer": around},
        evaluations=6000,
        points=20_000,
        seed=5,
    )
    exact = 1.0
    for c, s in zip(CENTRE.tolist(), WIDTH.tolist(), strict=True):
        root = s * math.sqrt(2)
        exact *= s * math.sqrt(math.pi / 2) * (math.erf((1 - c) / root) + math.erf(c / root))
    assert abs(found.value - exact) < 5 * found.error
    assert 5900 <= found.training.evaluations <= 6000


def test_gradients_exclude_learned_weights() -> None:
    with pytest.raises(
        ConfigurationError, match=r"gradients: 0\.1 with channel weights 'network'"
    ):
        crosshook.integrate(
            lambda u, channel: (gauss(u), None, u),
            dimensions=2,
            channels=2,
            features=2,
            mapping=SMALL,
            weights="network",
            training={"gradients": 0.1},
        )
