"""Coverage: right with the right detector, broken without acceptance or swap, honest errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core import random
from crosshook.core.inference.fiducial import fiducial_cross_section
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.likelihood import (
    EventLikelihoods,
    ProcessShare,
    combined,
    estimated,
    log_likelihood,
)
from crosshook.core.inference.pseudo_experiments import drawn_rows, pseudo_experiments
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.progress import Silent

if TYPE_CHECKING:
    from crosshook.core.inference.fiducial import FiducialCrossSection
    from crosshook.core.inference.integrals import EventIntegrals

POOL, EVENTS, EXPERIMENTS, TRUTH = 4000, 400, 300, 3
LEVELS = (0.6826894921370859, 0.9544997361036416)


@pytest.fixture(scope="module")
def pool(toy: Any) -> tuple[EventIntegrals, FiducialCrossSection]:
    """One pool seen by the right detector, by one without acceptance, by one without swaps."""
    detectors = [
        toy.module.Detector(),
        toy.module.Detector(acceptance=False),
        toy.module.Detector(swap=0.0),
    ]
    rng = random.torch_generator(11, "pool")
    reco = simulate_events(toy.model, detectors[0], toy.theta[TRUTH], POOL, rng).reco
    settings = IntegralSettings(128, 4, "sobol", 4)
    found = integrate_events(
        toy.model, detectors, toy.proposal, reco, toy.theta, settings, Silent(), keep=False
    )
    return found, fiducial_cross_section(toy.model, detectors, toy.theta, rng)


def of_one(
    toy: Any, pool: tuple[EventIntegrals, FiducialCrossSection], number: int
) -> EventLikelihoods:
    integrals, fiducial = pool
    index = torch.arange(len(toy.grid))
    share = ProcessShare("toy", integrals, fiducial, index, torch.zeros(len(toy.grid)))
    every = combined(toy.grid, [share])
    return estimated(toy.grid, every.log_p[number : number + 1])


def test_coverage_is_right_and_breaks_without_acceptance_or_swap(
    toy: Any, pool: tuple[EventIntegrals, FiducialCrossSection]
) -> None:
    found = {}
    for number, name in enumerate(("right", "no acceptance", "no swap")):
        rng = random.torch_generator(12, "toys")
        rows = drawn_rows(POOL, EVENTS, EXPERIMENTS, rng)
        likelihoods = of_one(toy, pool, number)
        found[name] = pseudo_experiments(likelihoods, "alpha", TRUTH, rows, rng)
    for level in LEVELS:
        value, error = found["right"].coverage(level)
        assert value == pytest.approx(level, abs=5 * error)
        for name in ("no acceptance", "no swap"):
            value, error = found[name].coverage(level)
            assert value < level - 5 * error, name
    # half of the width is the bound that the pool's own fluctuation of σ √(n/pool) leaves
    bias, _ = found["right"].bias
    width = float(found["right"].width.mean())
    assert abs(bias) < 5 * width * (EVENTS / POOL) ** 0.5
    assert found["no acceptance"].bias[0] > 3 * width


def gaussian_pool(n: int, mean: float, seed: int) -> EventLikelihoods:
    """Events x ~ N(mean, 1), whose likelihood in the mean is known: everything is exact."""
    axis = make_axis(
        "m", -2.0, 2.0, 41, None, nuisance=False, constraint=None, where="parameters.m"
    )
    grid = ParameterGrid((axis,))
    rng = random.torch_generator(seed, "gaussian")
    x = mean + torch.randn((n, 1), generator=rng, dtype=torch.float64)
    return estimated(grid, (-0.5 * (x - grid.points[:, 0]) ** 2)[None])


def test_gaussian_data_have_gaussian_intervals() -> None:
    pool = gaussian_pool(200_000, 0.4, 1)
    rng = random.torch_generator(2, "rows")
    found = pseudo_experiments(pool, "m", 24, drawn_rows(200_000, 50, 2000, rng), rng)
    assert found.truth == pytest.approx(0.4)
    for level in LEVELS:
        value, error = found.coverage(level)
        assert error == pytest.approx((level * (1 - level) / 2000) ** 0.5, rel=0.01)
        assert value == pytest.approx(level, abs=5 * error)
        # Neyman's critical value is Wilks': the quantile's error by the density of χ² there
        z = torch.special.erfinv(torch.tensor(level)).item() * 2**0.5
        density = math.exp(-z * z / 2) / (z * (2 * math.pi) ** 0.5)
        quantile_error = (level * (1 - level) / 2000) ** 0.5 / density
        assert found.critical(level) == pytest.approx(z * z, abs=5 * quantile_error)
    assert float(found.width.mean()) == pytest.approx(50**-0.5, abs=0.1 / 8)  # a fine step
    assert abs(found.bias[0]) < 5 * found.bias[1]


def test_the_error_of_coverage_counts_events_that_data_sets_share() -> None:
    """Small pools: the spread of the coverage over pools is what each says its error is."""
    values, errors = [], []
    for seed in range(40):
        rng = random.torch_generator(seed, "rows")
        pool = gaussian_pool(200, 0.0, 100 + seed)
        found = pseudo_experiments(pool, "m", 20, drawn_rows(200, 50, 200, rng), rng)
        value, error = found.coverage(LEVELS[0])
        values.append(value)
        errors.append(error)
    spread = float(torch.tensor(values).std())
    expected = (sum(e * e for e in errors) / len(errors)) ** 0.5
    # a standard deviation out of 40 is known to 1/√78; higher powers of the overlap are left out
    assert spread == pytest.approx(expected, rel=5 / 78**0.5)
    assert expected > 1.5 * (0.6827 * 0.3173 / 200) ** 0.5


def test_constraints_are_measured_anew() -> None:
    """With a constraint as good as the data, the error is 1/√2 of it, and coverage still right."""
    axis = make_axis("m", -2.0, 2.0, 41, None, nuisance=False, constraint=(0.0, 0.2), where="m")
    pool = gaussian_pool(50_000, 0.0, 3)
    pool = estimated(ParameterGrid((axis,)), pool.log_p)
    rng = random.torch_generator(4, "rows")
    rows = drawn_rows(50_000, 25, 2000, rng)
    found = pseudo_experiments(pool, "m", 20, rows, rng, constrained_at=[0.0])
    value, error = found.coverage(LEVELS[0])
    assert value == pytest.approx(LEVELS[0], abs=5 * error)
    assert float(found.best.std()) == pytest.approx(0.2 / 2**0.5, rel=5 / 4000**0.5)


def test_numbers_of_events_count_where_luminosity_is_given(toy: Any) -> None:
    """σ ∝ 1 + m: an extended likelihood of n events alone has its maximum at Lσ = n."""
    pool = gaussian_pool(500, 0.0, 3)
    m = pool.grid.points[:, 0]
    sigma = 3.0 + m
    flat = EventLikelihoods(
        pool.grid,
        torch.zeros_like(pool.log_p),
        sigma[None],
        sigma.repeat(8, 1),
        pool.relative_error,
        pool.effective,
    )
    found = log_likelihood(flat, luminosity=500 / 3.5)
    assert float(m[found.best]) == pytest.approx(0.5)
    assert not bool(found.cross_section_error[:1].isnan())
