"""Generation: unweighted events from a frozen sampler, block by block.

Blocks write their kept events to parts; sums and file names come back. The events of a run are the
kept events of the first blocks, in order, until there are enough; the surplus is cut from the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.assemble_block import ROUNDING
from crosshook.core.errors import NumericalError
from crosshook.core.events.parts import save_part
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
    from collections.abc import Iterator

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
    size = config.block_size
    blocks: list[EventBlock] = []
    kept = drawn = 0
    first = ""
    running: Sums | None = None
    while kept < events:
        if drawn >= config.max_evaluations:
            message = (
                f"{kept} of {events} events after {drawn} evaluations "
                f"(generate.max_evaluations: {config.max_evaluations})"
            )
            raise NumericalError(message)
        allowed = -(-(config.max_evaluations - drawn) // size)
        wave = min(_wave(events - kept, kept, drawn, size), allowed)
        numbers = range(len(blocks), len(blocks) + wave)
        for block in _run(spec, executor, seed, numbers, size, shares, folder, ledger):
            if kept >= events:
                remove_part(block)
                continue
            blocks.append(block)
            kept += block.kept
            drawn += size
            first = first or block.invalid
            running = block.sums if running is None else running + block.sums
            check_invalid(running, config.max_invalid_fraction, first)
            progress.update(STAGE, min(kept, events), events, efficiency=kept / drawn)
    return Generated(tuple(blocks), add_in_order([b.sums for b in blocks]), events)


def _wave(missing: int, kept: int, drawn: int, size: int) -> int:
    """Blocks to submit at once: one to learn the efficiency, then as many as are missing."""
    if kept == 0:
        return 1
    return max(1, int(missing * drawn / kept / size))


def _run(
    spec: SamplerSpec,
    executor: Executor,
    seed: int,
    numbers: range,
    size: int,
    shares: Tensor,
    folder: Path,
    ledger: PartLedger | None,
) -> Iterator[EventBlock]:
    found: dict[int, EventBlock] = {}
    if ledger is not None:
        found = {n: block for n in numbers if (block := ledger.find(n)) is not None}
    tasks = (
        Task(
            number,
            BLOCK_FUNCTION,
            {
                "spec": spec,
                "seed": seed,
                "block": number,
                "n": size,
                "shares": shares,
                "folder": str(folder),
            },
        )
        for number in numbers
        if number not in found
    )
    computed = in_order(executor, tasks)
    for number in numbers:
        if number in found:
            yield found[number]
            continue
        _, result = next(computed)
        assert isinstance(result, EventBlock)
        if ledger is not None:
            ledger.add(result)
        yield result


def common_weight(maxima: np.ndarray, shares: Tensor) -> float:
    """The weight of every event that is no overweight, in pb.

    Shares in proportion to the maxima give all channels the same; a channel whose share was raised
    above its maximum's has a smaller one until its events are `levelled`.
    """
    drawn = shares.numpy() > 0
    return float(np.max(maxima[drawn] / shares.numpy()[drawn]))
