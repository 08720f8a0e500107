"""Generation: unweighted events from a frozen sampler, block by block.

Blocks write their kept events to parts; sums and file names come back. The events of a run are the
kept events of the first blocks, in order, until there are enough; the surplus is cut from the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.assemble_block import ROUNDING
from crosshook.core.errors import NumericalError
from crosshook.core.events.parts import WeightFigures, save_part
from crosshook.core.events.run_info import RunInfo
from crosshook.core.execute import Task, in_order
from crosshook.core.part_ledger import EventBlock, part_digest, part_path, remove_part
from crosshook.core.process.bias import Bias
from crosshook.core.process.completion import choose_assignments, complete
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.variations import plan_variations, variation_factors
from crosshook.core.sampling.candidates import SampleCandidates, SurrogateCandidates
from crosshook.core.sampling.invalid import check_invalid
from crosshook.core.sampling.sums import Sums, add_in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from crosshook.core.execute import Executor
    from crosshook.core.part_ledger import PartLedger
    from crosshook.core.progress import Progress
    from crosshook.core.sampling.build import SamplerSpec
    from crosshook.core.sampling.candidates import EventCandidates, Spent

BLOCK_FUNCTION = "crosshook.core.generate:event_block"
STAGE = "generate"
FLAVOUR, COLOUR, N_OWN = 0, 1, 2
"""Columns of a point's further random numbers; the unweighter's come after them."""


@dataclass(frozen=True)
class Generated:
    """A finished generation.

    Attributes:
        blocks: in order; together they have at least the events asked for.
        sums: over all points of these blocks.
        events: asked for.
    """

    blocks: tuple[EventBlock, ...]
    sums: Sums
    events: int

    @property
    def kept(self) -> int:
        """Events kept, the surplus included."""
        return sum(b.kept for b in self.blocks)

    @property
    def spent(self) -> Spent | None:
        """What its points have cost, if that was counted."""
        total: Spent | None = None
        for spent in (b.spent for b in self.blocks if b.spent is not None):
            total = spent if total is None else total + spent
        return total

    @property
    def invalid(self) -> str:
        """The first point with NaN or infinite weight in words, or `""`."""
        return next((b.invalid for b in self.blocks if b.invalid), "")


def levelled(
    index: Tensor, weight: Tensor, common: float, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    """Unweights what is left below the common weight: the events of channels with a raised share.

    A channel drawn more often than its maximum asks for gives events of smaller weight. They are
    kept with probability |w|/common and then have the common weight, sign and mean unchanged.
    Weights that differ from it by rounding only become equal to the last digit.

    Args:
        index: kept points, `(j,)` int64.
        weight: their weights in pb, `(j,)`.
        common: weight of an event that is no overweight, in pb.
        uniform: one random number in [0, 1) for each point of the block, `(n,)`.

    Returns:
        The points that stay, and their weights.
    """
    ratio = weight.abs() / common
    stays = torch.nonzero((ratio >= 1 - ROUNDING) | (uniform[index] < ratio))[:, 0]
    level = torch.where(ratio <= 1 + ROUNDING, torch.sign(weight) * common, weight)
    return index[stays], level[stays]


def event_block(
    spec: SamplerSpec, seed: int, block: int, n: int, shares: Tensor, folder: str
) -> EventBlock:
    """Computes one block; runs wherever the executor puts it."""
    sampler, unweighter, config = spec.sampler(), spec.unweighter(), spec.config()
    process = sampler.integrand
    assert isinstance(process, ScatteringProcess)
    with torch.no_grad():
        candidates = _candidates(spec, seed, block, n, shares, N_OWN + unweighter.n_uniform)
        kept = unweighter.unweight(candidates, candidates.extra[:, N_OWN:])
        share = shares.to(sampler.device)[candidates.channel[kept.index]]
        index, weight = levelled(
            kept.index,
            kept.factor * candidates.weight(kept.index) / share,
            common_weight(unweighter.maxima().cpu().numpy(), shares),
            random.uniform(seed, f"{STAGE}/level", block, (n,)).to(sampler.device),
        )
        spent = candidates.spent
        weight = weight / candidates.bias[index]
        points = candidates.points(index)
        uniform = candidates.extra[index]
        chosen = choose_assignments(points, uniform[:, FLAVOUR])
        plan = plan_variations(process, config.scale_variations, config.pdf_variations)
        batch = complete(process, points, chosen, weight, uniform[:, COLOUR], RunInfo())
        varied = variation_factors(process, points, chosen, plan) * weight[:, None]
    path = part_path(Path(folder), block)
    info = RunInfo(weights=tuple(v.weight for v in plan))
    save_part(path, batch.with_table(info, varied.cpu().numpy()))
    return EventBlock(
        block,
        candidates.sums(kept.chance),
        len(batch),
        WeightFigures.of(batch.event, process.process_ids),
        str(path),
        part_digest(path),
        candidates.first_invalid(f"{STAGE} block {block}"),
        spent,
    )


def _candidates(
    spec: SamplerSpec, seed: int, block: int, n: int, shares: Tensor, n_extra: int
) -> EventCandidates:
    """The points of a block, with cheap estimates of their weights if the run has a surrogate."""
    sampler, element = spec.sampler(), spec.surrogate()
    process = sampler.integrand
    assert isinstance(process, ScatteringProcess)
    bias = Bias(spec.config().bias, process)
    if element is not None:
        return SurrogateCandidates.draw(
            sampler, seed, STAGE, block, n, shares, n_extra, element, bias
        )
    sample = sampler.draw(seed, STAGE, block, n, shares, n_extra)
    return SampleCandidates(sample, bias.of(sample))


def generate_events(
    spec: SamplerSpec,
    executor: Executor,
    progress: Progress,
    *,
    seed: int,
    events: int,
    shares: Tensor,
    folder: Path,
    ledger: PartLedger | None = None,
) -> Generated:
    """Generates until there are enough events.

    Args:
        spec: sampler and fitted unweighter.
        executor: runs the blocks.
        progress: told after every block.
        seed: of the random streams.
        events: how many to generate.
        shares: p_c, `(k,)`.
        folder: where parts go.
        ledger: of the parts: blocks written down there are not computed again.

    Returns:
        The blocks whose events make the sample.

    Raises:
        NumericalError: if too many points are invalid, or the evaluations allowed do not suffice.
    """
    config = spec.config()
    size, most = config.block_size, config.max_evaluations
    blocks: list[EventBlock] = []
    kept = 0
    first = ""
    running: Sums | None = None

    def limit() -> int:
        if kept >= events:
            return len(blocks)
        return min(_wanted(events, kept, len(blocks), size), -(-most // size))

    for block in _run(spec, executor, seed, limit, size, shares, folder, ledger):
        if kept >= events:
            remove_part(block)
            continue
        blocks.append(block)
        kept += block.kept
        first = first or block.invalid
        running = block.sums if running is None else running + block.sums
        check_invalid(running, config.max_invalid_fraction, first)
        done = min(kept, events)
        progress.update(STAGE, done, events, efficiency=kept / (len(blocks) * size))
    if kept < events:
        message = (
            f"{kept} of {events} events after {len(blocks) * size} evaluations "
            f"(generate.max_evaluations: {most})"
        )
        raise NumericalError(message)
    return Generated(tuple(blocks), add_in_order([b.sums for b in blocks]), events)


def _wanted(events: int, kept: int, blocks: int, size: int) -> int:
    """Blocks that will be needed, as far as is known after the first of them.

    Never more than will be, but by chance: the efficiency is taken to be two of its errors better
    than found, and of blocks not computed yet it is known only that they keep no more than they
    draw.
    """
    if blocks == 0:
        return -(-events // size)
    if kept == 0:
        return 2 * blocks
    further = (events - kept) * blocks / kept * (1 - 2 / math.sqrt(kept))
    return blocks + max(1, math.ceil(further))


def _run(
    spec: SamplerSpec,
    executor: Executor,
    seed: int,
    limit: Callable[[], int],
    size: int,
    shares: Tensor,
    folder: Path,
    ledger: PartLedger | None,
) -> Iterator[EventBlock]:
    """Blocks in order, as many as there are below a limit that is known better and better."""

    @cache
    def done(number: int) -> EventBlock | None:
        return None if ledger is None else ledger.find(number)

    common = {"spec": spec, "seed": seed, "n": size, "shares": shares, "folder": str(folder)}
    tasks = (
        Task(number, BLOCK_FUNCTION, {**common, "block": number})
        for number in count()
        if done(number) is None
    )
    computed = in_order(executor, tasks, limit)
    number = 0
    while number < limit():
        block = done(number)
        if block is None:
            _, result = next(computed)
            assert isinstance(result, EventBlock)
            block = result
            if ledger is not None:
                ledger.add(block)
        yield block
        number += 1
    for _, surplus in computed:
        assert isinstance(surplus, EventBlock)
        yield surplus


def common_weight(maxima: np.ndarray, shares: Tensor) -> float:
    """The weight of every event that is no overweight, in pb.

    Shares in proportion to the maxima give all channels the same; a channel whose share was raised
    above its maximum's has a smaller one until its events are `levelled`.
    """
    drawn = shares.numpy() > 0
    return float(np.max(maxima[drawn] / shares.numpy()[drawn]))
