"""Assembly: blocks of events put together to files, scaled so that their mean weight is σ."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.events.parts import load_part
from crosshook.core.events.run_info import ProcessInfo, RunInfo
from crosshook.core.generate import ROUNDING
from crosshook.core.histograms import Histogram, bin_numbers, expression, finished
from crosshook.core.process.bias import Bias
from crosshook.core.process.variations import plan_variations, weight_groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.config import HistogramSpec, RunConfig
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.generate import Generated
    from crosshook.core.interfaces.event_format import EventFormat, EventWriter
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.sums import Sums

OUTGOING = 1


@dataclass(frozen=True)
class Assembled:
    """The files' content in figures.

    Attributes:
        events: written.
        overweights: events above the common weight, their bias counted in.
        overweight_share: their excess over Σ w.
        kish: Kish's fraction of the events.
        variations: mean of each further weight in pb, `(v,)`.
        histograms: of the events.
        paths: of the files.
    """

    events: int
    overweights: int
    overweight_share: float
    kish: float
    variations: NDArray[np.float64]
    histograms: tuple[Histogram, ...]
    paths: tuple[Path, ...]


def run_info(config: RunConfig, process: ScatteringProcess, sums: Sums) -> RunInfo:
    """The init block of the events of a run.

    Processes share their points, so that their own errors do not add in quadrature to that of σ.
    Readers add XERRUP so; the errors written are scaled until that is right.

    Args:
        config: the run.
        process: its process.
        sums: over all points after the training.
    """
    plan = plan_variations(process, config.scale_variations, config.pdf_variations)
    density = process.density
    # PDFSUP is the number of the very member used; sets without a number have 0.
    pdf_set = density.set_index + density.member if density and density.set_index else 0
    half = process.beams.energy / 2
    decay = process.phase_space.n_incoming == 1
    parts = sums.part_estimates()
    together = math.hypot(*(part.error for part in parts))
    scale = sums.estimate().error / together if together else 1.0
    processes = tuple(
        ProcessInfo(number, part.value, part.error * scale, 0.0)
        for number, part in zip(process.process_ids, parts, strict=True)
    )
    return RunInfo(
        beams=process.beams.pdg,
        energies=(process.beams.energy, 0.0) if decay else (half, half),
        pdf_groups=(0, 0),
        pdf_sets=(pdf_set, pdf_set),
        weighting=-4,
        processes=processes,
        generators=(("crosshook", metadata.version("crosshook"), process.process.name),),
        weights=tuple(v.weight for v in plan),
        weight_groups=weight_groups(process, plan),
        header={"crosshook": f"\n{_plain_json(config.document)}\n"},
    )


def _plain_json(document: object) -> str:
    """JSON without the characters that mean something in XML."""
    text = json.dumps(document, indent=1)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def assemble(
    config: RunConfig,
    process: ScatteringProcess,
    generated: Generated,
    info: RunInfo,
    cross_section: float,
    histograms: tuple[HistogramSpec, ...],
    paths: list[tuple[Path, Slot]],
    registry: Registry,
    *,
    common: float,
) -> Assembled:
    """Writes the events of a generation to all files at once, block by block.

    Args:
        config: the run.
        process: its process.
        generated: the blocks.
        info: the init block; maxima are filled in here.
        cross_section: σ in pb, the mean weight of the events.
        histograms: to fill.
        paths: files to write, with the event_format component of each.
        registry: knows the formats.
        common: weight before scaling, times its bias, of an event that is no overweight.

    Returns:
        Figures of what was written.
    """
    mean = _mean_weight(generated, info)
    if not mean > 0:
        message = f"the events' mean weight is {mean}; nothing can be scaled to {cross_section} pb"
        raise NumericalError(message)
    scale = cross_section / mean
    bias = Bias(config.bias, process)
    total = squares = excess = 0.0
    overweights = 0
    largest = dict.fromkeys((p.process_id for p in info.processes), 0.0)
    varied = np.zeros(len(info.weights))
    filled = [np.zeros((2, h.bins + 2)) for h in histograms]
    writers: list[EventWriter] = []
    with ExitStack() as stack:  # on any error, an interrupt included, no file is left behind
        for path, slot in paths:
            chosen = cast("EventFormat", registry.build("event_format", slot, BuildContext()))
            writers.append(stack.enter_context(chosen.write(path, info)))
        for batch in _batches(generated, info):
            scaled = batch.with_weights(scale)
            weight = np.asarray(scaled.event["weight"], np.float64)
            for writer in writers:
                writer.write(scaled)
            if not len(scaled):
                continue
            total += float(weight.sum())
            squares += float((weight**2).sum())
            final = _final_state(scaled)
            usual = common * scale / bias.of_momenta(final).cpu().numpy()
            over = np.abs(weight) > usual * (1 + ROUNDING)
            overweights += int(over.sum())
            excess += float((np.abs(weight[over]) - usual[over]).sum())
            varied += scaled.weights.sum(axis=0)
            for number in largest:
                own = weight[scaled.event["process_id"] == number]
                largest[number] = max(largest[number], float(np.max(np.abs(own), initial=0.0)))
            for spec, sums in zip(histograms, filled, strict=True):
                _fill(spec, sums, final, weight, process)
        complete = replace(
            info,
            processes=tuple(replace(p, maximum=largest[p.process_id]) for p in info.processes),
        )
        for writer in writers:
            writer.close(complete)
    n = generated.events
    return Assembled(
        n,
        overweights,
        excess / total,
        total**2 / (n * squares),
        varied / n,
        tuple(
            events_histogram(h, s, total, squares, n)
            for h, s in zip(histograms, filled, strict=True)
        ),
        tuple(path for path, _ in paths),
    )


def _batches(generated: Generated, info: RunInfo) -> Iterator[EventBatch]:
    missing = generated.events
    for block in generated.blocks:
        batch = load_part(Path(block.path), info)[:missing]
        missing -= len(batch)
        yield batch


def _mean_weight(generated: Generated, info: RunInfo) -> float:
    weights = (batch.event["weight"].sum() for batch in _batches(generated, info))
    return float(sum(weights)) / generated.events


def _final_state(batch: EventBatch) -> Tensor:
    """Momenta of the final state, `(n, j, 4)` in GeV; every event has the same legs."""
    rows = int(batch.counts[0])
    status = np.asarray(batch.particle_columns["status"])[:rows]
    (group,) = batch.to_torch()
    return group.momenta[:, torch.from_numpy(status == OUTGOING)]


def _fill(
    spec: HistogramSpec,
    sums: NDArray[np.float64],
    final: Tensor,
    weight: NDArray[np.float64],
    process: ScatteringProcess,
) -> None:
    """Adds Σ w and Σ w² of a batch."""
    index = bin_numbers(expression(spec, process)(final), spec).numpy()
    np.add.at(sums[0], index, weight)
    np.add.at(sums[1], index, weight**2)


def events_histogram(
    spec: HistogramSpec, sums: NDArray[np.float64], total: float, squares: float, n: int
) -> Histogram:
    """The histogram of n events with Σ w = `total` and Σ w² = `squares`.

    The weights are scaled to a given sum, so that a bin is σ times a ratio p of two sums:
    Σ w² (1_bin - p)² / n² is its variance. For equal weights that is the multinomial p(1 - p)/n.
    """
    share = sums[0] / total
    return finished(spec, sums[0] / n, ((1 - 2 * share) * sums[1] + share**2 * squares) / n**2)


def output_files(formats: tuple[str | Slot, ...], registry: Registry) -> list[tuple[str, Slot]]:
    """The endings of the event files of a run with their event_format components.

    Args:
        formats: as in the run file: endings (`lhe.gz`) or slots (`{use: root, options: ...}`).
        registry: knows the formats.

    Raises:
        ConfigurationError: if no format writes an ending, or two files would have one name.
    """
    found: list[tuple[str, Slot]] = []
    context = BuildContext()
    known: dict[str, str] = {}
    usable = [r.component for r in registry.components("event_format") if not r.reason]
    read_only = {c.name for c in usable if c.capabilities.read_only}
    for component in usable:
        if (name := component.name) not in read_only:
            made = cast("EventFormat", registry.build("event_format", name, context))
            known |= {e.removeprefix("."): name for e in made.extensions}
    for chosen in formats:
        if isinstance(chosen, Slot) and chosen.use not in read_only:
            made = cast("EventFormat", registry.build("event_format", chosen, context))
            found.append((made.extensions[0].removeprefix("."), chosen))
        elif isinstance(chosen, str) and chosen.removeprefix(".") in known:
            ending = chosen.removeprefix(".")
            found.append((ending, Slot(known[ending])))
        else:
            wanted = chosen.use if isinstance(chosen, Slot) else chosen
            message = (
                f"output.formats: no event format writes {wanted!r}; "
                f"known: {', '.join(sorted(known))}"
            )
            raise ConfigurationError(message)
    endings = [ending for ending, _ in found]
    twice = [ending for ending in endings if endings.count(ending) > 1]
    if twice:
        message = f"output.formats: two files would be named events.{twice[0]}"
        raise ConfigurationError(message)
    return found
