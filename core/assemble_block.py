"""One block of finished events: scaled, counted, and written as it will stand in the files.

Blocks are tasks of the assembly; what comes back are sums. Formats with the capability `composes`
write their part of a file here, and the manager puts the parts one behind the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.context import BuildContext
from crosshook.core.events.parts import load_part
from crosshook.core.histograms import bin_numbers, expression
from crosshook.core.process.bias import Bias
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import HistogramSpec
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import ComposingFormat
    from crosshook.core.sampling.build import SamplerSpec

OUTGOING = 1
ROUNDING = 1e-12
"""Relative difference from the common weight that the products of a weight explain."""


@dataclass(frozen=True)
class Assembly:
    """What every block of an assembly is told.

    Attributes:
        info: the init block.
        scale: factor on all weights.
        common: weight after scaling, times its bias, of an event that is no overweight, in pb.
        histograms: to fill.
        files: endings of the files that are composed, with their event_format components.
    """

    info: RunInfo
    scale: float
    common: float
    histograms: tuple[HistogramSpec, ...]
    files: tuple[tuple[str, Slot], ...]


@dataclass(frozen=True)
class BlockTally:
    """What was counted of a block.

    Attributes:
        weight: Σ w in pb.
        squares: Σ w².
        excess: Σ of what overweights are above the common weight.
        overweights: how many there are.
        varied: Σ of each further weight, `(v,)`.
        histograms: Σ w and Σ w² in each bin, `(2, bins + 2)` each.
    """

    weight: float
    squares: float
    excess: float
    overweights: int
    varied: NDArray[np.float64]
    histograms: tuple[NDArray[np.float64], ...]


def composed_part(part: Path, ending: str) -> Path:
    """Where the events of a block go as they will stand in a file."""
    return part.with_name(f"{part.stem}.events.{ending}")


def scaled_events(part: Path, events: int, assembly: Assembly) -> EventBatch:
    """The first events of a block, with the weights they will have."""
    return load_part(part, assembly.info)[:events].with_weights(assembly.scale)


def assemble_block(
    spec: SamplerSpec, assembly: Assembly, part: str, events: int, first: int
) -> BlockTally:
    """Counts a block and writes its parts of files; runs wherever the executor puts it.

    Args:
        spec: of the run.
        assembly: what all blocks have in common.
        part: path of the block's events.
        events: how many of them are wanted.
        first: number of the first one in the files, from 0.
    """
    process = spec.sampler().integrand
    assert isinstance(process, ScatteringProcess)
    batch = scaled_events(Path(part), events, assembly)
    config = spec.config()
    registry = default_registry(config.disable)
    for ending, slot in assembly.files:
        chosen = cast("ComposingFormat", registry.build("event_format", slot, BuildContext()))
        chosen.write_part(composed_part(Path(part), ending), batch, first)
    filled = tuple(np.zeros((2, h.bins + 2)) for h in assembly.histograms)
    weight = np.asarray(batch.event["weight"], np.float64)
    if not len(batch):
        return BlockTally(0.0, 0.0, 0.0, 0, batch.weights.sum(axis=0), filled)
    final = _final_state(batch)
    usual = assembly.common / Bias(config.bias, process).of_momenta(final).cpu().numpy()
    over = np.abs(weight) > usual * (1 + ROUNDING)
    for histogram, sums in zip(assembly.histograms, filled, strict=True):
        _fill(histogram, sums, final, weight, process)
    return BlockTally(
        float(weight.sum()),
        float((weight**2).sum()),
        float((np.abs(weight[over]) - usual[over]).sum()),
        int(over.sum()),
        batch.weights.sum(axis=0),
        filled,
    )


def _final_state(batch: EventBatch) -> Tensor:
    """Momenta of the final state, `(n, j, 4)` in GeV; every event has the same legs."""
    rows = int(batch.counts[0])
    status = np.asarray(batch.particle_columns["status"])[:rows]
    (group,) = batch.to_torch()
    return group.momenta[:, torch.from_numpy(status == OUTGOING)]


def _fill(
    histogram: HistogramSpec,
    sums: NDArray[np.float64],
    final: Tensor,
    weight: NDArray[np.float64],
    process: ScatteringProcess,
) -> None:
    """Adds Σ w and Σ w² of a batch."""
    index = bin_numbers(expression(histogram, process)(final), histogram).numpy()
    np.add.at(sums[0], index, weight)
    np.add.at(sums[1], index, weight**2)
