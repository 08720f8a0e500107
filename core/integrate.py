"""Integration: a frozen sampler over numbered blocks, to a cross section with its error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from crosshook.core.execute import Task, in_order
from crosshook.core.histograms import (
    Histogram,
    HistogramSums,
    fill_sample,
    finish,
    finish_replicas,
)
from crosshook.core.process.bias import Bias
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.balance import balance_sums
from crosshook.core.sampling.invalid import check_invalid, first_invalid
from crosshook.core.sampling.replicas import FEWEST_REPLICAS, replica_errors, replica_size
from crosshook.core.sampling.sums import Estimate, Sums, add_in_order, block_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.config import HistogramSpec
    from crosshook.core.execute import Executor
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.latents import Latents
    from crosshook.core.sampling.sampler import Sampler

WEIGHTS_KEPT = 4_000_000
"""Points whose weights are kept for efficiencies; beyond it, N in the report says so."""

FEWEST = 100
"""Points of a channel below which its error is a guess, and no reason to stop."""

BLOCK_FUNCTION = "crosshook.core.integrate:weighted_block"


class StageSettings(Protocol):
    """The part of a configuration that blocks depend on."""

    @property
    def block_size(self) -> int:
        """Points in a block."""
        ...

    @property
    def max_invalid_fraction(self) -> float:
        """Share of invalid points above which a stage stops."""
        ...

    @property
    def bias(self) -> str | None:
        """Expression of `generate.bias`."""
        ...


class Recipe(Protocol):
    """What a worker builds a sampler from."""

    def sampler(self) -> Sampler:
        """The sampler."""
        ...

    def config(self) -> StageSettings:
        """The settings."""
        ...


@dataclass(frozen=True)
class WeightedBlock:
    """What one block gives back.

    Attributes:
        sums: sums over its points.
        histograms: one entry a histogram asked for.
        channel: channel of each point, `(n,)`, if weights were asked for.
        weight: v of each point, `(n,)`, likewise, times its bias if that was asked for; NaN where
            invalid.
        invalid: the first invalid point in words, or `""`.
        balance: sums that tell whether channels agree, `(2, k)`.
    """

    sums: Sums
    histograms: tuple[HistogramSums, ...]
    channel: NDArray[np.int64]
    weight: NDArray[np.float64]
    invalid: str
    balance: NDArray[np.float64]


@dataclass(frozen=True)
class Weighted:
    """A stage of weighted points.

    Attributes:
        stage: its name.
        sums: sums over all its points.
        blocks: number of blocks.
        block_estimates: the integral of each block, `(blocks,)` in pb.
        block_errors: their standard errors; NaN where the points of a block are no random sample.
        running: points so far, cross section and error in pb after each block.
        histograms: finished histograms.
        weights: for each channel, v of the points kept for efficiencies.
        invalid: the first point with NaN or infinite weight in words, or `""`.
        latents: how the random numbers of a block hang together.
        replicas: standard error of each channel from the spread of blocks, `(k,)` in pb, where
            points are no random sample.
        balance: sums of each block that tell whether channels agree, `(blocks, 2, k)`; see
            `crosshook.core.sampling.balance`.
    """

    stage: str
    sums: Sums
    blocks: int
    block_estimates: NDArray[np.float64]
    block_errors: NDArray[np.float64]
    running: tuple[tuple[int, float, float], ...]
    histograms: tuple[Histogram, ...] = ()
    weights: list[NDArray[np.float64]] = field(default_factory=list)
    invalid: str = ""
    latents: Latents = "random"
    replicas: NDArray[np.float64] | None = None
    balance: NDArray[np.float64] | None = None

    @property
    def estimate(self) -> Estimate:
        """The integral of the stage."""
        return _estimate(self.sums, self.replicas)

    @property
    def channel_errors(self) -> NDArray[np.float64]:
        """Standard error of each channel's part, `(k,)` in pb."""
        return self.sums.errors() if self.replicas is None else self.replicas


def _estimate(sums: Sums, replicas: NDArray[np.float64] | None) -> Estimate:
    found = sums.estimate()
    if replicas is None:
        return found
    return Estimate(found.value, float(np.sqrt(np.sum(replicas**2))))


def weighted_block(
    spec: Recipe,
    seed: int,
    stage: str,
    block: int,
    n: int,
    shares: Tensor,
    histograms: tuple[HistogramSpec, ...],
    keep_weights: bool,
    biased: bool = False,
    latents: Latents = "random",
) -> WeightedBlock:
    """Computes one block; runs wherever the executor puts it."""
    sampler = spec.sampler()
    with torch.no_grad():
        sample = sampler.draw(seed, stage, block, n, shares, latents=latents)
    filled: tuple[HistogramSums, ...] = ()
    if histograms:
        assert isinstance(sampler.integrand, ScatteringProcess)
        filled = tuple(fill_sample(h, sample, sampler.integrand) for h in histograms)
    kept = slice(None if keep_weights else 0)
    weight = sample.weight
    if biased:
        assert isinstance(sampler.integrand, ScatteringProcess)
        weight = weight * Bias(spec.config().bias, sampler.integrand).of(sample)
    return WeightedBlock(
        block_sums(sample, sampler.n_channels),
        filled,
        sample.channel[kept].cpu().numpy(),
        weight[kept].cpu().numpy(),
        first_invalid(sample, f"{stage} block {block}"),
        balance_sums(sample, shares),
    )


def integrate(
    spec: Recipe,
    executor: Executor,
    progress: Progress,
    *,
    seed: int,
    stage: str,
    evaluations: int,
    shares: Tensor,
    relative_error: float = 0.0,
    histograms: tuple[HistogramSpec, ...] = (),
    biased: bool = False,
    latents: Latents = "random",
) -> Weighted:
    """Integrates a frozen sampler.

    Args:
        spec: the sampler.
        executor: runs the blocks.
        progress: told after every block.
        seed: of the random streams.
        stage: names the stage and its random streams.
        evaluations: points at most, rounded up to whole blocks; with latents that are not random
            rounded down to at least `FEWEST_REPLICAS` blocks of a power of two.
        shares: p_c, `(k,)`.
        relative_error: stop at the first block after which the error is this small and every
            open channel has `FEWEST` points (and there are `FEWEST_REPLICAS` blocks where these are
            nets); 0 never stops.
        histograms: to fill on the way.
        biased: whether the weights kept are multiplied by `generate.bias`; the sums never are.
        latents: where the random numbers of a block come from.

    Returns:
        The stage's sums, histograms and weights.

    Raises:
        ConfigurationError: if there are too few evaluations for the replicas that nets need.
        NumericalError: if too many points are invalid.
    """
    config = spec.config()
    nets = latents != "random"
    size = config.block_size
    if nets:
        size = replica_size(evaluations, size, f"{stage}: latents {latents}")
    count = evaluations // size if nets else -(-evaluations // size)
    tasks = _tasks(
        count,
        spec=spec,
        seed=seed,
        stage=stage,
        n=size,
        shares=shares,
        histograms=histograms,
        biased=biased,
        latents=latents,
    )
    results: list[WeightedBlock] = []
    first = ""
    running: Sums | None = None
    history: list[tuple[int, float, float]] = []
    for result in _blocks(executor, tasks):
        results.append(result)
        first = first or result.invalid
        running = result.sums if running is None else running + result.sums
        replicas = _replicas(results) if nets else None
        estimate = _estimate(running, replicas)
        if not nets or len(results) > 1:
            history.append((running.n, estimate.value, estimate.error))
        check_invalid(running, config.max_invalid_fraction, first)
        progress.update(stage, len(results), count, sigma=estimate.value, error=estimate.error)
        told = bool((running.valid >= FEWEST)[shares.numpy() > 0].all())
        told &= not nets or len(results) >= FEWEST_REPLICAS
        if told and 0 < estimate.error <= relative_error * abs(estimate.value):
            executor.cancel()
            break
    sums = add_in_order([r.sums for r in results])
    finished = tuple(
        finish_replicas(h, [r.histograms[i] for r in results], [r.sums for r in results])
        if nets
        else finish(h, _add([r.histograms[i] for r in results]), sums)
        for i, h in enumerate(histograms)
    )
    return Weighted(
        stage,
        sums,
        len(results),
        np.array([r.sums.estimate().value for r in results]),
        np.array([np.nan if nets else r.sums.estimate().error for r in results]),
        tuple(history),
        finished,
        _by_channel(results, len(shares)),
        first,
        latents,
        _replicas(results) if nets else None,
        np.stack([r.balance for r in results]),
    )


def _tasks(count: int, *, n: int, **arguments: object) -> Iterator[Task]:
    for block in range(count):
        kept = block * n < WEIGHTS_KEPT
        given = {"block": block, "n": n, "keep_weights": kept, **arguments}
        yield Task(block, BLOCK_FUNCTION, given)


def _blocks(executor: Executor, tasks: Iterator[Task]) -> Iterator[WeightedBlock]:
    for _, result in in_order(executor, tasks):
        assert isinstance(result, WeightedBlock)
        yield result


def _replicas(results: list[WeightedBlock]) -> NDArray[np.float64]:
    """Standard errors of the channels from the spread of blocks, `(k,)`."""
    totals = np.stack([r.sums.total for r in results])
    return replica_errors(totals, np.stack([r.sums.valid for r in results]))


def _add(filled: list[HistogramSums]) -> HistogramSums:
    total = filled[0]
    for further in filled[1:]:
        total = total + further
    return total


def _by_channel(results: list[WeightedBlock], k: int) -> list[NDArray[np.float64]]:
    channel = np.concatenate([r.channel for r in results])
    weight = np.concatenate([r.weight for r in results])
    usable = np.isfinite(weight)
    return [weight[usable & (channel == c)] for c in range(k)]
