"""Densities at few parameter points that make those at all others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from crosshook.core import random
from crosshook.core.inference.cube_model import CubeModel
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.model import Parameter
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.inference.spanning import Spanning, holding, spanning
from crosshook.core.interfaces.matrix_element import Subprocess
from crosshook.core.process.cube import CubeFunction
from crosshook.core.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def model_of(density: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> CubeModel:
    subprocess = Subprocess((0, 0), 0, 1, "case", ())
    parameters = (Parameter("a", 0.0), Parameter("b", 0.0))
    return CubeModel(
        CubeFunction(density, 2, subprocess, (0.0, 0.0), "case", parameters=parameters), 1
    )


def couplings(u: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """|1 + a x + b y|² with a complex y: 1, a, b, a², a b and b², six of them."""
    x, y = u[:, :1], u[:, 1:] * torch.exp(3j * u[:, :1])
    return (1 + theta[:, 0] * x + theta[:, 1] * y).abs().square()


def resonance(u: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """A narrow peak whose place is a parameter: no sum of a few others."""
    return 1 / ((u[:, :1] - theta[:, 0] - 0.3 * theta[:, 1]) ** 2 + 1e-4)


def grid_of(points: int) -> torch.Tensor:
    one = torch.linspace(-1.0, 1.0, points, dtype=torch.float64)
    return torch.cartesian_prod(one, one)


def test_couplings_have_as_many_nodes_as_monomials() -> None:
    model, theta = model_of(couplings), grid_of(9)
    found = spanning(model, theta)
    assert len(found.nodes) == 6
    u = random.uniform(2, "elsewhere", 0, (1000, 2))
    direct = couplings(u, theta)
    made = found.spread(couplings(u, found.nodes))
    # rounding of the largest value times what coefficients amplify
    assert found.coefficients is not None
    rounding = 1e3 * 2.0**-52 * float(found.coefficients.abs().sum(dim=0).max())
    assert float(((made - direct).abs() / direct.amax(dim=1, keepdim=True)).max()) < rounding


def test_what_is_no_such_sum_is_evaluated_everywhere() -> None:
    theta = grid_of(5)
    assert spanning(model_of(resonance), theta).coefficients is None
    # six nodes are too many for ten points
    assert spanning(model_of(couplings), theta[:10]).coefficients is None


def test_a_narrow_peak_is_seen_where_integrals_have_their_points() -> None:
    def narrow(u: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        """Even in u but for 10⁻⁶ of it, where the place of a peak is a parameter."""
        distance = u[:, :1] - 0.5 - 1e-6 * theta[:, 0]
        return 1 + 1e3 * torch.exp(-0.5 * (distance / 1e-6).square())

    model, theta = model_of(narrow), grid_of(5)
    found = spanning(model, theta)
    assert len(found.nodes) == 1  # evenly spread points all miss it
    even = random.uniform(4, "even", 0, (200, 2))
    assert holding(found, model, model.points(even), theta) is found
    peak = torch.cat([0.5 + 4e-6 * (even[:, :1] - 0.5), even[:, 1:]], dim=1)
    assert holding(found, model, model.points(peak), theta).coefficients is None


def test_infinite_densities_are_left_to_integrals() -> None:
    def broken(u: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        return torch.where((u[:, :1] > 0.9) & (theta[:, 0] > 0.9), torch.inf, couplings(u, theta))

    assert spanning(model_of(broken), grid_of(9)).coefficients is None


def test_integrals_are_those_of_all_parameter_points(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = toy.module.Detector()
    rng = random.torch_generator(3, "spanned")
    reco = simulate_events(toy.model, detector, toy.theta[3], 30, rng).reco
    tally = toy.model.tally.evaluated
    found = spanning(toy.model, toy.theta)
    assert len(found.nodes) == 3  # 1, cos 2α, sin 2α
    assert toy.model.tally.evaluated == tally

    def integrated() -> list[torch.Tensor]:
        made = integrate_events(
            toy.model,
            [detector],
            toy.proposal,
            reco,
            toy.theta,
            IntegralSettings(256, 8, "sobol", 4),
            Silent(),
            keep=True,
        )
        assert made.deviations is not None
        return [made.log_value[0], made.relative_error, made.effective, made.deviations.double()]

    few = integrated()
    monkeypatch.setattr(
        "crosshook.core.inference.integrals.spanning", lambda _, theta: Spanning(theta, None)
    )
    for one, other in zip(few, integrated(), strict=True):
        # float32 deviations round at 6e-8 of values up to some units; the others in float64
        bound = 1e-6 if one is few[3] else 1e-9
        assert math.isclose(float((one - other).abs().max()), 0.0, abs_tol=bound)
