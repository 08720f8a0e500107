"""Assembly: blocks of events put together to files, scaled so that their mean weight is σ."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from crosshook.core.assemble_block import Assembly, BlockTally, composed_part, scaled_events
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.events.parts import WeightFigures, part_figures
from crosshook.core.events.run_info import ProcessInfo, RunInfo
from crosshook.core.execute import in_order
from crosshook.core.histograms import Histogram, finished
from crosshook.core.interfaces.executor import Task
from crosshook.core.process.variations import plan_variations, weight_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.config import HistogramSpec, RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.generate import Generated
    from crosshook.core.interfaces.event_format import ComposingWriter, EventFormat, EventWriter
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.build import SamplerSpec
    from crosshook.core.sampling.sums import Sums

STAGE = "write"
BLOCK_FUNCTION = "crosshook.core.assemble_block:assemble_block"


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
    spec: SamplerSpec,
    executor: Executor,
    progress: Progress,
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
        spec: of the run.
        executor: runs the blocks.
        progress: told after every block.
        generated: the blocks of events.
        info: the init block; maxima are filled in here, so that a file's head is written once.
        cross_section: σ in pb, the mean weight of the events.
        histograms: to fill.
        paths: files to write, with the event_format component of each.
        registry: knows the formats.
        common: weight before scaling, times its bias, of an event that is no overweight.

    Returns:
        Figures of what was written.
    """
    taken = _taken(generated, [p.process_id for p in info.processes])
    mean = sum(t.figures.total for t in taken) / generated.events
    if not mean > 0:
        message = f"the events' mean weight is {mean}; nothing can be scaled to {cross_section} pb"
        raise NumericalError(message)
    scale = cross_section / mean
    largest = scale * np.max([t.figures.largest for t in taken], axis=0)
    maxima = zip(info.processes, largest.tolist(), strict=True)
    info = replace(info, processes=tuple(replace(p, maximum=m) for p, m in maxima))
    composing = {
        r.component.name
        for r in registry.components("event_format")
        if r.component.capabilities.composes
    }
    composed = {path: path.name.partition(".")[2] for path, s in paths if _bare(s) in composing}
    files = tuple((composed[path], slot) for path, slot in paths if path in composed)
    assembly = Assembly(info, scale, common * scale, histograms, files)
    tasks = [
        Task(
            number,
            BLOCK_FUNCTION,
            {
                "spec": spec,
                "assembly": assembly,
                "part": str(t.part),
                "events": t.events,
                "first": t.first,
            },
        )
        for number, t in enumerate(taken)
    ]
    tallies: list[BlockTally] = []
    with ExitStack() as stack:  # on any error, an interrupt included, no file is left behind
        writers: dict[Path, EventWriter] = {}
        for path, slot in paths:
            chosen = cast("EventFormat", registry.build("event_format", slot, BuildContext()))
            writers[path] = stack.enter_context(chosen.write(path, info))
        for task, result in in_order(executor, tasks):
            assert isinstance(result, BlockTally)
            tallies.append(result)
            part, n = taken[task.number].part, taken[task.number].events
            for path, writer in writers.items():
                if path in composed:
                    piece = composed_part(part, composed[path])
                    cast("ComposingWriter", writer).append(piece, n)
                    piece.unlink()
            if len(composed) < len(paths):
                batch = scaled_events(part, n, assembly)
                for path in writers.keys() - composed.keys():
                    writers[path].write(batch)
            progress.update(STAGE, taken[task.number].first + n, generated.events)
        for writer in writers.values():
            writer.close(info)
    n, total = generated.events, sum(t.weight for t in tallies)
    squares = sum(t.squares for t in tallies)
    return Assembled(
        n,
        sum(t.overweights for t in tallies),
        sum(t.excess for t in tallies) / total,
        total**2 / (n * squares),
        np.sum([t.varied for t in tallies], axis=0) / n,
        tuple(
            events_histogram(
                h, np.sum([t.histograms[i] for t in tallies], axis=0), total, squares, n
            )
            for i, h in enumerate(histograms)
        ),
        tuple(path for path, _ in paths),
    )


def _bare(slot: Slot) -> str:
    return slot.use.rpartition("/")[2]


class _Taken(NamedTuple):
    """What the files get of a block: its first events, of which `first` is the number of one."""

    part: Path
    events: int
    first: int
    figures: WeightFigures


def _taken(generated: Generated, processes: list[int]) -> list[_Taken]:
    found, first = [], 0
    for block in generated.blocks:
        part, wanted = Path(block.path), min(block.kept, generated.events - first)
        whole = wanted == block.kept
        figures = block.figures if whole else part_figures(part, wanted, processes)
        found.append(_Taken(part, wanted, first, figures))
        first += wanted
    return found


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
