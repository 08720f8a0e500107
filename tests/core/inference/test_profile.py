"""Profiles and intervals of log-likelihoods whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.grid import Axis, ParameterGrid, make_axis
from crosshook.core.inference.profile import profile, refined, segments, threshold


def axis(
    name: str, low: float, high: float, points: int, period: float | None = None, **further: object
) -> Axis:
    given = {"nuisance": False, "constraint": None, "where": name, **further}
    return make_axis(name, low, high, points, period, **given)  # type: ignore[arg-type]


def test_thresholds_are_those_of_one_gaussian() -> None:
    assert threshold(0.6826894921370859) == pytest.approx(1.0)
    assert threshold(0.9544997361036416) == pytest.approx(4.0)


def test_between_points_a_parabola_stays_one() -> None:
    x = torch.linspace(-1, 1, 6, dtype=torch.float64)
    fine = refined((x - 0.3) ** 2, 10, closed=False)
    places = torch.linspace(-1, 1, 51, dtype=torch.float64)
    assert torch.allclose(fine, (places - 0.3) ** 2, atol=1e-14)


def test_a_circle_goes_on_beyond_its_end() -> None:
    x = torch.arange(24, dtype=torch.float64) * (2 * math.pi / 24)
    fine = refined(torch.cos(x), 8, closed=True)
    places = torch.arange(192, dtype=torch.float64) * (2 * math.pi / 192)
    # the slope at a point is off by h²/6 of the third derivative, which a cubic carries over 2h/27
    step = 2 * math.pi / 24
    assert float((fine - torch.cos(places)).abs().max()) < step**3 / 50


def test_the_interval_of_a_gaussian() -> None:
    grid = ParameterGrid((axis("m", 0.0, 10.0, 41),))
    found = profile(-0.5 * ((grid.points[:, 0] - 4.2) / 0.7) ** 2, grid, "m")
    assert found.best == pytest.approx(4.2, abs=1e-9)  # a cubic through a parabola is one
    ((low, high),) = segments(found, threshold(0.6826894921370859))
    assert (low, high) == pytest.approx((3.5, 4.9), abs=2e-3)


def test_an_interval_across_the_end_of_a_circle() -> None:
    grid = ParameterGrid((axis("alpha", 0.0, math.pi, 60, math.pi),))
    found = profile(20 * torch.cos(2 * (grid.points[:, 0] - 0.05)), grid, "alpha")
    half = 0.5 * math.acos(1 - 0.5 / 20)  # 2·20 (1 − cos 2x) = 1
    ((low, high),) = segments(found, 1.0)
    assert (low, high) == pytest.approx((0.05 - half, 0.05 + half), abs=1e-3)
    assert segments(found, 1e9) == ((0.0, pytest.approx(math.pi)),)
    # slopes are off by h²/6 of the third derivative, 1.9e-4 of a curvature of 4
    assert found.best == pytest.approx(0.05, abs=1e-4)
    before = profile(20 * torch.cos(2 * (grid.points[:, 0] + 1e-3)), grid, "alpha")
    assert before.best == pytest.approx(math.pi - 1e-3, abs=1e-4)
    both = profile(20 * torch.cos(4 * (grid.points[:, 0] - 0.05)), grid, "alpha")
    assert len(segments(both, 1.0)) == 2


def test_an_interval_that_ends_with_the_axis() -> None:
    grid = ParameterGrid((axis("m", 0.0, 1.0, 21),))
    found = profile(-0.5 * (grid.points[:, 0] / 0.1) ** 2, grid, "m")
    ((low, high),) = segments(found, 1.0)
    assert (low, high) == pytest.approx((0.0, 0.1), abs=1e-3)


def test_a_nuisance_parameter_widens_by_its_correlation() -> None:
    """Two correlated Gaussians: profiled, σ is 1/√(1 − ρ²) of what it is at a fixed nuisance; a
    constraint of the nuisance adds its inverse variance to the matrix.
    """
    rho, deviation = 0.6, 0.8
    first = axis("m", -4.0, 4.0, 41)
    second = axis("b", -4.0, 4.0, 41, nuisance=True, constraint=(0.0, deviation))
    grid = ParameterGrid((first, second))
    m, b = grid.points.T
    matrix = torch.tensor([[1.0, -rho], [-rho, 1.0]], dtype=torch.float64)
    log_l = -0.5 * (m * m * matrix[0, 0] + 2 * m * b * matrix[0, 1] + b * b * matrix[1, 1])
    for constrained in (False, True):
        total = log_l + (grid.log_constraints if constrained else 0.0)
        extra = torch.diag(torch.tensor([0.0, constrained / deviation**2], dtype=torch.float64))
        sigma = float(torch.linalg.inv(matrix + extra)[0, 0]) ** 0.5
        ((low, high),) = segments(profile(total, grid, "m"), 1.0)
        assert (low, high) == pytest.approx((-sigma, sigma), abs=5e-3)


def test_parts_of_a_grid_know_their_points() -> None:
    grid = ParameterGrid((axis("a", 0, 1, 5), axis("b", 0, 2, 4), axis("c", 0, 3, 6)))
    own, index = grid.of(["a", "c"])
    assert [one.name for one in own.axes] == ["a", "c"]
    assert torch.equal(own.points[index], grid.points[:, [0, 2]])
    assert grid.nearest({"a": 0.49, "b": 2.2, "c": 1.9}) == int(
        ((grid.points - torch.tensor([0.5, 2.0, 1.8])).abs().sum(dim=1)).argmin()
    )


def test_ranges_that_make_no_axis() -> None:
    with pytest.raises(ConfigurationError, match=r"m: the range \[2, 1\] is empty"):
        axis("m", 2, 1, 5)
    with pytest.raises(
        ConfigurationError, match=r"the range \[0, 4\] is longer than the period 3"
    ):
        axis("m", 0, 4, 5, 3.0)
    with pytest.raises(ConfigurationError, match=r"a grid of 1000000 points"):
        ParameterGrid(tuple(axis(name, 0, 1, 100) for name in "abc"))
