"""Event files of a run with a program: kept events of all batches, scaled so that their mean is σ."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from crosshook.core.context import BuildContext
from crosshook.core.driving.choice import BLOCK
from crosshook.core.driving.tally import Tally
from crosshook.core.errors import NumericalError
from crosshook.core.events.files import open_events
from crosshook.core.events.generator_name import generator_names
from crosshook.core.events.run_info import ProcessInfo, RunInfo, noted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from crosshook.core.component import Slot
    from crosshook.core.config import HistogramSpec
    from crosshook.core.driving.config import DrivenConfig
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.interfaces.event_format import EventFormat, EventWriter
    from crosshook.core.registry import Registry

ROUNDING: Final = 1e-9
"""Relative excess up to which a weight is the common one: digits of the files in between."""


@dataclass(frozen=True)
class Written:
    """The files' content in figures.

    Attributes:
        events: written.
        overweights: events above the common weight.
        overweight_share: their excess over Σ w.
        kish: Kish's fraction of the events.
        histograms: Σ w and Σ w² in bins of each histogram, `(2, bins + 2)`.
        total: Σ w in pb.
        squares: Σ w².
    """

    events: int
    overweights: int
    overweight_share: float
    kish: float
    histograms: list[np.ndarray]
    total: float
    squares: float


def file_info(
    config: DrivenConfig,
    first: RunInfo,
    shares: dict[int, float],
    sigma: tuple[float, float],
    largest: float,
) -> RunInfo:
    """The init block: the program's own, with weights whose mean is σ.

    Args:
        config: the run.
        first: what the first batch said.
        shares: of the processes in σ.
        sigma: σ and its error in pb.
        largest: |weight| in pb.
    """
    processes = tuple(
        # Errors of the processes such that their quadratic sum is the error of σ.
        ProcessInfo(n, sigma[0] * share, sigma[1] * math.sqrt(abs(share)), largest)
        for n, share in sorted(shares.items())
    )
    named = first.generators or tuple((name, "", "") for name in generator_names(first))
    own = ("crosshook", metadata.version("crosshook"), "unweighted")
    told = noted(first, "crosshook", json.dumps(config.document, indent=1) + "\n")
    return replace(
        told,
        weighting=-4,
        processes=processes,
        generators=(*named, own),
        init_extra=(),
        trailer="",
    )


def write_events(
    parts: Sequence[Path],
    paths: Sequence[tuple[Path, Slot]],
    info: RunInfo,
    scale: float,
    events: int,
    maximum: float,
    histograms: tuple[HistogramSpec, ...],
    registry: Registry,
) -> Written:
    """Writes the kept events to all files at once.

    Args:
        parts: files of kept events, in order.
        paths: files to write, with the event_format component of each.
        info: the init block.
        scale: of the weights.
        events: to write; more are cut off at the end.
        maximum: weight before scaling of an event that is no overweight.
        histograms: to fill.
        registry: knows the formats.
    """
    tally = Tally.empty(histograms)
    writers: list[EventWriter] = []
    with ExitStack() as stack:  # on any error, an interrupt included, no file is left behind
        for path, slot in paths:
            chosen = cast("EventFormat", registry.build("event_format", slot, BuildContext()))
            writers.append(stack.enter_context(chosen.write(path, info)))
        for batch in _kept(parts, events, registry):
            own = replace(info, weights=batch.info.weights, weight_groups=batch.info.weight_groups)
            scaled = replace(batch.with_weights(scale), info=own)
            for writer in writers:
                writer.write(scaled)
            tally.keep(scaled, histograms)
        for writer in writers:
            writer.close()
    weight, usual = tally.kept, maximum * scale
    size = np.abs(weight)
    over = size > usual * (1 + ROUNDING)
    total, squares = float(weight.sum()), float((weight**2).sum())
    if not total:
        message = "the weights of the kept events cancel; nothing can be scaled to σ"
        raise NumericalError(message)
    return Written(
        len(weight),
        int(np.count_nonzero(over)),
        float((size[over] - usual).sum()) / float(size.sum()),
        total**2 / (len(weight) * squares),
        [sums[1] for sums in tally.histograms],
        total,
        squares,
    )


def _kept(parts: Sequence[Path], events: int, registry: Registry) -> Iterator[EventBatch]:
    missing = events
    for part in parts:
        with open_events(part, BLOCK, registry) as stream:
            for batch in stream:
                if missing > 0:
                    yield batch[:missing]
                missing -= len(batch)
