"""Integrations that must not look sure of themselves say so, and sound ones stay silent."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from rich.console import Console

from crosshook.core.agreement import agreement
from crosshook.core.execute import SerialExecutor
from crosshook.core.integrate import Weighted, integrate
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.interfaces.training import Iteration
from crosshook.core.progress import Silent
from crosshook.core.report.run import sections
from crosshook.core.run import run
from crosshook.core.sampling.balance import balance_sums
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.sampling.sums import Sums
from crosshook.core.summary import print_summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

EXAMPLES = Path(__file__).parents[2] / "examples"
POSITION, WIDTH, HEIGHT = 0.37, 1e-9, 0.5
"""A peak far narrower than the distance of points, with a third of the integral."""


class PeakOnPlateau:
    """f(x) = ½ + x_2 + HEIGHT · box(x_1), a narrow box of integral 1.

    One channel is flat; the other sends half of its points into the box.
    """

    n_dim = 2
    truth = 1 + HEIGHT

    def __init__(self, channels: tuple[str, ...] = ("flat", "peak")) -> None:
        self.channels = channels

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        first = u[:, 0]
        inside = POSITION + WIDTH * (2 * first - 1)
        peaked = torch.where(first < 0.5, 2 * first, inside)
        x = torch.where(channel == 1, peaked, first)
        box = ((x >= POSITION) & (x <= POSITION + WIDTH)).to(x.dtype) / WIDTH
        densities = torch.stack((torch.ones_like(box), 0.5 + 0.5 * box), 1)
        densities = densities[:, : len(self.channels)]
        own = densities.gather(1, channel[:, None])[:, 0]
        prior = torch.log(densities / densities.sum(1, keepdim=True))
        return Evaluation((0.5 + u[:, 1] + HEIGHT * box) / own, prior)


@pytest.fixture
def integrated(make_sampler: Callable[..., Any], spec: Callable[..., Any]) -> Callable[..., Any]:
    """`integrated(integrand, weights, latents=..., seed=...)`: 2¹⁵ points in 32 blocks."""

    def start(integrand: Any, weights: str, **options: Any) -> Weighted:
        sampler = make_sampler(integrand, "uniform", weights)
        return integrate(
            spec(sampler, block_size=1024),
            SerialExecutor(),
            Silent(),
            **{"seed": 1, "stage": "integrate", **options},
            evaluations=2**15,
            shares=even_shares(sampler.n_channels),
        )

    return start


def _look(weighted: Weighted, names: tuple[str, ...], iterations: Any = ()) -> Any:
    return agreement(weighted, names, even_shares(len(names)).numpy(), iterations)


@pytest.mark.parametrize("latents", ["random", "sobol"])
def test_a_channel_that_misses_a_peak(integrated: Callable[..., Any], latents: str) -> None:
    """Channel weights of 1/2 ask the flat channel for half of the peak, which it never meets."""
    weighted = integrated(PeakOnPlateau(), "uniform", latents=latents)
    estimate = weighted.estimate
    # Sure of itself, and wrong: half of the peak is missing.
    assert estimate.value == pytest.approx(1 + HEIGHT / 2, rel=0.02)
    assert abs(estimate.value - PeakOnPlateau.truth) > 20 * estimate.error
    found = _look(weighted, ("flat", "peak"))
    assert found.channels_probability < 1e-6
    (note,) = found.notes
    # By its own points ∫ α_flat f is 1/2, by all 1/4 + (1/4 + 1/8): short by HEIGHT/4 of 1.25.
    share = re.search(r"the points of channel flat find ([\d.]+)% of the integral less", note)
    assert share is not None
    assert float(share[1]) == pytest.approx(10.0, rel=0.15)
    assert "some channel misses a part of what its channel weights claim" in note


@pytest.mark.parametrize("latents", ["random", "sobol", "stratified"])
def test_channels_that_share_the_work(integrated: Callable[..., Any], latents: str) -> None:
    """α in proportion to the densities: the flat channel is not asked for the peak."""
    weighted = integrated(PeakOnPlateau(), "prior", latents=latents)
    assert abs(weighted.estimate.value - PeakOnPlateau.truth) < 5 * weighted.estimate.error
    found = _look(weighted, ("flat", "peak"))
    assert found.notes == ()
    assert found.channels_probability > 1e-6


def test_pulls_of_channels_are_honest(integrated: Callable[..., Any]) -> None:
    """Over 100 seeds: mean 0 and at most unit width (points are stratified over channels)."""
    runs = (integrated(PeakOnPlateau(), "prior", seed=seed) for seed in range(100))
    pulls = np.array([_look(w, ("flat", "peak")).channel_pulls for w in runs])
    np.testing.assert_allclose(pulls[:, 0], -pulls[:, 1], rtol=1e-6, atol=1e-9)
    assert abs(pulls[:, 0].mean()) < 5 / math.sqrt(100)
    assert pulls[:, 0].std(ddof=1) < 1 + 5 / math.sqrt(2 * 100)


def test_one_channel_has_nothing_to_compare_with(integrated: Callable[..., Any]) -> None:
    """The flat channel alone: only what the training saw can tell."""
    weighted = integrated(PeakOnPlateau(("flat",)), "prior")
    found = _look(weighted, ("flat",))
    assert math.isnan(found.channels_probability)
    assert all(math.isnan(p) for p in found.channel_pulls)
    assert found.notes == ()
    seen = Iteration(1000, 1.5, 0.05, (1.5,), (0.05,))
    (note,) = _look(weighted, ("flat",), [seen]).notes
    assert note.startswith("the training saw more than the integration: an iteration found 1.5 ")
    assert "the sampler may have closed a region it knew" in note


def _weighted(weights: np.ndarray, blocks: int = 10) -> Weighted:
    """A stage of one channel with given weights."""
    channel = torch.zeros(weights.size, dtype=torch.int64)
    parts = np.array_split(weights, blocks)
    return Weighted(
        "integrate",
        Sums.of(channel, torch.from_numpy(weights), 1),
        blocks,
        np.array([p.mean() for p in parts]),
        np.array([p.std(ddof=1) / math.sqrt(p.size) for p in parts]),
        (),
        weights=[weights],
    )


def test_early_iterations_may_be_blind() -> None:
    """Too low early on is learning; too low in the later half is a disagreement."""
    weighted = _weighted(np.random.default_rng(1).uniform(0.5, 1.5, 10_000))
    good = Iteration(1000, weighted.estimate.value, 0.01, (), ())
    blind = replace(good, estimate=0.1, error=1e-3)
    found = _look(weighted, ("one",), [blind, blind, good, good])
    assert found.notes == ()
    assert found.training_probability > 1e-6
    (note,) = _look(weighted, ("one",), [good, good, blind, blind]).notes
    assert note.startswith("training and integration disagree: the later iterations give 0.1 ± ")
    none = replace(good, evaluations=10, estimate=9.0), replace(good, estimate=9.0, error=0.0)
    assert math.isnan(_look(weighted, ("one",), none).training_probability)


def test_blocks_that_disagree() -> None:
    """A block with another mean than the rest: χ² of the blocks."""
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 1.5, 10_000)
    assert _look(_weighted(weights), ("one",)).notes == ()
    weights[:1000] *= 1.2
    found = _look(_weighted(weights), ("one",))
    assert found.blocks_probability < 1e-6
    assert found.notes[0].startswith("the 10 blocks of the integration disagree: χ²/dof = ")


def test_heavy_tails() -> None:
    """Weights u^(-0.9) have no variance; one huge weight decides alone; a tail of 0.4 is fine."""
    rng = np.random.default_rng(3)
    u = rng.uniform(size=100_000)
    heavy = _look(_weighted(u**-0.9), ("one",))
    assert heavy.tail_shape == pytest.approx(0.9, abs=0.2)
    assert any("Pareto shape k̂ = " in note for note in heavy.notes)
    assert _look(_weighted(u**-0.4), ("one",)).notes == ()
    outlier = rng.uniform(0.5, 1.5, 100_000)
    outlier[5] = 1e4
    found = _look(_weighted(outlier), ("one",))
    assert found.tail_shape < 0.7
    assert found.largest_share == pytest.approx(1e4 / outlier.sum(), rel=0.01)
    assert any(
        note.startswith("few points decide: the 10 largest of 100000") for note in found.notes
    )


@pytest.mark.parametrize("passed", [5, 15, 100, 400])
def test_few_points_after_cuts_are_no_heavy_tail(passed: int) -> None:
    """Exponential weights in a sea of zeros: the ten largest are most of what there is.

    Of 400 they carry 10 (L² + 2L + 2)/800 = 0.29 of Σw², L = log 40; below 100 more than half.
    """
    rng = np.random.default_rng(4)
    for _ in range(20):
        weights = np.zeros(20_000)
        weights[rng.choice(weights.size, passed, replace=False)] = rng.exponential(size=passed)
        found = _look(_weighted(weights), ("one",))
        assert not [note for note in found.notes if note.startswith("few points")]


def test_an_outlier_among_equal_weights_has_no_shape() -> None:
    """One weight stands out of a thousand that are the same: told without a shape."""
    weights = np.ones(1000)
    weights[3] = 1000
    (note,) = (n for n in _look(_weighted(weights), ("one",)).notes if n.startswith("few points"))
    assert note.endswith("of Σw²")


def test_balance_sums(make_sampler: Callable[..., Any]) -> None:
    """Against the definition, point by point; zeros and NaN count for nothing."""
    sampler = make_sampler(PeakOnPlateau(), "uniform", "prior")
    shares = torch.tensor([0.3, 0.7], dtype=torch.float64)
    sample = sampler.draw(1, "test", 0, 200, shares)
    weight = sample.weight.clone()
    weight[:10], weight[10:20] = math.nan, 0.0
    alpha = sample.log_alpha.clone()
    alpha[10:15] = math.nan
    found = balance_sums(replace(sample, weight=weight, log_alpha=alpha), shares)
    expected = np.zeros((2, 2))
    for i in range(20, 200):
        c = int(sample.channel[i])
        w = float(weight[i] / shares[c])
        for j in range(2):
            d = w * ((c == j) - math.exp(float(sample.log_alpha[i, j])))
            expected[:, j] += d, d * d
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_run_says_so(tmp_path: Path) -> None:
    """Drell-Yan with untrained maps and even channel weights: a few points decide."""
    result = run(
        EXAMPLES / "drell-yan.yaml",
        settings=(
            "cuts={m_min: 30, m_max: 5000}",
            "sampling={channel_weights: uniform, channel_mapping: uniform}",
            "integrate.evaluations=20000",
            "block_size=2000",
            "generate=null",
            "output.report=none",
        ),
        output=tmp_path / "run",
    )
    found = result.integration.agreement
    assert found is not None
    assert found.tail_shape > 0.7
    assert result.notes == found.notes
    assert len(found.notes) == 1
    (weights,) = (s for s in sections(result) if s.id == "weights")
    assert "Pareto shape k̂" in [fact.label for fact in weights.facts]
    shown = io.StringIO()
    print_summary(result, Console(file=shown, width=200))
    assert f"note: {found.notes[0]}" in shown.getvalue()
