"""Integration of known integrands over frozen samplers: values, errors, stops, invalid points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import NumericalError
from crosshook.core.execute import SerialExecutor
from crosshook.core.integrate import FEWEST, block_sums, integrate
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.interfaces.training import Budget
from crosshook.core.progress import Silent
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.sampling.source import SamplerSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.execute import Task

SEEDS = 25


def _integrate(spec: Any, shares: torch.Tensor | None = None, **changes: Any) -> Any:
    k = spec.sampler().n_channels
    arguments: dict[str, Any] = {
        "seed": 1,
        "stage": "integrate",
        "evaluations": 10_000,
        "shares": even_shares(k) if shares is None else shares,
    }
    return integrate(spec, SerialExecutor(), Silent(), **{**arguments, **changes})


def test_pulls_with_a_trained_and_frozen_map(known: Any, make_sampler: Any, spec: Any) -> None:
    """Pulls (estimate - exact)/error over seeds: mean 0 ± 1/√25, their mean square 1 ± √(2/25).

    Both at 4.5σ; six integrands make twelve comparisons, so chance fails one in 10⁴.
    """
    integrand, exact = known
    sampler = make_sampler(integrand, "vegas", "prior", bins=32, iterations=6, damping=0.7)
    source = SamplerSource(sampler, seed=99)
    sampler.mapping.fit(source, Budget(30_000), BuildContext())
    assert source.evaluations == 30_000
    pulls = []
    for seed in range(SEEDS):
        found = _integrate(
            spec(sampler, block_size=2000), shares=source.shares, seed=seed, evaluations=8000
        )
        pulls.append((found.estimate.value - exact) / found.estimate.error)
    assert abs(np.mean(pulls)) < 4.5 / math.sqrt(SEEDS)
    assert abs(np.mean(np.square(pulls)) - 1) < 4.5 * math.sqrt(2 / SEEDS)


def test_training_pays(make_sampler: Any, spec: Any, function: Any) -> None:
    """The peak in five dimensions: VEGAS must beat flat sampling's variance by far."""
    integrand = function(5, lambda x: torch.exp(-((x - 0.5) ** 2).sum(1) / 0.005))
    flat = _integrate(spec(make_sampler(integrand)))
    sampler = make_sampler(integrand, "vegas", "prior", bins=32, iterations=6, damping=0.7)
    sampler.mapping.fit(SamplerSource(sampler, seed=2), Budget(30_000), BuildContext())
    trained = _integrate(spec(sampler))
    assert trained.estimate.error < 0.1 * flat.estimate.error


def test_blocks_and_running_estimates(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, lambda x: x[:, 0], (1.0, 2.0)))
    found = _integrate(spec(sampler, block_size=300), evaluations=1000)
    assert found.blocks == 4
    assert found.sums.n == 1200
    assert [n for n, _, _ in found.running] == [300, 600, 900, 1200]
    assert found.running[-1][1:] == (found.estimate.value, found.estimate.error)
    draws = [sampler.draw(1, "integrate", b, 300, even_shares(2)) for b in range(4)]
    for b, draw in enumerate(draws):
        estimate = block_sums(draw, 2).estimate()
        assert (found.block_estimates[b], found.block_errors[b]) == (
            estimate.value,
            estimate.error,
        )
    for c in range(2):
        expected = torch.cat([d.weight[d.channel == c] for d in draws]).numpy()
        np.testing.assert_array_equal(found.weights[c], expected)
    assert found.invalid == ""


def test_stops_when_the_error_is_small_enough(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, lambda x: x[:, 0]))
    full = _integrate(spec(sampler, block_size=500), evaluations=50_000)
    target = 0.01
    first = next(n for n, v, e in full.running if e <= target * v)
    found = _integrate(spec(sampler, block_size=500), evaluations=50_000, relative_error=target)
    assert found.sums.n == first < 50_000
    assert found.running == full.running[: found.blocks]


def test_too_few_points_are_no_reason_to_stop(make_sampler: Any, spec: Any, function: Any) -> None:
    """A narrow peak in four channels, met by hardly a point of the first small blocks.

    Their error is a guess that is often far too small. Pulls over 100 seeds: were they normal,
    their mean square would be 1 ± √(2/100); the peak leaves some excess, stopping at once gives 8.
    """
    integrand = function(
        2,
        lambda x: torch.exp(-((x - 0.5) ** 2).sum(1) / 0.002) / (0.002 * math.pi),
        (1.0, 1.0, 1.0, 1.0),
    )
    sampler = make_sampler(integrand)
    pulls = []
    for seed in range(100):
        found = _integrate(
            spec(sampler, block_size=100), seed=seed, evaluations=5000, relative_error=0.5
        )
        assert (found.sums.valid >= FEWEST).all()
        pulls.append((found.estimate.value - 1) / found.estimate.error)
    assert np.mean(np.square(pulls)) < 3


def test_a_channel_without_points_does_not_stop(
    make_sampler: Any, spec: Any, function: Any
) -> None:
    """A channel that no block has met yet has no error: the sum of the others is not σ."""
    sampler = make_sampler(function(1, lambda x: x[:, 0], (1.0, 2.0)))
    shares = torch.tensor([0.999, 0.001], dtype=torch.float64)
    found = _integrate(
        spec(sampler, block_size=100), shares, evaluations=20_000, relative_error=0.2
    )
    assert found.sums.n == 20_000
    assert abs(found.estimate.value - 0.5) < 5 * found.estimate.error


def test_a_zero_integrand_does_not_stop_early(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, lambda x: 0 * x[:, 0]))
    found = _integrate(spec(sampler), evaluations=3000, relative_error=0.1)
    assert found.sums.n == 3000
    assert (found.estimate.value, found.estimate.error) == (0.0, 0.0)


class Backwards:
    """Computes everything submitted, last first."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        self._tasks.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        while self._tasks:
            task = self._tasks.pop()
            yield task, task.run()

    def cancel(self) -> None:
        self._tasks.clear()


def test_order_of_completion_does_not_matter(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(2, lambda x: x[:, 0] ** 3 * x[:, 1], (1.0, 2.0)))
    for relative_error in (0.0, 0.05):
        results = [
            integrate(
                spec(sampler),
                executor,
                Silent(),
                seed=1,
                stage="integrate",
                evaluations=8000,
                shares=even_shares(2),
                relative_error=relative_error,
            )
            for executor in (SerialExecutor(), Backwards())
        ]
        assert results[0].running == results[1].running


def _sometimes_nan(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x[:, 0] > 0.99, torch.nan, x[:, 0])


def test_few_invalid_points_are_counted_and_told(
    make_sampler: Any, spec: Any, function: Any
) -> None:
    sampler = make_sampler(function(1, _sometimes_nan))
    found = _integrate(spec(sampler, max_invalid_fraction=0.05))
    draws = [sampler.draw(1, "integrate", b, 1000, even_shares(1)) for b in range(10)]
    weight = torch.cat([d.weight for d in draws])
    bad = torch.nonzero(weight.isnan())[:, 0]
    assert found.sums.invalid.tolist() == [len(bad)]
    valid = weight[~weight.isnan()]
    assert found.estimate.value == pytest.approx(float(valid.mean()), rel=1e-12)
    assert found.weights[0].size == len(valid)
    block, row = divmod(int(bad[0]), 1000)
    u = float(draws[block].u[row, 0])
    assert found.invalid == (
        f"integrate block {block}, point {row}: weight nan, channel 0, u = [{u}]"
    )


def test_many_invalid_points_stop(make_sampler: Any, spec: Any, function: Any) -> None:
    sampler = make_sampler(function(1, _sometimes_nan))
    with pytest.raises(NumericalError, match=r"of 1000 points have NaN or infinite weight .*u = "):
        _integrate(spec(sampler, max_invalid_fraction=1e-3))


class Parted:
    """Value x split into parts x/4 and 3x/4; 0 below ½."""

    n_dim = 1
    channels = ("only",)

    def evaluate(self, u: torch.Tensor, channel: torch.Tensor) -> Evaluation:
        value = torch.where(u[:, 0] < 0.5, torch.zeros_like(u[:, 0]), u[:, 0])
        return Evaluation(
            value, torch.zeros_like(u), None, torch.stack([value / 4, 3 * value / 4], 1)
        )


def test_parts_are_weighed_like_the_whole(make_sampler: Any, spec: Any) -> None:
    sampler = make_sampler(Parted(), "vegas", "prior", bins=8, iterations=3, damping=0.7)
    sampler.mapping.fit(SamplerSource(sampler, seed=2), Budget(3000), BuildContext())
    found = _integrate(spec(sampler))
    first, second = found.sums.part_estimates()
    assert first.value == pytest.approx(found.estimate.value / 4, rel=1e-12)
    assert second.value == pytest.approx(3 * found.estimate.value / 4, rel=1e-12)
