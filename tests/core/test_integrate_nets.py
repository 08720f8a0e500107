"""Integration with nets: unbiased, smaller errors, and errors that are true."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.config import HistogramSpec
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.execute import SerialExecutor
from crosshook.core.histograms import HistogramSums, finish, finish_replicas
from crosshook.core.integrate import integrate
from crosshook.core.interfaces.training import Budget
from crosshook.core.progress import Silent
from crosshook.core.run import run
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.sampling.source import SamplerSource
from crosshook.core.sampling.sums import Sums

if TYPE_CHECKING:
    from tests.core.conftest import Finished

SEEDS = 40
EXAMPLES = Path(__file__).parents[2] / "examples"


def _integrate(spec: Any, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "seed": 1,
        "stage": "integrate",
        "evaluations": 8192,
        "shares": even_shares(spec.sampler().n_channels),
    }
    return integrate(spec, SerialExecutor(), Silent(), **{**arguments, **changes})


@pytest.mark.parametrize("latents", ["sobol", "stratified"])
def test_pulls(known: Any, make_sampler: Any, spec: Any, latents: str) -> None:
    """Pulls over 40 seeds, 16 replicas each: a t distribution with 15 degrees of freedom.

    Its variance is 15/13 and its kurtosis 3 + 6/11, so the mean square of 40 pulls is known to
    15/13·√((2 + 6/11)/40) = 0.29; mean and mean square are compared at 4.5σ. The replicas' own
    distribution only has to be about normal, as means of 512 points are.
    """
    integrand, exact = known
    sampler = make_sampler(integrand, "vegas", "prior", bins=32, iterations=6, damping=0.7)
    source = SamplerSource(sampler, seed=99)
    sampler.mapping.fit(source, Budget(30_000), BuildContext())
    pulls, errors = [], []
    for seed in range(SEEDS):
        found = _integrate(
            spec(sampler, block_size=512), shares=source.shares, seed=seed, latents=latents
        )
        assert (found.blocks, found.sums.n) == (16, 8192)
        pulls.append((found.estimate.value - exact) / found.estimate.error)
        errors.append(found.estimate.error)
    assert abs(np.mean(pulls)) < 4.5 * math.sqrt(15 / 13 / SEEDS)
    assert abs(np.mean(np.square(pulls)) - 15 / 13) < 4.5 * 0.291
    plain = _integrate(spec(sampler, block_size=512), shares=source.shares)
    assert np.mean(errors) < 1.05 * plain.estimate.error


def test_nets_pay_where_the_weight_is_smooth(make_sampler: Any, spec: Any, function: Any) -> None:
    """x₀³·x₁ in two channels: the error falls to less than a fifth, channel by channel."""
    sampler = make_sampler(function(2, lambda x: x[:, 0] ** 3 * x[:, 1], (1.0, 2.0)))
    plain, sobol, strata = (
        _integrate(spec(sampler), evaluations=32_768, latents=name)
        for name in ("random", "sobol", "stratified")
    )
    for found in (sobol, strata):
        assert found.estimate.error < 0.2 * plain.estimate.error
        assert (found.channel_errors < 0.2 * plain.channel_errors).all()
        assert abs(found.estimate.value - 1 / 8) < 5 * found.estimate.error
        assert math.hypot(*found.channel_errors) == found.estimate.error
        assert np.isnan(found.block_errors).all()
        assert found.running[-1] == (found.sums.n, found.estimate.value, found.estimate.error)
    assert sobol.sums.n == 32 * 512 + 32 * 512  # blocks of 512 ≤ 1000, a power of two


def test_nets_stop_only_with_enough_replicas(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, lambda x: 1 + x[:, 0]))
    found = _integrate(spec(sampler), latents="sobol", relative_error=0.5, evaluations=64_000)
    assert found.blocks == 8


def test_too_few_points_for_replicas(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, lambda x: x[:, 0]))
    with pytest.raises(
        ConfigurationError, match=r"integrate: latents sobol: 7 points are too few"
    ):
        _integrate(spec(sampler), latents="sobol", evaluations=7)


def test_random_latents_are_as_ever(make_sampler: Any) -> None:
    """The stream of random latents is drawn in the order it always was."""
    from crosshook.core.random import stream
    from tests.core.conftest import Function

    sampler = make_sampler(Function(3, lambda x: x[:, 0]))
    drawn = sampler.draw(5, "integrate", 2, 10, even_shares(1))
    generator = stream(5, "integrate", 2)
    generator.random()
    assert torch.equal(drawn.r, torch.from_numpy(generator.random((10, 3))))


def test_histograms_have_errors_from_blocks() -> None:
    """Independent points in 64 blocks: both errors of each bin agree within 5 of their errors."""
    spec = HistogramSpec("x", "x", 4, 0.0, 1.0)
    rng = np.random.default_rng(3)
    filled, sums = [], []
    for _ in range(64):
        weight = rng.exponential(size=500)
        place = rng.integers(0, 6, 500)
        totals = np.bincount(place, weight, 6)[None]
        squares = np.bincount(place, weight**2, 6)[None]
        filled.append(HistogramSums(totals, squares))
        sums.append(Sums.of(torch.zeros(500, dtype=torch.int64), torch.from_numpy(weight), 1))
    by_blocks = finish_replicas(spec, filled, sums)
    total, every = filled[0], sums[0]
    for more, further in zip(filled[1:], sums[1:], strict=True):
        total, every = total + more, every + further
    by_points = finish(spec, total, every)
    np.testing.assert_allclose(by_blocks.values, by_points.values, rtol=1e-12)
    np.testing.assert_allclose(by_blocks.errors, by_points.errors, rtol=5 / math.sqrt(2 * 63))


def test_a_run_with_sobol(drell_yan: Finished, tmp_path: Path) -> None:
    """Same cross section, smaller error, histograms that add up to it."""
    settings = (
        "output={report: html, formats: [lhe]}",
        "block_size=512",
        "sampling.evaluations=4000",
        "integrate={evaluations: 8192, latents: sobol}",
        "generate=null",
        "variations.scales=7-point",
        "cuts.eta_max=4",
    )
    found = run(EXAMPLES / "drell-yan.yaml", settings=settings, output=tmp_path / "r").integration
    plain = drell_yan.result.integration
    assert found.latents == "sobol"
    assert found.degrees_of_freedom == 0
    assert found.error < plain.error
    assert abs(found.cross_section - plain.cross_section) < 5 * math.hypot(
        found.error, plain.error
    )
    for histogram in found.histograms:
        total = sum(histogram.values) + histogram.underflow + histogram.overflow
        assert total == pytest.approx(found.cross_section, rel=1e-9)
