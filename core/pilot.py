"""The pilot of a run with an amplitude surrogate: exact weights, estimates, and what both cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.execute import Task, in_order
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.process.bias import Bias
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.candidates import Spent, SurrogateCandidates, costs_of
from crosshook.core.sampling.invalid import check_invalid
from crosshook.core.sampling.sums import Sums, add_in_order

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.build import SamplerSpec

BLOCK_FUNCTION = "crosshook.core.pilot:pilot_block"
STAGE = "pilot"


@dataclass(frozen=True)
class PilotBlock:
    """What one block gives back.

    Attributes:
        sums: over its points.
        channel: of each point, `(n,)`.
        weight: exact, times the bias, `(n,)`; 0 where it is no number.
        surrogate: estimated, times the bias, `(n,)`.
        spent: on its points.
        invalid: the first invalid point in words, or `""`.
    """

    sums: Sums
    channel: Tensor
    weight: Tensor
    surrogate: Tensor
    spent: Spent
    invalid: str


def pilot_block(spec: SamplerSpec, seed: int, block: int, n: int, shares: Tensor) -> PilotBlock:
    """Computes one block; runs wherever the executor puts it."""
    sampler, element = spec.sampler(), spec.surrogate()
    assert isinstance(sampler.integrand, ScatteringProcess)
    assert element is not None
    bias = Bias(spec.config().bias, sampler.integrand)
    with torch.no_grad():
        points = SurrogateCandidates.draw(sampler, seed, STAGE, block, n, shares, 0, element, bias)
        surrogate = points.surrogate()
        weight = points.weight(torch.arange(n, device=points.channel.device))
    return PilotBlock(
        points.sums(None),
        points.channel.cpu(),
        weight.cpu(),
        surrogate.cpu(),
        points.spent,
        points.first_invalid(f"{STAGE} block {block}"),
    )


LOOSEST = 2.0
"""Variance of a point whose weight is known by chance, over that of one whose weight is known."""


def points_count(pilot: Pilot, unweighter: Unweighter) -> bool:
    """Whether points of the generation are to enter the cross section.

    Their weights are known with a chance p: s + (w - s)/p stands for w where it is, s elsewhere,
    which adds (w - s)²(1/p - 1) to the variance. Of a poor surrogate that is more than such points
    are worth; it is decided beforehand, so that the cross section stays unbiased.

    Args:
        pilot: its points.
        unweighter: fitted.
    """
    rows = torch.arange(len(pilot.weight), device=pilot.weight.device)
    never = torch.ones((len(rows), unweighter.n_uniform), dtype=torch.float64, device=rows.device)
    chance = unweighter.unweight(_Known(pilot), never).chance
    if chance is None or pilot.surrogate is None:
        return True
    added = (pilot.weight - pilot.surrogate).square() * (1.0 / chance - 1.0)
    added = torch.where(chance < 1, added, torch.zeros_like(added))
    plain = extra = 0.0
    for c in range(pilot.n_channels):
        own = pilot.channel == c
        if int(own.sum()) > 1:
            plain += float(pilot.weight[own].var())
            extra += float(added[own].mean())
    return plain + extra <= LOOSEST * plain


class _Known:
    """The points of a pilot as candidates."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self.channel = pilot.channel

    def surrogate(self) -> Tensor:
        """As estimated in the pilot."""
        return self._pilot.weight if self._pilot.surrogate is None else self._pilot.surrogate

    def weight(self, index: Tensor) -> Tensor:
        """As computed in the pilot."""
        return self._pilot.weight[index]


def run_pilot(
    spec: SamplerSpec,
    executor: Executor,
    progress: Progress,
    *,
    seed: int,
    evaluations: int,
    shares: Tensor,
) -> tuple[Pilot, Sums]:
    """Weighs points exactly and by the surrogate.

    Args:
        spec: sampler and surrogate.
        executor: runs the blocks.
        progress: told after every block.
        seed: of the random streams.
        evaluations: points, rounded up to whole blocks.
        shares: p_c, `(k,)`.

    Returns:
        What the unweighter is fitted to, and the sums over all points.

    Raises:
        NumericalError: if too many points are invalid.
    """
    config = spec.config()
    count = -(-evaluations // config.block_size)
    tasks = (
        Task(
            block,
            BLOCK_FUNCTION,
            {
                "spec": spec,
                "seed": seed,
                "block": block,
                "n": config.block_size,
                "shares": shares,
            },
        )
        for block in range(count)
    )
    blocks: list[PilotBlock] = []
    running: Sums | None = None
    for _, result in in_order(executor, tasks):
        assert isinstance(result, PilotBlock)
        blocks.append(result)
        running = result.sums if running is None else running + result.sums
        first = next((b.invalid for b in blocks if b.invalid), "")
        check_invalid(running, config.max_invalid_fraction, first)
        estimate = running.estimate()
        progress.update(STAGE, len(blocks), count, sigma=estimate.value, error=estimate.error)
    pilot = Pilot(
        torch.cat([b.weight for b in blocks]),
        torch.cat([b.channel for b in blocks]),
        len(shares),
        torch.cat([b.surrogate for b in blocks]),
        costs_of([b.spent for b in blocks]),
    )
    return pilot, add_in_order([b.sums for b in blocks])
