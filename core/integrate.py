"""Integration: a frozen sampler over numbered blocks, to a cross section with its error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.execute import Task, in_order
from crosshook.core.histograms import Histogram, HistogramSums, fill_sample, finish
from crosshook.core.process.bias import Bias
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.invalid import check_invalid, first_invalid
from crosshook.core.sampling.sums import Estimate, Sums, add_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.config import HistogramSpec
    from crosshook.core.execute import Executor
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.build import SamplerSpec
    from crosshook.core.sampling.sampler import Sample

WEIGHTS_KEPT = 4_000_000
"""Points whose weights are kept for efficiencies; beyond it, N in the report says so."""

FEWEST = 100
"""Points of a channel below which its error is a guess, and no reason to stop."""

BLOCK_FUNCTION = "crosshook.core.integrate:weighted_block"


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
    """

    sums: Sums
    histograms: tuple[HistogramSums, ...]
    channel: NDArray[np.int64]
    weight: NDArray[np.float64]
    invalid: str


@dataclass(frozen=True)
class Weighted:
    """A stage of weighted points.

    Attributes:
        stage: its name.
        sums: sums over all its points.
        blocks: number of blocks.
        block_estimates: the integral of each block, `(blocks,)` in pb.
        block_errors: their standard errors.
        running: points so far, cross section and error in pb after each block.
        histograms: finished histograms.
        weights: for each channel, v of the points kept for efficiencies.
        invalid: the first point with NaN or infinite weight in words, or `""`.
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

    @property
    def estimate(self) -> Estimate:
        """The integral of the stage."""
        return self.sums.estimate()


def weighted_block(
    spec: SamplerSpec,
    seed: int,
    stage: str,
    block: int,
    n: int,
    shares: Tensor,
    histograms: tuple[HistogramSpec, ...],
    keep_weights: bool,
    biased: bool = False,
) -> WeightedBlock:
    """Computes one block; runs wherever the executor puts it."""
    sampler = spec.sampler()
    with torch.no_grad():
        sample = sampler.draw(seed, stage, block, n, shares)
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
    )


def block_sums(sample: Sample, k: int) -> Sums:
    """Sums of a block, process by process where the integrand tells them apart."""
    parts = sample.evaluation.parts
    if parts is not None:
        value = sample.evaluation.value
        ratio = torch.where(value == 0, torch.zeros_like(value), sample.weight / value)
        parts = parts * ratio[:, None]
    return Sums.of(sample.channel, sample.weight, k, parts)


def integrate(
    spec: SamplerSpec,
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
) -> Weighted:
    """Integrates a frozen sampler.

    Args:
        spec: the sampler.
        executor: runs the blocks.
        progress: told after every block.
        seed: of the random streams.
        stage: names the stage and its random streams.
        evaluations: points at most, rounded up to whole blocks.
        shares: p_c, `(k,)`.
        relative_error: stop at the first block after which the error is this small and every
            channel has `FEWEST` points; 0 never stops.
        histograms: to fill on the way.
        biased: whether the weights kept are multiplied by `generate.bias`; the sums never are.

    Returns:
        The stage's sums, histograms and weights.

    Raises:
        NumericalError: if too many points are invalid.
    """
    config = spec.config()
    size = config.block_size
    count = -(-evaluations // size)
    results: list[WeightedBlock] = []
    first = ""
    running: Sums | None = None
    history: list[tuple[int, float, float]] = []
    for result in _blocks(spec, executor, seed, stage, count, size, shares, histograms, biased):
        results.append(result)
        first = first or result.invalid
        running = result.sums if running is None else running + result.sums
        estimate = running.estimate()
        history.append((running.n, estimate.value, estimate.error))
        check_invalid(running, config.max_invalid_fraction, first)
        progress.update(stage, len(results), count, sigma=estimate.value, error=estimate.error)
        told = bool((running.valid >= FEWEST).all())
        if told and 0 < estimate.error <= relative_error * abs(estimate.value):
            executor.cancel()
            break
    sums = add_in_order([r.sums for r in results])
    finished = tuple(
        finish(h, _add([r.histograms[i] for r in results]), sums) for i, h in enumerate(histograms)
    )
    return Weighted(
        stage,
        sums,
        len(results),
        np.array([r.sums.estimate().value for r in results]),
        np.array([r.sums.estimate().error for r in results]),
        tuple(history),
        finished,
        _by_channel(results, len(shares)),
        first,
    )


def _blocks(
    spec: SamplerSpec,
    executor: Executor,
    seed: int,
    stage: str,
    count: int,
    size: int,
    shares: Tensor,
    histograms: tuple[HistogramSpec, ...],
    biased: bool,
) -> Iterator[WeightedBlock]:
    tasks = (
        Task(
            block,
            BLOCK_FUNCTION,
            {
                "spec": spec,
                "seed": seed,
                "stage": stage,
                "block": block,
                "n": size,
                "shares": shares,
                "histograms": histograms,
                "keep_weights": block * size < WEIGHTS_KEPT,
                "biased": biased,
            },
        )
        for block in range(count)
    )
    for _, result in in_order(executor, tasks):
        assert isinstance(result, WeightedBlock)
        yield result


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
